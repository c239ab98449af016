"""Registers of what is sold: orders, entitlements, usage, invoices, withdrawals.

``UsageRow`` and ``Quota`` are written while a delivery is granted, outside a run: rows
are guarded like all others, and the act ``meter`` seals them as ``SealedUsage`` into
the chain.
"""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from schemas.registers import (
    ENTITLEMENT_EVENTS,
    FORMS,
    LINE_KINDS,
    MODES,
    OFFER_EVENTS,
    UNITS,
)
from schemas.tables.columns import (
    Digest,
    Fen,
    Row,
    is_digest,
    is_integer,
    is_one_of,
    is_period,
)


class OrderRow(Row, table=True):
    """What a customer ordered, at the price of that day. Contract: ``Order``."""

    order: str = Field(primary_key=True)
    entity: str
    factor: str = Field(index=True)
    product: str
    version: str
    customer: str
    customer_code: str
    use: str
    licence: str
    fields: str
    filters: str
    rows_limit: int | None = Field(sa_type=BigInteger)
    quota: int | None = Field(sa_type=BigInteger)
    unit: str
    price_mode: str
    price: str
    amount_fen: int = Field(sa_type=Fen)
    valid_from: date
    valid_to: date
    ordered_on: date
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("rows_limit", "rows_limit > 0"),
        is_integer("quota", "quota > 0"),
        is_one_of("unit", UNITS),
        is_one_of("price_mode", MODES),
        is_integer("amount_fen", "amount_fen >= 0"),
        CheckConstraint("valid_from <= valid_to", "term"),
        *is_digest("artifact"),
    )


class EntitlementEvent(Row, table=True):
    """Grant, renewal or end of what an order entitles to. Contract: ``Entitlement``."""

    entitlement: str = Field(primary_key=True)
    event: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    key_sha256: str = Field(index=True)
    quota: int | None = Field(sa_type=BigInteger)
    valid_from: date
    valid_to: date
    effective_on: date
    reason: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("event", ENTITLEMENT_EVENTS),
        is_integer("number", "number >= 1"),
        is_integer("quota", "quota > 0"),
        CheckConstraint("valid_from <= valid_to", "term"),
        *is_digest("artifact"),
    )


class Quota(Row, table=True):
    """How much an entitlement allows and has used: a number that changes.

    ``limit_units`` is the sum of the quotas granted and renewed (null: no limit),
    ``used_calls`` and ``used_rows`` those of its ``UsageRow``. ``unit`` says which of
    the two is limited. Units that are left at a renewal stay.
    """

    entitlement: str = Field(primary_key=True)
    unit: str
    limit_units: int | None = Field(sa_type=BigInteger)
    used_calls: int = Field(sa_type=BigInteger)
    used_rows: int = Field(sa_type=BigInteger)

    __table_args__ = (
        is_one_of("unit", UNITS),
        is_integer("limit_units", "limit_units > 0"),
        is_integer("used_calls", "used_calls >= 0"),
        is_integer("used_rows", "used_rows >= 0"),
        CheckConstraint("unit = 'row' OR used_calls <= limit_units", "calls"),
        CheckConstraint("unit = 'call' OR used_rows <= limit_units", "rows"),
    )


class UsageRow(Row, table=True):
    """One delivery, written in the transaction that granted it."""

    delivery: str = Field(primary_key=True)
    entitlement: str = Field(foreign_key="quota.entitlement")
    at: str
    period: str
    form: str
    calls: int = Field(sa_type=BigInteger)
    rows: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    fields: str
    served: str

    __table_args__ = (
        Index("ix_usagerow_entitlement", "entitlement", "at"),
        is_period("period"),
        is_one_of("form", FORMS),
        is_integer("calls", "calls >= 0"),
        is_integer("rows", "rows >= 0"),
        is_integer("bytes", "bytes >= 0"),
    )


class SealedUsage(Row, table=True):
    """A ``UsageRow`` that the chain holds. Contract: ``Usage``."""

    delivery: str = Field(primary_key=True)
    entitlement: str = Field(index=True)
    at: str
    period: str
    form: str
    calls: int = Field(sa_type=BigInteger)
    rows: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)
    fields: str
    served: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_period("period"),
        is_one_of("form", FORMS),
        is_integer("calls", "calls >= 0"),
        is_integer("rows", "rows >= 0"),
        is_integer("bytes", "bytes >= 0"),
        *is_digest("artifact"),
    )


class InvoiceLine(Row, table=True):
    """One line of an invoice or credit note. Contract: ``Invoice``."""

    invoice: str = Field(primary_key=True)
    line: int = Field(sa_type=BigInteger, primary_key=True)
    entity: str
    order: str = Field(index=True)
    period: str
    kind: str
    quantity: int = Field(sa_type=BigInteger)
    unit_price: str
    amount_fen: int = Field(sa_type=Fen)
    issued_on: date
    reverses: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("line", "line >= 1"),
        is_period("period"),
        is_one_of("kind", LINE_KINDS),
        is_integer("quantity", "quantity <> 0"),
        is_integer("amount_fen", "amount_fen = amount_fen"),
        CheckConstraint("(reverses = '') = (quantity > 0)", "sign"),
        *is_digest("artifact"),
    )


class OfferEvent(Row, table=True):
    """A product was withdrawn, or offered again. Contract: ``ProductEvent``."""

    entity: str = Field(primary_key=True)
    product: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    factor: str
    event: str
    effective_on: date
    reason: str
    evidence: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("number", "number >= 1"),
        is_one_of("event", OFFER_EVENTS),
        *is_digest("artifact"),
    )
