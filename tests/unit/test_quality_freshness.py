"""How old a resource is on a day: the set rule, the frequency, the gate."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from schemas.errors import FactorError
from schemas.resource import ResourceTerms
from tasks.resource.freshness import ages, later
from tests.unit.test_quality import COUNTS, made, parts

DAY = date(2024, 5, 2)
AT = {"name": "at", "logicalType": "timestamp", "required": True}
ON = {"name": "on", "logicalType": "date", "required": True}


def fresh(**changed: Any) -> dict[str, Any]:
    return {
        "metric": "freshness",
        "column": "at",
        "unit": "hours",
        "mustBeLessOrEqualTo": 24,
    } | changed


def terms(
    *rules: dict[str, Any], frequency: str = "none", **more: Any
) -> ResourceTerms:
    source = {
        "name": "s",
        "path": "s.csv",
        "licence": "CC0",
        "columns": [AT, ON],
        "update_frequency": frequency,
    }
    stated = {"columns": [AT, ON], "quality": rules, "sources": [source], "key": ["at"]}
    return ResourceTerms.model_validate({"factor": "s"} | stated | more)


def moments(*written: str) -> pl.LazyFrame:
    at = [datetime.fromisoformat(text) for text in written]
    frame = pl.LazyFrame({"at": at}, schema={"at": pl.Datetime("us")})
    return frame.with_columns(on=pl.col("at").dt.date())


def judged(frame: pl.LazyFrame, given: ResourceTerms) -> list[bool]:
    return [age.fresh for age in ages(frame, given, DAY)]


@pytest.mark.parametrize(
    ("newest", "rule", "kept"),
    [
        # as of 2024-05-02 00:00
        ("2024-05-01 12:00", {"mustBeLessOrEqualTo": 12}, True),
        ("2024-05-01 11:59", {"mustBeLessOrEqualTo": 12}, False),
        ("2024-05-01 12:00", {"mustBeLessThan": 12}, False),
        ("2024-05-01 12:01", {"mustBeLessThan": 12}, True),
        ("2024-05-02 23:59", {"mustBeLessOrEqualTo": 0}, True),  # later that day: 0
        ("2024-04-30 00:00", {"mustBeLessOrEqualTo": 2, "unit": "days"}, True),
        ("2024-04-29 23:59", {"mustBeLessOrEqualTo": 2, "unit": "days"}, False),
        ("2024-05-01 12:00", {"mustBeBetween": [12, 24]}, True),
        ("2024-05-01 12:30", {"mustBeBetween": [12, 24]}, False),
        ("2024-05-02 12:30", {"mustBeBetween": [0, 24]}, True),
    ],
)
def test_the_age_counts_to_the_first_hour_of_the_day(
    newest: str, rule: dict[str, Any], kept: bool
) -> None:
    bounds = {"mustBeLessOrEqualTo": None} if "mustBeLessOrEqualTo" not in rule else {}

    given = terms(fresh(**bounds, **rule))

    assert judged(moments("2020-01-01 00:00", newest), given) == [kept]


@pytest.mark.parametrize(("day", "kept"), [("2024-05-01", True), ("2024-04-30", False)])
def test_a_date_is_the_first_hour_of_its_day(day: str, kept: bool) -> None:
    assert judged(moments(f"{day} 23:00"), terms(fresh(column="on"))) == [kept]


def test_a_misprint_of_the_future_keeps_nothing_fresh() -> None:
    stale = moments("2024-04-01 00:00", "2024-05-03 00:00", "2099-12-31 00:00")

    assert judged(stale, terms(fresh())) == [False]
    assert judged(moments("2099-12-31 00:00"), terms(fresh())) == [False]
    assert judged(moments(), terms(fresh())) == [False]


@pytest.mark.parametrize(
    ("newest", "frequency", "kept"),
    [
        ("2024-05-01 00:00", "P1D", True),
        ("2024-04-30 23:59", "P1D", False),
        ("2024-04-02 00:00", "P1M", True),
        ("2024-04-01 23:00", "P1M", False),
        ("2024-04-25 00:00", "P1W", True),
        ("2024-05-01 18:00", "PT6H", True),
        ("2024-05-01 17:59", "PT6H", False),
        ("2023-05-02 00:00", "P1Y", True),
    ],
)
def test_what_is_renewed_by_partitions_in_time_is_held_to_its_frequency(
    newest: str, frequency: str, kept: bool
) -> None:
    given = terms(frequency=frequency, partition={"column": "at", "by": "day"})

    assert judged(moments(newest), given) == [kept]


def test_of_two_sources_the_one_renewed_most_often_counts() -> None:
    given = terms(frequency="P1D", partition={"column": "at", "by": "day"})
    yearly = given.sources[0].model_copy(
        update={"name": "t", "update_frequency": "P1Y"}
    )
    both = given.model_copy(update={"sources": (yearly, *given.sources)})

    assert judged(moments("2024-04-30 00:00"), both) == [False]


def test_where_no_column_of_time_is_named_nothing_is_guessed() -> None:
    assert judged(moments("2024-04-30 00:00"), terms(frequency="P1D")) == []
    assert judged(moments("2024-04-30 00:00"), terms()) == []


def test_a_rule_names_the_column_for_the_frequency_too() -> None:
    given = terms(fresh(mustBeLessOrEqualTo=1), frequency="P1W")

    assert judged(moments("2024-04-30 00:00"), given) == [False, True]


def test_a_duration_steps_calendar_months() -> None:
    january = datetime.fromisoformat("2024-01-31 12:00")

    assert later(january, "P1M") == datetime.fromisoformat("2024-02-29 12:00")
    assert later(january, "P1Y2M3DT4H") == datetime.fromisoformat("2025-04-03 16:00")
    with pytest.raises(FactorError, match="P1D"):
        later(january, "P")


def test_a_rule_on_what_is_no_moment_is_refused() -> None:
    frame = moments("2024-05-01 00:00").with_columns(pl.col("at").cast(pl.String))

    with pytest.raises(FactorError, match="'at'"):
        ages(frame, terms(fresh()), DAY)


def test_too_old_a_resource_goes_no_further_and_a_warning_is_counted() -> None:
    old = moments("2024-04-01 00:00")
    warned = terms(fresh(), fresh(column="on", unit="days", severity="warning"))

    assessment = made(COUNTS, warned, joins=[], resource=old)

    gates = assessment.gates.collect()
    assert dict(gates.select("gate", "passed").iter_rows()) == {
        "checked": True,
        "freshness_at": False,
    }
    stale = gates.row(by_predicate=pl.col("gate") == "freshness_at", named=True)
    assert stale["ground"] == (
        "the newest at is 31 days old on 2024-05-02; asked: freshness at most 24 hours"
    )
    assert stale["evidence"] == "column at of the resource"
    assert parts(assessment)["0502"] == (0, 2)


def test_two_rules_on_a_column_are_two_gates() -> None:
    given = terms(fresh(), fresh(mustBeLessOrEqualTo=48))

    gates = made([], given, joins=[], resource=moments("2024-04-30 12:00")).gates

    told = dict(gates.collect().select("gate", "passed").iter_rows())
    assert told == {"checked": False, "freshness_at": False, "freshness_at_2": True}


def test_a_rule_of_freshness_may_name_another_indicator() -> None:
    given = terms(fresh(indicator="0501", mustBeLessOrEqualTo=48))

    found = parts(made([], given, joins=[], resource=moments("2024-05-01 00:00")))

    assert (found.get("0501"), found.get("0502")) == ((1, 1), None)
