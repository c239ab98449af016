"""Plan the repayment of a loan, month by month."""

import polars as pl

from schemas.capital import CapitalTerms, Repayment
from schemas.contract import frame_of
from schemas.money import exact_fen
from tasks.finance import equal_instalments, equal_principal, months_later

METHODS = {
    "equal_principal": equal_principal,
    "equal_instalments": equal_instalments,
}


def repay(terms: CapitalTerms) -> pl.DataFrame:
    """Plan every instalment; due days step whole months from the drawdown.

    A month without the day ends on its last: drawn down on 2026-01-31, due on
    2026-02-28 and 2026-03-31. Contract: Repayment (LOAN-03, LOAN-04).
    """
    principal = exact_fen(terms.principal)
    plan = METHODS[terms.method](principal, terms.annual_rate, terms.months)
    rows = [
        (
            month,
            months_later(terms.drawdown, month),
            part,
            interest,
            part + interest,
            left,
        )
        for month, part, interest, left in plan
    ]
    return frame_of(Repayment, rows)
