"""A change of cover follows the one before it, or is refused with the whole run."""

from datetime import date
from typing import Any

import pytest

from schemas.errors import RegisterError
from schemas.registers import CoverState
from tasks import store
from tasks.store import Store
from tests.store.build import cover, frame_of, made, run, sha

DAY = date(2026, 7, 2)
FOLLOWS = {"number": 2, "before": "warning", "state": "normal", "watched_on": DAY}


def record(s: Store, **changed: Any) -> None:
    row = cover(**changed)
    posted = made(s, "changes", frame_of(CoverState, [row]), sha(str(row)))
    store.publish(s, run(posted, task="watch", register="CoverState"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"number": 3}, "another change was recorded meanwhile: watch again"),
        ({"before": "normal"}, "another change was recorded meanwhile: watch again"),
        ({"watched_on": date(2026, 7, 1)}, "2026-07-02 was watched already"),
        (
            {"value_fen": 499_999_999},
            "a value below the debt is recorded with a margin",
        ),
    ],
    ids=["number", "before", "day", "value"],
)
def test_a_change_that_does_not_follow_is_refused(
    s: Store, changed: dict[str, Any], said: str
) -> None:
    record(s)

    with pytest.raises(RegisterError, match=said):
        record(s, **FOLLOWS | changed)


def test_a_change_that_follows_is_recorded_and_a_value_below_the_debt_if_called(
    s: Store,
) -> None:
    record(s)
    record(s, **FOLLOWS)
    called = {"number": 3, "before": "normal", "value_fen": 499_999_999}
    record(s, **called, state="margin_call")

    assert store.verify(s).exit == 0
