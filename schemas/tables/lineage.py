"""Tables of the chain and its projections: what ran, what it made, from what.

``StageRun.body`` is the truth; the other tables can be rebuilt from it.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field

from schemas.tables.columns import Digest, Row, is_digest, is_hex, is_one_of


class Identity(Row, table=True):
    """One row: which store this is; the objects folder holds the same name."""

    one: int = Field(default=1, primary_key=True)
    store: str = Field(sa_type=Digest, unique=True)

    __table_args__ = (CheckConstraint("one = 1", "one"), *is_digest("store"))


class StageRun(Row, table=True):
    """One link of the chain: hash = sha256(prev + body)."""

    seq: int = Field(sa_type=BigInteger, primary_key=True)
    key: str = Field(sa_type=Digest)
    prev: str = Field(sa_type=Digest, unique=True)
    hash: str = Field(sa_type=Digest, unique=True)
    status: str
    stage: str
    task: str
    kind: str
    factor: str = Field(index=True)
    as_of: str | None
    body: str
    at: datetime

    __table_args__ = (
        *is_digest("key", "prev", "hash"),
        is_one_of("status", ["COMPLETE", "FAIL"]),
        CheckConstraint("seq > 0", "seq"),
        # A failed run may be tried again under its key; a finished one is reused.
        Index(
            "uq_stagerun_key",
            "key",
            "status",
            unique=True,
            sqlite_where=text("status = 'COMPLETE'"),
            postgresql_where=text("status = 'COMPLETE'"),
        ),
    )


class Artifact(Row, table=True):
    """Bytes with an identity; two artifacts may share bytes, never an id."""

    id: str = Field(sa_type=Digest, primary_key=True)
    sha256: str = Field(sa_type=Digest, index=True)
    name: str
    kind: str
    rows: int = Field(sa_type=BigInteger)
    bytes: int = Field(sa_type=BigInteger)

    __table_args__ = (
        *is_digest("id", "sha256"),
        is_one_of("kind", ["raw", "frame", "manifest", "document"]),
        CheckConstraint("rows >= 0", "rows"),
        CheckConstraint("bytes >= 0", "bytes"),
    )


class RunOutput(Row, table=True):
    """What a run yielded; raw bytes say where that run found them."""

    run: str = Field(sa_type=Digest, primary_key=True, foreign_key="stagerun.hash")
    frame: str = Field(primary_key=True)
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    contract: str
    path: str | None
    file_sha256: str | None = Field(sa_type=Digest, index=True)
    member: str | None
    licence: str | None

    __table_args__ = tuple(is_digest("run", "artifact", "file_sha256"))


class Derivation(Row, table=True):
    """An artifact derives from another one in a role."""

    child: str = Field(sa_type=Digest, primary_key=True, foreign_key="artifact.id")
    parent: str = Field(
        sa_type=Digest, primary_key=True, foreign_key="artifact.id", index=True
    )
    role: str = Field(primary_key=True)

    __table_args__ = (
        *is_digest("child", "parent"),
        CheckConstraint("child <> parent", "other"),
    )


class CheckResult(Row, table=True):
    """How often a rule was asked and said no; position is the bit in the rejects."""

    run: str = Field(sa_type=Digest, primary_key=True, foreign_key="stagerun.hash")
    frame: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    rule: str
    examined: int = Field(sa_type=BigInteger)
    failed: int = Field(sa_type=BigInteger)

    __table_args__ = (
        *is_digest("run"),
        CheckConstraint("0 <= failed AND failed <= examined", "failed"),
    )


class ErasureRow(Row, table=True):
    """Bytes that were removed for good. Contract: ``registers.Erasure``."""

    subject: str = Field(primary_key=True)
    sha256: str = Field(index=True)
    kind: str
    name: str
    erased_on: date
    reason: str
    person: str
    artifact: str = Field(sa_type=Digest, foreign_key="artifact.id", index=True)
    poster: str

    __table_args__ = (
        is_hex("subject"),
        is_hex("sha256"),
        CheckConstraint("subject <> '' AND sha256 <> ''", "named"),
        is_one_of("kind", ["raw", "frame", "manifest", "document"]),
        *is_digest("artifact"),
    )
