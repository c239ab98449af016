"""Lines below 0: they take a line back, by its shares and under its heading."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.finance_case import ACC_09, asset_terms, failed, make_asset, voucher

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


def test_two_lines_together_take_back_no_more_than_was_charged() -> None:
    lines = [
        taken("V8", MAY, -7_000_000, reverses="V4/1"),
        taken("V9", MAY, -5_000_001, reverses="V4/1"),
    ]

    first = make_asset(rows=(*ACC_09, lines[0]), as_of=MAY)
    both = make_asset(rows=(*ACC_09, *lines), as_of=MAY)

    assert failed(first.gates) == {}
    assert "2 lines below 0" in failed(both.gates)["vouchers"]
