"""Lines below 0: they take a line back, by its shares and under its heading."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.finance_case import (
    ACC_09,
    asset_terms,
    facts,
    failed,
    make_asset,
    voucher,
)

MAY = date(2025, 5, 31)


def balances(journal: pl.LazyFrame) -> dict[str, int]:
    by = journal.group_by("account").agg(pl.col("amount_fen").sum()).collect()
    return {account: total for account, total in by.iter_rows() if total}


def taken(number: str, on: date, amount: int, **said: Any) -> tuple[Any, ...]:
    return voucher(number, on, "development", "labelling", amount, **said)


def test_a_line_taken_back_leaves_the_asset_and_the_bank_as_they_were() -> None:
    wrong = taken("V8", date(2025, 4, 1), 1_234_567, tax=74_074)
    back = taken("V9", date(2025, 5, 2), -1_234_567, reverses="V8/1", tax=-74_074)

    made = make_asset(rows=(*ACC_09, wrong, back), as_of=MAY)

    assert balances(made.journal) == balances(make_asset(as_of=MAY).journal)
    assert made.valuation.collect()["book_fen"].item() == 60_000_000
    assert failed(made.gates) == {}
    entries = made.journal.collect()
    red = entries.filter(entry="incur/index-asset/V9/1")
    assert dict(red.select("account", "amount_fen").iter_rows()) == {
        "530102": -1_234_567,
        "22210101": -74_074,
        "1002": 1_308_641,
    }
    left = entries.filter(entry="recognise/index-asset/V9/1")
    assert left["booked_on"].unique().to_list() == [date(2025, 5, 2)]


def test_a_part_of_expensed_cost_is_taken_back_from_the_expense() -> None:
    back = voucher("V9", MAY, "development", "staff", -3_000_000, reverses="V2/1")

    made = make_asset(rows=(*ACC_09, back), as_of=MAY)

    assert made.valuation.collect()["book_fen"].item() == 60_000_000
    assert balances(made.journal)["530101"] == 25_000_000
    said = made.recognition.collect()["answer"][-1]
    assert "expensed 50,000.00 of development before 2025-01-15" in said


def test_a_shared_line_is_taken_back_by_the_shares_of_that_line() -> None:
    pools = {"index": {"index": "1", "other": "1", "third": "1"}}
    lines = [
        taken("V8", date(2025, 2, 1), 100_000),
        taken("V9", date(2025, 3, 1), -100_000, reverses="V8/1"),
    ]

    parts = make_asset(asset_terms(pools=pools), lines).allocation.collect()

    assert parts.filter(voucher="V8")["amount_fen"].to_list() == [33334, 33333, 33333]
    assert parts.filter(voucher="V9")["amount_fen"].to_list() == [
        -33334,
        -33333,
        -33333,
    ]


@pytest.mark.parametrize(
    "line",
    [
        taken("V9", MAY, -100),
        taken("V9", MAY, -100, reverses="V99/1"),
        taken("V9", MAY, -100, reverses="V4/2"),
        taken("V9", date(2025, 2, 27), -100, reverses="V4/1"),
        taken("V9", MAY, -12_000_001, reverses="V4/1"),
        taken("V9", MAY, -100, reverses="V4/1", pool="else"),
        taken("V9", MAY, 100, reverses="V4/1"),
    ],
    ids=[
        "names none",
        "one that is not there",
        "another line",
        "before that line",
        "more than that line",
        "of another pool",
        "not below 0",
    ],
)
def test_a_line_that_takes_back_what_was_not_charged_closes_the_gate(
    line: tuple[Any, ...],
) -> None:
    pools = {"index": {"index": "1"}, "else": {"index": "1"}}

    made = make_asset(asset_terms(pools=pools), (*ACC_09, line), as_of=MAY)

    assert "1 lines below 0 do not name" in failed(made.gates)["vouchers"]


def test_a_tax_of_the_other_sign_closes_the_gate() -> None:
    line = taken("V9", MAY, 100, tax=-6)

    made = make_asset(rows=(*ACC_09, line), as_of=MAY)

    assert "1 state a tax of the other sign" in failed(made.gates)["vouchers"]


def test_two_lines_together_take_back_no_more_than_was_charged() -> None:
    lines = [
        taken("V8", MAY, -7_000_000, reverses="V4/1"),
        taken("V9", MAY, -5_000_001, reverses="V4/1"),
    ]

    first = make_asset(rows=(*ACC_09, lines[0]), as_of=MAY)
    both = make_asset(rows=(*ACC_09, *lines), as_of=MAY)

    assert failed(first.gates) == {}
    assert "2 lines below 0" in failed(both.gates)["vouchers"]


@settings(deadline=None, max_examples=40)
@given(
    lines=st.lists(
        st.tuples(
            st.integers(1, 10**12),  # fen
            st.integers(0, 10**10),  # input tax
            st.integers(0, 100),  # per cent of it that is taken back
            st.sampled_from(["research", "development", "operation"]),
            st.integers(0, 150),  # days after 2024-12-01
        ),
        min_size=1,
        max_size=5,
    ),
    share=st.integers(0, 9),
    origin=st.sampled_from(["internal", "purchase"]),
)
def test_with_lines_taken_back_each_entry_balances_and_the_books_hold_the_cost(
    lines: list[tuple[int, int, int, str, int]], share: int, origin: str
) -> None:
    rows = []
    for n, (amount, tax, part, phase, day) in enumerate(lines):
        on = date(2024, 12, 1) + timedelta(days=day)
        rows.append(voucher(f"V{n}", on, phase, "cloud", amount, tax=tax))
        if back := amount * part // 100:
            less, of = -(tax * part // 100), f"V{n}/1"
            rows.append(
                voucher(f"R{n}", MAY, phase, "cloud", -back, reverses=of, tax=less)
            )
    pools = {"index": {"index": "1", "other": str(share)}}
    terms = asset_terms(pools=pools, recognition=facts(origin=origin))

    made = make_asset(terms, rows, as_of=MAY)

    journal, own = made.journal, made.allocation.filter(product="index").collect()
    entries = journal.group_by("entry").agg(pl.col("amount_fen").sum()).collect()
    assert set(entries["amount_fen"]) <= {0}
    found = balances(journal)
    held = found.get("1701", 0) + found.get("530102", 0)
    assert held == made.valuation.collect()["book_fen"].item() >= 0
    cost, tax_ = (int(own[name].sum()) for name in ("amount_fen", "tax_fen"))
    assert found.get("22210101", 0) == tax_
    assert found.get("1002", 0) == -cost - tax_
