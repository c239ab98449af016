"""Name the 20 indicators, divide A by B, and weigh the shares into one score.

Source: GB/T 36344-2018, codes, names and X = A / B; ISO/IEC 25012 characteristics after
the mapping normativity → compliance, timeliness → currentness, accessibility →
accessibility and availability, repetition → consistency, which the standards leave
open. Neither sets weights: a dimension is the mean of its scored indicators, the total
the weighted mean of the scored dimensions, as in practice. Two bad shares, 0303 and
0305, enter as 1 − A/B (DB31/T 1523-2024).

0201 = 9/10 and 0202 = 1/2, nothing else, any weights -> completeness 0.7, total 0.7.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.quality import DIMENSIONS, TOTAL, WHOLE, Indicator


class Definition(NamedTuple):
    """One indicator as the standard names it."""

    code: str
    dimension: str
    name: str
    name_zh: str
    iso25012: str
    lower: bool = False  # the share of bad elements: lower is better


INDICATORS = tuple(
    Definition(*row)
    for row in (
        ("0101", "normativity", "data standard", "数据标准", "compliance"),
        ("0102", "normativity", "data model", "数据模型", "compliance"),
        ("0103", "normativity", "metadata", "元数据", "compliance"),
        ("0104", "normativity", "business rule", "业务规则", "compliance"),
        ("0105", "normativity", "reference data", "权威参考数据", "compliance"),
        ("0106", "normativity", "security", "安全规范", "compliance"),
        ("0201", "completeness", "element", "数据元素完整性", "completeness"),
        ("0202", "completeness", "record", "数据记录完整性", "completeness"),
        ("0301", "accuracy", "content", "数据内容正确性", "accuracy"),
        ("0302", "accuracy", "format", "数据格式合规性", "accuracy"),
        ("0303", "accuracy", "repetition", "数据重复率", "consistency", True),
        ("0304", "accuracy", "uniqueness", "数据唯一性", "consistency"),
        ("0305", "accuracy", "dirty data", "脏数据出现率", "accuracy", True),
        ("0401", "consistency", "same data", "相同数据一致性", "consistency"),
        ("0402", "consistency", "related data", "关联数据一致性", "consistency"),
        ("0501", "timeliness", "over a period", "基于时间段的正确性", "currentness"),
        ("0502", "timeliness", "on time", "基于时间点的及时性", "currentness"),
        ("0503", "timeliness", "order in time", "时序性", "currentness"),
        ("0601", "accessibility", "accessible", "可访问", "accessibility"),
        ("0602", "accessibility", "available", "可用性", "availability"),
    )
)
LOWER = frozenset(d.code for d in INDICATORS if d.lower)


class Feed(NamedTuple):
    """What one check or count gives to an indicator: A of B elements."""

    code: str
    a: int
    b: int
    what: str  # what was looked at, in words; never a value
    frame: str


def indicators(feeds: Iterable[Feed], factor: str, as_of: date) -> pl.DataFrame:
    """Add up what feeds each indicator. Contract Indicator, 20 rows in code order.

    An indicator that nothing feeds has A = B = 0 and no value: it is not invented.
    """
    fed: dict[str, list[Feed]] = {}
    for feed in feeds:
        fed.setdefault(feed.code, []).append(feed)
    return frame_of(
        Indicator, [_row(d, fed.get(d.code, []), factor, as_of) for d in INDICATORS]
    )


def _row(
    d: Definition, fed: list[Feed], factor: str, as_of: date
) -> tuple[object, ...]:
    a, b = sum(f.a for f in fed), sum(f.b for f in fed)
    direction = "lower" if d.lower else "higher"
    value = ppm(Fraction(a, b)) if b else None
    named = (d.code, d.dimension, d.name, d.name_zh)
    return (factor, as_of, *named, a, b, direction, value, d.iso25012, _said(fed))


def _said(fed: list[Feed]) -> str:
    """Say what fed an indicator: ``keys of airlines, flights; repeats of flights``."""
    frames: dict[str, dict[str, None]] = {}
    for feed in fed:
        if feed.b:
            frames.setdefault(feed.what, {})[feed.frame] = None
    return "; ".join(f"{what} of {', '.join(of)}" for what, of in frames.items())


def ppm(share: Fraction) -> int:
    """Round a share to whole millionths, half up. 2/3 -> 666,667."""
    return int((2 * WHOLE * share + 1) // 2)


def scores(
    quality: pl.DataFrame, weights: Mapping[str, int]
) -> dict[str, Fraction | None]:
    """Score each dimension and the total, exactly; null where nothing was evaluated.

    Args:
        quality: Indicators of one resource on one day.
        weights: By dimension; 1 where none is given.
    """
    parts: dict[str, list[Fraction]] = {d: [] for d in DIMENSIONS}
    for row in quality.filter(pl.col("b") > 0).iter_rows(named=True):
        share = Fraction(row["a"], row["b"])
        lower = row["direction"] == "lower"
        parts[row["dimension"]].append(1 - share if lower else share)
    found = {d: sum(p, Fraction()) / len(p) if p else None for d, p in parts.items()}
    scored = {d: s for d, s in found.items() if s is not None}
    weight = sum(weights.get(d, 1) for d in scored)
    total = sum((weights.get(d, 1) * s for d, s in scored.items()), Fraction())
    return {**found, TOTAL: total / weight if weight else None}
