"""Seal what was delivered: usage that its order bears enters the chain as counted.

A row of usage lies outside the chain until it is sealed. Whoever can write to the
database can change it meanwhile, so it is held against what the chain knows of its
order. What moves within all bounds (another day of the same term) stays unseen.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import polars as pl

from schemas.registers import Entitlement, Order, Usage
from schemas.usage import MOMENT, MeterTerms, Unsealed

Row = Mapping[str, Any]  # one row of a register
ZONES = (timedelta(hours=-12), timedelta(hours=14))  # the ends of local time


def meter(
    usage: Annotated[pl.LazyFrame, Unsealed],
    orders: Annotated[pl.LazyFrame, Order],
    events: Annotated[pl.LazyFrame, Entitlement],
    terms: MeterTerms,
) -> Annotated[pl.LazyFrame, Usage]:
    """Hand sound deliveries over, in time; sealing one twice posts it once.

    Args:
        usage: What no run has sealed yet.
        orders: Of the product.
        events: Grants and renewals of all orders.
        terms: The zone of the entity, and the files that are known to be the product.
    """
    rows = usage.sort("at", "delivery").collect()
    doubted = doubts(
        rows.to_dicts(),
        orders.collect().to_dicts(),
        events.collect().to_dicts(),
        terms.served,
        terms.zone,
    )
    return rows.filter(~pl.col("delivery").is_in([*doubted])).lazy()


def doubts(
    usage: Iterable[Row],
    orders: Iterable[Row],
    events: Iterable[Row],
    served: Collection[str],
    zone: str = "",
) -> dict[str, str]:
    """Say of each delivery that its order does not bear, why; by its number."""
    known = {order["order"]: order for order in orders}
    granted: dict[str, list[Row]] = {}
    for event in events:
        granted.setdefault(event["entitlement"], []).append(event)
    found = {}
    for row in usage:
        number = row["entitlement"]
        facts = known.get(number), granted.get(number, []), days_of(row["at"], zone)
        if why := list(wrong(row, *facts, served)):
            found[row["delivery"]] = "; ".join(why)
    return found


def days_of(at: str, zone: str = "") -> tuple[date, ...]:
    """Give the day of a moment in a zone; of no zone the first and the last it can be.

    2026-07-31T16:30:00.000000Z in Asia/Shanghai -> 2026-08-01; without a zone ->
    2026-07-31 and 2026-08-01. What is no moment has no day.
    """
    try:
        moment = datetime.strptime(at, MOMENT).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return ()
    if zone:
        return (moment.astimezone(ZoneInfo(zone)).date(),)
    return tuple((moment + shift).date() for shift in ZONES)


def wrong(
    row: Row,
    order: Row | None,
    events: Sequence[Row],
    days: Sequence[date],
    served: Collection[str],
) -> Iterator[str]:
    """Name what one delivery says that its order does not bear.

    Args:
        row: The delivery.
        order: Its order, if there is one.
        events: Of its entitlement.
        days: The days on which it may have been.
        served: Ids of the files that are known to be the product.
    """
    if order is None:
        yield "it has no order"
        return
    if row["period"] not in {f"{day:%Y-%m}" for day in days}:
        yield f"its month {row['period']} is not that of its moment"
    if not any(is_within(str(day), order, events) for day in days):
        yield f"its moment lies outside the term of order {order['order']}"
    if not {*str(row["fields"]).split(",")} <= {*order["fields"].split(",")}:
        yield "its fields were not licensed"
    if row["served"] not in served:
        yield f"what it served is no product of {order['factor']}"


def is_within(day: str, order: Row, events: Sequence[Row]) -> bool:
    """Say whether a day is one of an order's terms, and not before it was ordered.

    Days are compared as text, 2026-07-01: so `verify` reads them out of the chain.
    """
    terms = [
        (str(e["valid_from"]), str(e["valid_to"]))
        for e in events
        if e["event"] != "revoke"
    ]
    inside = any(first <= day <= last for first, last in terms)
    return inside and day >= str(order["ordered_on"])
