"""An appraisal under another price or quality, counted by hand from the oracles."""

from decimal import Decimal
from typing import Any

import pytest

from schemas.errors import ContractError
from tasks.asset.appraise.shock import at_price, at_quality
from tasks.asset.appraise.value import appraised
from tests.appraisal_case import by_cost, by_deals, by_split, case, forecast
from tests.finance_case import income, sourced


def value(*methods: object, price: str = "0", quality: str = "1") -> int:
    """Appraise under a change of price and a ratio of quality; fen."""
    given = case(*methods)  # type: ignore[arg-type]  # methods are documents
    changed = at_quality(at_price(given.appraisal, Decimal(price)), Decimal(quality))
    return appraised(given.model_copy(update={"appraisal": changed}))


def test_income_follows_the_price_and_its_expenses_do_not() -> None:
    # VAL-06: 300,000 / 1.12 + 320,000 / 1.12² + 340,000 / 1.12³ = 764,964.47; × 0.8.
    assert value(income()) == 76_496_447
    assert value(income(), price="-0.2") == 61_197_157
    # Less 100,000 a year: 140,000, 156,000, 172,000 at 12 %:
    # 125,000.00 + 124,362.24490 + 122,426.20262.
    less: Any = {"less": {"staff": sourced(values=["100000"] * 3)}}
    costly = income(forecast=forecast("300000", "320000", "340000", **less))
    assert value(costly, price="-0.2") == 37_178_845


def test_deals_follow_the_price_and_the_quality() -> None:
    # VAL-05: 577,269.00 + 232,560.00 = 809,829.00.
    assert value(by_deals()) == 80_982_900
    assert value(by_deals(), price="-0.2") == 64_786_320
    assert value(by_deals(), quality="0.5") == 40_491_450


def test_cost_follows_the_quality_and_not_the_price() -> None:
    # VAL-04: 1,220,000.00 × 0.92; δ 0.92 × 0.75 = 0.69 -> 841,800.00.
    assert value(by_cost()) == value(by_cost(), price="-0.2") == 112_240_000
    assert value(by_cost(), quality="0.75") == 84_180_000


def test_income_does_not_follow_the_quality() -> None:
    assert value(income(), quality="0.5") == 76_496_447


def test_a_profit_does_not_tell_what_a_price_does_to_it() -> None:
    with pytest.raises(ContractError, match="state it as revenue, less expenses"):
        value(by_split(), price="-0.2")
