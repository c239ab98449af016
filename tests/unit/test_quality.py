"""The 20 indicators and the score, by the formulas of the standard, counted by hand.

The case: 10 lines of trips. 1 does not split, 2 lack the required id, 1 has a distance
that is no number, 1 a distance of 0, 2 an unknown carrier, 2 repeat a key, and 1 leaves
after it arrives: as 3 of these lines break two rules, 4 lines come out. 1 of 4 trips
has no carrier in the list it is joined with.
"""

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.quality import (
    DIMENSIONS,
    TOTAL,
    Assessment,
    CheckCounts,
    Indicator,
    Score,
)
from schemas.resource import ResourceTerms
from tasks.contract import compile_contract
from tasks.resource.assess import assess
from tasks.resource.indicators import INDICATORS, Feed, indicators, ppm, scores

DAY = date(2024, 5, 2)
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "string", "required": True, "description": "Trip"},
    {
        "name": "distance",
        "logicalType": "integer",
        "unit": "km",
        "logicalTypeOptions": {"minimum": 1},
    },
    {
        "name": "carrier",
        "logicalType": "string",
        "classification": "public",
        "quality": [{"metric": "invalidValues", "validValues": ["UA", "AA"]}],
    },
    {"name": "left_at", "logicalType": "timestamp"},
    {"name": "arrived_at", "logicalType": "timestamp"},
]
IN_ORDER = {
    "metric": "invalidValues",
    "type": "sql",
    "expression": "left_at <= arrived_at",
}
TRIPS = {
    "name": "trips",
    "path": "trips.csv",
    "licence": "CC0",
    "columns": COLUMNS,
    "key": ["id"],
    "quality": [IN_ORDER],
}
RULES = {
    "*:ragged line": 1,
    "*:unreadable line": 0,
    "id:required": 2,
    "distance:parse": 1,
    "distance:0:at least 1": 1,
    "carrier:0:one of the valid values": 2,
    "left_at:parse": 0,
    "arrived_at:parse": 0,
    "*:0:left_at <= arrived_at": 1,
    "unique:id": 2,
}
ROWS = 10


def terms(**changed: Any) -> ResourceTerms:
    stated: dict[str, Any] = {
        "factor": "trips",
        "columns": [{k: v for k, v in c.items() if k != "quality"} for c in COLUMNS],
        "sources": [TRIPS],
        "consolidate": "SELECT * FROM trips",
    }
    return ResourceTerms.model_validate(stated | changed)


def rule(name: str, failed: int, frame: str = "trips", rows: int = ROWS) -> Any:
    return ("trips", "clean", frame, "rule", name, rows, failed, 0, 0, 0, 0)


def rows(
    frame: str,
    came: int,
    out: int,
    rejected: int,
    dropped: int = 0,
    task: str = "clean",
) -> Any:
    return ("trips", task, frame, "rows", "", 0, 0, came, out, rejected, dropped)


def files(frame: str, examined: int, gone: int) -> Any:
    return ("trips", "collect", frame, "bytes", "", examined, gone, 0, 0, 0, 0)


COUNTS = [
    *(rule(name, failed) for name, failed in RULES.items()),
    rows("trips", ROWS, 4, 6),
    rows("resource", 4, 4, 0, task="transform"),
    rows("joins", 1, 1, 0, task="transform"),
    files("trips", 3, 1),
    files("resource", 1, 0),
]
JOIN = {
    "step": 1,
    "part": "",
    "join": "LEFT JOIN carriers c ON c.id = t.carrier",
    "left_rows": 4,
    "left_unmatched": 1,
    "rows_out": 4,
    "dropped": 0,
    "multiplied": 0,
}
MOMENT = datetime(2024, 5, 1, 12)  # noqa: DTZ001 - naive on purpose: local time
RESOURCE = pl.LazyFrame(
    {
        "id": ["a", "b", "c", "d"],
        "distance": [1, 2, 3, None],
        "carrier": ["UA", "UA", "AA", None],
        "left_at": [MOMENT] * 4,
        "arrived_at": [MOMENT] * 4,
    }
)


def made(
    counts: list[Any] = COUNTS,
    given: ResourceTerms | None = None,
    history: list[Any] | None = None,
    joins: list[dict[str, Any]] | None = None,
    resource: pl.LazyFrame = RESOURCE,
    as_of: date = DAY,
) -> Assessment:
    frames = {
        "resource": resource,
        "joins": pl.LazyFrame([JOIN] if joins is None else joins),
    }
    before = frame_of(Indicator, history or []).lazy()
    counted = frame_of(CheckCounts, counts).lazy()
    return assess(frames, counted, before, given or terms(), as_of)


def parts(assessment: Assessment) -> dict[str, tuple[int, int]]:
    """A and B of every indicator that something feeds."""
    fed = assessment.quality.collect().filter(pl.col("b") > 0)
    return {r["code"]: (r["a"], r["b"]) for r in fed.iter_rows(named=True)}


def score(assessment: Assessment, dimension: str = TOTAL) -> Any:
    row = assessment.score.collect().row(
        by_predicate=pl.col("dimension") == dimension, named=True
    )
    return row["score_ppm"]


def test_the_codes_are_the_twenty_of_the_standard_in_six_dimensions() -> None:
    per_dimension = {"01": 6, "02": 2, "03": 5, "04": 2, "05": 3, "06": 2}

    codes = [
        f"{d}{n:02d}" for d, many in per_dimension.items() for n in range(1, many + 1)
    ]

    assert [d.code for d in INDICATORS] == codes
    assert [*dict.fromkeys(d.dimension for d in INDICATORS)] == [*DIMENSIONS]
    assert {d.code for d in INDICATORS if d.lower} == {"0303", "0305"}


def test_every_frame_keeps_its_contract() -> None:
    assessment = made()

    for name, annotation in Assessment.__annotations__.items():
        contract = annotation.__metadata__[0]
        contract.to_schema().validate(getattr(assessment, name).collect())


def test_each_indicator_counts_its_own_elements() -> None:
    assert parts(made()) == {
        "0101": (5, 5),  # columns as declared
        "0102": (19, 20),  # 10 lines asked twice, 1 does not split
        "0103": (2, 5),  # id has a description, distance a unit
        "0105": (8, 10),
        "0106": (1, 5),  # carrier alone was decided
        "0201": (8, 10),
        "0202": (8, 14),  # 4 of 10 lines, 4 of 4 rows
        "0302": (38, 40),  # three columns parsed, one limit
        "0303": (2, 10),
        "0304": (8, 10),
        "0305": (6, 14),
        "0402": (3, 4),
        "0503": (9, 10),
        "0601": (2, 3),
        "0602": (1, 1),
    }


def test_what_nothing_feeds_is_null_and_neither_0_nor_1() -> None:
    quality = made().quality.collect()

    nothing = quality.filter(pl.col("b") == 0)
    assert set(nothing["code"]) == {"0104", "0301", "0401", "0501", "0502"}
    assert set(nothing["a"]) == {0}
    assert nothing["value_ppm"].null_count() == 5
    assert quality["value_ppm"].null_count() == 5


def test_a_bad_share_is_kept_as_it_is_and_says_that_lower_is_better() -> None:
    quality = made().quality.collect()

    repeated = quality.row(by_predicate=pl.col("code") == "0303", named=True)
    assert (repeated["value_ppm"], repeated["direction"]) == (200_000, "lower")
    lower = quality.filter(direction="lower")["code"]
    assert lower.to_list() == ["0303", "0305"]


def test_a_dimension_is_the_mean_of_its_scored_indicators() -> None:
    assessment = made()

    # completeness (8/10 + 8/14) / 2 = 24/35; accuracy (38/40 + (1 − 2/10) + 8/10 +
    # (1 − 6/14)) / 4 = (0.95 + 0.8 + 0.8 + 4/7) / 4; consistency 3/4; timeliness 9/10;
    # accessibility (2/3 + 1) / 2 = 5/6; normativity (1 + 0.95 + 0.4 + 0.8 + 0.2) / 5
    assert score(assessment, "completeness") == 685_714
    assert score(assessment, "accuracy") == 780_357
    assert score(assessment, "consistency") == 750_000
    assert score(assessment, "timeliness") == 900_000
    assert score(assessment, "accessibility") == 833_333
    assert score(assessment, "normativity") == 670_000


def test_the_total_is_the_mean_of_the_dimensions_or_weighted_as_stated() -> None:
    dimensions = {
        "normativity": Fraction(67, 100),
        "completeness": Fraction(24, 35),
        "accuracy": (Fraction(255, 100) + Fraction(4, 7)) / 4,
        "consistency": Fraction(3, 4),
        "timeliness": Fraction(9, 10),
        "accessibility": Fraction(5, 6),
    }
    mean = sum(dimensions.values()) / 6
    weighted = (sum(dimensions.values()) + 2 * dimensions["completeness"]) / 8

    assert score(made()) == round(mean * 1_000_000)
    given = terms(weights={"completeness": 3})
    assert score(made(given=given)) == round(weighted * 1_000_000)


def test_a_dimension_that_weighs_nothing_or_has_no_indicator_is_left_out() -> None:
    only = [
        Feed("0201", 9, 10, "x", "y"),
        Feed("0202", 1, 2, "x", "y"),
        Feed("0601", 1, 4, "x", "y"),
    ]

    found = scores(indicators(only, "f", DAY), {"accessibility": 0})

    assert found["completeness"] == found[TOTAL] == Fraction(7, 10)
    assert found["accessibility"] == Fraction(1, 4)
    assert found["timeliness"] is None


def test_nothing_scored_gives_no_score() -> None:
    assert scores(indicators([], "f", DAY), {})[TOTAL] is None
    nothing = scores(
        indicators([Feed("0201", 1, 1, "x", "y")], "f", DAY), {"completeness": 0}
    )
    assert nothing[TOTAL] is None


@pytest.mark.parametrize(
    ("share", "millionths"),
    [
        (Fraction(2, 3), 666_667),
        (Fraction(1, 3), 333_333),
        (Fraction(1, 2_000_000), 1),  # half up
        (Fraction(1, 2_000_001), 0),
        (Fraction(999_999_999, 10**9), 1_000_000),
    ],
)
def test_a_share_is_rounded_half_up_to_millionths(
    share: Fraction, millionths: int
) -> None:
    assert ppm(share) == millionths


def test_a_rule_feeds_the_indicator_that_it_names() -> None:
    named = {**IN_ORDER, "indicator": "0501", "name": "in order"}
    counts = [rule("*:0:in order", 3)]

    found = parts(
        made(counts, terms(sources=[{**TRIPS, "quality": [named]}]), joins=[])
    )

    assert found["0501"] == (7, 10)
    assert "0503" not in found


def test_a_rule_that_names_a_bad_share_gives_its_bad_elements() -> None:
    named = {**IN_ORDER, "indicator": "0305", "name": "in order"}
    counts = [rule("*:0:in order", 3)]

    found = parts(
        made(counts, terms(sources=[{**TRIPS, "quality": [named]}]), joins=[])
    )

    assert found["0305"] == (3, 10)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("left_at <= arrived_at", "0503"),
        ("(arrived_at > left_at)", "0503"),
        ("left_at = arrived_at", "0104"),
        ("distance <= 100", "0104"),
        ("distance <= distance", "0104"),
        ("left_at <= arrived_at AND distance > 0", "0104"),
    ],
)
def test_an_expression_is_a_business_rule_unless_it_orders_two_times(
    expression: str, code: str
) -> None:
    written = {**IN_ORDER, "expression": expression, "name": "x"}
    given = terms(sources=[{**TRIPS, "quality": [written]}])

    found = parts(made([rule("*:0:x", 1)], given, joins=[]))

    assert found[code] == (9, 10)
    assert not {"0104", "0503"} - {code} & found.keys()


def test_repeats_that_were_dropped_count_as_repeats_and_not_as_missing() -> None:
    given = terms(sources=[{**TRIPS, "drop_repeats": True}])
    keyed = [rule("unique:id", 2), rows("trips", 10, 5, 2, dropped=3)]
    bare = [rows("trips", 10, 7, 0, dropped=3)]
    # The pass also tells of each drop as of a rule: not counted a second time.
    keyed += [rule("*:superseded, last by left_at stands", 3)]
    bare += [rule("*:repeated row", 3)]

    with_key, without = parts(made(keyed, given)), parts(made(bare, given))

    assert (with_key["0303"], with_key["0304"]) == ((5, 10), (5, 10))
    assert (without["0303"], without["0304"]) == ((3, 10), (7, 10))
    assert (with_key["0202"], without["0202"]) == ((5, 7), (7, 7))
    assert not {"0302"} & (with_key.keys() | without.keys())


def test_a_column_of_another_type_than_declared_misses_the_standard() -> None:
    other = RESOURCE.with_columns(pl.col("distance").cast(pl.Float64)).drop("id")

    assert parts(made(resource=other))["0101"] == (3, 5)


def test_frames_of_no_source_feed_nothing() -> None:
    counts = [rule("join:required", 5, frame="joins"), rows("joins", 9, 1, 8)]

    assert parts(made(counts, joins=[])).keys() == {"0101", "0103", "0106"}


def test_without_any_count_the_gate_is_shut() -> None:
    gates = made([]).gates.collect()

    assert gates.row(0, named=True)["gate"] == "checked"
    assert gates["passed"].to_list() == [False]
    assert made().gates.collect()["passed"].to_list() == [True]


def indicator(day: date, code: str, a: int, b: int) -> Any:
    d = next(d for d in INDICATORS if d.code == code)
    direction = "lower" if d.lower else "higher"
    value = ppm(Fraction(a, b)) if b else None
    named = (code, d.dimension, d.name, d.name_zh)
    return ("trips", day, *named, a, b, direction, value, d.iso25012, "")


def test_the_score_stands_beside_the_last_one_of_an_earlier_day() -> None:
    history = [
        indicator(date(2024, 4, 1), "0201", 1, 10),
        indicator(date(2024, 4, 30), "0201", 9, 10),
        indicator(date(2024, 4, 30), "0303", 1, 10),
        indicator(DAY, "0201", 5, 10),  # the same day is no earlier one
        indicator(date(2024, 5, 3), "0201", 6, 10),
    ]
    given = terms(weights={"completeness": 3}, quality_step="0.02")

    frame = made(given=given, history=history).score.collect()

    assert set(frame["before_on"]) == {date(2024, 4, 30)}
    before = dict(frame.select("dimension", "before_ppm").iter_rows())
    assert before["completeness"] == 900_000
    assert before["accuracy"] == 900_000  # 1 − 1/10
    assert before["timeliness"] is None
    assert before[TOTAL] == 900_000
    assert set(frame["step_ppm"]) == {20_000}


def test_a_fall_is_held_against_the_last_good_day_not_against_itself() -> None:
    """0.94, then 0.86 twice: the third day may not be content with the second."""
    history = [
        indicator(date(2024, 4, 28), "0201", 94, 100),
        indicator(date(2024, 4, 29), "0201", 86, 100),
        indicator(date(2024, 4, 30), "0201", 86, 100),
    ]

    frame = made(history=history).score.collect().filter(dimension=TOTAL)

    assert frame["before_on"].item() == date(2024, 4, 28)
    assert frame["before_ppm"].item() == 940_000
    recovered = [*history, indicator(date(2024, 5, 1), "0201", 90, 100)]
    again = made(history=recovered).score.collect().filter(dimension=TOTAL)
    assert again["before_on"].item() == date(2024, 5, 1)


def test_the_first_assessment_stands_alone() -> None:
    frame = made().score.collect()

    assert frame["before_on"].null_count() == frame["before_ppm"].null_count() == 7
    assert frame["dimension"].to_list() == [*DIMENSIONS, TOTAL]
    total = frame.filter(dimension=TOTAL)
    assert total.select("weight", "scored").row(0) == (6, 15)


def test_the_old_score_is_computed_by_todays_weights() -> None:
    history = [
        indicator(date(2024, 4, 30), "0201", 1, 1),
        indicator(date(2024, 4, 30), "0402", 0, 1),
    ]

    equal = made(history=history).score.collect().filter(dimension=TOTAL)
    heavy = made(
        given=terms(weights={"completeness": 3}), history=history
    ).score.collect()

    assert equal["before_ppm"].item() == 500_000
    assert heavy.filter(dimension=TOTAL)["before_ppm"].item() == 750_000


def test_a_share_above_one_breaks_the_contract() -> None:
    row = indicator(DAY, "0201", 2, 1)
    bad = compile_contract(Indicator.to_schema()).bad["*:0:a_is_part_of_b"]

    frame = frame_of(Indicator, [(*row[:9], 1_000_000, *row[10:])])

    assert frame.select(bad).item() is True
    assert Score.to_schema().unique == ["factor", "as_of", "dimension"]
