"""Read what was used, and make the secret that marks a delivery."""

import hashlib
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlmodel import col

from schemas.tables.columns import table_of
from schemas.tables.lineage import RunOutput, StageRun
from schemas.tables.market import OrderRow, Quota, SealedUsage, UsageRow
from tasks.store import anchor
from tasks.store.database import reading
from tasks.store.place import Store
from tasks.store.registers import Values

MAKER = "productize"  # the task whose frame ``product`` is sold
AMOUNTS = ("calls", "rows", "bytes")


def deliveries(s: Store, orders: Sequence[str]) -> list[Values]:
    """List the deliveries of orders in time, each with ``sealed``."""
    columns = table_of(UsageRow).columns
    sealed = col(SealedUsage.delivery).is_not(None).label("sealed")
    query = (
        select(*columns, sealed)
        .outerjoin(SealedUsage, col(SealedUsage.delivery) == col(UsageRow.delivery))
        .where(col(UsageRow.entitlement).in_(orders))
        .order_by(col(UsageRow.at), col(UsageRow.delivery))
    )
    with reading(s.engine) as c:
        rows = c.execute(query).mappings().all()
    return [{**row, "sealed": bool(row["sealed"])} for row in rows]


def months(s: Store, **where: str) -> dict[str, list[Values]]:
    """Add up the deliveries of each order, month by month.

    Args:
        where: Columns of the order: ``order="SO-1"``, ``factor="rain"``; none: all.
    """
    used, sealed = col(UsageRow.entitlement), func.count(col(SealedUsage.delivery))
    query = (
        select(
            used.label("order"),
            col(UsageRow.period).label("month"),
            func.count().label("deliveries"),
            *(func.sum(getattr(UsageRow, n)).label(n) for n in AMOUNTS),
            (func.count() - sealed).label("unsealed"),
        )
        .join(OrderRow, col(OrderRow.order) == used)
        .outerjoin(SealedUsage, col(SealedUsage.delivery) == col(UsageRow.delivery))
        .where(*(getattr(OrderRow, name) == value for name, value in where.items()))
        .group_by(used, col(UsageRow.period))
    )
    found: dict[str, list[Values]] = {}
    with reading(s.engine) as c:
        rows = [dict(row) for row in c.execute(query).mappings()]
    for row in sorted(rows, key=lambda r: str(r["month"])):
        whole = {name: int(row[name]) for name in AMOUNTS}  # PostgreSQL sums to NUMERIC
        found.setdefault(row.pop("order"), []).append(row | whole)
    return found


def products_among(s: Store, factor: str, ids: Collection[str]) -> tuple[str, ...]:
    """Find which files are a product that a factor has made."""
    query = (
        select(col(RunOutput.artifact))
        .join(StageRun, col(StageRun.hash) == col(RunOutput.run))
        .where(
            col(StageRun.factor) == factor,
            col(StageRun.task) == MAKER,
            col(RunOutput.frame) == "product",
            col(RunOutput.artifact).in_(ids),
        )
    )
    with reading(s.engine) as c:
        return tuple(sorted({*c.scalars(query)}))


def counters(s: Store, **where: str) -> dict[str, Values]:
    """Read how much orders allow and have used, by their numbers; ``where`` as above.

    Joined, never listed: a statement takes 32,766 values at most on SQLite.
    """
    query = (
        select(*table_of(Quota).columns)
        .join(OrderRow, col(OrderRow.order) == col(Quota.entitlement))
        .where(*(getattr(OrderRow, name) == value for name, value in where.items()))
    )
    with reading(s.engine) as c:
        return {r["entitlement"]: dict(r) for r in c.execute(query).mappings()}


def numbers(s: Store, start: str) -> set[str]:
    """List the numbers of orders that begin so."""
    order = col(OrderRow.order)
    query = select(order).where(order.startswith(start, autoescape=True))
    with reading(s.engine) as c:
        return set(c.scalars(query))


def delivery_secret(s: Store, delivery: str) -> bytes:
    """Derive the secret of a delivery from the store's signing key.

    An Ed25519 signature is the same each time (RFC 8032), and nobody without the
    private key can make it; so no further secret must be kept.
    """
    signed = anchor.signer(s).sign(f"datafactor delivery {delivery}".encode())
    return hashlib.sha256(signed).digest()
