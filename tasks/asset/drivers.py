"""Measure by what products share a pool: rows they hold, calls and rows delivered.

A quantity of a month, never an amount: no voucher, no cost. What the runs themselves
consumed is told in rows and bytes; a run records no CPU seconds, which differ from
machine to machine and could not be measured again by an auditor.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.cost import SOLD, DriverCount, DriverTerms
from schemas.registers import Order, Usage

UNITS = dict(zip(SOLD, ("calls", "rows", "bytes"), strict=True))


def measure_drivers(
    costs: pl.LazyFrame,
    orders: Annotated[pl.LazyFrame, Order],
    usage: Annotated[pl.LazyFrame, Usage],
    products: Mapping[str, Annotated[pl.LazyFrame, "compared"]],
    terms: DriverTerms,
) -> Annotated[pl.LazyFrame, DriverCount]:
    """Measure every product in every month in which a voucher was incurred.

    Args:
        costs: The vouchers, parsed: their months are measured.
        orders: Of the entity; they say which product a delivery is of.
        usage: Sealed deliveries.
        products: What was published, by ``product@month``; counted, not derived from.
        terms: Which products.

    Three calls of "index" in 2026-06 -> index, calls, 2026-06, 3. A product that nobody
    called that month counts 0; one that was never made is not there.
    """
    days = costs.select(pl.col("incurred_on").dt.strftime("%Y-%m").unique())
    months = sorted(days.collect()["incurred_on"])
    rows = {name: frame.select(pl.len()) for name, frame in products.items()}
    counted = dict(
        zip(rows, (f.item() for f in pl.collect_all(rows.values())), strict=True)
    )
    made = [
        (product, "published_rows", month, counted[f"{product}@{at}"])
        for product in terms.products
        for month in months
        if (at := publication(product, month, counted))
    ]
    used = delivered(orders, usage, terms.products)
    sold = [
        (product, driver, month, used.get((product, month), {}).get(unit, 0))
        for product in terms.products
        for month in months
        for driver, unit in UNITS.items()
    ]
    return frame_of(DriverCount, [*made, *sold]).lazy()


def publication(product: str, month: str, counted: Mapping[str, int]) -> str:
    """Find the month whose publication counts: the last until then, else the first."""
    months = sorted(
        m for name, _, m in (k.partition("@") for k in counted) if name == product
    )
    return max((m for m in months if m <= month), default=next(iter(months), ""))


def delivered(
    orders: pl.LazyFrame, usage: pl.LazyFrame, products: Sequence[str]
) -> dict[tuple[str, str], dict[str, int]]:
    """Add up the deliveries of each product in each month."""
    ours = orders.filter(pl.col("product").is_in(list(products)))
    found = usage.join(
        ours.select("product", entitlement="order"), on="entitlement"
    ).group_by("product", "period")
    added = found.agg(pl.col(list(UNITS.values())).sum()).collect()
    return {(r["product"], r["period"]): r for r in added.iter_rows(named=True)}
