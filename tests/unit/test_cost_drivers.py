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


def shared_out(total: int, weights: dict[str, Fraction]) -> dict[str, int]:
    """Hare and Niemeyer: whole quotas first, then the largest remainders."""
    whole = sum(weights.values())
    parts = {n: (total * w / whole).__floor__() for n, w in weights.items()}
    rest = {n: total * w / whole - parts[n] for n, w in weights.items()}
    odd = total - sum(parts.values())
    for name in sorted(rest, key=lambda n: (-rest[n], n))[:odd]:
        parts[name] += 1
    return parts


def reperformed(
    costs: pl.DataFrame, allocation: pl.DataFrame
) -> dict[tuple[str, int, str], int]:
    """Recompute each part from the register of cost and the recorded shares alone."""
    found: dict[tuple[str, int, str], int] = {}
    left = {f"{c['voucher']}/{c['line']}": 0 for c in costs.to_dicts()}
    for cost in costs.sort("incurred_on", "voucher", "line").to_dicts():
        key = cost["voucher"], cost["line"]
        name = cost["reverses"] or f"{key[0]}/{key[1]}"
        rows = allocation.filter(voucher=key[0], line=key[1])
        shares = rows.select("product", "share").iter_rows()
        weights = {product: Fraction(share) for product, share in shares}
        before = shared_out(left[name], weights)
        left[name] += cost["amount_fen"]
        after = shared_out(left[name], weights)
        found |= {(*key, p): after[p] - before[p] for p in weights}
    return found


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
    lines=st.lists(
        st.tuples(
            st.integers(1, 10**13) | st.integers(1, 9),
            st.lists(
                st.integers(1, 100), max_size=4
            ),  # per cent taken back of the rest
        ),
        min_size=1,
        max_size=4,
    ),
    counts=st.lists(st.integers(0, 10**9), min_size=3, max_size=3).filter(any),
)
def test_an_allocation_is_reperformed_from_its_recorded_inputs(
    lines: list[tuple[int, list[int]]], counts: list[int]
) -> None:
    rows, left = [], {}
    for n, (amount, parts_back) in enumerate(lines):
        kind = ("operation", "cloud")
        rows.append(voucher(f"V{n}", date(2025, 6, 1 + n), *kind, amount))
        for m, part in enumerate(parts_back):
            taken = -(-amount * part // 100)  # 100 per cent: all that is left
            rows.append(voucher(f"R{n}{m}", JUNE, *kind, -taken, reverses=f"V{n}/1"))
            amount -= taken
            if not amount:
                break
        left[n] = amount

    counted = list(zip(PRODUCTS, counts, strict=True))
    made = shared("delivered_rows", counted, tuple(rows))

    found = made.allocation.collect()
    parts = found.select("voucher", "line", "product", "amount_fen").iter_rows()
    again = reperformed(made.costs.collect(), found)
    assert {(*key, part) for key, part in again.items()} == set(parts)
    of_line = found.group_by(pl.col("voucher").str.slice(1, 1), "product").agg(
        pl.col("amount_fen").sum()
    )
    weights = {product: Fraction(n) for product, n in counted}
    for number, amount in left.items():
        stands = of_line.filter(voucher=str(number)).drop("voucher")
        assert dict(stands.iter_rows()) == shared_out(amount, weights)


def test_single_fen_taken_back_one_by_one_leave_nothing() -> None:
    rows = [(*HOSTING[:8], 3, *HOSTING[9:])]
    rows += [
        voucher(f"R{n}", JUNE, "operation", "cloud", -1, reverses="V8/1")
        for n in range(3)
    ]

    made = shared("calls", [("index", 1), ("other", 1), ("third", 0)], tuple(rows))

    by = made.allocation.collect().group_by("product").agg(pl.col("amount_fen").sum())
    assert set(by["amount_fen"]) == {0}


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
