"""Guard the registers inside the database: rows are added, never changed.

One list of rules becomes triggers on SQLite and PostgreSQL. They are re-installed after
each migration (SQLite drops them when a table is rebuilt) and compared before each
publication with what this release would install.
"""

from typing import NamedTuple

from sqlalchemy import Connection, Table, UniqueConstraint, text

from schemas.errors import StoreError
from schemas.tables.columns import Row
from schemas.tables.market import Quota
from schemas.tables.pledge import Collateral

COUNTERS = (Collateral.__name__.lower(), Quota.__name__.lower())
BITS = {"INSERT": 7, "DELETE": 11, "UPDATE": 19, "TRUNCATE": 34}  # pg_trigger.tgtype

INSTALLED = {
    "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT t.tgname, c.relname,
            concat(p.prosrc, t.tgtype, t.tgenabled, t.tgqual, t.tgattr)
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND n.nspname = current_schema()""",
}


class Trigger(NamedTuple):
    """Refuse an event on a table where a condition holds."""

    table: str
    event: str
    name: str
    condition: str
    message: str


def _existing(table: Table) -> str:
    """Find a row that an INSERT OR REPLACE would silently remove."""
    uniques = [
        [c.name for c in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint) or constraint is table.primary_key
    ]
    equal = [" AND ".join(f'"{c}" = NEW."{c}"' for c in sorted(u)) for u in uniques]
    for index in table.indexes:
        if index.unique:
            columns = " AND ".join(
                f'"{c.name}" = NEW."{c.name}"' for c in index.columns
            )
            equal.append(f"{columns} AND {index.dialect_options['sqlite']['where']}")
    where = " OR ".join(f"({e})" for e in sorted(equal))
    return f"EXISTS (SELECT 1 FROM {table.name} WHERE {where})"


LINES = "FROM journallinerow WHERE entity = NEW.entity AND entry = NEW.entry"
JOURNAL = (
    Trigger(
        "journalentry",
        "INSERT",
        "journalentry_balances",
        f"(SELECT count(*) {LINES}) < 2 OR (SELECT sum(amount_fen) {LINES}) <> 0",
        "a journal entry needs two lines or more that sum to 0",
    ),
    Trigger(
        "journallinerow",
        "INSERT",
        "journallinerow_sealed",
        "EXISTS (SELECT 1 FROM journalentry"
        " WHERE entity = NEW.entity AND entry = NEW.entry)",
        "a sealed journal entry takes no further line",
    ),
    Trigger(
        "journallinerow",
        "INSERT",
        "journallinerow_open",
        "EXISTS (SELECT 1 FROM periodcloserow"
        " WHERE entity = NEW.entity AND period >= NEW.period)",
        "a closed period takes no posting",
    ),
    Trigger(
        "journalentry",
        "INSERT",
        "journalentry_approved",
        f"EXISTS (SELECT 1 {LINES} AND approval <> '' AND NOT EXISTS (SELECT 1"
        " FROM approvalrow a WHERE a.entity = NEW.entity AND a.subject ="
        " journallinerow.approval AND a.decision = 'approve'))",
        "an entry names an approval that nobody gave",
    ),
)


def triggers() -> list[Trigger]:
    """List every guard of every table."""
    made = list(JOURNAL)
    for table in Row.metadata.sorted_tables:
        name, exists = table.name, _existing(table)
        there = f"{name} already has this key"
        made.append(Trigger(name, "INSERT", f"{name}_new", exists, there))
        kept = f"rows of {name} are never"
        made.append(Trigger(name, "DELETE", f"{name}_kept", "1 = 1", f"{kept} removed"))
        if name not in COUNTERS:
            made.append(
                Trigger(name, "UPDATE", f"{name}_fixed", "1 = 1", f"{kept} changed")
            )
    return made


def _on_sqlite(t: Trigger) -> tuple[str, list[str]]:
    made = (
        f"CREATE TRIGGER {t.name} BEFORE {t.event} ON {t.table} WHEN {t.condition}"
        f" BEGIN SELECT RAISE(ABORT, '{t.message}'); END"
    )
    return made, [f"DROP TRIGGER IF EXISTS {t.name}", made]


def _on_postgresql(t: Trigger) -> tuple[str, list[str]]:
    body = (
        f"BEGIN IF {t.condition} THEN RAISE EXCEPTION '{t.message}'"
        " USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END"
    )
    each = "STATEMENT" if t.event == "TRUNCATE" else "ROW"
    return f"{body}{BITS[t.event]}O", [
        f"CREATE OR REPLACE FUNCTION {t.name}() RETURNS trigger LANGUAGE plpgsql"
        f" AS $${body}$$",
        f"DROP TRIGGER IF EXISTS {t.name} ON {t.table}",
        f"CREATE TRIGGER {t.name} BEFORE {t.event} ON {t.table}"
        f" FOR EACH {each} EXECUTE FUNCTION {t.name}()",
    ]


def _rendered(dialect: str) -> list[tuple[Trigger, str, list[str]]]:
    if dialect == "sqlite":
        return [(t, *_on_sqlite(t)) for t in triggers()]
    emptied = [
        Trigger(
            t.name, "TRUNCATE", f"{t.name}_whole", "1 = 1", f"{t.name} is never emptied"
        )
        for t in Row.metadata.sorted_tables
    ]
    return [(t, *_on_postgresql(t)) for t in [*triggers(), *emptied]]


def install(connection: Connection) -> None:
    """Install every guard anew."""
    for _, _, statements in _rendered(connection.dialect.name):
        for statement in statements:
            connection.exec_driver_sql(statement)


def differing(connection: Connection) -> list[str]:
    """Name the guards that are missing, changed, disabled or not ours."""
    rendered = _rendered(connection.dialect.name)
    ours = {(t.name, t.table, definition) for t, definition, _ in rendered}
    rows = connection.execute(text(INSTALLED[connection.dialect.name]))
    return sorted({name for name, _, _ in ours ^ {tuple(row) for row in rows}})


def check(connection: Connection) -> None:
    """Refuse to go on without the guards.

    Raises:
        StoreError: A guard was dropped, changed, disabled or added.
    """
    if names := differing(connection):
        raise StoreError(
            f"the store's guards {names} were dropped or changed: run `datafactor"
            " verify --anchor …` to see what else was, then put them back with"
            " `python -m tasks.store.triggers`"
        )


def _put_back() -> None:
    """Install the guards of the present store anew."""
    from tasks.store.database import writing
    from tasks.store.opening import current

    with writing(current().engine) as connection:
        install(connection)


if __name__ == "__main__":
    _put_back()
