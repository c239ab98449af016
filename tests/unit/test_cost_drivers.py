"""A pool shared by use: measured, recorded, and re-performed from its record alone."""

from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.asset import Asset
from schemas.contract import frame_of
from schemas.cost import MEASURED, DriverTerms
from schemas.errors import ContractError
from schemas.registers import Order, Usage
from tasks.asset.drivers import measure_drivers
from tests.finance_case import asset_terms, make_asset, voucher, vouchers

JUNE = date(2025, 6, 30)
HOSTING = voucher("V8", date(2025, 6, 10), "operation", "cloud", 100_000)
PRODUCTS = ["index", "other", "third"]


def pool(driver: str, *products: str) -> dict[str, Any]:
    return {"index": {"driver": driver, "products": list(products or PRODUCTS)}}


def shared(
    driver: str,
    counted: list[tuple[str, int]],
    rows: tuple[tuple[Any, ...], ...] = (HOSTING,),
    as_of: date = JUNE,
) -> Asset:
    """Share vouchers by what was measured in June."""
    drivers = [(name, driver, "2025-06", n) for name, n in counted]
    terms = asset_terms(pools=pool(driver))
    return make_asset(terms, rows, as_of=as_of, drivers=drivers)


def parts(made: Asset, voucher: str = "V8") -> dict[str, int]:
    own = made.allocation.filter(voucher=voucher).collect()
    return dict(own.select("product", "amount_fen").iter_rows())


def reperformed(costs: pl.DataFrame, allocation: pl.DataFrame) -> pl.DataFrame:
    """Recompute each part from the register of cost and the recorded shares alone."""
    totals = {(c["voucher"], c["line"]): c["amount_fen"] for c in costs.to_dicts()}
    rows = []
    for (number, line), group in allocation.group_by("voucher", "line"):
        total, weights = totals[number, line], group["share"].to_list()
        whole = sum(map(Fraction, weights))
        exact = [abs(total) * Fraction(w) / whole for w in weights]
        floors = [e.numerator // e.denominator for e in exact]
        names = group["product"].to_list()
        queue = sorted(
            range(len(names)), key=lambda i: (floors[i] - exact[i], names[i])
        )
        for i in queue[: abs(total) - sum(floors)]:
            floors[i] += 1
        sign = -1 if total < 0 else 1
        rows += [
            (number, line, n, sign * f) for n, f in zip(names, floors, strict=True)
        ]
    key = ["voucher", "line", "product"]
    return pl.DataFrame(rows, schema=[*key, "amount_fen"], orient="row").sort(key)


@pytest.mark.parametrize("driver", MEASURED)
def test_1000_yuan_over_three_that_were_used_alike_give_the_odd_fen_to_the_first(
    driver: str,
) -> None:
    # 1,000.00 over three equal products = 333.34 + 333.33 + 333.33
    made = shared(driver, [(name, 7) for name in PRODUCTS])

    assert parts(made) == {"index": 33_334, "other": 33_333, "third": 33_333}
    assert made.allocation.collect()["driver"].unique().to_list() == [driver]
    assert made.allocation.collect()["share"].unique().to_list() == ["7"]


def test_cost_follows_use_and_who_was_not_used_bears_none() -> None:
    made = shared("calls", [("index", 300), ("other", 100), ("third", 0)])

    assert parts(made) == {"index": 75_000, "other": 25_000, "third": 0}
    assert made.journal.collect()["amount_fen"].to_list() == [75_000, -75_000]


@settings(deadline=None, max_examples=60)
@given(
    amounts=st.lists(st.integers(1, 10**13), min_size=1, max_size=5),
    counts=st.lists(st.integers(0, 10**9), min_size=3, max_size=3).filter(any),
    back=st.integers(0, 4),
)
def test_an_allocation_is_reperformed_from_its_recorded_inputs(
    amounts: list[int], counts: list[int], back: int
) -> None:
    rows = [
        voucher(f"V{n}", date(2025, 6, 1 + n), "operation", "cloud", amount)
        for n, amount in enumerate(amounts)
    ]
    taken = amounts[back % len(amounts)]
    undone = voucher(
        "V9", JUNE, "operation", "cloud", -taken, reverses=f"V{back % len(amounts)}/1"
    )

    counted = list(zip(PRODUCTS, counts, strict=True))
    made = shared("delivered_rows", counted, (*rows, undone))

    found = made.allocation.collect().sort("voucher", "line", "product")
    again = reperformed(made.costs.collect(), found)
    assert found.select(again.columns).equals(again)
    by_line = found.group_by("voucher").agg(pl.col("amount_fen").sum())
    assert dict(by_line.iter_rows()) == {
        **{f"V{n}": amount for n, amount in enumerate(amounts)},
        "V9": -taken,
    }


def test_tax_is_shared_as_its_line_is() -> None:
    taxed = voucher("V8", date(2025, 6, 10), "operation", "cloud", 100, tax=100_000)

    made = shared("calls", [(name, 1) for name in PRODUCTS], (taxed,))

    assert made.allocation.collect()["tax_fen"].to_list() == [33_334, 33_333, 33_333]
    vat = made.journal.filter(account="22210101").collect()
    assert vat["amount_fen"].to_list() == [33_334]


def test_cost_shared_by_use_waits_until_its_month_is_over() -> None:
    counted = [(name, 1) for name in PRODUCTS]

    before = shared("calls", counted, as_of=date(2025, 6, 29))

    assert before.allocation.collect().is_empty()
    assert before.costs.collect().height == 1
    after = shared("calls", counted)
    assert parts(after) != {}
    # so that a later look at an earlier day misses nothing that was booked by then
    assert set(after.journal.collect()["booked_on"]) == {JUNE}


def test_a_line_taken_back_in_a_later_month_is_shared_as_it_was() -> None:
    back = voucher(
        "V9", date(2025, 7, 2), "operation", "cloud", -100_000, reverses="V8/1"
    )
    counted = [("index", 300), ("other", 100), ("third", 1)]

    made = shared("calls", counted, (HOSTING, back), date(2025, 7, 31))

    assert parts(made, "V9") == {n: -part for n, part in parts(made).items()}


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ([("index", 1), ("other", 2)], "nothing of third was measured in 2025-06"),
        ([(n, 0) for n in PRODUCTS], "nothing at all was measured in 2025-06"),
    ],
)
def test_what_was_not_measured_is_named(
    counted: list[tuple[str, int]], said: str
) -> None:
    with pytest.raises(ContractError, match=said):
        shared("calls", counted)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"driver": "calls"}, "list products, and no shares"),
        (
            {"driver": "calls", "products": ["a"], "shares": {"a": "1"}},
            "list products, and no shares",
        ),
        ({"shares": {"a": "1"}, "products": ["a"]}, "leave products out"),
        ({"driver": "cpu_seconds", "products": ["a"]}, "Input should be 'shares'"),
        ({"a": 0.5}, "a float cannot hold it exactly"),
    ],
)
def test_a_pool_that_says_no_key_or_two_is_refused(
    told: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        asset_terms(pools={"index": told})


def ordered(number: str, product: str) -> tuple[Any, ...]:
    row: dict[str, Any] = dict.fromkeys(Order.to_schema().columns, "x")
    row |= {"order": number, "product": product, "rows_limit": None, "quota": None}
    row |= {"unit": "call", "price_mode": "free", "amount_fen": 0}
    row |= dict.fromkeys(("valid_from", "valid_to", "ordered_on"), JUNE)
    return tuple(row.values())


def used(delivery: str, order: str, period: str, calls: int, rows: int) -> Any:
    at = f"{period}-02T00:00:00.000000Z"
    return (delivery, order, at, period, "service", calls, rows, 10 * rows, "a", "f")


def measured(months: list[date], **frames: pl.LazyFrame) -> dict[tuple[str, ...], int]:
    orders = [ordered("SO-1", "index"), ordered("SO-2", "other"), ordered("SO-3", "no")]
    deliveries = [
        used("d1", "SO-1", "2025-06", 2, 30),
        used("d2", "SO-1", "2025-06", 1, 5),
        used("d3", "SO-1", "2025-07", 9, 9),
        used("d4", "SO-3", "2025-06", 50, 50),
    ]
    rows = [voucher(f"V{d}", d, "operation", "cloud", 1) for d in months]
    made = measure_drivers(
        vouchers(rows),
        frame_of(Order, orders).lazy(),
        frame_of(Usage, deliveries).lazy(),
        {name.replace("_at_", "@").replace("_", "-"): f for name, f in frames.items()},
        DriverTerms(factor="index", products=("index", "other")),
    )
    return {(*key, str(month)): n for *key, month, n in made.collect().iter_rows()}


def test_use_is_counted_by_product_and_month_of_the_cost() -> None:
    found = measured([JUNE, date(2025, 6, 1)])

    assert found == {
        ("index", "calls", "2025-06"): 3,
        ("index", "delivered_rows", "2025-06"): 35,
        ("index", "delivered_bytes", "2025-06"): 350,
        ("other", "calls", "2025-06"): 0,
        ("other", "delivered_rows", "2025-06"): 0,
        ("other", "delivered_bytes", "2025-06"): 0,
    }


@pytest.mark.parametrize(
    ("month", "rows"), [(4, 3), (5, 3), (6, 3), (7, 8), (8, 8)], ids=str
)
def test_rows_count_as_last_published_by_the_month_or_else_first_after(
    month: int, rows: int
) -> None:
    three, eight = (pl.LazyFrame({"a": range(n)}) for n in (3, 8))

    found = measured(
        [date(2025, month, 1)], index_at_2025_05=three, index_at_2025_07=eight
    )

    assert found["index", "published_rows", f"2025-{month:02}"] == rows
    assert ("other", "published_rows", f"2025-{month:02}") not in found


def test_use_without_a_voucher_costs_nothing() -> None:
    made = shared("calls", [(name, 10**6) for name in PRODUCTS], rows=())

    assert made.allocation.collect().is_empty()
    assert made.journal.collect().is_empty()
    assert made.valuation.collect()["book_fen"].item() == 0
