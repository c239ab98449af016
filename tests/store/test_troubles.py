"""What failed or was refused stays told until a later run has made it good."""

from datetime import date
from typing import Any

from schemas.artifact import Gate, Made
from tasks import store
from tasks.store import Store
from tests.store.build import made, run, sha

DAY, NEXT = date(2026, 6, 29), date(2026, 6, 30)
SHUT = (Gate(gate="rights", passed=False, ground="no right is held"),)


def ended(s: Store, task: str, said: str = "", *artifacts: Made, **more: Any) -> str:
    """Publish a run; with a sentence it failed."""
    number = len(store.runs(s))
    facts = {"factor": "rain", "terms": {}, "message": said, **more}
    facts["status"] = "FAIL" if said else "COMPLETE"
    one = run(*artifacts, task=task, key=sha(f"{number}"), **facts)
    return store.publish(s, one).run


def told(s: Store, factor: str | None = None) -> list[tuple[str, int]]:
    found = store.troubles(s, factor)
    return [(t.run.publication.task, t.others) for t in found]


def of(source: str) -> dict[str, Any]:
    return {"terms": {"name": source}}


def test_another_sources_success_makes_no_failure_good(s: Store) -> None:
    ended(s, "clean", "clean[days]: 2 of 3 rows", **of("days"))
    ended(s, "clean", **of("towns"))
    assert told(s) == [("clean", 0)]

    ended(s, "clean", **of("days"))
    assert told(s) == []


def test_a_run_of_an_earlier_day_makes_no_later_one_good(s: Store) -> None:
    """A backfill of the 29th says nothing of the 30th."""
    ended(s, "assess", "assess: no rule", as_of=NEXT)
    ended(s, "assess", as_of=DAY)
    assert told(s) == [("assess", 0)]

    ended(s, "assess", as_of=NEXT)
    assert told(s) == []


def test_a_refusal_of_the_latest_day_stands_whatever_an_older_day_says(
    s: Store,
) -> None:
    ended(s, "assetize", as_of=NEXT, gates=SHUT)
    ended(s, "assetize", as_of=DAY)
    (found,) = store.troubles(s)
    assert found.refused

    ended(s, "assetize", as_of=NEXT, gates=())
    assert told(s) == []


def test_parts_that_failed_are_counted_and_made_good_by_themselves_or_the_whole(
    s: Store,
) -> None:
    for day in ("01", "02", "03"):
        said = f"transform@2024-05-{day}: the query meets a value"
        ended(s, "transform", said)
    assert told(s) == [("transform", 2)]

    part = made(s, "resource@2024-05-02", b"rows")
    ended(s, "transform", "", part)
    assert told(s) == [("transform", 1)]
    ended(s, "gather")
    assert told(s) == []


def test_the_newest_comes_first_and_each_factor_is_asked_alone(s: Store) -> None:
    ended(s, "collect", "collect[a]: gone", factor="level")
    ended(s, "derive", "derive: too many rows")

    assert told(s) == [("derive", 0), ("collect", 0)]
    assert told(s, "level") == [("collect", 0)]
    assert told(s, "flood") == []


def test_a_flow_that_ended_well_makes_good_only_what_it_names(s: Store) -> None:
    """All its stages were reused, so none of them was recorded anew."""
    missing = ended(s, "value-chain", "value-chain: there is no file days.csv")
    draw = ended(s, "draw_loan", "draw_loan: no such tranche", kind="act")
    assert told(s) == [("draw_loan", 0), ("value-chain", 0)]

    ended(s, "value-chain", terms={store.GOOD: [missing]})
    assert told(s) == [("draw_loan", 0)]
    ended(s, "value-chain", terms={store.GOOD: [draw]})
    assert told(s) == []


def test_a_flow_that_came_to_a_later_end_is_told_by_that_one(s: Store) -> None:
    ended(s, "value-chain", "value-chain: there is no file days.csv")
    ended(s, "clean", "clean[days]: 2 of 3 rows", **of("days"))

    assert told(s) == [("clean", 0)]


def test_a_resource_that_was_gathered_says_nothing_of_a_source(s: Store) -> None:
    """It is made of parts of the resource; a source is cleaned as a whole."""
    ended(s, "clean", "clean[days]: 2 of 3 rows", **of("days"))
    ended(s, "gather")

    assert told(s) == [("clean", 0)]


def test_a_run_that_speaks_of_no_day_makes_one_of_any_day_good(s: Store) -> None:
    ended(s, "clean", "clean[days]: 2 of 3 rows", as_of=DAY, **of("days"))
    ended(s, "clean", **of("days"))

    assert told(s) == []
