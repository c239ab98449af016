"""Assess a resource on a day: gates, 20 indicators, score, balance table.

It reads what the runs that made the resource have counted, and looks at the resource
itself only for its columns and its newest row. Source: GB/T 36344-2018; see
``indicators`` for the formulas and ``feeds`` for what counts as an element.

1,000 lines, 10 of them without a required value -> 0201 = 990 / 1,000.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.quality import (
    DIMENSIONS,
    TOTAL,
    WHOLE,
    Assessment,
    CheckCounts,
    Indicator,
    Score,
)
from schemas.resource import ResourceTerms
from tasks.resource.balance import balance, steps_of_sql
from tasks.resource.feeds import (
    Counts,
    declared_by,
    fed_by_bytes,
    fed_by_columns,
    fed_by_joins,
    fed_by_rows,
    fed_by_rules,
)
from tasks.resource.freshness import Age, ages, fed_by_age
from tasks.resource.indicators import indicators, ppm, scores


def assess(
    resource: Mapping[str, pl.LazyFrame],
    counts: Annotated[pl.LazyFrame, CheckCounts],
    history: Annotated[pl.LazyFrame, Indicator],
    terms: ResourceTerms,
    as_of: date,
) -> Assessment:
    """Measure the quality of a resource, and compare it with the assessment before.

    Args:
        resource: The frames of ``transform``: ``resource``, ``joins`` and ``steps``.
        counts: Checks and balances of the runs that made it.
        history: Indicators of earlier assessments, the newest of each day.
        terms: The document's resource with its sources.
        as_of: The day the assessment speaks of.

    Returns:
        Gates first: whether anything was checked, and each freshness rule of severity
        error. Then 20 indicators, the score by dimension and in total, the steps.

    Raises:
        FactorError: A freshness rule cannot be judged.
    """
    rows = counts.sort(pl.all()).collect().to_dicts()
    sql = steps_of_sql(resource)
    judged = ages(resource["resource"], terms, as_of)
    feeds = [
        *fed_by_columns(resource["resource"].collect_schema(), terms),
        *fed_by_rules(rows, terms),
        *fed_by_rows(rows, terms),
        *fed_by_joins(sql),
        *fed_by_age(judged),
        *fed_by_bytes(rows),
    ]
    quality = indicators(feeds, terms.factor, as_of)
    return Assessment(
        gates=gates(rows, judged, terms, as_of).lazy(),
        quality=quality.lazy(),
        score=score(quality, history.collect(), terms, as_of).lazy(),
        balance=balance(rows, sql, terms).lazy(),
    )


def gates(
    counts: Counts, judged: list[Age], terms: ResourceTerms, as_of: date
) -> pl.DataFrame:
    """Ask whether anything was checked, and whether the resource is fresh enough."""
    own = [r for r in counts if declared_by(r["frame"], terms)]
    rules = sum(r["kind"] == "rule" for r in own)
    frames = {r["frame"] for r in own if r["kind"] == "rows"}
    said = f"{rules} rules were asked of {len(frames)} frames"
    answers = [("checked", bool(frames), said, "the counts of the runs that made it")]
    answers += [
        (age.name, age.fresh, age.ground, f"column {age.column} of the resource")
        for age in judged
        if age.decides
    ]
    return frame_of(Gates, [(*answer, as_of) for answer in answers])


def score(
    quality: pl.DataFrame, history: pl.DataFrame, terms: ResourceTerms, as_of: date
) -> pl.DataFrame:
    """Score now and before, by today's weights. Contract Score."""
    weights = {str(d): w for d, w in terms.weights.items()}
    step = int(terms.quality_step * WHOLE)
    last = held(history.filter(pl.col("as_of") < as_of), weights, step)
    now, before = scores(quality, weights), scores(last, weights)
    on = None if last.is_empty() else last["as_of"][0]
    scored = Counter(quality.filter(pl.col("b") > 0)["dimension"])
    weight = {d: weights.get(d, 1) for d in DIMENSIONS}
    weight[TOTAL] = sum(weight[d] for d in scored)
    scored[TOTAL] = scored.total()
    known = (terms.factor, as_of)
    rows = [
        (*known, d, weight[d], scored[d], _ppm(now[d]), on, _ppm(before[d]), step)
        for d in weight
    ]
    return frame_of(Score, rows)


def held(earlier: pl.DataFrame, weights: Mapping[str, int], step: int) -> pl.DataFrame:
    """Find the last assessment that had not itself fallen beyond the step.

    Else the next day would compare a fall with itself, and be content. 0.94, 0.86, 0.86
    at a step of 0.05 -> both later days are held against 0.94.
    """
    kept, level = earlier.clear(), 0
    for day in earlier["as_of"].unique().sort():
        found = earlier.filter(pl.col("as_of") == day)
        total = _ppm(scores(found, weights)[TOTAL]) or 0
        if kept.is_empty() or total >= level - step:
            kept, level = found, total
    return kept


def _ppm(share: Fraction | None) -> int | None:
    return None if share is None else ppm(share)
