"""Prices: each mode by hand, tiers against a unit-by-unit count, the guide price."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.compliance import Compliance
from schemas.money import fen
from schemas.offer import Price
from tasks.product.price import Charge, due, price_is_allowed, used

TIERS = [
    {"up_to": 100, "amount": "1.00"},
    {"up_to": 1_000, "amount": "0.50"},
    {"amount": "0.125"},
]


def price(mode: str, **more: Any) -> Price:
    return Price.model_validate({"mode": mode, **more})


def lines(charges: tuple[Charge, ...]) -> list[tuple[str, int, int]]:
    return [(c.kind, c.quantity, c.amount_fen) for c in charges]


def test_what_is_used_of_a_free_flat_or_quota_product_costs_nothing() -> None:
    for asked in (
        price("free"),
        price("flat", amount="1200.00"),
        price("quota", amount="300", quota=100),
    ):
        assert used(asked, 10, 99) == ()


def test_calls_and_rows_are_priced_by_their_number_and_rounded_once() -> None:
    """333 × 0.0015 = 0.4995 -> 0.50; each rounded alone would be 333 × 0.00."""
    asked = price("per_row", amount="0.0015")
    assert lines(used(asked, 3, 333)) == [("row", 333, 50)]
    assert lines(used(price("per_call", amount="0.30"), 3, 333)) == [("call", 3, 90)]
    assert used(asked, 3, 0) == ()


def test_half_a_fen_is_rounded_up() -> None:
    assert lines(used(price("per_call", amount="0.005"), 1, 0)) == [("call", 1, 1)]
    assert lines(used(price("per_call", amount="0.00499"), 1, 0)) == [("call", 1, 0)]


@pytest.mark.parametrize(
    ("calls", "wanted"),
    [
        (0, []),
        (100, [(100, 100_00)]),
        (101, [(100, 100_00), (1, 50)]),
        (1_005, [(100, 100_00), (900, 450_00), (5, 63)]),
    ],
)
def test_tiers_are_graduated(calls: int, wanted: list[tuple[int, int]]) -> None:
    asked = price("tiers", tiers=TIERS)
    assert lines(used(asked, calls, 0)) == [("tier", n, fen_) for n, fen_ in wanted]


def test_an_order_and_each_renewal_pay_the_term_or_the_quotas() -> None:
    assert lines(due(price("flat", amount="1200.00"), None)) == [("flat", 1, 120_000)]
    quota = price("quota", amount="300", quota=100)
    assert lines(due(quota, 200)) == [("quota", 2, 60_000)]
    assert due(price("per_call", amount="1"), 50) == ()


AMOUNTS = st.decimals(0, 1_000, places=4)


@st.composite
def tiered(draw: st.DrawFn) -> Price:
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    tiers = [{"up_to": e, "amount": draw(AMOUNTS)} for e in ends]
    return price("tiers", tiers=[*tiers, {"amount": draw(AMOUNTS)}])


@given(asked=tiered(), units=st.integers(0, 80))
def test_tiers_sum_to_their_units_one_by_one(asked: Price, units: int) -> None:
    """Count independently: look the price of each unit up, add by tier, then round."""
    parts: dict[int, Decimal] = {}
    for unit in range(1, units + 1):
        n = next(n for n, t in enumerate(asked.tiers) if unit <= (t.up_to or unit))
        parts[n] = parts.get(n, Decimal(0)) + asked.tiers[n].amount

    charges = used(asked, units, 0)

    assert [c.amount_fen for c in charges] == [fen(parts[n]) for n in sorted(parts)]
    assert sum(c.quantity for c in charges) == units


@given(asked=tiered(), units=st.integers(0, 80))
def test_using_more_never_costs_less(asked: Price, units: int) -> None:
    def total(n: int) -> int:
        return sum(c.amount_fen for c in used(asked, n, 0))

    assert total(units) <= total(units + 1)


def ceiling(amount: str) -> dict[str, str]:
    return {"amount": amount, "source": "Price order 7"}


@pytest.mark.parametrize(
    ("asked", "limit", "allowed"),
    [
        (price("per_call", amount="0.30"), "0.30", True),
        (price("per_call", amount="0.31"), "0.30", False),
        (price("flat", amount="1200.01"), "1200.00", False),
        (price("quota", amount="300.00", quota=100), "3.00", True),
        (price("quota", amount="300.01", quota=100), "3.00", False),
        (price("tiers", tiers=TIERS), "1.00", True),
        (price("tiers", tiers=TIERS), "0.99", False),
        (price("free"), "0", True),
    ],
)
def test_a_fen_above_the_guide_price_is_refused(
    asked: Price, limit: str, allowed: bool
) -> None:
    capped = Price.model_validate(asked.model_dump() | {"ceiling": ceiling(limit)})
    verdict = price_is_allowed(capped, None)
    assert verdict.allowed is allowed
    assert "Price order 7" in verdict.ground


@pytest.mark.parametrize(
    ("amount", "limit", "calls", "charged_fen"),
    [
        ("0.005", "0.005", 1, 0),  # half a fen: no fen is within the guide price
        ("0.005", "0.005", 2, 1),
        ("0.005", "0.005", 3, 1),
        ("0.125", "0.125", 5, 62),  # 0.625
        ("0.005", "0.01", 1, 1),  # half up is within it
        ("0.005", "0.01", 3, 2),
    ],
)
def test_no_line_is_rounded_above_the_guide_price(
    amount: str, limit: str, calls: int, charged_fen: int
) -> None:
    one = price("per_call", amount=amount, ceiling=ceiling(limit))
    tiers = price("tiers", tiers=[{"amount": amount}], ceiling=ceiling(limit))

    assert price_is_allowed(one, None).allowed
    assert lines(used(one, calls, 0)) == [("call", calls, charged_fen)]
    assert lines(used(tiers, calls, 0)) == [("tier", calls, charged_fen)]


@given(
    limit=st.decimals(0, 2, places=4),
    below=st.decimals(0, 1, places=4),
    units=st.integers(1, 5_000),
)
def test_what_is_charged_never_exceeds_the_guide_price(
    limit: Decimal, below: Decimal, units: int
) -> None:
    tiers = [{"amount": max(limit - below, Decimal(0))}]
    asked = price("tiers", tiers=tiers, ceiling=ceiling(str(limit)))

    (line,) = used(asked, units, 0)

    assert Decimal(line.amount_fen) <= limit * 100 * units


ANSWER = {"answer": True, "evidence": "agreement 3"}


def public(supply: str) -> Compliance:
    return Compliance.model_validate(
        {
            **{n: ANSWER for n in ("lawful_source", "undisputed")},
            "third_party_rights": ANSWER,
            "consent": {"basis": "none-personal", "evidence": "no person in it"},
            "public_data": {"supply": supply, "authority": "a bureau"},
        }
    )


def test_public_data_are_free_or_have_a_guide_price() -> None:
    paid = price("per_call", amount="1")
    capped = price("per_call", amount="1", ceiling=ceiling("1"))
    assert not price_is_allowed(capped, public("authorised-free")).allowed
    assert not price_is_allowed(capped, public("open")).allowed
    assert not price_is_allowed(paid, public("authorised-paid")).allowed
    assert price_is_allowed(capped, public("authorised-paid")).allowed
    assert price_is_allowed(price("free"), public("open")).allowed


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "per_call"},
        {"mode": "free", "amount": "1"},
        {"mode": "flat", "amount": "1.005"},
        {"mode": "per_call", "amount": 0.1},
        {"mode": "quota", "amount": "1"},
        {"mode": "flat", "amount": "1", "quota": 5},
        {"mode": "tiers", "tiers": []},
        {"mode": "tiers", "tiers": [{"up_to": 5, "amount": "1"}]},
        {"mode": "tiers", "tiers": [{"amount": "1"}, {"amount": "1"}]},
        {
            "mode": "tiers",
            "tiers": [
                {"up_to": 5, "amount": "1"},
                {"up_to": 5, "amount": "1"},
                {"amount": "1"},
            ],
        },
    ],
)
def test_a_price_that_contradicts_its_mode_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate(wrong)
