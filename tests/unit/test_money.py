"""Money is whole fen: typed exactly, rounded once, shown as people write it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.money import LARGEST_FEN, Rate, Yuan, exact_fen, fen, shown, yuan


@given(st.integers(-LARGEST_FEN, LARGEST_FEN))
def test_fen_survive_the_way_to_yuan_and_back(amount: int) -> None:
    assert exact_fen(yuan(amount)) == amount
    assert fen(yuan(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("1.005", 101),
        ("1.0049999999999999999999999999999999999999", 100),
        ("-1.005", -101),
        ("1.00499999999999999999999999999999999999999999999999", 100),
    ],
)
def test_an_amount_is_rounded_half_up_and_once(amount: str, rounded: int) -> None:
    assert fen(Decimal(amount)) == rounded


@pytest.mark.parametrize(
    "amount",
    [
        "0.001",
        "1.00000000000000000000000000000000000000000000000001",
        "1e-999999",
        "1e-9999999",
    ],
)
def test_an_amount_with_a_part_of_a_fen_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="at most two decimals"):
        exact_fen(Decimal(amount))


@pytest.mark.parametrize("amount", ["90000000000000.01", "-1e20", "1e9999"])
def test_an_amount_beyond_the_books_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="90 trillion"):
        exact_fen(Decimal(amount))


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_an_amount_must_be_a_number(amount: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        exact_fen(Decimal(amount))


@pytest.mark.parametrize("amount", [0.1, True])
def test_a_float_is_never_money(amount: object) -> None:
    with pytest.raises(ValidationError, match="in quotes"):
        TypeAdapter(Yuan).validate_python(amount)


def test_text_and_whole_numbers_are_money() -> None:
    money = TypeAdapter(Yuan)

    assert money.validate_python("12.30") == Decimal("12.30")
    assert money.validate_python(12) == Decimal(12)


def test_a_rate_is_a_fraction_and_not_a_percentage() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Rate).validate_python("36")


def test_fen_are_shown_with_groups_and_two_decimals() -> None:
    assert shown(123_456_789) == "1,234,567.89"
    assert shown(-5) == "-0.05"
