"""Registers of rights over assets, and of disputes: events, never changed."""

from datetime import date

from sqlalchemy import BigInteger
from sqlmodel import Field

from schemas.registers import DISPUTE_EVENTS, RIGHT_EVENTS, RIGHTS
from schemas.tables.columns import (
    Digest,
    Row,
    is_digest,
    is_flag,
    is_hex,
    is_integer,
    is_one_of,
)


class RightEvent(Row, table=True):
    """One event in the life of a right. Contract: ``registers.Right``."""

    entity: str = Field(primary_key=True)
    asset: str
    right: str = Field(primary_key=True)
    event: str = Field(primary_key=True)
    certificate: str = Field(primary_key=True)
    holder: str
    basis: str
    scope: str
    evidence: str
    effective_on: date
    valid_from: date
    valid_to: date
    number: int = Field(sa_type=BigInteger, primary_key=True)
    field: str
    territory: str
    exclusive: bool
    sublicensable: bool
    evidence_sha256: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        # The column's name is a keyword of SQL.
        is_one_of('"right"', RIGHTS),
        is_one_of("event", RIGHT_EVENTS),
        is_integer("number", "number >= 1"),
        is_flag("exclusive"),
        is_flag("sublicensable"),
        is_hex("evidence_sha256"),
        *is_digest("artifact"),
    )


class DisputeEvent(Row, table=True):
    """A dispute is opened or lifted. Contract: ``registers.Dispute``."""

    dispute: str = Field(primary_key=True)
    entity: str
    asset: str
    event: str = Field(primary_key=True)
    effective_on: date
    claimant: str
    ground: str
    evidence: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (is_one_of("event", DISPUTE_EVENTS), *is_digest("artifact"))
