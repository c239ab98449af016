"""Close a month: what the registers of an entity still owe its journal.

One pure function over the registers, all assets at once: amortise, write down, provide,
derecognise as decided, book the revenue that was invoiced with its VAT, and transfer
research to the expense of the period. What was posted for the month already is taken
off, so a close of a closed month proposes nothing, and one that was interrupted
proposes the rest. An impairment indicator opens a test and posts nothing.

The appraised value is not among what the close reads.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Proposed
from schemas.close import CloseTerms, Closing
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.quality import Score
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Invoice,
    JournalLine,
    Order,
    PeriodClose,
    Usage,
)
from tasks.asset.derecognise import derecognition_sides
from tasks.asset.entries import entries_of, owed
from tasks.asset.impair import impair, impairment_sides
from tasks.asset.indicate import indicators
from tasks.asset.inventory import provide, provision_sides
from tasks.asset.measure import (
    amortisation_sides,
    charges,
    movements,
    positions,
    totals,
    uses,
)
from tasks.asset.revenue import invoiced, revenue_sides, sale_sides
from tasks.finance import months_later

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
NO_LOANS = frame_of(Proposed, []).lazy()


def close(
    cards: Annotated[pl.LazyFrame, AssetCard],
    events: Annotated[pl.LazyFrame, AssetEvent],
    booked: Annotated[pl.LazyFrame, JournalLine],
    invoices: Annotated[pl.LazyFrame, Invoice],
    orders: Annotated[pl.LazyFrame, Order],
    usage: Annotated[pl.LazyFrame, Usage],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    scores: Mapping[str, Annotated[pl.LazyFrame, Score]],
    terms: CloseTerms,
    as_of: date,
    loans: Annotated[pl.LazyFrame, Proposed] = NO_LOANS,
) -> Closing:
    """Propose the entries of a month's close, and say what it found.

    Args:
        cards: How each asset of the entity is carried.
        events: What was decided of the assets.
        booked: The entity's journal.
        invoices: Its invoices, of all months.
        orders: Its orders, which lead from an invoice to a product.
        usage: Sealed deliveries, of all months where an asset is amortised by use.
        closed: Its closed months.
        scores: Assessments of the factors' resources, by factor.
        terms: Which month, by which chart and rules.
        as_of: The month's last day.
        loans: What the entity's loans ask of its books by that day.

    Returns:
        Gates first; then the entries, what was charged, carried and tested, and the
        open indications of impairment.

    Raises:
        ContractError: A decision lacks its figures or fits no asset in the books, or
            the chart lacks an account.

    Source: CAS 6 arts. 17 to 23, CAS 8, CAS 1, CAS 14. 185,000.00 over 60 months,
    available since 2026-11-12, close of 2026-11 -> 6401 3,083.33 / 1702 (ACC-06).
    """
    held, decided, journal = cards.collect(), events.collect(), booked.collect()
    month, done = terms.month, closed.collect()
    sold = orders.collect()
    moved = movements(journal, terms.accounts, month)
    at = positions(held, moved, uses(usage.collect(), sold, held), decided, month)
    charged = charges(at, month)
    left = totals(at, charged)
    now = decided.filter(pl.col("decided_on").dt.truncate("1mo") == month)
    found = pl.concat([impair(now, left), provide(now, left)])
    bills = invoiced(invoices.collect(), sold, held, journal, terms)
    sides = [
        amortisation_sides(charged),
        impairment_sides(found),
        provision_sides(found),
        derecognition_sides(now, left),
    ]
    sales = [revenue_sides(bills), sale_sides(bills, left, found, now)]
    own = entries_of(owed(pl.concat(sides), journal, terms), sales, journal, terms)
    fresh = pl.concat([own, loans.collect()])
    known = pl.concat([frame_of(Score, []), *(s.collect() for s in scores.values())])
    over = terms.period in done["period"]
    return Closing(
        gates=frame_of(Gates, [(*in_order(journal, done, terms), as_of)]).lazy(),
        journal=(fresh.clear() if over else fresh).lazy(),
        charges=charged.lazy(),
        totals=left.lazy(),
        findings=found.lazy(),
        indications=indicators(held, known, decided, month).lazy(),
    )


def in_order(journal: pl.DataFrame, closed: pl.DataFrame, terms: CloseTerms) -> Answer:
    """Ask that months are closed one after the other, from the first with an entry."""
    done, begun = set(closed["period"]), journal["period"].min()
    open_ = [p for p in periods(begun, terms.period) if p not in done]
    later = [p for p in done if p > terms.period and terms.period not in done]
    ground = f"every month before {terms.period} is closed"
    if open_:
        ground = f"{open_[0]} is open: close it first"
    elif later:
        ground = f"{max(later)} is closed, so {terms.period} takes no posting any more"
    return "months_in_order", not open_ and not later, ground, "register PeriodClose"


def periods(first: object, last: str) -> list[str]:
    """List the months from one to before another. 2026-11, 2027-01 -> 2 months."""
    found, month = [], str(first or last)
    while month < last:
        found.append(month)
        month = f"{months_later(date.fromisoformat(f'{month}-01'), 1):%Y-%m}"
    return found
