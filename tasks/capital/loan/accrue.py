"""Accrue interest day by day, over many loans at once, and agree with the schedule.

What has accrued by a day is rounded half up to the fen once, from the start of the row;
what accrues between two days is the difference of two such amounts. So days split in
any way add up to the whole, and a whole row is the interest of the schedule. From its
due day a row's principal bears interest no more: unpaid, it bears the penalty.

5,000,000.00 at 3.6 %, ACT/360, from 2025-06-20: by 2025-06-30 5,000.00, by 2025-07-31
20,500.00, so July bears 15,500.00.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.loan import RATE_UNIT, Accrual, LoanTerms, Stretch
from tasks.capital.loan.daycount import day_numbers, year_days
from tasks.capital.loan.rates import Step, Steps, next_unfixed, pieces
from tasks.capital.loan.schedule import Planned


def stretches(
    rows: Sequence[Planned], terms: LoanTerms, steps: Steps
) -> Annotated[pl.DataFrame, Stretch]:
    """Cut a plan into days of one balance and one rate."""
    reset = next_unfixed(terms, steps) or date.max
    cuts = [*steps, Step(reset, steps[-1].units)]  # the rate projected beyond it
    cells = [
        (
            *(terms.loan, row.number, a, b, row.balance + row.principal),
            *(units, terms.basis, terms.anchor, a < reset),
        )
        for row in rows
        for a, b, units in pieces(cuts, row.from_on, row.due_on)
    ]
    return frame_of(Stretch, cells)


def accrued(
    borne: Annotated[pl.DataFrame, Stretch], upto: date
) -> Annotated[pl.DataFrame, Accrual]:
    """Sum up the interest of each loan from its start; the day itself not yet counted.

    Each (loan, number) is rounded once. Loans keep their order.

    Raises:
        ContractError: Days are asked for whose rate is not fixed yet.
    """
    refuse_projected(borne, upto)
    end = pl.min_horizontal("to_on", pl.lit(upto, pl.Date))
    counted = basis, _ = pl.col("basis"), pl.col("anchor")
    days = day_numbers(end, *counted) - day_numbers(pl.col("from_on"), *counted)
    # fen × rate × days does not fit 64 bits from 100 million yuan on
    size = pl.col("amount_fen").cast(pl.Int128) * pl.col("rate_units")
    whole = (year_days(basis) * RATE_UNIT).first()
    weighed = (size * days.clip(lower_bound=0)).sum()
    by_row = borne.group_by("loan", "number", maintain_order=True).agg(
        interest_fen=((2 * weighed + whole) // (2 * whole)).cast(pl.Int64)
    )
    return by_row.group_by("loan", maintain_order=True).agg(
        pl.col("interest_fen").sum()
    )


def refuse_projected(borne: pl.DataFrame, upto: date) -> None:
    """Refuse to accrue on rates that are only projected.

    Raises:
        ContractError: As said, with how many loans.
    """
    beyond = borne.filter(~pl.col("rate_fixed"), pl.col("from_on") < upto)
    if beyond.height:
        raise ContractError(
            f"{beyond['loan'].n_unique()} loans have no rate for a reset before {upto}:"
            " add the LPR to the table and fix the rates up to that day"
        )
