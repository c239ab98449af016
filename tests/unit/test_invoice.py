"""Invoices of a month are what was bought and used, by hand, and correct themselves."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.registers import Entitlement, Invoice, Order, Usage
from schemas.sale import InvoiceTerms
from tasks.product.entitle import last_day
from tasks.product.invoice import issue_invoices

TERMS = InvoiceTerms(factor="rain", period="2026-07", issued_on=date(2026, 8, 1))
TIERS = '"tiers": [{"up_to": 100, "amount": "1.00"}, {"amount": "0.125"}]'
PRICES = {
    "flat": '{"mode": "flat", "amount": "1200.00"}',
    "per_row": '{"mode": "per_row", "amount": "0.0015"}',
    "tiers": f'{{"mode": "tiers", {TIERS}}}',
    "quota": '{"mode": "quota", "amount": "300.00", "quota": 100}',
    "free": '{"mode": "free"}',
}


def frame(contract: Any, *rows: tuple[object, ...]) -> pl.LazyFrame:
    return frame_of(contract, rows).lazy()


def ordered(mode: str, number: str = "S") -> tuple[object, ...]:
    first, last = date(2026, 7, 1), date(2027, 6, 30)
    who = ("jiangbei", "rain", "daily-rain", "1.0.0", "a customer", "code", "claims")
    what = ("terms", "day", "", None, None, "call", mode, PRICES[mode], 0)
    return (number, *who, *what, first, last, date(2026, 7, 1))


def event(
    kind: str = "grant", n: int = 1, day: int = 1, quota: int | None = None
) -> tuple[object, ...]:
    first, last = date(2026, 7, 1), date(2027, 6, 30)
    return ("S", kind, n, "hash", quota, first, last, date(2026, 7, day), "")


def used(
    n: int, calls: int, rows: int, period: str = "2026-07", order: str = "S"
) -> tuple[object, ...]:
    at = f"{period}-02T00:00:00.000000Z"
    return (f"D{n}", order, at, period, "service", calls, rows, 9, "day", "artifact")


def invoiced(
    mode: str,
    usage: list[tuple[object, ...]],
    events: list[tuple[object, ...]] | None = None,
    posted: pl.LazyFrame | None = None,
) -> pl.DataFrame:
    return issue_invoices(
        frame(Order, ordered(mode)),
        frame(Entitlement, *(events or [event()])),
        frame(Usage, *usage),
        frame(Invoice) if posted is None else posted,
        TERMS,
    ).collect()


def amounts(made: pl.DataFrame) -> list[tuple[object, ...]]:
    return made.select("invoice", "quantity", "unit_price", "amount_fen").rows()


def test_a_month_is_its_use_times_the_price() -> None:
    """333 rows × 0.0015 = 0.4995 -> 0.50, over both deliveries, of this month only."""
    months = [used(1, 1, 300), used(2, 1, 33), used(3, 1, 9, "2026-08")]
    made = invoiced("per_row", [*months, used(4, 1, 9, order="T")])
    assert amounts(made) == [("S/2026-07", 333, "0.0015", 50)]
    assert made["issued_on"].to_list() == [date(2026, 8, 1)]


def test_tiers_begin_anew_every_month() -> None:
    made = invoiced(
        "tiers", [used(1, 90, 0), used(2, 15, 0), used(3, 500, 0, "2026-06")]
    )
    name = "S/2026-07"
    assert amounts(made) == [(name, 100, "1.00", 10_000), (name, 5, "0.125", 63)]


def test_what_is_bought_is_due_in_the_month_of_its_day() -> None:
    quotas = [event(quota=100), event("renew", 1, 31, 200), event("revoke", 1, 31)]
    assert amounts(invoiced("quota", [used(1, 99, 9)], quotas)) == [
        ("S/2026-07", 1, "300.00", 30_000),
        ("S/2026-07", 2, "300.00", 60_000),
    ]
    flat = [event(), event("revoke", 1, 31)]
    assert amounts(invoiced("flat", [used(1, 99, 9)], flat)) == [
        ("S/2026-07", 1, "1200.00", 120_000)
    ]
    old = (*event()[:7], date(2026, 6, 30), "")
    assert invoiced("flat", [], [old]).is_empty()


def test_what_is_free_or_unused_has_no_invoice() -> None:
    assert invoiced("free", [used(1, 99, 9)]).is_empty()
    assert invoiced("per_row", []).is_empty()


def test_an_invoice_that_stands_is_not_written_again() -> None:
    first = invoiced("per_row", [used(1, 1, 300)])
    assert invoiced("per_row", [used(1, 1, 300)], posted=first.lazy()).is_empty()


def test_late_use_reverses_every_line_and_invoices_anew() -> None:
    first = invoiced("per_row", [used(1, 1, 300)])
    usage = [used(1, 1, 300), used(2, 1, 700)]

    second = invoiced("per_row", usage, posted=first.lazy())
    both = pl.concat([first, second])

    assert second.select(
        "invoice", "line", "quantity", "amount_fen", "reverses"
    ).rows() == [
        ("S/2026-07/2", 1, -300, -45, "S/2026-07"),
        ("S/2026-07/2", 2, 1_000, 150, ""),
    ]
    assert both["amount_fen"].sum() == 150
    assert invoiced("per_row", usage, posted=both.lazy()).is_empty()
    third = invoiced("per_row", [*usage, used(3, 1, 1_000)], posted=both.lazy())
    assert third["reverses"].to_list() == ["S/2026-07/2", ""]
    assert third["invoice"].unique().to_list() == ["S/2026-07/3"]


@given(
    parts=st.lists(
        st.lists(st.integers(0, 500), min_size=1, max_size=4), min_size=1, max_size=12
    )
)
def test_however_often_corrected_the_lines_sum_to_the_months_use(
    parts: list[list[int]],
) -> None:
    """Twelve corrections and more: the tenth sorts after the ninth."""
    usage: list[tuple[object, ...]] = []
    posted = frame_of(Invoice, [])
    for part in parts:
        for rows in part:
            usage.append(used(len(usage), 1, rows))
        made = invoiced("per_row", usage, posted=posted.lazy())
        posted = pl.concat([posted, made])
    total = sum(sum(part) for part in parts)
    assert posted["quantity"].sum() == total
    assert posted["amount_fen"].sum() == (total * 15 + 50) // 100  # 0.15 fen a row
    assert posted.select("invoice", "line").is_unique().all()


def test_another_key_is_not_paid() -> None:
    """A year at 1,200.00, and a key that leaked a day later."""
    replaced = (*event("renew", 1, day=2)[:-1], "key replaced")
    made = invoiced("flat", [], [event(), replaced])
    assert amounts(made) == [("S/2026-07", 1, "1200.00", 120_000)]


def test_a_month_that_is_not_over_is_not_invoiced() -> None:
    with pytest.raises(ValidationError, match="2026-07 is not over yet"):
        InvoiceTerms(factor="rain", period="2026-07", issued_on=date(2026, 7, 31))


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2026, 7, 1), 12, date(2027, 6, 30)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 30), 1, date(2024, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 14)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_a_term_ends_the_day_before_it_would_begin_again(
    first: date, months: int, last: date
) -> None:
    assert last_day(first, months) == last
