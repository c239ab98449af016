"""Spread a cost over its life, straight line, to carrying amount 0 (CAS 6 art. 17)."""

from datetime import date
from itertools import accumulate

import polars as pl

from schemas.asset import Amortization
from schemas.contract import frame_of
from tasks.finance import months_later


def amortize(cost: int, life_months: int, available_from: date | None) -> pl.DataFrame:
    """Plan the charges from the month in which the asset is ready.

    Args:
        cost: Book value in fen; residual 0.
        life_months: Useful life.
        available_from: Nothing is planned for what is not ready.

    Returns:
        Contract Amortization. Each month bears the whole fen of an equal part, rounded
        down so that no charge turns negative; the last month takes the rest.

    185,000.00 over 60 months from 2026-11-12 -> 3,083.33 from 2026-11, last 3,083.53
    (ACC-06).
    """
    if available_from is None:
        return frame_of(Amortization, [])
    start = available_from.replace(day=1)
    equal = cost // life_months
    charges = [equal] * (life_months - 1) + [cost - equal * (life_months - 1)]
    rows = [
        (i + 1, f"{months_later(start, i):%Y-%m}", charge, total, cost - total)
        for i, (charge, total) in enumerate(
            zip(charges, accumulate(charges), strict=True)
        )
    ]
    return frame_of(Amortization, rows)
