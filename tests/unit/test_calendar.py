"""Which days a schedule fires on, where clocks are changed; by the zones' own rules."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.calendar import fire_dates, fires, odd_dates, scheduled_date

START = date(2026, 1, 1)


@pytest.mark.parametrize("cron", ["0 0 * * *", "30 2 * * *", "30 1 * * *"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_clocks_that_jump_by_night_skip_and_double_no_day(zone: str, cron: str) -> None:
    """02:30 does not exist on 2026-03-29 in Berlin, and 01:30 is twice in New York."""
    assert odd_dates(cron, zone, START) == []


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        # The first Sunday after 2 September begins at 01:00.
        ("America/Santiago", ["2026-09-05", "2026-09-06", "2027-09-04", "2027-09-05"]),
        # The last Friday of April begins at 01:00.
        ("Africa/Cairo", ["2026-04-23", "2026-04-24", "2027-04-29", "2027-04-30"]),
        # The last Sunday of March begins at 01:00.
        ("Asia/Beirut", ["2026-03-28", "2026-03-29", "2027-03-27", "2027-03-28"]),
    ],
)
def test_where_clocks_jump_at_midnight_a_day_is_skipped_and_the_one_before_doubled(
    zone: str, days: list[str]
) -> None:
    assert [str(day) for day in odd_dates("30 0 * * *", zone, START)] == days
    assert odd_dates("30 2 * * *", zone, START) == []


def test_a_weekly_schedule_is_odd_on_its_own_day_alone() -> None:
    """Santiago's clocks jump as a Sunday begins: it fires on the Saturday instead."""
    sundays = odd_dates("0 0 * * 0", "America/Santiago", START)

    assert [str(d) for d in sundays[:2]] == ["2026-09-05", "2026-09-06"]
    assert odd_dates("0 0 * * 3", "America/Santiago", START) == []


def test_a_schedule_of_every_hour_fires_on_every_day() -> None:
    assert odd_dates("0 * * * *", "America/Santiago", START) == []


def test_a_zone_without_summer_time_has_no_odd_day() -> None:
    assert odd_dates("0 0 * * *", "Asia/Shanghai", START) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_each_day_of_a_year_fires_once(zone: str) -> None:
    days = fire_dates("30 2 * * *", zone, START, date(2026, 12, 31))

    assert days == sorted({*days})
    assert (len(days), days[0], days[-1]) == (365, START, date(2026, 12, 31))


def test_more_firings_than_the_scheduler_looks_at_are_all_listed() -> None:
    """A quarter of an hour over 20 days: 1,920, of which it lists 1,000 at once."""
    start, end = (
        datetime(2026, 6, 1, tzinfo=UTC),
        datetime(2026, 6, 20, 23, 45, tzinfo=UTC),
    )

    assert len(fires("*/15 * * * *", "UTC", start, end)) == 1_920


def test_days_are_told_in_the_zone_of_the_entity() -> None:
    """17:30Z is the next day in Shanghai."""
    days = fire_dates(
        "30 17 * * *", "UTC", date(2026, 6, 29), date(2026, 6, 30), "Asia/Shanghai"
    )
    first = fires(
        "30 17 * * *",
        "UTC",
        datetime(2026, 6, 28, 17, 30, tzinfo=UTC),
        datetime(2026, 6, 28, 17, 30, tzinfo=UTC),
    )

    assert days == [date(2026, 6, 29), date(2026, 6, 30)]
    assert first == [datetime(2026, 6, 28, 17, 30, tzinfo=UTC)]


def test_midnight_fires_on_the_day_that_it_begins() -> None:
    day = date(2026, 6, 29)

    assert fire_dates("0 0 * * *", "Asia/Shanghai", day, day) == [day]


def test_a_run_speaks_of_the_day_that_it_was_planned_for_however_late_it_starts() -> (
    None
):
    """17:30Z of 2026-06-29 is the 30th in Shanghai."""
    planned = datetime(2026, 6, 29, 17, 30, tzinfo=UTC)
    started = FlowRun(flow_id=uuid4(), name="x", expected_start_time=planned)
    known: dict[str, Any] = {"flow_run": started}  # all that is asked of it

    with FlowRunContext.model_construct(**known):
        assert scheduled_date("Asia/Shanghai") == date(2026, 6, 30)
        assert scheduled_date("UTC") == date(2026, 6, 29)
