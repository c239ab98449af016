"""The statistical value of data: SNA-01 of the oracles, and apart from the books."""

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.asset import Asset, Valuation
from schemas.factor import load_factor
from schemas.national import NationalTerms, NationalValue
from schemas.registers import JournalLine
from tasks.asset.national import own_account
from tests.finance_case import asset_terms, make_asset

SNA_01: dict[str, Any] = {
    "year": 2025,
    "compensation": "800000",
    "data_time_share": "0.30",
    "intermediate": "60000",
    "fixed_capital_consumption": "40000",
    "other_taxes_on_production": "5000",
    "net_return": "0.05",
    "market_producer": True,
    "source": "E-9",
}


def year(**changed: Any) -> NationalTerms:
    return NationalTerms.model_validate(SNA_01 | changed)


def test_sna_01_is_valued_by_the_sum_of_costs_and_a_return() -> None:
    found = own_account(year())

    assert found.labour == 24_000_000
    assert found.cost == 34_500_000
    assert found.net_return == 1_725_000
    assert found.gross_output == 36_225_000


def test_a_non_market_producer_has_no_return() -> None:
    found = own_account(year(market_producer=False, net_return=None))

    assert found.gross_output == 34_500_000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"net_return": None}, "net_return is missing"),
        ({"market_producer": False}, "earns no return"),
        ({"compensation": 800000.0}, "a float cannot hold it exactly"),
        ({"intermediate": "0.001"}, "at most two decimals"),
        ({"data_time_share": "1.01"}, "less than or equal to 1"),
    ],
)
def test_a_year_that_cannot_be_valued_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        year(**changed)


@given(
    pay=st.decimals(0, 10**9, places=2),
    share=st.decimals(0, 1, places=4),
    rate=st.decimals(0, 1, places=4),
)
def test_the_parts_sum_to_the_output_and_are_off_by_half_a_fen_at_most(
    pay: Decimal, share: Decimal, rate: Decimal
) -> None:
    found = own_account(year(compensation=pay, data_time_share=share, net_return=rate))

    assert sum(found) == found.gross_output == found.cost + found.net_return
    assert abs(found.labour - pay * share * 100) <= Decimal("0.5")
    assert abs(found.net_return - found.cost * rate) <= Decimal("0.5")


def test_it_stands_beside_book_and_appraised_value_and_changes_neither() -> None:
    without = make_asset()
    made = make_asset(asset_terms(national_accounts=[SNA_01]))

    row = made.national.collect().row(0, named=True)
    assert (row["year"], row["gross_output_fen"]) == (2025, 36_225_000)
    for name in ("gates", "journal", "valuation", "allocation"):
        assert getattr(made, name).collect().equals(getattr(without, name).collect())
    assert without.national.collect().is_empty()


def test_no_frame_holds_two_of_the_three_values() -> None:
    statistical = set(NationalValue.to_schema().columns)
    others = {*Valuation.to_schema().columns, *JournalLine.to_schema().columns}

    assert {n for n in statistical & others if n.endswith("_fen")} == set()
    frames = [get_args(t)[1] for t in Asset.__annotations__.values()]
    assert frames.count(NationalValue) == 1


def test_the_demos_statistical_value_is_a_third_number() -> None:
    # By hand: 1,500,000.00 × 0.26 + 1,055,500.51 + 36,000.00 + 2,400.00 =
    # 1,483,900.51; 5 % of it is 74,195.0255. Book 1,095,500.51, appraised 11.5 million.
    factors = Path(__file__).resolve().parents[2] / "deployments" / "factors"
    terms = load_factor("flight-disruption", factors).asset

    assert terms
    (found,) = map(own_account, terms.national_accounts)
    assert (found.cost, found.gross_output) == (148_390_051, 155_809_554)
