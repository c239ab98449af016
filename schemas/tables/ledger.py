"""Registers of money spent and booked: cost vouchers, journal entries and lines.

Lines come first and their entry last: its trigger demands that they sum to 0 and seals
them. Corrections are new entries.
"""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field

from schemas.tables.columns import (
    Digest,
    Fen,
    Row,
    is_digest,
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
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        CheckConstraint("line >= 1", "line"),
        is_one_of("phase", ["research", "development", "operation"]),
        is_integer("amount_fen", "amount_fen > 0"),
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
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        CheckConstraint("line >= 1", "line"),
        is_period("period"),
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
