"""What was expensed once stays expensed, whatever the document says later."""

from datetime import date
from typing import Any

import pytest

from schemas.asset import Posted
from schemas.contract import frame_of
from schemas.registers import Approval, JournalLine, PeriodClose
from tasks.asset.approval import posting
from tasks.asset.post import post
from tests.finance_case import AS_OF, NO, asset_terms, facts, failed, make_asset


def posted_after(before: dict[str, Any], now: dict[str, Any]) -> Posted:
    """Post what one set of facts supports, then what another does."""
    known = make_asset(asset_terms(recognition=facts(**before))).journal.collect()
    terms = asset_terms(recognition=facts(**now))
    return post(
        make_asset(terms).journal,
        frame_of(JournalLine, known.iter_rows()).lazy(),
        frame_of(PeriodClose, []).lazy(),
        frame_of(Approval, []).lazy(),
        posting(terms),
        AS_OF,
    )


def moved_to(day: str) -> list[dict[str, Any]]:
    return [met | {"met_on": day} for met in facts()["conditions"]]


@pytest.mark.parametrize(
    ("before", "now", "entries"),
    [
        # V2, 80,000.00 before the last condition; then V2 to V6
        ({}, {"conditions": moved_to("2024-12-01")}, 1),
        ({"conditions": []}, {}, 4),
        ({"controlled": NO}, {}, 4),
        ({"controlled": NO, "origin": "purchase"}, {"origin": "purchase"}, 5),
        ({"identifiable": NO}, {"purpose": "sale"}, 5),
    ],
    ids=["backdated", "conditions", "controlled", "bought", "for sale"],
)
def test_what_was_expensed_is_never_capitalised_later(
    before: dict[str, Any], now: dict[str, Any], entries: int
) -> None:
    made = posted_after(before, now)

    said = failed(made.gates)["books_continue"]
    assert f"{entries} of them would capitalise what was expensed" in said
    assert "财会〔2023〕11号" in said


def test_a_condition_met_later_capitalises_only_what_comes_after() -> None:
    late = moved_to("2025-03-15")
    known = make_asset(
        asset_terms(recognition=facts(conditions=late)), as_of=date(2025, 3, 1)
    )

    made = make_asset(asset_terms(recognition=facts(conditions=late)))

    entries = made.journal.collect()
    for before in known.journal.collect().iter_rows():
        assert before in set(entries.iter_rows())
    assert made.valuation.collect()["book_fen"].item() == 12_000_000  # V5 and V6


def test_expensed_cost_is_told_from_cost_of_the_asset_by_its_event() -> None:
    entries = make_asset().journal.collect()

    events = dict(entries.select("entry", "event").unique().iter_rows())
    assert events["incur/index-asset/V1/1"] == "expense"  # research
    assert events["incur/index-asset/V2/1"] == "expense"  # before the conditions
    assert events["incur/index-asset/V3/1"] == "incur"
    assert events["incur/index-asset/V7/1"] == "expense"  # training
