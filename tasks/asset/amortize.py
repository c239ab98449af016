"""Spread a cost over its life, straight line, to carrying amount 0 (CAS 6 art. 17)."""

from datetime import date

import polars as pl

from schemas.asset import Amortization
from schemas.contract import frame_of
from tasks.finance import months_later


def amortize(cost: int, life_months: int, available_from: date) -> pl.DataFrame:
    """Plan the charges, from the month in which the asset is ready. Contract: Amortization.

    Each month takes the whole fen of an equal part, the last month takes the rest.
    185,000.00 over 60 months from 2026-11-12 -> 3,083.33 from 2026-11, last 3,083.53
    (ACC-06).
    """
    equal = cost // life_months
    charges = [equal] * (life_months - 1) + [cost - equal * (life_months - 1)]
    start = available_from.replace(day=1)
    periods = [f"{months_later(start, i):%Y-%m}" for i in range(life_months)]
    frame = pl.DataFrame(
        {
            "month": range(1, life_months + 1),
            "period": periods,
            "charge_fen": charges,
        },
        schema_overrides={"month": pl.Int64, "charge_fen": pl.Int64},
    )
    accumulated = pl.col("charge_fen").cum_sum()
    return frame.with_columns(
        accumulated_fen=accumulated, carrying_fen=pl.lit(cost) - accumulated
    )


def no_schedule() -> pl.DataFrame:
    """Return an empty schedule: nothing to amortise yet."""
    return frame_of(Amortization, [])
