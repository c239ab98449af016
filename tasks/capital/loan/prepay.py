"""Repay before it is due 提前还款, in part or in full, and plan the rest again.

A prepayment is a row of its own: the row that is running ends on its day, with the
interest of those days on the whole balance, and what is repaid. The rest is planned
from that day to the due days that were agreed: with the term kept 期限不变 the
instalment falls, with the instalment kept 月供不变 there are fewer rows, the last one
smaller. Of bullet and interest only nothing but the balance changes. What is in arrears
is settled first: this plans, it does not allocate.

LOAN-04, 1,000,000.00 more on 2025-09-20, three instalments paid: 2,766,798.91 is left;
to be repaid in the 9 months left at 312,051.85, or at 424,836.29 in 7.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from schemas.errors import RegisterError
from schemas.loan import Keep, LoanTerms
from schemas.money import shown
from tasks.capital.loan.rates import Step, Steps, rate_on, refuse_unfixed, weight
from tasks.capital.loan.schedule import Planned, Span, interest_of, repaid


class Prepayment(NamedTuple):
    """Principal repaid early, in fen, and what of the plan stays."""

    on: date
    amount: int
    keep: Keep = "term"


def prepay(
    rows: Sequence[Planned], prepayment: Prepayment, terms: LoanTerms, steps: Steps
) -> list[Planned]:
    """Put a prepayment into a plan; the principal still sums to that of the loan.

    Args:
        rows: The plan until now.
        prepayment: The whole balance repays in full: no row follows.
        terms: Method and basis.
        steps: Rates, as fixed by now.

    Raises:
        RegisterError: No row runs on the day, another prepayment lies after it, or the
            amount is not between 0 and the balance.
        ContractError: A reset before the day has no rate.
    """
    on, amount, keep = prepayment
    refuse_unfixed(terms, steps, on)
    running = row_on(rows, on)
    owed = running.balance + running.principal
    if not 0 < amount <= owed:
        raise RegisterError(
            f"loan {terms.loan}: on {on} between 0.01 and {shown(owed)} CNY can be"
            " repaid early; correct the amount"
        )
    at, left = running.number, owed - amount
    days = weight(steps, running.from_on, on, terms)
    interest = interest_of(owed, days, terms)
    settled = Planned(at, running.from_on, on, amount, interest, left, True)
    kept = [*rows[: at - 1], settled]
    if not left:
        return kept
    ahead = [(on, running.due_on), *((r.from_on, r.due_on) for r in rows[at:])]
    level = None if keep == "term" else agreed(running, terms)
    if level is not None:
        ahead = ahead[: rows_needed(left, ahead, terms, steps, level)]
    return [*kept, *repaid(left, ahead, terms, steps, at + 1, level)]


def row_on(rows: Sequence[Planned], on: date) -> Planned:
    """Find the row that runs on a day; on a due day it is the next one.

    Raises:
        RegisterError: The loan does not run, or was repaid early on a later day.
    """
    planned_from = max((r.due_on for r in rows if r.early), default=date.min)
    for row in rows:
        if row.from_on <= on < row.due_on and on >= planned_from:
            return row
    raise RegisterError(
        f"a loan of {rows[0].from_on} to {rows[-1].due_on} cannot be repaid early on"
        f" {on}, nor before an earlier prepayment; correct the day"
    )


def agreed(running: Planned, terms: LoanTerms) -> int:
    """Tell what stays equal by the plan until now, from the row that is running."""
    if terms.method == "equal_instalments":
        return running.principal + running.interest
    return running.principal if terms.method == "equal_principal" else 0


def rows_needed(
    balance: int, ahead: Sequence[Span], terms: LoanTerms, steps: Steps, level: int
) -> int:
    """Count the rows in which a level repays the balance at the rate of the day."""
    flat = [Step(ahead[0][0], rate_on(steps, ahead[0][0]))]
    rows = repaid(balance, ahead, terms, flat, level=level)
    return next(k for k, row in enumerate(rows, 1) if row.balance == 0)
