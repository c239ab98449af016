"""A correction is an entry of its own: the same amounts on the other side."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.decision import ReversalAct
from schemas.errors import RegisterError
from schemas.registers import JournalLine
from tasks.asset.reverse import reverse
from tests.store.build import frame_of, line

ENTRY = "recognise/1"
BOOKED = [
    *(line(1, 120_000, ENTRY), line(2, -120_000, ENTRY)),
    line(1, 7, "incur/2") | {"event": "incur"},
    line(1, 7, "impair/disruption/M-1") | {"event": "impair"},
    line(1, 7, "reverse/recognise/2") | {"event": "reverse"},
    *(line(1, 9, "incur/3") | {"event": "incur"}, line(1, 9, "recognise/3")),
]


def act(**changed: Any) -> ReversalAct:
    given = {
        "factor": "flights",
        "entity": "jiangbei",
        "entry": ENTRY,
        "booked_on": date(2026, 7, 2),
        "evidence": "MEMO-3",
        "reason": "paid twice",
    }
    return ReversalAct.model_validate(given | changed)


def reversal(terms: ReversalAct) -> pl.DataFrame:
    return reverse(frame_of(JournalLine, BOOKED).lazy(), terms).collect()


def test_the_amounts_change_sides_and_the_memo_says_why() -> None:
    rows = reversal(act())

    assert rows["amount_fen"].to_list() == [-120_000, 120_000]
    assert rows["account"].to_list() == ["1701", "1701"]
    assert set(rows["entry"]) == {"reverse/recognise/1"}
    assert set(rows["period"]) == {"2026-07"}
    assert set(rows["memo"]) == {"reverses recognise/1: paid twice"}
    assert rows.schema == frame_of(JournalLine, []).schema


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"entry": "recognise/9"}, "has no entry recognise/9"),
        ({"entry": "reverse/recognise/2"}, "a close or a reversal posted stays"),
        ({"entry": "impair/disruption/M-1"}, "a close or a reversal posted stays"),
        ({"entry": "incur/3"}, "take recognise/3 back first"),
        ({"booked_on": date(2026, 6, 29)}, "date its reversal then or later"),
    ],
)
def test_what_cannot_be_taken_back_is_refused(
    changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(RegisterError, match=why):
        reversal(act(**changed))


def test_a_cost_goes_after_its_recognition_was_taken_back() -> None:
    back = line(1, -9, "reverse/recognise/3") | {"event": "reverse"}
    booked = frame_of(JournalLine, [*BOOKED, back]).lazy()

    rows = reverse(booked, act(entry="incur/3")).collect()

    assert rows["amount_fen"].to_list() == [-9]
