"""A decision is a person's, with its figures, about an asset that is carried."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.decision import DecisionAct
from schemas.errors import RegisterError
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Dispute,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.asset.decide import decide
from tests.store.build import (
    card,
    closing,
    decision,
    dispute,
    event,
    frame_of,
    pledge,
)


def act(**changed: Any) -> DecisionAct:
    given: dict[str, Any] = {
        "factor": "flights",
        "entity": "jiangbei",
        "asset": "disruption",
        "decision": "M-7",
        "event": "impair",
        "decided_on": date(2026, 12, 31),
        "recorded_on": date(2027, 1, 5),
        "fair_value": "312000.00",
        "costs": "2000.00",
        "evidence": "report 7",
        "reason": "quality fell",
    }
    return DecisionAct.model_validate(given | changed)


def decided(
    terms: DecisionAct,
    cards: Any = None,
    before: tuple[dict[str, Any], ...] = (),
    closed: tuple[str, ...] = (),
    disputes: tuple[dict[str, Any], ...] = (),
    pledges: tuple[dict[str, Any], ...] = (),
    released: tuple[dict[str, Any], ...] = (),
) -> pl.DataFrame:
    return decide(
        frame_of(AssetCard, [card()] if cards is None else cards).lazy(),
        frame_of(AssetEvent, before).lazy(),
        frame_of(PeriodClose, [closing(p) for p in closed]).lazy(),
        frame_of(Dispute, disputes).lazy(),
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, released).lazy(),
        terms,
    ).collect()


def test_a_test_is_recorded_in_fen_and_nothing_is_computed() -> None:
    (row,) = decided(act()).to_dicts()

    assert row["fair_value_fen"] == 31_200_000
    assert row["costs_fen"] == 200_000
    assert (row["value_in_use_fen"], row["proceeds_fen"]) == (None, None)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"fair_value": None, "costs": None}, "states fair_value or value_in_use"),
        ({"proceeds": "1.00"}, "has no proceeds"),
        (
            {"event": "dispose", "fair_value": None, "costs": None},
            "states its proceeds",
        ),
        ({"fair_value": "1.005"}, "at most two decimals"),
        ({"fair_value": 1.5}, "a float cannot hold it"),
        ({"costs": "-1.00"}, "greater than or equal to 0"),
        ({"evidence": " "}, "evidence"),
        ({"decided_on": date(2036, 7, 20)}, "2036-07-20 lies ahead"),
    ],
)
def test_figures_that_do_not_fit_are_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        act(**changed)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"cards": []}, "has no asset card"),
        (
            {"cards": [card(kind="inventory", method="none")]},
            "is inventory: a decision",
        ),
        ({"closed": ("2026-11", "2026-12")}, "2026-12 is closed"),
        ({"closed": ("2027-01",)}, "2026-12 is closed"),
        (
            {"before": (decision("M-6", event="expire"),)},
            "left the books by decision M-6",
        ),
    ],
)
def test_what_cannot_be_posted_is_not_decided(given: dict[str, Any], why: str) -> None:
    with pytest.raises(RegisterError, match=why):
        decided(act(), **given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"disputes": (dispute(),)}, "is not given away: .*D-1"),
        ({"pledges": (pledge(),)}, "is pledged under BANK-2026-001"),
    ],
)
def test_what_is_bound_is_not_given_away_but_may_be_tested(
    given: dict[str, Any], why: str
) -> None:
    sold = act(event="dispose", fair_value=None, costs=None, proceeds="1.00")

    with pytest.raises(RegisterError, match=why):
        decided(sold, **given)
    assert decided(act(), **given).height == decided(sold).height == 1


def test_a_released_pledge_binds_no_more_and_a_substitute_binds_instead() -> None:
    sold = act(event="dispose", fair_value=None, costs=None, proceeds="1.00")
    moved = event(
        "substitute",
        asset="disruption",
        replaces="other",
        amount_fen=500_000_000,
        cap_fen=800_000_000,
    )

    assert decided(sold, pledges=(pledge(),), released=(event("release"),)).height == 1
    with pytest.raises(RegisterError, match="is pledged under BANK-2026-001"):
        decided(sold, pledges=(pledge(asset="other"),), released=(moved,))


def test_a_test_may_find_that_nothing_is_recoverable() -> None:
    (row,) = decided(act(fair_value=None, costs=None, value_in_use="0.00")).to_dicts()

    assert row["value_in_use_fen"] == 0


def test_a_decision_before_the_asset_is_refused() -> None:
    with pytest.raises(RegisterError, match="stands in the books from 2026-06-30"):
        decided(act(decided_on=date(2026, 6, 29)))


def test_the_same_decision_again_is_the_same_row_also_after_the_close() -> None:
    first = decided(act())

    again = decided(act(), before=tuple(first.to_dicts()), closed=("2026-12",))

    assert again.equals(first)


def test_inventory_is_tested_by_its_price() -> None:
    terms = act(event="provision", tax="10.00")

    (row,) = decided(terms, [card(kind="inventory", method="none")]).to_dicts()

    assert row["tax_fen"] == 1_000
