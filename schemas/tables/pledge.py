"""Register of pledges, and the counter that keeps each asset below its cap."""

from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from schemas.tables.columns import Digest, Fen, Row, is_digest, is_flag, is_integer


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
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_integer("principal_fen", "principal_fen > 0"),
        is_integer("cap_fen", "cap_fen > 0"),
        is_flag("exclusive"),
        *is_digest("artifact"),
    )


class Collateral(Row, table=True):
    """What is pledged on an asset: the one kind of number that changes.

    Equal to the sum of the asset's pledges; ``cap_fen`` is that of the latest one.
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
