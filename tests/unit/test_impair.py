"""An intangible asset is written down to what it can recover, and never back up."""

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
from tasks.asset.impair import (
    impair,
    impairment,
    impairment_sides,
    recoverable_amount,
)
from tests.measured import decided, total

DAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("fair_value", "costs", "value_in_use", "amount"),
    [
        (100, 10, 80, 90),
        (100, 10, 95, 95),
        (100, None, None, 100),
        (None, None, 95, 95),
        (5, 10, None, 0),
        (5, 10, 0, 0),
    ],
)
def test_the_higher_of_sale_and_use_is_recoverable(
    fair_value: int | None, costs: int | None, value_in_use: int | None, amount: int
) -> None:
    # CAS 8 art. 6; arts. 7 and 8 where one of them cannot be estimated
    assert recoverable_amount(fair_value, costs, value_in_use) == amount


def test_a_test_without_figures_is_refused() -> None:
    with pytest.raises(ContractError, match="neither fair value nor value in use"):
        recoverable_amount(None, 5, None)


def test_acc_07_of_many_assets_one_is_written_down_and_one_not_up() -> None:
    totals = frame_of(
        Total,
        [
            total("first", 80_000_000, 40_000_000, 0),
            total("next", 80_000_000, 47_500_000, 10_000_000),
            total("else", 1, 0, 0),
        ],
    )
    decisions = frame_of(
        AssetEvent,
        [
            decided("first", "impair", DAY, value_in_use_fen=30_000_000),
            decided("next", "impair", DAY, fair_value_fen=27_000_000, costs_fen=10**6),
            decided("else", "expire", DAY),
        ],
    )

    found = impair(decisions, totals)

    Finding.to_schema().validate(found)
    assert found.select("asset", "change_fen").rows() == [
        ("first", 10_000_000),
        ("next", 0),
    ]
    assert "not reversed (CAS 8 art. 17)" in found["said"][1]
    sides = impairment_sides(found)
    Side.to_schema().validate(sides)
    assert sides.select("asset", "role", "amount_fen").rows() == [
        ("first", "impairment_loss", 10_000_000),
        ("first", "impairment", -10_000_000),
    ]


def test_a_second_test_in_the_month_starts_from_what_the_first_left() -> None:
    totals = frame_of(Total, [total("a", 100, 0, 0)])
    decisions = frame_of(
        AssetEvent,
        [
            decided("a", "impair", date(2026, 12, day), value_in_use_fen=use)
            for day, use in ((30, 40), (5, 70), (9, 90))
        ],
    )

    found = impair(decisions, totals)

    assert found.select("decision", "carrying_fen", "change_fen").rows() == [
        ("D-2026-12-05", 100, 30),
        ("D-2026-12-09", 70, 0),
        ("D-2026-12-30", 70, 30),
    ]


@pytest.mark.parametrize("event", ["dispose", "contribute", "expire"])
def test_what_leaves_the_books_in_the_month_has_no_loss_of_its_own(event: str) -> None:
    decisions = [
        decided("a", "impair", date(2026, 12, 1), value_in_use_fen=40),
        decided("a", event, DAY),
        decided("b", "impair", DAY, value_in_use_fen=40),
    ]
    totals = frame_of(Total, [total("a", 100), total("b", 100)])

    found = impair(frame_of(AssetEvent, decisions), totals)

    assert found["change_fen"].to_list() == [0, 60]
    assert "leaves the books in the month" in found["said"][0]


@pytest.mark.parametrize(
    ("asset", "changed", "figures", "said"),
    [
        ("a", {}, {"costs_fen": 1}, "1 impairment decisions have neither fair value"),
        ("b", {}, {"value_in_use_fen": 1}, "1 decisions concern an asset that is not"),
        ("a", {"gross_fen": 0}, {"value_in_use_fen": 1}, "that is not in the books"),
        (
            *("a", {"kind": "inventory"}, {"value_in_use_fen": 1}),
            "must be intangible or development expenditure",
        ),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused(
    asset: str, changed: dict[str, Any], figures: dict[str, int], said: str
) -> None:
    totals = frame_of(Total, [total("a", 100, 0, 0, **changed)])
    decisions = frame_of(AssetEvent, [decided(asset, "impair", DAY, **figures)])

    with pytest.raises(ContractError, match=said):
        impair(decisions, totals)


amounts = st.none() | st.integers(0, 10**15)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(1, 10**15), amounts, amounts, st.integers(0, 10**15)),
        min_size=1,
        max_size=8,
    )
)
def test_many_are_tested_as_each_alone(rows: list[tuple[Any, ...]]) -> None:
    standing = [total(f"a{i}", gross) for i, (gross, *_) in enumerate(rows)]
    totals = frame_of(Total, standing)
    decisions = frame_of(
        AssetEvent,
        [
            decided(
                *(f"a{i}", "impair", DAY),
                fair_value_fen=fair,
                costs_fen=costs,
                value_in_use_fen=use,
            )
            for i, (_, fair, costs, use) in enumerate(rows)
        ],
    )

    found = impair(decisions, totals)

    alone = [impairment(g, recoverable_amount(f, c, u)) for g, f, c, u in rows]
    assert dict(found.select("asset", "change_fen").iter_rows()) == {
        f"a{i}": loss for i, loss in enumerate(alone)
    }
    assert (found["change_fen"] >= 0).all()
    assert (found["change_fen"] <= found["carrying_fen"]).all()
    sides = impairment_sides(found).group_by("asset").agg(pl.col("amount_fen").sum())
    assert set(sides["amount_fen"]) <= {0}
