"""The asset card: the next number when an estimate changes, forward only."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.registers import PeriodClose
from tests.finance_case import asset_terms, facts, make_asset, right

LATER = date(2025, 9, 30)


def life(months: int) -> dict[str, Any]:
    said = {"method": "straight_line", "life_basis": "peers"}
    return {"amortization": said | {"life_months": months}}


def cards(known: pl.DataFrame | None = None, on: date = LATER, **changed: Any) -> Any:
    made = make_asset(asset_terms(**changed), as_of=on, cards=known)
    return made.cards.collect()


def test_the_first_card_holds_from_the_day_the_asset_was_ready() -> None:
    (row,) = cards().to_dicts()

    assert (row["number"], row["effective_on"]) == (1, date(2025, 4, 18))
    assert (row["kind"], row["available_from"]) == ("intangible", date(2025, 4, 18))
    assert (row["method"], row["life_months"]) == ("straight_line", 60)
    assert row["right_ends"] == date(2031, 12, 31)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("2030-03-31", "peers"),
        (
            "2030-03-30",
            "peers; useful life of 59 months to 2030-02-28, shortened from 60 months by"
            " the right, which ends on 2030-03-30",
        ),
    ],
)
def test_the_card_says_what_shortened_the_life(last: str, said: str) -> None:
    rights = [right("process"), right("operate", valid_to=last)]

    (row,) = cards(rights=rights).to_dicts()

    assert row["life_basis"] == said
    assert (row["life_months"], str(row["right_ends"])) == (60, last)


def test_an_estimate_that_stands_makes_no_card() -> None:
    assert cards(cards()).is_empty()


def test_another_life_is_the_next_card_from_its_day_on() -> None:
    (row,) = cards(cards(), **life(48)).to_dicts()

    assert (row["number"], row["life_months"]) == (2, 48)
    assert row["effective_on"] == LATER


def test_another_life_told_after_a_month_was_closed_works_after_it() -> None:
    shut = frame_of(PeriodClose, [("jiangbei", "2025-10", LATER, 0, "a" * 64)])
    made = make_asset(asset_terms(**life(48)), as_of=LATER, cards=cards(), closed=shut)

    assert made.cards.collect()["effective_on"].to_list() == [date(2025, 11, 1)]


def test_an_earlier_day_changes_no_later_card() -> None:
    two = pl.concat([cards(), cards(cards(), **life(48))])

    assert cards(two, on=date(2025, 5, 31)).is_empty()


def test_what_was_developed_has_a_card_from_the_day_it_is_ready() -> None:
    first = cards(on=date(2025, 3, 31))
    (row,) = cards(first).to_dicts()

    assert first["kind"].to_list() == ["development expenditure"]
    assert first["available_from"].to_list() == [None]
    assert (row["number"], row["kind"]) == (2, "intangible")
    assert row["effective_on"] == row["available_from"] == date(2025, 4, 18)


def test_what_is_held_for_sale_is_not_amortised() -> None:
    (row,) = cards(recognition=facts(purpose="sale")).to_dicts()

    assert (row["kind"], row["method"]) == ("inventory", "none")
    assert row["life_months"] is None


def test_a_contract_that_ends_before_the_right_ends_the_life() -> None:
    terms = life(60)["amortization"] | {"contract_ends": "2027-12-31"}

    assert cards(amortization=terms)["right_ends"].to_list() == [date(2027, 12, 31)]
