"""What failed or was refused stays told until a later run has made it good."""

from datetime import date
from typing import Any

from schemas.artifact import Gate, Made
from tasks import store
from tests.builders import temporary_store
from tests.store.build import made, run, sha

DAY, NEXT = date(2026, 6, 29), date(2026, 6, 30)
SHUT = (Gate(gate="rights", passed=False, ground="no right is held"),)


def ended(task: str, said: str = "", *artifacts: Made, **more: Any) -> str:
    """Publish a run; with a sentence it failed."""
    number = len(store.runs(store.current()))
    facts = {"factor": "rain", "terms": {}, "message": said, **more}
    facts["status"] = "FAIL" if said else "COMPLETE"
    one = run(*artifacts, task=task, key=sha(f"{number}"), **facts)
    return store.publish(store.current(), one).run


def told(factor: str | None = None) -> list[tuple[str, int]]:
    found = store.troubles(store.current(), factor)
    return [(t.run.publication.task, t.others) for t in found]


def of(source: str) -> dict[str, Any]:
    return {"terms": {"name": source}}


def test_another_sources_success_makes_no_failure_good() -> None:
    with temporary_store():
        ended("clean", "clean[days]: 2 of 3 rows", **of("days"))
        ended("clean", **of("towns"))
        assert told() == [("clean", 0)]

        ended("clean", **of("days"))
        assert told() == []


def test_a_run_of_an_earlier_day_makes_no_later_one_good() -> None:
    """A backfill of the 29th says nothing of the 30th."""
    with temporary_store():
        ended("assess", "assess: no rule", as_of=NEXT)
        ended("assess", as_of=DAY)
        assert told() == [("assess", 0)]

        ended("assess", as_of=NEXT)
        assert told() == []


def test_a_refusal_of_the_latest_day_stands_whatever_an_older_day_says() -> None:
    with temporary_store():
        ended("assetize", as_of=NEXT, gates=SHUT)
        ended("assetize", as_of=DAY)
        (found,) = store.troubles(store.current())
        assert found.refused

        ended("assetize", as_of=NEXT, gates=())
        assert told() == []


def test_parts_that_failed_are_counted_and_made_good_by_themselves_or_the_whole() -> (
    None
):
    with temporary_store():
        for day in ("01", "02", "03"):
            said = f"transform@2024-05-{day}: the query meets a value"
            ended("transform", said)
        assert told() == [("transform", 2)]

        part = made(store.current(), "resource@2024-05-02", b"rows")
        ended("transform", "", part)
        assert told() == [("transform", 1)]
        ended("gather")
        assert told() == []


def test_the_newest_comes_first_and_each_factor_is_asked_alone() -> None:
    with temporary_store():
        ended("collect", "collect[a]: gone", factor="level")
        ended("derive", "derive: too many rows")

        assert told() == [("derive", 0), ("collect", 0)]
        assert told("level") == [("collect", 0)]
        assert told("flood") == []


def test_a_flow_that_ended_well_makes_good_only_what_it_names() -> None:
    """All its stages were reused, so none of them was recorded anew."""
    with temporary_store():
        missing = ended("value-chain", "value-chain: there is no file days.csv")
        draw = ended("draw_loan", "draw_loan: no such tranche", kind="act")
        assert told() == [("draw_loan", 0), ("value-chain", 0)]

        ended("value-chain", terms={store.GOOD: [missing]})
        assert told() == [("draw_loan", 0)]
        ended("value-chain", terms={store.GOOD: [draw]})
        assert told() == []


def test_a_flow_that_came_to_a_later_end_is_told_by_that_one() -> None:
    with temporary_store():
        ended("value-chain", "value-chain: there is no file days.csv")
        ended("clean", "clean[days]: 2 of 3 rows", **of("days"))

        assert told() == [("clean", 0)]
