"""Data held for sale are carried at the lower of cost and what they bring (CAS 1)."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.measurement import Finding, Side, Total
from schemas.registers import AssetEvent
from tasks.asset.inventory import (
    provide,
    provision_sides,
)
from tests.measured import decided, total

STOCK = {"kind": "inventory"}
DAYS = [date(2026, month, 28) for month in (6, 9, 12)]


def net_realisable_value(price: int, costs: int, taxes: int) -> int:
    """Compute price − completion and selling − taxes; fen, 0 or more."""
    return max(price - costs - taxes, 0)


def provision_change(cost: int, provided: int, value: int) -> int:
    """Compute what is provided (> 0) or taken back (< 0), at most what was provided.

    Cost 100.00, provided 15.00, value 93.00 -> −8.00; value 175.00 -> −15.00.
    """
    return max(cost - value, 0) - provided


def test_value_is_price_less_completion_selling_and_taxes_and_never_below_0() -> None:
    # CAS 1 art. 15
    assert net_realisable_value(11_000, 2_000, 500) == 8_500
    assert net_realisable_value(100, 90, 20) == 0


def test_what_cost_exceeds_value_by_is_provided_and_taken_back_at_most_whole() -> None:
    # CAS 1 arts. 15, 19: 100.00 worth 85.00, then 93.00, then 175.00
    first = provision_change(10_000, 0, 8_500)
    second = provision_change(10_000, first, 9_300)
    third = provision_change(10_000, first + second, 17_500)

    assert (first, second, third) == (1_500, -800, -700)


@settings(deadline=None)
@given(
    cost=st.integers(1, 10**15),
    share=st.integers(0, 100),
    figures=st.lists(
        st.tuples(*(st.integers(0, 10**15) for _ in range(3))), min_size=1, max_size=6
    ),
)
def test_what_is_carried_is_the_lower_of_cost_and_value_whatever_came_before(
    cost: int, share: int, figures: list[tuple[int, int, int]]
) -> None:
    provided = cost * share // 100
    totals = frame_of(Total, [total("a", cost, 0, provided, **STOCK)])
    names = ("fair_value_fen", "costs_fen", "tax_fen")
    decisions = [
        decided(
            "a", "provision", date(2026, 1, 1 + i), **dict(zip(names, f, strict=True))
        )
        for i, f in enumerate(figures)
    ]

    found = provide(frame_of(AssetEvent, decisions), totals)

    alone = []
    for price, costs, taxes in figures:
        value = net_realisable_value(price, costs, taxes)
        alone.append(provision_change(cost, provided, value))
        provided += alone[-1]
        assert 0 <= provided <= cost
        assert cost - provided == min(cost, value)
    assert found["change_fen"].to_list() == alone


def test_many_are_compared_at_once_each_decision_on_the_one_before() -> None:
    totals = frame_of(
        Total,
        [total("a", 10_000, 0, 0, **STOCK), total("b", 10_000, 0, 1_500, **STOCK)],
    )
    figures = {"costs_fen": 2_000, "tax_fen": 500}
    prices = zip(DAYS, (11_000, 11_800, 20_000), strict=True)
    decisions = frame_of(
        AssetEvent,
        [
            *(
                decided("a", "provision", d, fair_value_fen=p, **figures)
                for d, p in prices
            ),
            decided("b", "provision", DAYS[0], fair_value_fen=9_300),
            decided("b", "impair", DAYS[0], value_in_use_fen=1),
        ],
    )

    found = provide(decisions, totals)

    Finding.to_schema().validate(found)
    assert found.select("asset", "change_fen").rows() == [
        ("a", 1_500),
        ("a", -800),
        ("a", -700),
        ("b", -800),
    ]
    assert found["recoverable_fen"].to_list() == [8_500, 9_300, 17_500, 9_300]
    sides = provision_sides(found)
    Side.to_schema().validate(sides)
    of_b = sides.filter(asset="b").select("event", "role", "amount_fen").rows()
    assert of_b == [
        ("restore", "impairment_loss", -800),
        ("restore", "provision", 800),
    ]
    by_entry = sides.group_by("asset", "decision").agg(pl.col("amount_fen").sum())
    assert set(by_entry["amount_fen"]) == {0}


@pytest.mark.parametrize(
    ("figures", "changed", "said"),
    [
        ({"costs_fen": 1}, STOCK, "1 decisions on a provision lack the expected price"),
        ({"fair_value_fen": 1}, {}, "1 decisions do not fit the kind of their asset"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused(
    figures: dict[str, int], changed: dict[str, Any], said: str
) -> None:
    totals = frame_of(Total, [total("a", 100, **changed)])
    decisions = frame_of(AssetEvent, [decided("a", "provision", DAYS[0], **figures)])

    with pytest.raises(ContractError, match=said):
        provide(decisions, totals)
