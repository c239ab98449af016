"""Invoice a month: what was ordered and used, by its price, less what is invoiced.

The number names the business event: ``SO-1/2026-07``. A month that was invoiced
otherwise (use was sealed late) gets a credit note and a new invoice in one document,
``SO-1/2026-07/2``: the old lines with opposite signs, then all lines anew. Amounts are
without tax; value-added tax is the journal's.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.offer import Price
from schemas.registers import NEW_KEY, Entitlement, Invoice, Order, Usage
from schemas.sale import InvoiceTerms
from tasks.product.price import Charge, due, used

Rows = list[dict[str, Any]]  # rows of a register
Line = tuple[str, int, str, int]  # kind, quantity, unit price, fen


def issue_invoices(
    orders: Annotated[pl.LazyFrame, Order],
    events: Annotated[pl.LazyFrame, Entitlement],
    usage: Annotated[pl.LazyFrame, Usage],
    invoices: Annotated[pl.LazyFrame, Invoice],
    terms: InvoiceTerms,
) -> Annotated[pl.LazyFrame, Invoice]:
    """Write the lines that are missing for a month; none where all stand.

    Args:
        orders: Of the product.
        events: Grants and renewals, each due in the month of its day.
        usage: Sealed deliveries of the month.
        invoices: Lines of the month that stand already.
        terms: Which month, and the day of the invoice.
    """
    granted, known = by(events, "entitlement"), by(invoices, "order")
    month = usage.filter(pl.col("period") == terms.period).group_by("entitlement")
    used_up = by(month.agg(pl.col("calls", "rows").sum()), "entitlement")
    rows: list[tuple[object, ...]] = []
    for order in orders.sort("order").collect().to_dicts():
        name = order["order"]
        mine = granted.get(name, []), used_up.get(name, [])
        wanted = list(lines(order, *mine, terms.period))
        rows += missing(order, wanted, known.get(name, []), terms)
    return frame_of(Invoice, rows).lazy()


def by(rows: pl.LazyFrame, name: str) -> dict[str, Rows]:
    """Group rows by one column, once for all orders."""
    found: dict[str, Rows] = {}
    for row in rows.collect().iter_rows(named=True):
        found.setdefault(row[name], []).append(row)
    return found


def lines(
    order: dict[str, Any], events: Rows, usage: Rows, period: str
) -> Iterator[Line]:
    """Price one order's month: first what was bought, then what was used."""
    price = Price.model_validate_json(order["price"])
    bought = [
        e
        for e in events
        if f"{e['effective_on']:%Y-%m}" == period
        and e["event"] != "revoke"
        and e["reason"] != NEW_KEY
    ]
    for event in sorted(bought, key=lambda e: (e["event"], e["number"])):
        yield from map(line, due(price, event["quota"]))
    calls, rows = (sum(u[name] for u in usage) for name in ("calls", "rows"))
    yield from map(line, used(price, calls, rows))


def line(charge: Charge) -> Line:
    """Write a charge down; the price as its document says it."""
    return charge.kind, charge.quantity, f"{charge.unit_price:f}", charge.amount_fen


def missing(
    order: dict[str, Any], wanted: list[Line], posted: Rows, terms: InvoiceTerms
) -> Iterator[tuple[object, ...]]:
    """Give what must be posted so that exactly the wanted lines stand."""
    numbers = sorted({p["invoice"] for p in posted}, key=lambda n: (len(n), n))
    last = [p for p in posted if numbers and p["invoice"] == numbers[-1]]
    stands = [as_line(p) for p in last if not p["reverses"]]
    if stands == wanted:
        return
    name = f"{order['order']}/{terms.period}"
    name += f"/{len(numbers) + 1}" if numbers else ""
    back = [(k, -n, price, -fen) for k, n, price, fen in stands]
    told = [(ln, numbers[-1]) for ln in back] + [(ln, "") for ln in wanted]
    for number, (made, reverses) in enumerate(told, 1):
        where = (name, number, order["entity"], order["order"], terms.period)
        yield (*where, *made, terms.issued_on, reverses)


def as_line(row: dict[str, Any]) -> Line:
    """Read a posted line."""
    return row["kind"], row["quantity"], row["unit_price"], row["amount_fen"]
