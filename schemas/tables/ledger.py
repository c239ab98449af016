"""Registers of money spent and booked: vouchers, cards, decisions, journal, periods.

Lines come first and their entry last: its trigger demands that they sum to 0 and seals
them. Corrections are new entries.
"""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field

from schemas.registers import (
    DECISIONS,
    EVENTS,
    KINDS,
    METHODS,
    ORIGINS,
    PRODUCTION_FACTORS,
    SERVES,
)
from schemas.tables.columns import (
    Digest,
    Fen,
    Row,
    is_digest,
    is_hex,
    is_integer,
    is_one_of,
    is_period,
)


class CostLine(Row, table=True):
    """One line of a voucher. Contract: ``registers.Cost``."""

    entity: str = Field(primary_key=True)
    voucher: str = Field(primary_key=True)
    line: int = Field(sa_type=BigInteger, primary_key=True)
    pool: str
    supplier: str
    incurred_on: date
    project: str
    phase: str
    kind: str
    amount_fen: int = Field(sa_type=Fen)
    evidence: str
    production_factor: str
    file_sha256: str
    reverses: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        CheckConstraint("line >= 1", "line"),
        is_one_of("phase", ["research", "development", "operation"]),
        is_integer("amount_fen", "amount_fen <> 0"),
        CheckConstraint("amount_fen > 0 OR reverses <> ''", "reverses"),
        is_one_of("production_factor", PRODUCTION_FACTORS),
        is_hex("file_sha256"),
        *is_digest("artifact"),
    )


class JournalEntry(Row, table=True):
    """Seals the lines of one entry."""

    entity: str = Field(primary_key=True)
    entry: str = Field(primary_key=True)
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id")
    poster: str

    __table_args__ = tuple(is_digest("artifact"))


class JournalLineRow(Row, table=True):
    """One line, debit positive. Contract: ``registers.JournalLine``."""

    entity: str = Field(primary_key=True)
    entry: str = Field(primary_key=True)
    line: int = Field(sa_type=BigInteger, primary_key=True)
    booked_on: date
    period: str
    account: str
    amount_fen: int = Field(sa_type=Fen)
    memo: str
    asset: str
    event: str
    voucher: str
    approval: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        CheckConstraint("line >= 1", "line"),
        is_period("period"),
        is_one_of("event", EVENTS),
        is_hex("approval"),
        is_integer("amount_fen", "amount_fen <> 0"),
        *is_digest("artifact"),
        # Checked at commit: no line stands without the entry that seals it.
        ForeignKeyConstraint(
            ["entity", "entry"],
            ["journalentry.entity", "journalentry.entry"],
            deferrable=True,
            initially="DEFERRED",
        ),
    )


class AssetCardRow(Row, table=True):
    """How an asset is carried. Contract: ``registers.AssetCard``."""

    entity: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    factor: str
    product: str
    version: str
    kind: str
    origin: str
    serves: str
    method: str
    life_months: int | None = Field(sa_type=BigInteger)
    residual_fen: int = Field(sa_type=Fen)
    units: int | None = Field(sa_type=BigInteger)
    available_from: date | None
    right_ends: date | None
    effective_on: date
    life_basis: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("number", "number >= 1"),
        is_one_of("kind", KINDS),
        is_one_of("origin", ORIGINS),
        is_one_of("serves", SERVES),
        is_one_of("method", METHODS),
        is_integer("life_months", "life_months > 0"),
        is_integer("residual_fen", "residual_fen >= 0"),
        is_integer("units", "units > 0"),
        *is_digest("artifact"),
    )


class AssetEventRow(Row, table=True):
    """What was decided of an asset. Contract: ``registers.AssetEvent``."""

    entity: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    decision: str = Field(primary_key=True)
    event: str
    decided_on: date
    fair_value_fen: int | None = Field(sa_type=Fen)
    costs_fen: int | None = Field(sa_type=Fen)
    value_in_use_fen: int | None = Field(sa_type=Fen)
    proceeds_fen: int | None = Field(sa_type=Fen)
    tax_fen: int | None = Field(sa_type=Fen)
    counterparty: str
    evidence: str
    reason: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("event", DECISIONS),
        is_integer("fair_value_fen", "fair_value_fen >= 0"),
        is_integer("costs_fen", "costs_fen >= 0"),
        is_integer("value_in_use_fen", "value_in_use_fen >= 0"),
        is_integer("proceeds_fen", "proceeds_fen >= 0"),
        is_integer("tax_fen", "tax_fen >= 0"),
        *is_digest("artifact"),
    )


class ApprovalRow(Row, table=True):
    """A signed decision over what shall be posted. Contract: ``registers.Approval``."""

    entity: str
    subject: str = Field(primary_key=True)
    decision: str
    preparer_key: str
    approver_key: str = Field(primary_key=True)
    approver: str
    decided_on: date
    note: str
    signature: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("decision", ["approve", "reject"]),
        is_hex("subject"),
        is_hex("preparer_key"),
        is_hex("approver_key"),
        CheckConstraint("preparer_key <> approver_key", "another_person"),
        *is_digest("artifact"),
    )


class PeriodCloseRow(Row, table=True):
    """A closed month. Contract: ``registers.PeriodClose``."""

    entity: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    closed_on: date
    entries: int = Field(sa_type=BigInteger)
    trial_balance_sha256: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_period("period"),
        is_integer("entries", "entries >= 0"),
        is_hex("trial_balance_sha256"),
        *is_digest("artifact"),
    )
