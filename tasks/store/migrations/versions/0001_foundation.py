"""Lineage, rights, ledger and pledges.

A revision is frozen: it repeats what the tables looked like on its day, so that a new
store and an old one arrive at the same place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LARGEST = 9_000_000_000_000_000
DIGITS = ", ".join(f"'{n}'" for n in range(10))
MONTHS = ", ".join(f"'-{n:02}'" for n in range(1, 13))
Part = sa.schema.SchemaItem


def _text(*names: str, null: bool = False) -> list[Part]:
    return [sa.Column(n, sa.String(), nullable=null) for n in names]


def _days(*names: str) -> list[Part]:
    return [sa.Column(n, sa.Date(), nullable=False) for n in names]


def _big(*names: str) -> list[Part]:
    return [
        sa.Column(n, sa.BigInteger(), nullable=False, autoincrement=False)
        for n in names
    ]


def _check(name: str, rule: str) -> Part:
    return sa.CheckConstraint(rule, name)  # the metadata's convention adds ck_<table>_


def _ids(*names: str, null: bool = False) -> list[Part]:
    columns = [sa.Column(n, sa.LargeBinary(32), nullable=null) for n in names]
    return [*columns, *(_check(n, f"length({n}) = 32") for n in names)]


def _fen(name: str, rule: str) -> list[Part]:
    whole = f"CAST({name} AS BIGINT) = {name} AND abs({name}) <= {LARGEST}"
    return [*_big(name), _check(name, f"{whole} AND {rule}")]


def _flag() -> list[Part]:
    kind = sa.Boolean(create_constraint=True, name="exclusive")
    return [sa.Column("exclusive", kind, nullable=False)]


def _words(column: str, *words: str) -> Part:
    quoted = ", ".join(f"'{w}'" for w in words)
    return _check(column.strip('"'), f"{column} IN ({quoted})")


def _key(table: str, *columns: str) -> Part:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _unique(table: str, column: str) -> Part:
    return sa.UniqueConstraint(column, name=f"uq_{table}_{column}")


def _points(table: str, column: str, target: str) -> Part:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _posted(table: str) -> list[Part]:
    return [
        *_ids("artifact"),
        *_text("poster"),
        _points(table, "artifact", "artifact.id"),
    ]


def upgrade() -> None:
    """Create every table of the foundation; there is no way back but a backup."""
    _lineage()
    _registers()
    for table, column in (
        ("stagerun", "factor"),
        ("artifact", "sha256"),
        ("runoutput", "artifact"),
        ("runoutput", "file_sha256"),
        ("derivation", "parent"),
        ("rightevent", "artifact"),
        ("costline", "artifact"),
        ("journallinerow", "artifact"),
        ("pledgerow", "artifact"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    done = sa.text("status = 'COMPLETE'")
    op.create_index(
        "uq_stagerun_key",
        "stagerun",
        ["key", "status"],
        unique=True,
        sqlite_where=done,
        postgresql_where=done,
    )


def _lineage() -> None:
    t = "identity"
    op.create_table(
        t,
        sa.Column("one", sa.Integer(), nullable=False),
        *_ids("store"),
        _key(t, "one"),
        _unique(t, "store"),
        _check("one", "one = 1"),
    )
    t = "stagerun"
    sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        t,
        sa.Column("seq", sequence, nullable=False, autoincrement=False),
        *_ids("key", "prev", "hash"),
        *_text("status", "stage", "task", "kind", "factor"),
        *_text("as_of", null=True),
        *_text("body"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _key(t, "seq"),
        _unique(t, "prev"),
        _unique(t, "hash"),
        _words("status", "COMPLETE", "FAIL"),
        _check("seq", "seq > 0"),
    )
    t = "artifact"
    op.create_table(
        t,
        *_ids("id", "sha256"),
        *_text("name", "kind"),
        *_big("rows", "bytes"),
        _key(t, "id"),
        _words("kind", "raw", "frame", "manifest", "document"),
        _check("rows", "rows >= 0"),
        _check("bytes", "bytes >= 0"),
    )
    t = "runoutput"
    op.create_table(
        t,
        *_ids("run"),
        *_text("frame"),
        *_ids("artifact"),
        *_text("contract"),
        *_text("path", null=True),
        *_ids("file_sha256", null=True),
        *_text("member", "licence", null=True),
        _key(t, "run", "frame"),
        _points(t, "run", "stagerun.hash"),
        _points(t, "artifact", "artifact.id"),
    )
    t = "derivation"
    op.create_table(
        t,
        *_ids("child", "parent"),
        *_text("role"),
        _key(t, "child", "parent", "role"),
        _points(t, "child", "artifact.id"),
        _points(t, "parent", "artifact.id"),
        _check("other", "child <> parent"),
    )
    t = "checkresult"
    op.create_table(
        t,
        *_ids("run"),
        *_text("frame"),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        *_text("rule"),
        *_big("examined", "failed"),
        _key(t, "run", "frame", "position"),
        _points(t, "run", "stagerun.hash"),
        _check("failed", "0 <= failed AND failed <= examined"),
    )


def _registers() -> None:
    t = "rightevent"
    op.create_table(
        t,
        *_text("entity", "asset", "right", "event", "certificate"),
        *_text("holder", "basis", "scope", "evidence"),
        *_days("effective_on", "valid_from", "valid_to"),
        *_posted(t),
        _key(t, "entity", "event", "certificate"),
        _words('"right"', "hold", "process", "operate"),
        _words("event", "grant", "revoke"),
    )
    t = "costline"
    op.create_table(
        t,
        *_text("entity", "voucher"),
        *_big("line"),
        *_text("pool", "supplier"),
        *_days("incurred_on"),
        *_text("project", "phase", "kind"),
        *_fen("amount_fen", "amount_fen > 0"),
        *_text("evidence"),
        *_posted(t),
        _key(t, "entity", "voucher", "line"),
        _check("line", "line >= 1"),
        _words("phase", "research", "development", "operation"),
    )
    t = "journalentry"
    op.create_table(
        t, *_text("entity", "entry"), *_posted(t), _key(t, "entity", "entry")
    )
    t = "journallinerow"
    year = [f"substr(period, {n}, 1) IN ({DIGITS})" for n in (1, 2, 3, 4)]
    op.create_table(
        t,
        *_text("entity", "entry"),
        *_big("line"),
        *_days("booked_on"),
        *_text("period", "account"),
        *_fen("amount_fen", "amount_fen <> 0"),
        *_text("memo"),
        *_posted(t),
        _key(t, "entity", "entry", "line"),
        sa.ForeignKeyConstraint(
            ["entity", "entry"],
            ["journalentry.entity", "journalentry.entry"],
            name=f"fk_{t}_entity",
            deferrable=True,
            initially="DEFERRED",
        ),
        _check("line", "line >= 1"),
        _check("period", " AND ".join([*year, f"substr(period, 5) IN ({MONTHS})"])),
    )
    t = "pledgerow"
    op.create_table(
        t,
        *_text("request", "entity", "asset", "version", "lender"),
        *_fen("principal_fen", "principal_fen > 0"),
        *_fen("cap_fen", "cap_fen > 0"),
        *_flag(),
        *_days("pledged_on", "matures_on"),
        *_posted(t),
        _key(t, "request"),
    )
    t = "collateral"
    op.create_table(
        t,
        *_text("entity", "asset"),
        *_fen("cap_fen", "cap_fen > 0"),
        *_fen("pledged_fen", "0 <= pledged_fen"),
        *_flag(),
        _key(t, "entity", "asset"),
        _check("cap", "pledged_fen <= cap_fen"),
    )
