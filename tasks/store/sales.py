"""Read what was used, and make the secret that marks a delivery."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from schemas.tables.columns import table_of
from schemas.tables.market import Quota, SealedUsage, UsageRow
from tasks.store import anchor
from tasks.store.database import reading
from tasks.store.place import Store
from tasks.store.registers import Values


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


def counters(s: Store, orders: Sequence[str]) -> dict[str, Values]:
    """Read how much orders allow and have used, by their numbers."""
    columns = table_of(Quota).columns
    query = select(*columns).where(col(Quota.entitlement).in_(orders))
    with reading(s.engine) as c:
        return {r["entitlement"]: dict(r) for r in c.execute(query).mappings()}


def delivery_secret(s: Store, delivery: str) -> bytes:
    """Derive the secret of a delivery from the store's signing key.

    An Ed25519 signature is the same each time (RFC 8032), and nobody without the
    private key can make it; so no further secret must be kept.
    """
    signed = anchor.signer(s).sign(f"datafactor delivery {delivery}".encode())
    return hashlib.sha256(signed).digest()
