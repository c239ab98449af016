"""Register of rights over assets: grants and revocations, never changed."""

from datetime import date

from sqlmodel import Field

from schemas.registers import RIGHTS
from schemas.tables.columns import Digest, Row, is_digest, is_one_of


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
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        # The column's name is a keyword of SQL.
        is_one_of('"right"', RIGHTS),
        is_one_of("event", ["grant", "revoke"]),
        *is_digest("artifact"),
    )
