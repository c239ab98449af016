"""Measure how a lender's loans are spread over industries, against its limits."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.portfolio import Concentrated, ConcentrationRules, Held
from schemas.quality import WHOLE
from tasks.capital.coverage import ppm, ratio_ppm
from tasks.finance import ratio

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def concentration(
    held: Annotated[pl.LazyFrame, Held], rules: ConcentrationRules, as_of: date
) -> Concentrated:
    """Share what is owed out over industries, largest first, and hold it to the limits.

    Args:
        held: Every pledge of the lender.
        rules: The lender's limits.
        as_of: The day the pledges are held on.

    Owed 60, 30 and 10 in three industries -> shares 0.6, 0.3 and 0.1, HHI 0.46.
    """
    owed = pl.col("outstanding_fen")
    grouped = held.group_by("industry").agg(
        pledges=pl.len().cast(pl.Int64),
        outstanding_fen=owed.cast(pl.Int128).sum().cast(pl.Int64),
    )
    shares = grouped.with_columns(share_ppm=ratio_ppm(owed, owed.sum()))
    industries = shares.sort("outstanding_fen", "industry", descending=[True, False])
    found = industries.collect()
    named = dict(found.select("industry", "outstanding_fen").iter_rows())
    rows = [(*gate, as_of) for gate in limits(named, rules)]
    return Concentrated(
        gates=frame_of(Gates, rows).lazy(),
        industries=found.lazy(),
    )


def limits(owed: Mapping[str, int], rules: ConcentrationRules) -> list[Answer]:
    """Compare the largest share and the HHI = Σ share² with the limits, exactly.

    Args:
        owed: Fen by industry, largest first.
        rules: The lender's limits; a share of exactly the limit is within it.
    """
    total, (largest, most) = sum(owed.values()), next(iter(owed.items()), ("none", 0))
    squares = sum(amount**2 for amount in owed.values())
    share, spread = ratio(most, total) or "undefined", hhi(owed.values())
    return [
        (
            "industry_share",
            most * WHOLE <= ppm(rules.max_industry_share) * total,
            f"{largest} owes {share} of all, at most {rules.max_industry_share}",
            f"{rules.policy}/max_industry_share",
        ),
        (
            "industry_hhi",
            squares * WHOLE <= ppm(rules.max_hhi) * total**2,
            f"HHI {spread or 'undefined'} over {len(owed)}, at most {rules.max_hhi}",
            f"{rules.policy}/max_hhi",
        ),
    ]


def hhi(owed: Collection[int]) -> str:
    """Sum the squares of the shares, six places; empty where nothing is owed.

    60, 30 and 10 -> 0.36 + 0.09 + 0.01 = 0.460000.
    """
    return ratio(sum(amount**2 for amount in owed), sum(owed) ** 2)
