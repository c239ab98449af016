"""What operated public data may earn at most: cost, profit and tax, by hand."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.offer import CeilingRules
from tasks.product.ceiling import Allowed, ceiling_revenue


def rules(profit: str = "0.05", tax: str = "0.06") -> CeilingRules:
    """The rates of a policy."""
    stated: dict[str, Any] = {"policy": "test", "applies_from": date(2025, 1, 1)}
    rates = {"allowed_profit_rate": profit, "vat_rate_services": tax}
    return CeilingRules.model_validate(stated | rates)


@pytest.mark.parametrize(
    ("cost", "profit", "tax", "made"),
    [
        pytest.param(80_000_000, "0.05", "0.06", (4_000_000, 5_040_000), id="years"),
        pytest.param(0, "0.05", "0.06", (0, 0), id="nothing"),
        # 0.10 × 0.05 = 0.005 -> 0.01; 0.11 × 0.06 = 0.0066 -> 0.01
        pytest.param(10, "0.05", "0.06", (1, 1), id="half up"),
        pytest.param(12_345, "0", "0", (0, 0), id="no rates"),
    ],
)
def test_profit_is_a_share_of_cost_and_tax_of_both(
    cost: int, profit: str, tax: str, made: tuple[int, int]
) -> None:
    found = ceiling_revenue(cost, rules(profit, tax))

    assert found == Allowed(cost, *made)
    assert found.net_fen == cost + made[0]


@given(st.integers(0, 9_000_000_000_000_000))
def test_a_ceiling_is_never_below_its_cost(cost: int) -> None:
    found = ceiling_revenue(cost, rules())

    assert cost <= found.net_fen
    assert abs(100 * found.profit_fen - 5 * cost) <= 50
    assert abs(100 * found.tax_fen - 6 * found.net_fen) <= 50
