"""Laws of the close: debits = credits, and closing twice is closing once."""

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.registers import AssetCard, AssetEvent, Invoice, Order
from tasks.finance import months_later
from tests.closing import Books, bill, entry, journal, order
from tests.measured import card, decided

FIRST = date(2026, 1, 1)
AMOUNTS = st.integers(1, 10**12)
METHODS = ["straight_line", "units_of_use", "sum_of_years", "declining_balance"]
ASSETS = ("a", "b", "c")


@st.composite
def estates(draw: st.DrawFn) -> tuple[list[tuple[Any, ...]], list[Any]]:
    """Cards and first costs of three assets, of any kind, method and use."""
    cards, entries = [], []
    for name in ASSETS:
        held = draw(st.sampled_from(["intangible", "intangible", "inventory"]))
        ready = draw(st.dates(FIRST, date(2026, 3, 31)))
        method = draw(st.sampled_from(METHODS)) if held == "intangible" else "none"
        by_use = method == "units_of_use"
        cards.append(
            card(
                name,
                product=name,
                kind=held,
                method=method,
                serves=draw(st.sampled_from(["customers", "sales", "development"])),
                life_months=None if by_use or held == "inventory" else 7,
                units=100 if by_use else None,
                available_from=ready,
                effective_on=ready,
            )
        )
        account = "1405" if held == "inventory" else "1701"
        key = f"incur/{name}/V-{name}/1"
        entries.append(entry(key, ready, account, "1002", draw(AMOUNTS), name))
    return cards, entries


@st.composite
def months(draw: st.DrawFn) -> dict[str, Any]:
    """What comes in a month: late cost, research, invoices, a decision."""
    return {
        "cost": draw(st.none() | AMOUNTS),
        "research": draw(st.none() | AMOUNTS),
        "bills": draw(
            st.lists(st.tuples(st.sampled_from(ASSETS), AMOUNTS), max_size=2)
        ),
        "tested": draw(st.none() | st.tuples(st.sampled_from(ASSETS), AMOUNTS)),
        "left": draw(st.none() | st.sampled_from(ASSETS)),
        "on": draw(st.integers(1, 28)),
    }


def happen(books: Books, nth: int, what: dict[str, Any], kinds: dict[str, str]) -> None:
    """Enter what comes in a month into the registers."""
    on = months_later(FIRST, nth).replace(day=what["on"])
    period, lines = f"{on:%Y-%m}", []
    gone = set(books.events.filter(event="dispose")["asset"])
    if what["cost"] and kinds["a"] == "intangible" and "a" not in gone:
        lines.append(entry(f"incur/a/L-{nth}/1", on, "1701", "1002", what["cost"], "a"))
    if what["research"]:
        key = f"incur/b/R-{nth}/1"
        lines.append(entry(key, on, "530101", "2211", what["research"], "b"))
    books.journal = pl.concat([books.journal, journal(*lines)])
    bills = [
        line
        for i, (asset, fen) in enumerate(what["bills"])
        for line in bill(
            f"SO-{asset}/{period}/{i}", period, (fen, ""), of=f"SO-{asset}"
        )
    ]
    books.invoices = pl.concat([books.invoices, frame_of(Invoice, bills)])
    books.events = pl.concat([books.events, decisions(what, on, nth, kinds, gone)])


def decisions(
    what: dict[str, Any], on: date, nth: int, kinds: dict[str, str], gone: set[str]
) -> pl.DataFrame:
    """A test and a disposal, of assets that are still in the books and fit it."""
    made = []
    if nth >= 3 and what["tested"]:
        asset, fen = what["tested"]
        if asset not in gone and kinds[asset] == "intangible":
            made.append(decided(asset, "impair", on, value_in_use_fen=fen))
    left = what["left"]
    if nth >= 3 and left and left not in gone and kinds[left] == "intangible":
        got = {"proceeds_fen": 10_000, "tax_fen": 600, "decision": f"S-{on}"}
        made.append(decided(left, "dispose", on, **got))
    return frame_of(AssetEvent, made)


@settings(deadline=None, max_examples=8)
@given(estate=estates(), year=st.lists(months(), min_size=4, max_size=6))
def test_debits_are_credits_after_any_months_and_a_close_again_is_nothing(
    estate: tuple[list[tuple[Any, ...]], list[Any]], year: list[dict[str, Any]]
) -> None:
    cards, entries = estate
    books = Books(journal(*entries), *cards)
    kinds = dict(frame_of(AssetCard, cards).select("asset", "kind").iter_rows())
    books.orders = frame_of(Order, [order(order=f"SO-{a}", product=a) for a in ASSETS])

    for nth, what in enumerate(year):
        happen(books, nth, what, kinds)
        period = f"{months_later(FIRST, nth):%Y-%m}"
        first = books.posted(period)
        half = Books(pl.concat([books.journal, first.posted.collect()]), *cards)
        half.events, half.invoices = books.events, books.invoices
        half.orders, half.closed = books.orders, books.closed
        made = books.close(period)

        by_entry = made.group_by("entry").agg(pl.col("amount_fen").sum(), pl.len())
        assert set(by_entry["amount_fen"]) <= {0}
        assert made["amount_fen"].to_list().count(0) == 0
        assert made.height == first.posted.collect().height
        # posted and not sealed, or sealed: closing again proposes nothing
        assert half.proposed(period).journal.collect().is_empty()
        assert books.proposed(period).journal.collect().is_empty()

    accounts = books.balances()
    assert sum(accounts.values()) == 0
    assert accounts.get("530101", 0) == 0
    left = books.journal.filter(pl.col("account").is_in(["1701", "1702", "1703"]))
    held = left.group_by("asset").agg(pl.col("amount_fen").sum())
    assert held.filter(pl.col("amount_fen") < 0).is_empty(), "carried below nothing"
