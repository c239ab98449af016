"""A sign of impairment asks for a test, until a person has decided one (CAS 8)."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.measurement import Indication
from schemas.quality import Score
from schemas.registers import AssetCard, AssetEvent
from tasks.asset.indicate import indicators
from tasks.quality import quality_holds
from tests.measured import card, decided

JUNE, DECEMBER = date(2026, 6, 1), date(2026, 12, 1)
NO_SCORES = frame_of(Score, [])


def score(now: int | None, on: date = date(2026, 6, 10), **changed: Any) -> Any:
    """A total score after 0.980000 that may fall by 0.05."""
    row = {
        "factor": "index",
        "as_of": on,
        "dimension": "total",
        "weight": 6,
        "scored": 14,
        "score_ppm": now,
        "before_on": date(2026, 5, 10),
        "before_ppm": 980_000,
        "step_ppm": 50_000,
    }
    return tuple((row | changed).values())


def asked(
    scores: list[Any],
    decisions: list[Any] | None = None,
    month: date = JUNE,
    **changed: Any,
) -> pl.DataFrame:
    """What is asked of one asset."""
    cards = frame_of(AssetCard, [card("a", **changed), card("b", factor="other")])
    events = frame_of(AssetEvent, decisions or [])
    return indicators(cards, frame_of(Score, scores), events, month)


def test_a_fall_beyond_the_step_asks_for_a_test_of_the_factors_asset() -> None:
    found = asked([score(924_981)])

    Indication.to_schema().validate(found)
    assert found.drop("entity").rows() == [
        (
            *("a", "quality"),
            "quality score 0.924981 after 0.980000 on 2026-05-10; it may fall by"
            " 0.050000 (CAS 8 art. 5)",
            "assessment of index on 2026-06-10",
        )
    ]


@pytest.mark.parametrize("now", [None, 0, 929_999, 930_000, 999_999, 1_000_000])
def test_a_test_is_asked_for_exactly_where_the_quality_gate_shuts(
    now: int | None,
) -> None:
    row = score(now)

    _, holds, _, _ = quality_holds(frame_of(Score, [row]))

    assert asked([row]).height == (0 if holds else 1)


@pytest.mark.parametrize(
    "row",
    [
        score(924_981, before_ppm=None, before_on=None),
        score(924_981, dimension="accuracy"),
        score(924_981, date(2026, 7, 1)),
    ],
    ids=["first assessment", "one dimension", "later month"],
)
def test_what_is_no_fall_of_the_whole_by_the_month_asks_nothing(row: Any) -> None:
    assert asked([row]).is_empty()


@pytest.mark.parametrize(
    ("event", "day", "open_"),
    [
        ("impair", date(2026, 6, 9), True),
        ("impair", date(2026, 6, 10), False),
        ("provision", date(2026, 6, 30), False),
        ("impair", date(2026, 7, 1), True),
        ("expire", date(2026, 6, 1), False),
    ],
)
def test_an_indication_stands_until_a_test_is_decided_or_the_asset_is_gone(
    event: str, day: date, open_: bool
) -> None:
    found = asked([score(924_981)], [decided("a", event, day)])

    assert found.height == int(open_)


def test_a_fall_that_was_not_tested_is_asked_for_in_the_months_that_follow() -> None:
    scores = [score(924_981), score(970_000, date(2026, 7, 10), before_ppm=924_981)]

    assert asked(scores, month=date(2026, 8, 1)).height == 1
    assert asked(scores, month=date(2026, 5, 1)).is_empty()


def test_what_is_not_recognised_asks_nothing() -> None:
    assert asked([score(924_981)], kind="not recognised").is_empty()
    assert asked([score(924_981)], kind="inventory").height == 1


@pytest.mark.parametrize(
    ("changed", "indicator"),
    [
        ({}, None),
        ({"life_months": None}, "indefinite life"),
        ({"life_months": None, "right_ends": date(2030, 1, 1)}, None),
        ({"life_months": None, "method": "units_of_use", "units": 9}, None),
        ({"available_from": None}, "not available"),
        ({"available_from": date(2027, 1, 1)}, "not available"),
        (
            *({"available_from": None, "kind": "development expenditure"},),
            "not available",
        ),
        ({"available_from": None, "kind": "inventory"}, None),
    ],
)
def test_what_has_no_end_or_no_start_is_tested_each_december(
    changed: dict[str, Any], indicator: str | None
) -> None:
    tested = [decided("a", "impair", date(2026, 1, 1))]
    last_year = [decided("a", "impair", date(2025, 12, 31))]

    found = asked([], last_year, DECEMBER, **changed)

    assert found["indicator"].to_list() == ([indicator] if indicator else [])
    assert asked([], tested, DECEMBER, **changed).is_empty()
    assert asked([], last_year, date(2026, 11, 1), **changed).is_empty()


def test_no_assets_ask_nothing_and_keep_the_contract() -> None:
    none = indicators(
        frame_of(AssetCard, []), NO_SCORES, frame_of(AssetEvent, []), DECEMBER
    )

    assert none.schema == frame_of(Indication, []).schema
