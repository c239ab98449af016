"""The close of a month: what it owes the journal, once, in order, and without value."""

from datetime import date
from typing import get_args, get_type_hints

import polars as pl
import pytest

from schemas.close import CloseTerms, Closing
from schemas.contract import frame_of
from schemas.quality import Score
from schemas.registers import AssetCard, AssetEvent, Invoice, Order, Usage
from tasks.asset.approval import closing
from tasks.asset.balance import balance_sha256, trial_balance
from tasks.asset.close import close
from tasks.asset.post import post
from tasks.finance import months_later
from tests.closing import (
    ACC_06,
    BOUGHT,
    Books,
    bill,
    entry,
    journal,
    order,
    selling,
    sums,
    terms,
)
from tests.finance_case import failed
from tests.measured import card, decided

STOCK = journal(
    entry("incur/index/V-1/1", date(2026, 11, 12), "1405", "1002", 18_500_000)
)
HELD = card("index", kind="inventory", method="none", life_months=None)


def test_acc_06_is_amortised_by_the_close_from_its_first_month_on() -> None:
    books = Books(BOUGHT, ACC_06)

    first = books.close("2026-11")

    assert first["entry"].unique().to_list() == ["amortise/index/2026-11"]
    assert sums(first) == {"6401": 308_333, "1702": -308_333}
    assert first["booked_on"].unique().to_list() == [date(2026, 11, 30)]
    assert first["memo"][0] == "amortisation 摊销, 2026-11"
    for i in range(1, 60):
        books.close(f"{months_later(date(2026, 11, 1), i):%Y-%m}")
    assert books.balances() == {
        "1701": 18_500_000,
        "1702": -18_500_000,
        "1002": -18_500_000,
        "6401": 18_500_000,
    }
    assert books.close("2031-11").is_empty()


def test_every_frame_keeps_its_contract() -> None:
    made = Books(BOUGHT, ACC_06).proposed("2026-11")

    for name, hint in Closing.__annotations__.items():
        frame, contract = getattr(made, name).collect(), get_args(hint)[1]
        assert frame.schema == frame_of(contract, []).schema, name
        contract.to_schema().validate(frame)


def test_a_month_is_closed_once_and_again_changes_nothing() -> None:
    books = Books(BOUGHT, ACC_06)
    books.close("2026-11")
    before, done = books.journal, books.closed

    again = books.close("2026-11")

    assert again.is_empty()
    assert books.journal.equals(before)
    assert books.closed.equals(done)


def test_a_close_that_was_cut_off_after_posting_proposes_nothing_twice() -> None:
    books = Books(BOUGHT, ACC_06)
    lines = books.posted("2026-11").posted.collect()
    books.journal = pl.concat([books.journal, lines])  # and no row of PeriodClose

    assert books.close("2026-11").is_empty()
    assert books.closed["period"].to_list() == ["2026-11"]


def test_what_came_in_between_is_the_difference_under_the_next_number() -> None:
    # 60,000.00 more in the first month: 245,000.00 over 60 months = 4,083.33
    books = Books(BOUGHT, ACC_06)
    lines = books.posted("2026-11").posted.collect()
    more = entry("incur/index/V-2/1", date(2026, 11, 30), "1701", "1002", 6_000_000)
    books.journal = pl.concat([books.journal, lines, journal(more)])

    rest = books.close("2026-11")

    assert rest["entry"].unique().to_list() == ["amortise/index/2026-11/2"]
    assert sums(rest) == {"6401": 100_000, "1702": -100_000}


def test_the_row_of_a_close_names_entries_and_trial_balance() -> None:
    books = Books(BOUGHT, ACC_06)
    books.close("2026-11")

    (row,) = books.closed.to_dicts()
    balance = trial_balance(books.journal.lazy(), "2026-11").collect()
    assert (row["entries"], row["closed_on"]) == (2, date(2026, 12, 1))
    assert row["trial_balance_sha256"] == balance_sha256(balance)


def test_months_are_closed_in_order_and_none_is_left_out() -> None:
    books = Books(BOUGHT, ACC_06)

    early = failed(books.proposed("2027-01").gates)
    books.close("2026-11")
    between = failed(books.proposed("2027-01").gates)

    assert early == {"months_in_order": "2026-11 is open: close it first"}
    assert between == {"months_in_order": "2026-12 is open: close it first"}


def test_a_month_before_the_books_begin_is_closed_too_late() -> None:
    books = Books(BOUGHT, ACC_06)
    books.close("2026-11")

    assert (
        "2026-11 is closed"
        in failed(books.proposed("2026-10").gates)["months_in_order"]
    )


def test_a_month_that_is_not_over_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-11 is not over yet"):
        terms("2026-11", closed_on=date(2026, 11, 30))


def test_a_decided_loss_and_a_disposal_are_posted_in_their_months() -> None:
    # 185,000.00 − 2 × 3,083.33 = 178,833.34; recoverable 100,000.00; then sold
    books = Books(BOUGHT, ACC_06)
    loss = decided("index", "impair", date(2026, 12, 31), value_in_use_fen=10_000_000)
    sold = decided(
        *("index", "dispose", date(2027, 1, 15)),
        proceeds_fen=9_000_000,
        tax_fen=540_000,
    )
    books.events = frame_of(AssetEvent, [loss, sold])

    books.close("2026-11")
    december, january = books.close("2026-12"), books.close("2027-01")

    assert sums(december.filter(event="impair")) == {
        "6701": 7_883_334,
        "1703": -7_883_334,
    }
    assert december.filter(event="impair")["voucher"].unique().to_list() == [
        "D-2026-12-31"
    ]
    assert january["entry"].unique().to_list() == ["dispose/index/D-2027-01-15"]
    assert sums(january) == {
        "1701": -18_500_000,
        "1702": 616_666,
        "1703": 7_883_334,
        "1002": 9_540_000,
        "22210107": -540_000,
        "6115": 1_000_000,
    }
    assert books.close("2027-02").is_empty()


def test_research_of_the_month_becomes_expense_and_its_account_is_empty() -> None:
    # an asset that serves development: its amortisation is research as well
    spent = entry("incur/index/V-2/1", date(2026, 11, 20), "530101", "2211", 500_000)
    own = (*ACC_06[:8], "development", *ACC_06[9:])
    books = Books(pl.concat([BOUGHT, journal(spent)]), own)

    lines = books.close("2026-11")

    assert sums(lines.filter(event="transfer")) == {"6602": 808_333, "530101": -808_333}
    assert books.balances()["530101"] == 0
    assert books.close("2026-12").filter(event="transfer")["amount_fen"].to_list() == [
        308_333,
        -308_333,
    ]


def test_an_invoice_is_revenue_of_its_month_with_vat_half_up_to_the_fen() -> None:
    # 8.25 + 1.00 = 9.25: 6 % = 0.555 -> 0.56
    books = selling(bill("SO-1/2026-11", "2026-11", (825, ""), (100, "")))

    lines = books.close("2026-11").filter(event="revenue")

    assert lines["entry"].unique().to_list() == ["revenue/index/SO-1/2026-11"]
    assert sums(lines) == {"1122": 981, "6001": -925, "22210107": -56}
    assert set(lines["voucher"]) == {"SO-1/2026-11"}
    assert books.close("2026-12").filter(event="revenue").is_empty()


def test_a_late_invoice_is_revenue_of_the_open_month() -> None:
    books = selling()
    books.close("2026-11")
    late = bill("SO-1/2026-11", "2026-11", (10_000, ""))
    books.invoices = frame_of(Invoice, late)

    lines = books.close("2026-12").filter(event="revenue")

    assert set(lines["period"]) == {"2026-12"}
    assert set(lines["booked_on"]) == {date(2026, 12, 1)}
    assert "of 2026-11-30, booked in the open period" in lines["memo"][0]


def test_an_invoice_that_is_booked_is_not_proposed_again() -> None:
    books = selling(bill("SO-1/2026-11", "2026-11", (825, "")))
    books.close("2026-11")

    assert set(books.proposed("2026-12").journal.collect()["event"]) == {"amortise"}


def test_a_closed_month_takes_no_invoice_that_came_late() -> None:
    books = selling()
    books.close("2026-11")
    late = bill("SO-1/2026-11", "2026-11", (10_000, ""))
    books.invoices = frame_of(Invoice, late)
    other = selling(late).proposed("2026-11").journal

    assert books.proposed("2026-11").journal.collect().is_empty()
    assert books.close("2026-11").is_empty()
    said = closing(terms("2026-11"))
    registers = books.journal.lazy(), books.closed.lazy(), books.approvals.lazy()
    again = post(other, *registers, said, date(2026, 11, 30))
    assert again.posted.collect().is_empty(), "what another process closed"
    assert again.period.collect().is_empty()


def test_a_credit_note_takes_back_the_very_tax() -> None:
    # 0.495 -> 0.50 of VAT, taken back whole; the new invoice of 16.50 has 0.99
    books = selling(bill("SO-1/2026-11", "2026-11", (825, "")))
    books.close("2026-11")
    again = bill(
        *("SO-1/2026-11/2", "2026-11", (-825, "SO-1/2026-11"), (1_650, "")),
    )
    books.invoices = pl.concat([books.invoices, frame_of(Invoice, again)])

    lines = books.close("2026-12").filter(event="revenue")

    assert sums(lines) == {"1122": 874, "6001": -825, "22210107": -49}


def test_an_invoice_of_nothing_is_no_entry() -> None:
    books = selling(bill("SO-1/2026-11", "2026-11", (0, "")))

    assert books.close("2026-11").filter(event="revenue").is_empty()


def test_revenue_of_a_product_without_an_asset_names_none() -> None:
    books = selling(bill("SO-2/2026-11", "2026-11", (100, ""), of="SO-2"))
    books.orders = frame_of(Order, [order(order="SO-2", product="other")])

    assert set(books.close("2026-11").filter(event="revenue")["asset"]) == {""}


def test_inventory_is_bought_out_whole_by_its_first_invoice() -> None:
    # 185,000.00, provided 15,000.00 in the month: 170,000.00 and 15,000.00 / 185,000.00
    books = Books(STOCK, HELD)
    books.orders = frame_of(Order, [order()])
    books.invoices = frame_of(
        Invoice, bill("SO-1/2026-11", "2026-11", (20_000_000, ""))
    )
    value = decided("index", "provision", date(2026, 11, 20), fair_value_fen=17_000_000)
    books.events = frame_of(AssetEvent, [value])

    lines = books.close("2026-11")

    assert sums(lines.filter(event="provision")) == {
        "6701": 1_500_000,
        "1471": -1_500_000,
    }
    assert sums(lines.filter(event="sell")) == {
        "6401": 17_000_000,
        "1471": 1_500_000,
        "1405": -18_500_000,
    }
    assert {books.balances()[a] for a in ("1405", "1471")} == {0}
    books.invoices = pl.concat(
        [books.invoices, frame_of(Invoice, bill("SO-1/2026-12", "2026-12", (5, "")))]
    )
    assert books.close("2026-12").filter(event="sell").is_empty()


def test_inventory_that_lapses_in_the_month_is_not_sold_as_well() -> None:
    books = Books(STOCK, HELD)
    books.orders = frame_of(Order, [order()])
    books.invoices = frame_of(Invoice, bill("SO-1/2026-11", "2026-11", (500, "")))
    books.events = frame_of(
        AssetEvent, [decided("index", "expire", date(2026, 11, 20))]
    )

    lines = books.close("2026-11")

    assert set(lines["event"]) == {"expire", "revenue"}
    assert books.balances()["1405"] == 0


def test_use_is_what_was_ordered_by_calls_or_by_rows() -> None:
    # 185,000.00 over 1,000 calls: 30 calls = 5,550.00; rows are not counted
    by_use = card(
        "index",
        method="units_of_use",
        units=1_000,
        life_months=None,
        available_from=date(2026, 11, 12),
        effective_on=date(2026, 11, 12),
    )
    books = Books(BOUGHT, by_use)
    books.orders = frame_of(Order, [order()])
    at = "2026-11-20T00:00:00.000000Z"
    served = [
        (f"d{n}", "SO-1", at, "2026-11", "service", n, 999, 1, "a", "s")
        for n in (10, 20)
    ]
    books.usage = frame_of(Usage, served)

    assert sums(books.close("2026-11")) == {"6401": 555_000, "1702": -555_000}


def test_a_fall_of_quality_asks_for_a_test_and_posts_nothing() -> None:
    books = Books(BOUGHT, ACC_06)
    fallen = ("index", date(2026, 11, 20), "total", 6, 14, 924_981)
    rows = [(*fallen, date(2026, 10, 31), 980_000, 50_000)]
    books.scores = {"index": frame_of(Score, rows).lazy()}

    made = books.proposed("2026-11")

    (said,) = made.indications.collect().to_dicts()
    assert (said["asset"], said["indicator"]) == ("index", "quality")
    assert set(made.journal.collect()["event"]) == {"amortise"}


def test_a_charge_above_the_threshold_waits_for_another_person() -> None:
    books = Books(BOUGHT, ACC_06)
    low = {"thresholds": {"index": "3083.32"}}

    made = books.posted("2026-11", **low)

    assert "datafactor approve" in failed(made.gates)["approval"]
    assert failed(books.posted("2026-11", thresholds={"index": "3083.33"}).gates) == {}


def test_what_was_appraised_is_not_among_what_a_close_reads() -> None:
    read = set(get_type_hints(close)) - {"terms", "as_of", "return"}

    assert read == {
        *("cards", "events", "booked", "invoices", "orders", "usage", "closed"),
        *("scores", "loans"),
    }
    named = {*CloseTerms.model_fields, *AssetCard.to_schema().columns}
    assert not {n for n in named if "apprais" in n or "valuation" in n}
