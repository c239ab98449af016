"""Grant deliveries: the entitlement, its counter and the usage row in one transaction.

Whoever delivers, by file or by service, asks here first and delivers what was granted.
A refusal is an answer with its ground, not an error. The counter moves by a conditional
UPDATE under the write lock, so that no number of clients takes more than the quota; the
same statements run on SQLite and PostgreSQL.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update
from sqlmodel import col

from schemas.tables.columns import table_of
from schemas.tables.lineage import StageRun
from schemas.tables.market import (
    EntitlementEvent,
    OfferEvent,
    OrderRow,
    Quota,
    SealedUsage,
    UsageRow,
)
from schemas.tables.rights import DisputeEvent
from schemas.usage import MOMENT
from tasks.product.entitle import gone
from tasks.store.database import reading, writing
from tasks.store.place import Store
from tasks.store.registers import Values

Form = Literal["bundle", "service"]
Kind = Literal[
    "unknown", "not_begun", "expired", "revoked", "withdrawn", "disputed", "fields",
    "rate", "quota",
]  # fmt: skip
MINUTE = timedelta(minutes=1)


# Made once: building a statement costs more than running it.
FITS = or_(
    col(Quota.limit_units).is_(None),
    and_(
        col(Quota.unit) == "call",
        col(Quota.used_calls) + bindparam("calls") <= col(Quota.limit_units),
    ),
    and_(
        col(Quota.unit) == "row",
        col(Quota.used_rows) + bindparam("whole") <= col(Quota.limit_units),
    ),
)
RAISE = (
    update(Quota)
    .where(col(Quota.entitlement) == bindparam("order"), FITS)
    .values(
        used_calls=col(Quota.used_calls) + bindparam("calls"),
        used_rows=col(Quota.used_rows) + bindparam("rows"),
    )
    .returning(*table_of(Quota).columns)
)
INSERT = insert(UsageRow)
DISPUTES = table_of(DisputeEvent)
LIFTED = DISPUTES.alias()
UNSETTLED = (
    select(DISPUTES.c.dispute, DISPUTES.c.asset, DISPUTES.c.effective_on)
    .outerjoin(
        LIFTED, and_(LIFTED.c.dispute == DISPUTES.c.dispute, LIFTED.c.event == "lift")
    )
    .where(DISPUTES.c.event == "open", LIFTED.c.dispute.is_(None))
)
Seen = dict[tuple[Any, ...], Any]  # what was read under the write lock, by its question


@dataclass(frozen=True)
class Request:
    """What a delivery would hand over.

    Attributes:
        at: When, aware; the day and the month are those of ``zone``.
        zone: Time zone of the order's entity.
        calls: 1, or 0 for a further piece of an answer that was granted already.
        ahead: Rows that will follow in the same answer: they must fit under the quota
            now, and are counted when they are asked for.
        calls_per_minute: Most calls within any 60 seconds; 0: no limit.
        key_sha256: Of the API key that asked; empty: the provider delivers by itself.
        delivery: Its number, where the caller must know it before.
        rests_on: What else a dispute may be over that suspends it: the product's asset,
            and the factors that feed its own.
    """

    order: str
    form: Form
    at: datetime
    zone: str
    fields: tuple[str, ...]
    rows: int
    bytes: int
    served: str
    calls: int = 1
    ahead: int = 0
    calls_per_minute: int = 0
    key_sha256: str = ""
    delivery: str = field(default_factory=lambda: secrets.token_hex(16))
    rests_on: tuple[str, ...] = ()

    @property
    def day(self) -> date:
        """Its date where the entity keeps its books."""
        return self.at.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class Grant:
    """A delivery that is granted and counted; ``left`` units remain, or no limit."""

    delivery: str
    left: int | None


@dataclass(frozen=True)
class Denied:
    """Why nothing may be delivered, and after how many seconds to ask again."""

    kind: Kind
    ground: str
    retry_after: int | None = None


def opened_by(s: Store, key_sha256: str) -> Values | None:
    """Find the order that an API key opens, by the hash of the key.

    A renewal with another key replaces the one before.
    """
    with reading(s.engine) as c:
        found = c.scalar(
            select(col(EntitlementEvent.entitlement)).where(
                col(EntitlementEvent.key_sha256) == key_sha256
            )
        )
        if found is None or _other_key(_events(c, found), key_sha256):
            return None
        ordered = col(OrderRow.order) == found
        row = c.execute(select(*table_of(OrderRow).columns).where(ordered))
        return dict(row.mappings().one())


def grant(s: Store, request: Request) -> Grant | Denied:
    """Grant one delivery and count it, or say why not."""
    return grant_all(s, [request])[0]


def grant_all(s: Store, requests: Sequence[Request]) -> list[Grant | Denied]:
    """Grant several deliveries one after another, durable together: one commit.

    What cannot change while the write lock is held is read once for all of them.
    """
    seen: Seen = {}
    with writing(s.engine) as c:
        return [_granted(c, request, seen) for request in requests]


def entitled(s: Store, order: str, day: date) -> Denied | None:
    """Say why an order entitles to nothing on a day; None: it does."""
    with reading(s.engine) as c:
        return _standing(c, order, day) or _disputed(c, order, ())


def foreseen(s: Store, request: Request) -> Denied | None:
    """Say why a request would be denied as things stand, before rows are looked up."""
    with reading(s.engine) as c:
        if denied := _refusal(c, request, {}):
            return denied
        mine = col(Quota.entitlement) == request.order
        fitting = select(col(Quota.unit)).where(mine, FITS)
        fits = c.scalar(fitting, _amounts(request))
        return None if fits else _used_up(c, request)


def unsealed(s: Store, factor: str) -> list[Values]:
    """List the deliveries of a factor's product that no run has sealed yet."""
    query = (
        select(*table_of(UsageRow).columns)
        .join(OrderRow, col(OrderRow.order) == col(UsageRow.entitlement))
        .outerjoin(SealedUsage, col(SealedUsage.delivery) == col(UsageRow.delivery))
        .where(col(OrderRow.factor) == factor, col(SealedUsage.delivery).is_(None))
    )
    with reading(s.engine) as c:
        return [dict(row) for row in c.execute(query).mappings()]


def unsealed_factors(s: Store) -> list[str]:
    """Name the factors of whose products deliveries are not sealed."""
    query = (
        select(col(OrderRow.factor))
        .join(UsageRow, col(OrderRow.order) == col(UsageRow.entitlement))
        .outerjoin(SealedUsage, col(SealedUsage.delivery) == col(UsageRow.delivery))
        .where(col(SealedUsage.delivery).is_(None))
        .distinct()
    )
    with reading(s.engine) as c:
        return sorted(c.scalars(query))


def last_run(s: Store, task: str = "") -> int:
    """Give the place of a task's newest run, or of all: what was read holds until then.

    0: none ran yet.
    """
    query = select(col(StageRun.seq)).order_by(col(StageRun.seq).desc()).limit(1)
    if task:
        query = query.where(col(StageRun.task) == task)
    with reading(s.engine) as c:
        return c.scalar(query) or 0


def _granted(c: Connection, r: Request, seen: Seen) -> Grant | Denied:
    if denied := _refusal(c, r, seen):
        return denied
    # Counted where it fits, in one statement: never look, then write.
    raised = c.execute(RAISE, _amounts(r)).first()
    if raised is None:
        return _used_up(c, r)
    seen["calls", r.order] = raised.used_calls
    zoned = r.at.astimezone(ZoneInfo(r.zone))
    row = {
        "delivery": r.delivery,
        "entitlement": r.order,
        "at": r.at.astimezone(UTC).strftime(MOMENT),
        "period": f"{zoned:%Y-%m}",
        "form": r.form,
        "calls": r.calls,
        "rows": r.rows,
        "bytes": r.bytes,
        "fields": ",".join(r.fields),
        "served": r.served,
    }
    c.execute(INSERT, row)
    return Grant(r.delivery, _left(raised))


def _refusal(c: Connection, r: Request, seen: Seen) -> Denied | None:
    """Ask all but the quota."""
    fixed = (r.order, r.day, r.key_sha256, r.fields, r.rests_on)
    if fixed not in seen:
        standing = _standing(c, r.order, r.day, r.key_sha256)
        standing = standing or _disputed(c, r.order, r.rests_on)
        seen[fixed] = standing or _outside(c, r)
    return seen[fixed] or _too_fast(c, r, seen)


def _other_key(events: Sequence[Any], key_sha256: str) -> bool:
    """Say whether a key is not the one that opens the entitlement now."""
    keys = [e.key_sha256 for e in events if e.event != "revoke" and e.key_sha256]
    return not keys or keys[-1] != key_sha256


def _events(c: Connection, order: str) -> Sequence[Any]:  # rows of the table
    """List grant, renewals and revocations, each kind by its number."""
    query = select(*table_of(EntitlementEvent).columns).where(
        col(EntitlementEvent.entitlement) == order
    )
    found = c.execute(query).all()
    return sorted(found, key=lambda e: (e.event != "grant", e.event, e.number))


def _standing(
    c: Connection, order: str, day: date, key_sha256: str = ""
) -> Denied | None:
    """Read what the order's entitlement and its product are on a day."""
    events = _events(c, order)
    if key_sha256 and _other_key(events, key_sha256):
        return Denied("unknown", "this key was replaced by another: use the new one")
    terms = [(e.valid_from, e.valid_to) for e in events if e.event != "revoke"]
    if not terms:
        return Denied("unknown", f"nothing entitles to order {order}: order first")
    ends = [e for e in events if e.event == "revoke" and e.effective_on <= day]
    if ends:
        on = min(e.effective_on for e in ends)
        said = f"the entitlement {order} is revoked since {on}: ask the provider why"
        return Denied("revoked", said)
    if not any(begin <= day <= end for begin, end in terms):
        return _out_of_term(order, terms, day)
    return _withdrawn(c, order, day)


def _out_of_term(order: str, terms: Sequence[tuple[date, date]], day: date) -> Denied:
    """Say which term is over, or when the next one begins."""
    coming = [begin for begin, _ in terms if begin > day]
    if coming:
        said = f"the entitlement {order} begins on {min(coming)}: ask again then"
        return Denied("not_begun", said)
    last = max(end for _, end in terms)
    return Denied(
        "expired", f"the entitlement {order} ended on {last}: renew the order"
    )


def _withdrawn(c: Connection, order: str, day: date) -> Denied | None:
    """Look whether the ordered product, by whatever name, is on offer on a day."""
    mine, said = table_of(OrderRow).c, table_of(OfferEvent).c
    same = or_(said.product == mine.product, said.factor == mine.factor)
    query = (
        select(*said)
        .join(OrderRow, and_(said.entity == mine.entity, same))
        .where(mine.order == order)
    )
    ended = gone(map(dict, c.execute(query).mappings()), day)
    if not ended:
        return None
    return Denied(
        "withdrawn",
        f"product {ended[0]['product']} is withdrawn since"
        f" {ended[0]['effective_on']}: ask the provider why",
    )


def _disputed(c: Connection, order: str, names: Sequence[str]) -> Denied | None:
    """Look whether a dispute that is not lifted concerns the ordered product."""
    if not (unsettled := c.execute(UNSETTLED).all()):
        return None
    factor = c.scalar(select(col(OrderRow.factor)).where(col(OrderRow.order) == order))
    mine = [d for d in unsettled if d.asset in (factor, *names)]
    if not mine:
        return None
    first = min(mine, key=lambda d: (d.effective_on, d.dispute))
    said = f"order {order} is suspended since {first.effective_on}"
    return Denied(
        "disputed",
        f"{said} by dispute {first.dispute} over {first.asset}: ask the provider when"
        " it is lifted",
    )


def _outside(c: Connection, r: Request) -> Denied | None:
    """Refuse fields that the order did not license."""
    licensed = c.scalar(
        select(col(OrderRow.fields)).where(col(OrderRow.order) == r.order)
    )
    strange = [f for f in r.fields if f not in (licensed or "").split(",")]
    if not strange:
        return None
    return Denied(
        "fields",
        f"order {r.order} does not license {', '.join(strange)}: ask for {licensed}",
    )


def _too_fast(c: Connection, r: Request, seen: Seen) -> Denied | None:
    """Refuse a call when as many as are allowed began within the last 60 seconds."""
    if not r.calls or not r.calls_per_minute:
        return None
    if ("calls", r.order) not in seen:
        mine = col(Quota.entitlement) == r.order
        seen["calls", r.order] = c.scalar(select(col(Quota.used_calls)).where(mine))
    if (seen["calls", r.order] or 0) < r.calls_per_minute:
        return None  # fewer in all than are allowed in a minute
    at = r.at.astimezone(UTC)
    query = (
        select(col(UsageRow.at))
        .where(
            col(UsageRow.entitlement) == r.order,
            col(UsageRow.at) > (at - MINUTE).strftime(MOMENT),
            col(UsageRow.calls) > 0,
        )
        .order_by(col(UsageRow.at).desc())
        .limit(1)
        .offset(r.calls_per_minute - 1)
    )
    before = c.scalar(query)
    if before is None:
        return None
    free = datetime.strptime(before, MOMENT).replace(tzinfo=UTC) + MINUTE
    wait = max(1, -((at - free) // timedelta(seconds=1)))
    return Denied(
        "rate",
        f"order {r.order} allows {r.calls_per_minute} calls a minute: ask again in"
        f" {wait} s",
        wait,
    )


def _amounts(r: Request) -> Values:
    """Say what a request would add to its counter."""
    added = {"calls": r.calls, "rows": r.rows, "whole": r.rows + r.ahead}
    return {"order": r.order, **added}


def _left(q: Any) -> int | None:  # a row of the table
    """Say how many units of a counter remain; None: no limit."""
    if q.limit_units is None:
        return None
    return int(q.limit_units - (q.used_calls if q.unit == "call" else q.used_rows))


def _used_up(c: Connection, r: Request) -> Denied:
    """Say what is left of the quota, and what would fit."""
    mine = col(Quota.entitlement) == r.order
    counter = c.execute(select(*table_of(Quota).columns).where(mine)).one()
    left = _left(counter)
    if counter.unit == "row" and left:
        said = (
            f"{left} rows are left, this answer has {r.rows + r.ahead}: ask for fewer"
        )
    else:
        said = "nothing is left"
    return Denied("quota", f"the quota of order {r.order}: {said}, or renew the order")
