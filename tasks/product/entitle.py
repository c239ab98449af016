"""End an entitlement, withdraw a product, and measure terms in months."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.registers import NEW_KEY, Entitlement, ProductEvent
from schemas.sale import EndTerms, KeyTerms, WithdrawalTerms

Row = Mapping[str, Any]  # one row of a register


def withdrawn(events: Iterable[Row], day: date) -> str:
    """Say why a product is withdrawn on a day; empty where it is not.

    Args:
        events: Rows of register ProductEvent, of one product and its earlier names.
        day: In the zone of the entity that sells.
    """
    ended = gone(events, day)
    if not ended:
        return ""
    last = ended[0]
    return (
        f"{last['product']} was withdrawn on {last['effective_on']}: {last['reason']}"
    )


def gone(events: Iterable[Row], day: date) -> list[Row]:
    """List the withdrawals that hold on a day: of each name its last event says it."""
    past = sorted(events, key=lambda e: e["number"])
    last = {e["product"]: e for e in past if e["effective_on"] <= day}
    return [event for event in last.values() if event["event"] == "withdraw"]


def events_about(events: Iterable[Row], name: str, factor: str) -> list[Row]:
    """Take the events of a product, whatever its factor has called it before.

    Another name does not undo a withdrawal, nor does another factor.
    """
    return [
        e for e in events if e["product"] == name or (factor and e["factor"] == factor)
    ]


def last_day(first: date, months: int) -> date:
    """Find the last day of a term of whole months. 2026-07-01, 12 -> 2027-06-30.

    The day before the same day some months on; a month without that day ends the term
    with its own last one, as 民法典 art. 202 ends periods: 2026-01-31, 1 -> 02-28.
    """
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    begins = date(year, month + 1, 1)
    if first.day == 1:
        return begins - timedelta(days=1)
    return begins.replace(day=min(first.day - 1, monthrange(year, month + 1)[1]))


def revoke_order(
    events: Annotated[pl.LazyFrame, Entitlement], terms: EndTerms
) -> Annotated[pl.LazyFrame, Entitlement]:
    """Write the end of an entitlement; the earliest of several holds.

    An end that is no earlier than one that stands already changes nothing: what was
    revoked stays so.

    Raises:
        RegisterError: Nothing was ordered under this number.
    """
    rows = events.collect()
    if rows.is_empty():
        raise RegisterError(f"order {terms.order} is not known: see `datafactor usage`")
    ended = rows.filter(event="revoke")
    if ended.filter(pl.col("effective_on") <= terms.effective_on).height:
        return ended.lazy()
    last = rows.filter(pl.col("event") != "revoke").sort("valid_to").tail(1)
    return last.with_columns(
        event=pl.lit("revoke"),
        number=pl.lit(ended.height + 1, pl.Int64),
        quota=pl.lit(None, pl.Int64),
        effective_on=pl.lit(terms.effective_on),
        reason=pl.lit(terms.reason),
    ).lazy()


def replace_key(
    events: Annotated[pl.LazyFrame, Entitlement], terms: KeyTerms
) -> Annotated[pl.LazyFrame, Entitlement]:
    """Give an entitlement another key: no term, no units, nothing to pay.

    Whatever became of the product, a key that leaked can be shut out.

    Raises:
        RegisterError: Nothing was ordered under this number, or it was revoked.
    """
    rows = events.collect()
    if rows.is_empty():
        raise RegisterError(f"order {terms.order} is not known: see `datafactor usage`")
    ended = rows.filter(event="revoke").sort("effective_on")
    if ended.height:
        raise RegisterError(f"order {terms.order} was revoked: {ended['reason'][0]}")
    return (
        rows.sort("valid_to")
        .tail(1)
        .with_columns(
            event=pl.lit("renew"),
            number=pl.lit(terms.number, pl.Int64),
            key_sha256=pl.lit(terms.key_sha256),
            quota=pl.lit(None, pl.Int64),
            effective_on=pl.lit(terms.replaced_on),
            reason=pl.lit(NEW_KEY),
        )
        .lazy()
    )


def key_now(events: Iterable[Row]) -> str:
    """Find the hash of the key that opens an entitlement: its last renewal's."""
    keys = [e for e in events if e["event"] != "revoke"]
    last = max(keys, key=lambda e: (e["event"] == "renew", e["number"]))
    return str(last["key_sha256"])


def withdraw_product(
    events: Annotated[pl.LazyFrame, ProductEvent], terms: WithdrawalTerms
) -> Annotated[pl.LazyFrame, ProductEvent]:
    """Write that a product is withdrawn, or offered again.

    Raises:
        RegisterError: It is so already, or somebody else was faster.
    """
    rows = events.sort("number").collect()
    if terms.number != rows.height + 1:
        raise RegisterError(f"{terms.product} was changed at this moment: look again")
    event = "restore" if terms.lift else "withdraw"
    stands = rows["event"][-1] if rows.height else "restore"
    if stands == event:
        said = "offered" if terms.lift else "withdrawn"
        raise RegisterError(f"{terms.product} is {said} already")
    row = (
        *(terms.entity, terms.product, terms.number, terms.factor, event),
        *(terms.effective_on, terms.reason, terms.evidence),
    )
    return frame_of(ProductEvent, [row]).lazy()
