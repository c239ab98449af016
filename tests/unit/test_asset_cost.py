"""Cost goes to products to the fen, to the books in balance, and over life to zero."""

import csv
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import ContractError
from schemas.factor import load_factor
from schemas.money import exact_fen
from tasks.asset.amortize import amortize
from tasks.finance import largest_remainder
from tests.finance_case import (
    ACC_09,
    ACCOUNTS,
    NO,
    asset_terms,
    facts,
    make_asset,
    voucher,
)

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"

shares = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.decimals(0, 1000, places=4),
    min_size=1,
).filter(lambda found: any(found.values()))


def balances(journal: pl.LazyFrame) -> dict[str, int]:
    by = journal.group_by("account").agg(pl.col("amount_fen").sum()).collect()
    return {account: total for account, total in by.iter_rows() if total}


@given(total=st.integers(-(10**15), 10**15), parts=shares)
def test_an_allocation_sums_to_the_pool_and_is_off_by_less_than_a_fen(
    total: int, parts: dict[str, Decimal]
) -> None:
    made = largest_remainder(total, parts)

    assert sum(made.values()) == total
    whole = sum(int(s * 10_000) for s in parts.values())
    for name, share in parts.items():
        assert abs(made[name] * whole - total * int(share * 10_000)) < whole


def test_a_thousand_over_three_equal_products_gives_the_odd_fen_to_the_first() -> None:
    # domain.md: 1,000.00 over three equal = 333.34 + 333.33 + 333.33
    made = largest_remainder(100_000, {n: Decimal(1) for n in ("c", "a", "b")})

    assert made == {"c": 33_334, "a": 33_333, "b": 33_333}


@given(total=st.integers(1, 10**15), parts=shares)
def test_what_is_taken_back_is_to_the_fen_what_each_was_charged(
    total: int, parts: dict[str, Decimal]
) -> None:
    charged, back = (largest_remainder(t, parts) for t in (total, -total))

    assert back == {name: -part for name, part in charged.items()}


def test_the_largest_remainder_is_served_first() -> None:
    # 10 over 1:1:4 is 1.67, 1.67, 6.67; over 5:3:2 of 7 is 3.5, 2.1, 1.4
    made = largest_remainder(7, {"a": Decimal(2), "b": Decimal(3), "c": Decimal(5)})

    assert made == {"a": 1, "b": 2, "c": 4}


def test_shares_that_no_context_can_hold_are_still_split_exactly() -> None:
    tiny = Decimal("0.00000000000000000000000000000000001")

    assert largest_remainder(3, {"a": tiny, "b": Decimal(1)}) == {"a": 0, "b": 3}


def test_a_shared_pool_is_borne_in_part_and_the_rest_is_not_booked() -> None:
    pools = {"index": {"index": "1", "other": "2"}}

    made = make_asset(asset_terms(pools=pools))

    assert made.valuation.collect()["book_fen"].item() == 20_000_000
    of_pool = made.allocation.group_by("voucher", "line").agg(
        pl.col("amount_fen").sum()
    )
    costs = made.costs.select("voucher", "line", "amount_fen").sort("voucher")
    assert of_pool.sort("voucher").collect().equals(costs.collect())


def test_a_product_whose_share_is_0_books_nothing() -> None:
    pools = {"index": {"index": "0", "other": "1"}}

    assert make_asset(asset_terms(pools=pools)).journal.collect().is_empty()


def test_acc_09_capitalises_600_000_and_expenses_300_000() -> None:
    made = make_asset()

    assert made.valuation.collect()["book_fen"].item() == 60_000_000
    assert balances(made.journal) == {
        "1701": 60_000_000,
        "530101": 28_000_000,  # research, and development before the conditions
        "6602": 2_000_000,  # training
        "2211": -64_000_000,
        "1002": -26_000_000,
    }
    last = made.recognition.collect().row(-1, named=True)
    assert last["outcome"] == "intangible"
    assert last["answer"] == (
        "600,000.00 CNY capitalised; expensed 80,000.00 of development before"
        " 2025-01-15, 200,000.00 of research, 20,000.00 of other cost"
    )


def test_acc_09_is_amortised_by_10_000_from_april() -> None:
    plan = make_asset().amortization.collect()

    assert plan["charge_fen"].to_list() == [1_000_000] * 60
    assert (plan["period"][0], plan["period"][-1]) == ("2025-04", "2030-03")
    by_year = plan.group_by(pl.col("period").str.slice(0, 4)).agg(
        pl.col("charge_fen").sum()
    )
    assert dict(by_year.iter_rows())["2025"] == 9_000_000
    assert dict(by_year.iter_rows())["2026"] == 12_000_000
    assert plan.filter(period="2026-12")["carrying_fen"].item() == 39_000_000


def test_acc_06_starts_in_the_month_available_and_ends_at_zero() -> None:
    plan = amortize(18_500_000, 60, date(2026, 11, 12))

    assert plan["period"][0] == "2026-11"
    assert plan["charge_fen"].to_list() == [308_333] * 59 + [308_353]
    assert plan["carrying_fen"][-1] == 0


@settings(deadline=None)
@given(cost=st.integers(0, 10**15), life=st.integers(1, 240))
def test_amortisation_ends_at_nothing_and_never_turns_back(
    cost: int, life: int
) -> None:
    plan = amortize(cost, life, date(2026, 1, 31))

    assert plan["charge_fen"].sum() == cost
    assert plan["carrying_fen"][-1] == 0
    assert plan["charge_fen"].to_list() == sorted(plan["charge_fen"].to_list())
    assert plan.height == life


@pytest.mark.parametrize(
    ("changed", "account", "amount"),
    [
        ({"available_from": None}, "530102", 60_000_000),
        ({"purpose": "sale"}, "1405", 68_000_000),
        ({"origin": "purchase"}, "1701", 68_000_000),
        ({"controlled": NO}, "530101", 88_000_000),
        # purchased services that are no asset: by their use, here of the customers
        ({"controlled": NO, "origin": "purchase"}, "6401", 90_000_000),
        ({"conditions": []}, "530101", 88_000_000),
    ],
)
def test_each_outcome_is_booked_to_its_account(
    changed: dict[str, Any], account: str, amount: int
) -> None:
    made = make_asset(asset_terms(recognition=facts(**changed)))

    assets = {"1701", "1405", "530102"} & set(balances(made.journal))
    assert balances(made.journal)[account] == amount
    assert assets <= {account}


def test_what_is_not_recognised_has_book_value_0_and_keeps_its_appraised_value() -> (
    None
):
    made = make_asset(asset_terms(recognition=facts(controlled=NO)))

    row = made.valuation.collect().row(0, named=True)
    assert (row["outcome"], row["book_fen"]) == ("not recognised", 0)
    assert row["appraised_fen"] == 76_496_447  # VAL-06
    assert made.amortization.collect().is_empty()
    assert made.gates.collect()["passed"].all()


@pytest.mark.parametrize(
    "changed",
    [
        {"recognition": facts(purpose="sale")},
        {"recognition": facts(available_from=None)},
        {"pools": {"index": {"other": "1"}}},
    ],
    ids=["inventory", "not ready", "no cost"],
)
def test_only_a_ready_intangible_asset_with_cost_is_amortised(
    changed: dict[str, Any],
) -> None:
    assert make_asset(asset_terms(**changed)).amortization.collect().is_empty()


@settings(deadline=None, max_examples=40)
@given(
    amounts=st.lists(st.integers(1, 10**12), min_size=1, max_size=8),
    parts=st.tuples(st.integers(1, 9), st.integers(0, 9)),
    day=st.dates(date(2024, 6, 1), date(2026, 6, 1)),
    purpose=st.sampled_from(["use", "sale"]),
    origin=st.sampled_from(["internal", "purchase"]),
)
def test_debits_equal_credits_and_the_books_hold_the_book_value(
    amounts: list[int], parts: tuple[int, int], day: date, purpose: str, origin: str
) -> None:
    kinds = ("research", "development", "operation", "development")
    rows = [
        voucher(f"V{i}", date(2024, 12, 1 + 3 * i), kinds[i % 4], "staff", amount)
        for i, amount in enumerate(amounts)
    ]
    pools = {"index": dict(zip(("index", "other"), map(str, parts), strict=True))}
    told = facts(purpose=purpose, origin=origin)

    made = make_asset(asset_terms(pools=pools, recognition=told), rows, as_of=day)

    entries = made.journal.group_by("entry").agg(pl.col("amount_fen").sum()).collect()
    assert set(entries["amount_fen"]) <= {0}
    held = {a: b for a, b in balances(made.journal).items() if a in "1701 1405 530102"}
    assert sum(held.values()) == made.valuation.collect()["book_fen"].item()


def test_next_months_run_posts_no_other_rows_under_the_same_keys() -> None:
    days = [date(2024, 12, 31), date(2025, 1, 14), date(2025, 1, 31)]
    days += [date(2025, 4, 17), date(2025, 4, 18), date(2025, 6, 30)]
    runs = [make_asset(as_of=day) for day in days]

    for earlier, later in pairwise(runs):
        for frame, key in (("journal", ["entry", "line"]), ("costs", ["voucher"])):
            before = getattr(earlier, frame).collect()
            after = getattr(later, frame).collect()
            assert before.join(after, on=after.columns, how="anti").is_empty()
            assert after.select(key).is_duplicated().any() is False


def test_cost_expensed_once_keeps_its_key_when_it_is_capitalised_later() -> None:
    # so that the register refuses it: other content under the same key
    met = facts()["conditions"]
    early = [m | {"met_on": "2024-12-01"} for m in met]
    at_first = make_asset(asset_terms(recognition=facts(conditions=met)))
    rewritten = make_asset(asset_terms(recognition=facts(conditions=early)))

    def of_v2(journal: pl.LazyFrame) -> dict[str, str]:
        lines = journal.filter(pl.col("entry").str.contains("/V2/"), line=1).collect()
        return dict(lines.select("entry", "account").iter_rows())

    assert of_v2(at_first.journal) == {"incur/index-asset/V2/1": "530101"}
    assert of_v2(rewritten.journal)["incur/index-asset/V2/1"] == "530102"


def test_a_voucher_of_a_later_day_stays_out() -> None:
    before, on_the_day = (make_asset(as_of=date(2025, 2, d)) for d in (27, 28))

    assert before.costs.collect()["voucher"].to_list() == ["V1", "V2", "V3"]
    assert on_the_day.costs.collect()["voucher"].to_list() == ["V1", "V2", "V3", "V4"]


def test_cost_after_the_asset_was_ready_is_expensed() -> None:
    late = voucher("V8", date(2025, 4, 19), "development", "cloud", 100)

    made = make_asset(rows=(*ACC_09, late))

    assert made.valuation.collect()["book_fen"].item() == 60_000_000
    assert balances(made.journal)["530101"] == 28_000_100


def test_the_demo_books_what_its_vouchers_say_and_is_appraised_apart() -> None:
    # By hand: 650,000.00 + 900,000.01 / 3 + 300,000.00 / 3 + 45,500.50; the odd fen of
    # the shared voucher goes to the first product by name. Income: 3.0/1.1 + 3.2/1.1² +
    # 3.3/1.1³ + 3.1/1.1⁴ + 2.9/1.1⁵ = 11.76925322 million. Market: the mean of
    # 9.8 × 1.05 × 1.02 × 1.10 and 12.5 × 0.95 × 0.98 × 0.90 = 11.009565 million.
    # 0.7 of the one and 0.3 of the other: 11,541,346.75.
    terms = load_factor("flight-disruption", DEPLOYMENTS / "factors").asset
    assert terms
    with (DEPLOYMENTS / "vouchers" / "flight-disruption.csv").open() as file:
        rows = [
            (
                *(r["voucher"], int(r["line"]), r["pool"], r["supplier"]),
                *(date.fromisoformat(r["incurred_on"]), r["project"], r["phase"]),
                *(r["kind"], exact_fen(Decimal(r["amount"])), r["evidence"]),
                *(r["production_factor"], r["file_sha256"], r["reverses"]),
                exact_fen(Decimal(r["tax"] or 0)),
            )
            for r in csv.DictReader(file)
        ]

    made = make_asset(terms, rows, as_of=date(2026, 6, 30))

    row = made.valuation.collect().row(0, named=True)
    assert made.gates.collect()["passed"].all()
    assert (row["book_fen"], row["appraised_fen"]) == (109_550_051, 1_154_134_675)


def test_a_pool_without_shares_is_refused_by_its_name() -> None:
    with pytest.raises(
        ContractError,
        match=r"lines name a pool without shares \(there are \['else'\]\)",
    ):
        make_asset(asset_terms(pools={"else": {"index": "1"}}))


@pytest.mark.parametrize("role", ["bank", "payroll", "research", "expense"])
def test_a_chart_without_the_account_is_refused_by_its_role(role: str) -> None:
    chart = {r: number for r, number in ACCOUNTS.items() if r != role}

    with pytest.raises(ContractError, match=f"no account for '{role}'"):
        make_asset(asset_terms(accounts=chart))


@pytest.mark.parametrize("shares", [{}, {"index": "0"}, {"index": "2", "other": "-1"}])
def test_shares_that_split_nothing_are_refused(shares: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="0 or more, not all 0"):
        asset_terms(pools={"index": shares})
