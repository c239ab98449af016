"""Plan the repayment of a loan, row by row, and say what is owed of it."""

from datetime import date
from typing import Annotated, NamedTuple

import polars as pl

from schemas.capital import CapitalTerms, Repayment
from schemas.contract import frame_of
from schemas.loan import LoanTerms, LprRate
from schemas.money import exact_fen
from schemas.registers import LoanFact
from tasks.capital.loan.book import Market, follow
from tasks.capital.loan.keep import facts_of, refuse_other_terms
from tasks.capital.loan.rates import Step, Steps, floating, next_unfixed, rate_steps
from tasks.capital.loan.schedule import plan

UNDRAWN = frame_of(LoanFact, []).lazy()


class Owed(NamedTuple):
    """What is left of the principal, in fen, and by what that is known."""

    fen: int
    by: str


def repay(terms: CapitalTerms, as_of: date) -> pl.DataFrame:
    """Plan every row, all tranches together; due days step from the drawdown.

    A month without the day ends on its last: drawn down on 2026-01-31, due on
    2026-02-28 and 2026-03-31. A floating rate is that of the last reset by the day.
    Contract: Repayment (LOAN-03, LOAN-04).

    Raises:
        ContractError: The LPR of a reset is missing.
    """
    loans = [(loan, known_steps(loan, terms, as_of)) for loan in terms.loans()]
    rows = []
    for same in zip(*(plan(*loan) for loan in loans), strict=True):
        principal = sum(row.principal for row in same)
        interest = sum(row.interest for row in same)
        left = sum(row.balance for row in same)
        open_from = next_unfixed(*loans[0]) or date.max
        due = (same[0].number, same[0].due_on)
        amounts = principal, interest, principal + interest, left
        rows.append((*due, *amounts, open_from < same[0].due_on))
    return frame_of(Repayment, rows)


def known_steps(loan: LoanTerms, terms: CapitalTerms, as_of: date) -> Steps:
    """List the rates known by a day; before the drawdown the LPR of the day stands in.

    Raises:
        ContractError: The LPR of a reset is missing.
    """
    lpr, days = terms.lpr.fixings, terms.calendar
    if isinstance(loan.rate, LprRate) and as_of < loan.drawdown:
        return (Step(loan.drawdown, floating(loan.rate, lpr, days, as_of)),)
    return rate_steps(loan, lpr, days, as_of)


def owed(
    terms: CapitalTerms,
    facts: Annotated[pl.DataFrame, LoanFact],
    repayment: Annotated[pl.DataFrame, Repayment],
    as_of: date,
) -> Owed:
    """Say what is left of the principal on a day: by its facts, else by its schedule.

    5,000,000.00 drawn, 1,000,000.00 repaid -> 4,000,000.00 by facts, whatever was due.

    Raises:
        RegisterError: The document changed the terms of a loan that was drawn.
        ContractError: The LPR of a reset is missing.
    """
    market, left = Market(terms.lpr.fixings, terms.calendar), []
    for part in terms.kept():
        refuse_other_terms(facts, part)
        book = follow(part.terms, facts_of(facts, part), market, as_of)
        left += [book.outstanding] if book else []
    if left:
        return Owed(sum(left), "facts")
    due = repayment.filter(pl.col("due_on") <= as_of)
    whole = exact_fen(terms.principal)
    return Owed(whole - int(due["principal_fen"].sum()), "schedule")
