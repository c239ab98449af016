"""Write down a loan as it was agreed, tranche by tranche."""

from typing import Annotated

import polars as pl

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.money import exact_fen
from schemas.registers import Loan
from tasks.capital.loan.rates import maturity


def agree(terms: CapitalTerms) -> Annotated[pl.DataFrame, Loan]:
    """Write one row a tranche; it may be drawn from the agreed day of drawdown on.

    5,000,000.00 of one lender -> one row, tranche 1.
    """
    named = (terms.entity, terms.factor, terms.asset, terms.version, terms.kind)
    borrower = terms.borrower
    owes = borrower.name, borrower.credit_code, borrower.industry
    rows = [
        (
            *(terms.agreement, part.tranche, *named, part.lender, *owes),
            *(exact_fen(part.amount), terms.drawdown, maturity(loan)),
        )
        for part, loan in zip(terms.parts, terms.loans(), strict=True)
    ]
    return frame_of(Loan, rows)
