"""A late run of an older day takes no name from what is known of a newer one."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from schemas.artifact import ArtifactRef, CheckCount, Published, Stage
from tasks import store
from tasks.store import Store
from tests.store.build import DAY, made, run, sha

EARLIER = DAY - timedelta(1)


def tell(
    s: Store,
    day: date | None,
    text: str,
    *,
    task: str = "productize",
    frame: str = "product",
    **more: Any,
) -> Published:
    """Publish what a task says of a day; the text is all its frame holds."""
    artifact = made(s, frame, pl.DataFrame({"said": [text]}))
    known = {"stage": Stage.PRODUCT, "as_of": day, "key": sha(f"{task} {day} {text}")}
    return store.publish(s, run(artifact, task=task, **{**known, **more}))


def said(s: Store, name: str) -> str:
    """Read what a name stands for."""
    return str(store.scan(s, store.resolve(s, name)).collect().item())


@pytest.mark.parametrize("name", ["flights/product/product", "flights/product"])
def test_a_late_run_does_not_stand_for_the_newest_day(s: Store, name: str) -> None:
    tell(s, DAY, "today")
    tell(s, EARLIER, "late")

    assert said(s, name) == "today"
    assert [r.publication.as_of for r in store.newest(s, "productize")] == [DAY]
    assert [r.publication.as_of for r in store.newest(s, "productize", "flights")] == [
        DAY
    ]


def test_a_newer_day_stands_for_the_name_and_so_does_the_same_day_run_again(
    s: Store,
) -> None:
    tell(s, EARLIER, "before")
    tell(s, DAY, "today")
    tell(s, DAY, "corrected")

    assert said(s, "flights/product/product") == "corrected"
    assert store.newest(s, "productize")[0].refs["product"].id == (
        store.resolve(s, "flights/product").id
    )


def test_what_speaks_of_no_day_stands_as_it_ran_last(s: Store) -> None:
    tell(s, None, "first", task="derive", frame="derived")
    tell(s, None, "second", task="derive", frame="derived")

    assert said(s, "flights/product/derived") == "second"


def test_one_task_without_days_takes_no_name_from_another_with_them(
    s: Store,
) -> None:
    """The day orders the runs of one task; between tasks the last word stands."""
    tell(s, DAY, "of the day", frame="gates", task="productize")
    tell(s, None, "an act since", frame="gates", task="withdraw_product")

    assert said(s, "flights/product/gates") == "an act since"


def test_a_stage_without_a_frame_of_its_name_means_the_first_of_its_last_run(
    s: Store,
) -> None:
    """A run yields several: by their names, whatever the order of days."""
    for day in (DAY, EARLIER):
        told = [made(s, n, pl.DataFrame({"said": [f"{n} {day}"]})) for n in "cab"]
        known: dict[str, Any] = {"as_of": day, "stage": Stage.CAPITAL}
        store.publish(s, run(*told, task="capitalize", key=sha(f"{day}"), **known))

    assert said(s, "flights/capital") == f"a {DAY}"


def test_data_that_went_back_the_same_day_stand_though_another_day_ran_between(
    s: Store,
) -> None:
    """A, B, a late run, and A again: of the day stands A, of the name the day."""
    first = tell(s, DAY, "A")
    tell(s, DAY, "B")
    tell(s, EARLIER, "late")

    store.again(s, first)

    assert said(s, "flights/product/product") == "A"


def test_a_late_run_asked_for_again_stays_behind_the_newest_day(s: Store) -> None:
    late = tell(s, EARLIER, "A")
    tell(s, EARLIER, "B")
    tell(s, DAY, "today")

    store.again(s, late)

    assert said(s, "flights/product/product") == "today"


def test_an_artifact_of_two_days_is_told_of_the_newer(s: Store) -> None:
    """What did not change is one artifact: its trail and its run name the later day."""
    today = tell(s, DAY, "the same")
    tell(s, EARLIER, "the same")
    ref = today.refs["product"]

    assert store.made_with(s, ref).publication.as_of == DAY
    assert [step.as_of for step in store.trail(s, ref.id).steps] == [str(DAY)]
    assert store.every(s, "flights/product/product") == [ref.id]


def test_all_that_a_name_stood_for_begins_with_the_newest_day(s: Store) -> None:
    told = [tell(s, d, str(d)).refs["product"].id for d in (DAY, EARLIER)]

    assert store.every(s, "flights/product/product") == told


def test_rows_of_earlier_runs_are_counted_in_the_order_of_their_days(
    s: Store,
) -> None:
    for day, rows in ((DAY, 2), (EARLIER, 3)):
        balance = {"frame": "product", "rows_in": rows, "rows_out": rows}
        tell(s, day, f"{rows}", balances=({**balance, "rejected": 0, "dropped": 0},))

    assert store.volumes(s, "flights", "productize", "product") == [3, 2]


def judged(s: Store, day: date, text: str, **more: Any) -> ArtifactRef:
    """Publish a frame whose only row was rejected."""
    check = CheckCount(frame="product", check="positive", examined=1, failed=1)
    rejected = pl.DataFrame({"said": [text], "_reasons": [1]})
    artifact = made(s, "product.rejects", rejected)
    more |= {"as_of": day, "key": sha(f"{day} {text}"), "checks": (check,)}
    given = run(artifact, task="productize", stage=Stage.PRODUCT, **more)
    return store.publish(s, given).refs["product.rejects"]


def test_the_rejects_of_a_frame_are_of_its_newest_day(s: Store) -> None:
    judged(s, DAY, "today")
    judged(s, EARLIER, "late")

    rejected = store.rejects(s, "flights/product/product")

    assert rejected["said"].to_list() == ["today"]


def test_the_rejects_of_a_late_run_that_failed_are_those_a_person_asks_for(
    s: Store,
) -> None:
    judged(s, DAY, "today")
    judged(s, EARLIER, "late", status="FAIL")

    rejected = store.rejects(s, "flights/product/product")

    assert rejected["said"].to_list() == ["late"]
