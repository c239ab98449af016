"""Registers of loans, pledges and cover; the counter that keeps assets under caps."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field

from schemas.quality import WHOLE
from schemas.registers import COVER_STATES, LOAN_EVENTS, LOAN_KINDS, PLEDGE_EVENTS
from schemas.tables.columns import (
    Digest,
    Fen,
    Row,
    is_digest,
    is_flag,
    is_hex,
    is_integer,
    is_one_of,
)


class LoanRow(Row, table=True):
    """One tranche of a loan. Contract: ``registers.Loan``."""

    loan: str = Field(primary_key=True)
    tranche: str = Field(primary_key=True)
    entity: str
    factor: str
    asset: str
    version: str
    kind: str
    lender: str
    borrower: str
    borrower_code: str
    industry: str
    amount_fen: int = Field(sa_type=Fen)
    signed_on: date
    matures_on: date
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("kind", LOAN_KINDS),
        is_integer("amount_fen", "amount_fen > 0"),
        CheckConstraint("signed_on <= matures_on", "term"),
        *is_digest("artifact"),
    )


class LoanFactRow(Row, table=True):
    """What happened to a loan. Contract: ``registers.LoanFact``."""

    loan: str = Field(primary_key=True)
    event: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    tranche: str
    effective_on: date
    amount_fen: int | None = Field(sa_type=Fen)
    name: str
    evidence: str
    evidence_sha256: str
    reason: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("event", LOAN_EVENTS),
        is_integer("number", "number >= 1"),
        is_integer("amount_fen", "amount_fen > 0"),
        is_hex("evidence_sha256"),
        *is_digest("artifact"),
    )


class PledgeRow(Row, table=True):
    """One pledge of an asset for a loan. Contract: ``registers.Pledge``."""

    request: str = Field(primary_key=True)
    entity: str
    asset: str
    version: str
    lender: str
    principal_fen: int = Field(sa_type=Fen)
    cap_fen: int = Field(sa_type=Fen)
    exclusive: bool
    pledged_on: date
    matures_on: date
    rank: int = Field(sa_type=BigInteger)
    meets_ppm: int = Field(sa_type=BigInteger)
    minor_ppm: int = Field(sa_type=BigInteger)
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("principal_fen", "principal_fen > 0"),
        is_integer("cap_fen", "cap_fen > 0"),
        is_flag("exclusive"),
        is_integer("rank", "rank >= 1"),
        is_integer("meets_ppm", f"meets_ppm > 0 AND meets_ppm <= {WHOLE}"),
        is_integer("minor_ppm", f"minor_ppm >= 0 AND minor_ppm <= {WHOLE}"),
        *is_digest("artifact"),
    )


class CollateralRootRow(Row, table=True):
    """A table a pledge rests on. Contract: ``registers.CollateralRoot``."""

    request: str = Field(primary_key=True)
    entity: str
    asset: str = Field(primary_key=True)
    version: str
    root: str = Field(primary_key=True, index=True)
    place: str
    rows: int = Field(sa_type=BigInteger)
    weight_ppm: int = Field(sa_type=BigInteger)
    sketch: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_hex("root"),
        CheckConstraint("root <> ''", "named"),
        is_integer("rows", "rows >= 0"),
        is_integer("weight_ppm", f"weight_ppm >= 0 AND weight_ppm <= {WHOLE}"),
        *is_digest("artifact"),
    )


class PledgeEventRow(Row, table=True):
    """One event in the life of a pledge. Contract: ``registers.PledgeEvent``."""

    request: str = Field(primary_key=True)
    event: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    effective_on: date
    amount_fen: int | None = Field(sa_type=Fen)
    asset: str
    version: str
    replaces: str
    cap_fen: int | None = Field(sa_type=Fen)
    junior: str
    registration: str
    registered_at: str
    valid_to: date | None
    evidence: str
    evidence_sha256: str
    reason: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_one_of("event", PLEDGE_EVENTS),
        is_integer("number", "number >= 1"),
        is_integer("amount_fen", "amount_fen > 0"),
        is_integer("cap_fen", "cap_fen > 0"),
        is_hex("evidence_sha256"),
        *is_digest("artifact"),
    )


class CoverStateRow(Row, table=True):
    """A change of cover. Contract: ``registers.CoverState``."""

    request: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    watched_on: date
    before: str
    state: str
    outstanding_fen: int = Field(sa_type=Fen)
    value_fen: int | None = Field(sa_type=Fen)
    ltv_ppm: int | None = Field(sa_type=BigInteger)
    coverage_ppm: int | None = Field(sa_type=BigInteger)
    repay_fen: int | None = Field(sa_type=Fen)
    top_up_fen: int | None = Field(sa_type=Fen)
    ground: str
    evidence: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("number", "number >= 1"),
        is_one_of("before", COVER_STATES),
        is_one_of("state", COVER_STATES),
        is_integer("outstanding_fen", "outstanding_fen >= 0"),
        is_integer("value_fen", "value_fen >= 0"),
        is_integer("ltv_ppm", "ltv_ppm >= 0"),
        is_integer("coverage_ppm", "coverage_ppm >= 0"),
        is_integer("repay_fen", "repay_fen >= 0"),
        is_integer("top_up_fen", "top_up_fen >= 0"),
        *is_digest("artifact"),
    )


class Collateral(Row, table=True):
    """What is secured by an asset: the one kind of number that changes.

    Equal to the sum of what its live pledges secure by it; ``cap_fen`` is that of the
    latest one, ``exclusive`` whether one of them is.
    """

    entity: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    cap_fen: int = Field(sa_type=Fen)
    pledged_fen: int = Field(sa_type=Fen)
    exclusive: bool

    __table_args__ = (
        is_integer("cap_fen", "cap_fen > 0"),
        is_flag("exclusive"),
        is_integer("pledged_fen", "0 <= pledged_fen"),
        CheckConstraint("pledged_fen <= cap_fen", "cap"),
    )
