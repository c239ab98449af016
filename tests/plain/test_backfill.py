"""Days that were missed are run once, in order; what stops one stops no other."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flows.backfill import Plan, due, filled, last_task, notes, planned
from flows.cli import main
from flows.document import factor_named
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import FactorError
from schemas.trust import ContributionTerms, TrustTerms
from tasks import store
from tests import shop
from tests.builders import temporary_store
from tests.store.build import run

SPAN = "2026-06-27..2026-06-30"
DAILY = 'schedule: {cron: "30 2 * * *", timezone: Asia/Shanghai}\n'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The rain, scheduled by night, of which one day was made."""
    shop.prepare(tmp_path)
    write(tmp_path, DAILY)
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        yield tmp_path


def write(home: Path, schedule: str = "", document: str = shop.DOCUMENT) -> None:
    """Write the document of the rain with a schedule."""
    (home / "factors" / "rain.yaml").write_text(document + schedule, "utf-8")


def backfill(capsys: pytest.CaptureFixture[str], span: str = SPAN) -> tuple[int, Any]:
    """Ask by command. Any: JSON."""
    capsys.readouterr()
    code = main(["backfill", "rain", span, "--json"])
    return code, json.loads(capsys.readouterr().out)["data"]


def test_missing_days_run_once_in_order_and_asked_again_nothing_runs(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value_chain.fn("rain", date(2026, 6, 29))

    code, data = backfill(capsys)

    days = [(d["as_of"][-2:], d["outcome"]) for d in data["days"]]
    assert (code, data["due"]) == (0, 4)
    assert days == [("27", "done"), ("28", "done"), ("30", "done")]
    s = store.current()
    ran = [r.publication.as_of for r in store.runs(s, "rain", "productize")][::-1]
    assert [d.day for d in ran if d] == [29, 27, 28, 30]
    count = len(store.runs(s))
    assert backfill(capsys)[1]["days"] == []
    assert len(store.runs(s)) == count


def test_a_day_that_was_filled_late_does_not_stand_for_the_newest(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value_chain.fn("rain", date(2026, 6, 30))
    (home / "rain.csv").write_text("day,town,tenths_mm\n1,a,5\n", "utf-8")

    backfill(capsys, "2026-06-28")

    s = store.current()
    ref = store.resolve(s, "rain/product")
    assert ref.rows == shop.DAYS
    assert store.made_with(s, ref).publication.as_of == date(2026, 6, 30)


def test_a_refused_day_is_said_and_the_others_go_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The offer ends on 06-28: on the day after it may not be told any more."""
    ended = shop.DOCUMENT.replace(
        "  version: 1.2.0\n",
        "  version: 1.2.0\n  deprecated: {on: 2026-06-28, reason: no gauge}\n",
    )
    write(home, DAILY, ended)

    code, data = backfill(capsys, "2026-06-29..2026-06-30")

    assert code == 1
    assert [d["outcome"] for d in data["days"]] == ["refused", "refused"]
    assert "2026-06-28 lies before 2026-06-29" in data["days"][0]["said"]
    assert "2026-06-28 lies before 2026-06-30" in data["days"][1]["said"]
    code, data = backfill(capsys)
    assert [d["outcome"] for d in data["days"]] == ["done", "done", "done", "done"]


def test_a_day_whose_gates_were_shut_is_still_missing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is complete, and nothing may leave: once mended it is run again."""
    unlawful = shop.DOCUMENT.replace(
        "undisputed: {answer: true", "undisputed: {answer: false"
    )
    write(home, DAILY, unlawful)

    assert backfill(capsys, "2026-06-29")[1]["days"][0]["outcome"] == "refused"
    assert store.newest(store.current(), "productize", "rain")
    assert planned("rain", SPAN).missing[2] == date(2026, 6, 29)

    write(home, DAILY)
    assert backfill(capsys, "2026-06-29")[1]["days"][0]["outcome"] == "done"


def test_a_failed_day_is_said_and_the_others_go_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "rain.csv").unlink()

    code, data = backfill(capsys)

    assert code == 1
    assert [d["outcome"] for d in data["days"]] == ["failed"] * 4
    assert all("rain.csv" in d["said"] for d in data["days"])


def test_a_source_that_is_renewed_in_place_is_said_to_be_of_today(home: Path) -> None:
    renewed = "    update_frequency: P1D\n    path: rain.csv\n"
    write(home, DAILY, shop.DOCUMENT.replace("    path: rain.csv\n", renewed))

    (note,) = planned("rain", SPAN).notes

    assert note.startswith("source rain has no day in its path: what it holds today")


def test_a_schedule_asks_for_the_days_on_which_it_fires(home: Path) -> None:
    """Mondays of June 2026: 1, 8, 15, 22, 29. At 17:30Z it is Tuesday in Shanghai."""
    june = date(2026, 6, 1), date(2026, 6, 30)
    write(home, 'schedule: {cron: "30 2 * * 1", timezone: Asia/Shanghai}\n')
    assert [d.day for d in due(factor_named("rain"), *june)] == [1, 8, 15, 22, 29]

    write(home, 'schedule: {cron: "30 17 * * 1", timezone: UTC}\n')
    assert [d.day for d in due(factor_named("rain"), *june)] == [2, 9, 16, 23, 30]


def test_without_a_schedule_every_day_is_due_that_has_come(home: Path) -> None:
    write(home)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()

    days = due(factor_named("rain"), date(2026, 6, 1), date(2999, 1, 1))

    assert days[:2] == (date(2026, 6, 1), date(2026, 6, 2))
    assert days[-1] == today


def test_a_run_that_stopped_before_the_end_of_the_document_is_missing(
    home: Path,
) -> None:
    value_chain.fn("rain", date(2026, 6, 29), Stage.RESOURCE)

    assert len(planned("rain", SPAN).missing) == 4


@pytest.mark.parametrize("span", ["june", "2026-06-30..2026-06-01", "2026-06-01.."])
def test_what_is_no_span_is_refused(home: Path, span: str) -> None:
    with pytest.raises(FactorError, match=re.escape(f"{span!r} is no span of days")):
        planned("rain", span)


def test_midnight_is_of_the_day_that_it_begins(home: Path) -> None:
    write(home, 'schedule: {cron: "0 0 * * *", timezone: Asia/Shanghai}\n')
    day = date(2026, 6, 29)

    assert due(factor_named("rain"), day, day) == (day,)


def test_a_day_that_has_not_come_is_not_due_by_a_schedule_either(home: Path) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    week = timedelta(days=7)

    rain = factor_named("rain")
    assert due(rain, today - week, today + week)[-1] <= today
    assert due(rain, today - week, date.max) == due(rain, today - week, today)
    assert due(rain, today + week, date.max) == ()


def test_a_day_whose_last_task_failed_is_missing(home: Path) -> None:
    day = date(2026, 6, 29)
    failed = run(
        task="productize", factor="rain", as_of=day, status="FAIL", message="no rows"
    )
    store.publish(store.current(), failed)

    assert day in planned("rain", SPAN).missing


def test_a_day_is_made_when_the_task_at_the_end_of_the_document_was() -> None:
    loan = factor_named("flight-disruption")  # raw bytes to a pledged loan
    terms = {"capital": None}, {"capital": None, "asset": None}
    kind: dict[str, Any] = {}  # that it is one is all that is asked of a deal
    deals = (made.model_construct(**kind) for made in (ContributionTerms, TrustTerms))
    others = [loan.model_copy(update={"capital": deal}) for deal in deals]
    less = [loan.model_copy(update=update) for update in terms]
    resource = less[1].model_copy(update={"product": None})

    assert [last_task(one) for one in (loan, *others, *less, resource)] == [
        *("capitalize", "contribute", "settle", "post", "productize", "assess")
    ]


def test_only_what_its_path_dates_can_be_had_again_of_an_old_day(home: Path) -> None:
    rain = factor_named("rain")
    dated = {"update_frequency": "P1D", "path": "rain_2026-06.csv"}
    source = rain.sources["rain"].model_copy(update=dated)

    assert [*notes(rain.model_copy(update={"sources": {"rain": source}}))] == []
    read = rain.model_copy(update={"inputs": {"level": "level/product"}})
    assert [*notes(read)] == [
        "input level is the newest level/product, not that of the old dates"
    ]


def test_a_disk_that_is_full_on_one_day_is_said_of_that_day() -> None:
    days = date(2026, 6, 28), date(2026, 6, 29)

    def carry(day: date) -> None:
        if day == days[0]:
            raise OSError(28, "No space left on device")

    first, second = filled(Plan("rain", days, days, ()), carry)

    assert first["outcome"] == "failed"
    assert first["said"] == "No space left on device: see the store's disk"
    assert second["outcome"] == "done"
