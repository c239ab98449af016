"""Put every pledge under every scenario, in one pass of bounded memory.

Pledges are taken block by block; a block meets all scenarios at once and is added up
per scenario before the next one comes. So 100,000 pledges × 100 scenarios are 10
million states, of which never more than half a million stand in memory.

A pledge of 10,000.00 on 16,000.00 of value, a fifth down -> 12,800.00, LTV 0.78125: a
margin call for 10,000.00 − 0.60 × 12,800.00 = 2,320.00 on the ladder of COL-03.
"""

from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.portfolio import CoverageRules, Held, Shock, Stressed
from schemas.quality import WHOLE
from tasks.capital.coverage import (
    DEFAULT,
    MARGIN_CALL,
    OWED,
    WARNING,
    ppm,
    recorded_rank,
    repayment_asked,
    share_of,
    state_rank,
)

CELLS = 500_000  # pledges × scenarios at once: some 50 MB


def stress(
    held: Annotated[pl.LazyFrame, Held],
    shocks: Annotated[pl.LazyFrame, Shock],
    rules: CoverageRules,
) -> Annotated[pl.LazyFrame, Stressed]:
    """Add up, scenario by scenario, what the values moved so would bring about.

    Args:
        held: Every pledge; states go on from those recorded.
        shocks: What each scenario does to the value in each industry.
        rules: The ladder.

    Returns:
        Scenarios by name; values are rounded down to fen.

    Raises:
        ContractError: A scenario does not say what happens in all other industries.
    """
    pledges = held.select(
        "industry", "outstanding_fen", "value_fen", before=recorded_rank()
    ).collect()
    listed = shocks.collect()
    moved, scenarios = shocks_by_industry(pledges, listed), listed["scenario"].unique()
    block = max(1, CELLS // max(1, scenarios.len()))
    parts = [added(part, moved, rules) for part in pledges.iter_slices(block)]
    none = frame_of(Stressed, [(s, *[0] * 10) for s in scenarios])
    sums = (
        pl.concat([none, *parts])
        .group_by("scenario")
        .agg(total(pl.exclude("scenario")))
    )
    return sums.sort("scenario").lazy()


def added(
    pledges: pl.DataFrame, moved: pl.DataFrame, rules: CoverageRules
) -> pl.DataFrame:
    """Add up one block of pledges under all scenarios. Contract: Stressed."""
    value, worth, state = pl.col("value_fen"), pl.col("worth"), pl.col("state")
    asked = repayment_asked(OWED, worth, ppm(rules.advance_ltv))
    states = {"warning": WARNING, "margin_call": MARGIN_CALL, "default": DEFAULT}
    shocked = share_of(value, WHOLE + pl.col("change_ppm"))
    return (
        pledges.lazy()
        .join(moved.lazy(), on="industry")
        .with_columns(value_fen=shocked)
        .with_columns(
            worth=value.fill_null(0),
            state=state_rank(OWED, value, pl.col("before"), rules),
        )
        .group_by("scenario")
        .agg(
            pledges=pl.len().cast(pl.Int64),
            unknown=value.null_count().cast(pl.Int64),
            outstanding_fen=total(OWED),
            value_fen=total(worth),
            **{name: (state == at).sum().cast(pl.Int64) for name, at in states.items()},
            repay_fen=total(pl.when(state == MARGIN_CALL).then(asked)),
            defaulted_fen=total(pl.when(state == DEFAULT).then(OWED)),
            shortfall_fen=total((OWED - worth).clip(0)),
        )
        .collect()
    )


def shocks_by_industry(pledges: pl.DataFrame, shocks: pl.DataFrame) -> pl.DataFrame:
    """Write out each scenario for each industry: its own row, else the general one.

    Raises:
        ContractError: A scenario has no general row, so pledges would drop out.
    """
    general, own = shocks.filter(industry=""), ["scenario", "industry"]
    bare = shocks["scenario"].n_unique() - general.height
    if bare:
        raise ContractError(
            f"{bare} scenarios lack a row for all other industries (industry empty):"
            " add it, with 0 where values stay"
        )
    every = general.select("scenario", other="change_ppm")
    met = pledges.select(pl.col("industry").unique()).join(every, how="cross")
    named = met.join(shocks, on=own, how="left")
    return named.select(*own, change_ppm=pl.coalesce("change_ppm", "other"))


def total(amounts: pl.Expr) -> pl.Expr:
    """Add up fen; a sum beyond 64 bits is an error, not another number."""
    return amounts.cast(pl.Int128).sum().cast(pl.Int64)
