"""Say which assets ask for an impairment test, and why; nothing is posted by it.

CAS 8 art. 4 asks at each reporting day for signs of impairment, and art. 5 names them:
what was measured of the resource in the first stage is evidence from inside (art. 5
(5)-(7)). What has an indefinite life, or is not available for use yet, is tested every
year whether there is a sign or not (art. 4). An indication stands until a person has
decided a test (register AssetEvent); the figures of a test are never taken from it.

A score of 0.924981 after 0.980000 that may fall by 0.050000 -> a test is asked for.
"""

from datetime import date, timedelta
from typing import Annotated

import polars as pl

from schemas.measurement import Indication
from schemas.quality import TOTAL, WHOLE, Score
from schemas.registers import LEAVING, AssetCard, AssetEvent
from tasks.finance import months_later

KEY = ["entity", "asset"]
COLUMNS = list(Indication.to_schema().columns)
YEAR_END = 12


def indicators(
    cards: Annotated[pl.DataFrame, AssetCard],
    scores: Annotated[pl.DataFrame, Score],
    decisions: Annotated[pl.DataFrame, AssetEvent],
    month: date,
) -> Annotated[pl.DataFrame, Indication]:
    """List the open indications of a month, many assets at once.

    Args:
        cards: All numbers of each asset; the last one effective by the month's end
            stands. Assets that are not recognised, or have left the books, ask nothing.
        scores: Every published assessment of the factors; later ones are left out.
        decisions: A test on the day of an indication, or later, closes it.
        month: First day of the month.

    Returns:
        Key entity, asset, indicator, evidence; ``ground`` in words.
    """
    until = months_later(month, 1) - timedelta(days=1)
    known = decisions.filter(pl.col("decided_on") <= until)
    left = known.filter(pl.col("event").is_in(LEAVING)).select(KEY)
    current = cards.filter(pl.col("effective_on") <= until).sort("number")
    held = (
        current.group_by(KEY)
        .last()
        .filter(pl.col("kind") != "not recognised")
        .join(left, on=KEY, how="anti")
    )
    tests = known.filter(pl.col("event").is_in(["impair", "provision"]))
    tested = tests.group_by(KEY).agg(tested_on=pl.col("decided_on").max())
    asked = held.join(tested, on=KEY, how="left")
    return pl.concat([fallen(asked, scores, until), yearly(asked, until)]).sort(COLUMNS)


def fallen(asked: pl.DataFrame, scores: pl.DataFrame, until: date) -> pl.DataFrame:
    """Find the assets whose resource's quality fell by more than its step.

    A resource of which nothing is scored any more has fallen to nothing. A rise later
    does not undo it: the test that was asked for still says what the fall cost.
    """
    now, before, step = (pl.col(n) for n in ("score_ppm", "before_ppm", "step_ppm"))
    falls = scores.filter(
        pl.col("as_of") <= until,
        before - now.fill_null(0) > step,
        dimension=TOTAL,
    )
    return (
        asked.join(falls, on="factor")
        .filter(pl.col("tested_on").is_null() | (pl.col("tested_on") < pl.col("as_of")))
        .select(
            *KEY,
            indicator=pl.lit("quality"),
            ground=pl.format(
                "quality score {} after {} on {}; it may fall by {} (CAS 8 art. 5)",
                pl.when(now.is_null()).then(pl.lit("of nothing")).otherwise(share(now)),
                *(share(before), pl.col("before_on").cast(pl.String), share(step)),
            ),
            evidence=pl.format(
                "assessment of {} on {}", "factor", pl.col("as_of").cast(pl.String)
            ),
        )
    )


def yearly(asked: pl.DataFrame, until: date) -> pl.DataFrame:
    """Find, in December, what must be tested each year and was not in this one."""
    endless = pl.col("life_months").is_null() & pl.col("right_ends").is_null()
    by_units = pl.col("method") == "units_of_use"
    waiting = pl.col("available_from").is_null() | (pl.col("available_from") > until)
    due = asked.filter(
        pl.lit(until.month == YEAR_END),
        pl.col("kind").is_in(["intangible", "development expenditure"]),
        pl.col("tested_on").is_null() | (pl.col("tested_on") < date(until.year, 1, 1)),
    ).with_columns(
        indicator=pl.when(waiting)
        .then(pl.lit("not available"))
        .when(endless & ~by_units)
        .then(pl.lit("indefinite life"))
    )
    return due.filter(pl.col("indicator").is_not_null()).select(
        *KEY,
        "indicator",
        ground=pl.when(waiting)
        .then(pl.lit("not available for use yet: tested every year (CAS 8 art. 4)"))
        .otherwise(pl.lit("indefinite life: tested every year (CAS 8 art. 4)")),
        evidence=pl.format("asset card {} {}", "asset", "number"),
    )


def share(ppm: pl.Expr) -> pl.Expr:
    """Write millionths as a share. 924,981 -> '0.924981'."""
    part = (ppm % WHOLE).cast(pl.String).str.zfill(6)
    return pl.format("{}.{}", ppm // WHOLE, part)
