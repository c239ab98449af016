"""Plan the repayment of a loan, row by row."""

import polars as pl

from schemas.capital import CapitalTerms, Repayment
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.loan import FixedRate, LoanTerms, rate_units
from tasks.capital.loan.rates import Step
from tasks.capital.loan.schedule import Planned, plan


def repay(terms: CapitalTerms) -> pl.DataFrame:
    """Plan every row, all tranches together; due days step from the drawdown.

    A month without the day ends on its last: drawn down on 2026-01-31, due on
    2026-02-28 and 2026-03-31. Contract: Repayment (LOAN-03, LOAN-04).

    Raises:
        FactorError: The rate floats: what falls due is not known before its resets.
    """
    plans = [planned(loan) for loan in terms.loans()]
    rows = []
    for same in zip(*plans, strict=True):
        principal = sum(row.principal for row in same)
        interest = sum(row.interest for row in same)
        left = sum(row.balance for row in same)
        due = (same[0].number, same[0].due_on)
        rows.append((*due, principal, interest, principal + interest, left))
    return frame_of(Repayment, rows)


def planned(loan: LoanTerms) -> list[Planned]:
    """Plan one loan at its fixed rate."""
    if not isinstance(loan.rate, FixedRate):
        raise FactorError(
            f"capital: {loan.loan} bears the LPR, and no published value is at hand;"
            " write a fixed rate"
        )
    return plan(loan, (Step(loan.drawdown, rate_units(loan.rate.annual_rate)),))
