"""Guards in the database: rows are added and stay; one history builds both."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, text, update
from sqlalchemy.exc import DBAPIError

import tasks.store.migrations as migrations
from schemas.approval import Statement
from schemas.errors import StoreError
from schemas.registers import Cost, JournalLine, Pledge, Right
from schemas.tables.columns import Row, table_of
from schemas.tables.ledger import CostLine, JournalLineRow
from schemas.tables.market import Quota
from schemas.tables.pledge import PledgeRow
from schemas.tables.rights import RightEvent
from tasks import store
from tasks.asset.approve import statement
from tasks.store import Store, database, triggers
from tasks.store.database import open_engine, reading, wal_is_safe, writing
from tasks.store.registers import ADDED
from tests.store.build import chain, run

TABLES = sorted(Row.metadata.tables)
AGAIN = r"already has this key|sealed"
FIXED = [t for t in TABLES if t not in ("collateral", "quota")]


@pytest.fixture
def filled(s: Store, tmp_path: Path) -> Store:
    """Hold a row in every table; the approval is signed by a signer of the house."""
    from schemas.registers import Approval, Usage
    from schemas.tables.market import UsageRow
    from tests.store.build import SAMPLES, frame_of, made, usage

    chain(s, tmp_path)
    s = with_signers(s, tmp_path / "deployments")
    more = {
        Usage: (served := {"served": store.resolve(s, "flights/product").id}),
        Approval: signed(s, SAMPLES[Approval]),
    }
    for contract in [c for c in SAMPLES if c not in (JournalLine, Pledge)]:
        sample = SAMPLES[contract] | more.get(contract, {})
        posted = made(s, "posted", frame_of(contract, [sample]))
        store.publish(s, run(posted, register=contract.__name__))
    with writing(s.engine) as c:
        c.execute(insert(UsageRow).values(**usage(**served)))
        c.execute(update(Quota).values(used_calls=1, used_rows=7))
    return s


def with_signers(s: Store, deployments: Path) -> Store:
    """Let the house know whose key this is."""
    (deployments / "signers").mkdir(parents=True)
    half = (s.settings.anchor / f"{s.id}.pub").read_bytes()
    (deployments / "signers" / "own.pub").write_bytes(half)
    folder = {"factors": deployments / "factors"}
    return replace(s, settings=s.settings.model_copy(update=folder))


def signed(s: Store, row: dict[str, Any]) -> dict[str, Any]:
    """Sign an approval with this store's key."""
    said = {n: row[n] for n in Statement.model_fields}
    said["approver_key"] = store.fingerprint(s)
    return said | {"signature": store.sign(s, statement(Statement(**said)))}


def execute(s: Store, sql: str) -> int:
    with writing(s.engine) as c:
        return c.execute(text(sql)).rowcount


def test_no_row_is_ever_removed(filled: Store) -> None:
    for table in TABLES:
        with pytest.raises(DBAPIError, match=f"{table} are never removed"):
            execute(filled, f"DELETE FROM {table}")


def test_no_row_is_ever_changed(filled: Store) -> None:
    for table in FIXED:
        column = next(iter(Row.metadata.tables[table].columns)).name
        with pytest.raises(DBAPIError, match=f"{table} are never changed"):
            execute(filled, f'UPDATE {table} SET "{column}" = "{column}"')


def test_no_row_is_ever_replaced(filled: Store) -> None:
    verb = {"sqlite": "INSERT OR REPLACE"}.get(filled.engine.dialect.name, "INSERT")
    for table in TABLES:
        with pytest.raises(DBAPIError, match=AGAIN):
            execute(filled, f"{verb} INTO {table} SELECT * FROM {table}")


def test_a_foreign_tool_cannot_replace_either(filled: Store) -> None:
    """With its default ``recursive_triggers=0`` SQLite fires no DELETE trigger."""
    if filled.engine.dialect.name != "sqlite":
        return
    other = sqlite3.connect(filled.settings.home / "store.db")
    for table in TABLES:
        with pytest.raises(sqlite3.IntegrityError, match=AGAIN):
            other.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    other.close()


def test_postgresql_tables_are_never_emptied(filled: Store) -> None:
    if filled.engine.dialect.name == "sqlite":
        return
    for table in TABLES:
        with pytest.raises(DBAPIError, match="never emptied"):
            execute(filled, f"TRUNCATE {table} CASCADE")


def test_a_finished_key_stands_once_in_the_database_itself(filled: Store) -> None:
    """Another seq, prev and hash with the key of a finished run: the index refuses."""
    columns = [c.name for c in Row.metadata.tables["stagerun"].columns]
    new = {"seq": "99", "prev": "hash", "hash": "key"}
    picked = ", ".join(new.get(c, f'"{c}"') for c in columns)
    newest = "WHERE seq = (SELECT max(seq) FROM stagerun)"
    with pytest.raises(DBAPIError, match=r"already has this key|uq_stagerun_key"):
        execute(filled, f"INSERT INTO stagerun SELECT {picked} FROM stagerun {newest}")


DROPS = {
    "sqlite": ["DROP TRIGGER pledgerow_kept"],
    "postgresql": [
        "DROP TRIGGER pledgerow_kept ON pledgerow",
        "ALTER TABLE pledgerow DISABLE TRIGGER pledgerow_kept",
        "CREATE OR REPLACE FUNCTION pledgerow_kept() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN OLD; END$$",
        "CREATE OR REPLACE TRIGGER pledgerow_kept BEFORE DELETE ON pledgerow"
        " FOR EACH ROW WHEN (false) EXECUTE FUNCTION pledgerow_kept()",
    ],
}


@pytest.mark.parametrize("way", range(4))
def test_without_its_guards_the_store_takes_nothing(filled: Store, way: int) -> None:
    ways = DROPS[filled.engine.dialect.name]
    execute(filled, ways[way % len(ways)])

    with pytest.raises(StoreError, match=r"guards \['pledgerow_kept'\] were dropped"):
        store.publish(filled, run(task="another"))
    assert "guards ['pledgerow_kept']" in store.verify(filled).findings[0].sentence
    assert [f.state for f in store.doctor(filled) if f.name == "guards"] == ["bad"]

    with writing(filled.engine) as c:
        triggers.install(c)
    store.publish(filled, run(task="another"))
    assert store.verify(filled).exit == 0


def test_a_guard_too_many_is_noticed(filled: Store) -> None:
    if filled.engine.dialect.name == "sqlite":
        body = "BEGIN DELETE FROM collateral; END"
        execute(filled, f"CREATE TRIGGER evil AFTER INSERT ON artifact {body}")
        with pytest.raises(StoreError, match="evil"):
            store.publish(filled, run(task="another"))


def _shape(inspector: Any, table: str) -> dict[str, Any]:  # reflection is untyped
    return {
        "columns": sorted(
            (c["name"], str(c["type"]), c["nullable"])
            for c in inspector.get_columns(table)
        ),
        "key": inspector.get_pk_constraint(table),
        "checks": sorted(
            (c["name"], c["sqltext"]) for c in inspector.get_check_constraints(table)
        ),
        "uniques": sorted(
            (c["name"], c["column_names"])
            for c in inspector.get_unique_constraints(table)
        ),
        "points to": sorted(
            (f["name"], str(f["constrained_columns"]), str(f["options"]))
            for f in inspector.get_foreign_keys(table)
        ),
        "indexes": sorted(
            (i["name"], i["column_names"], bool(i["unique"]))
            for i in inspector.get_indexes(table)
        ),
    }


def test_the_history_ends_at_the_models(s: Store) -> None:
    with s.engine.connect() as c:
        context = MigrationContext.configure(c, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
    migrated = {t: _shape(inspect(s.engine), t) for t in TABLES}
    with s.engine.connect() as c:
        for table in reversed(Row.metadata.sorted_tables):
            c.execute(text(f"DROP TABLE {table.name}"))
        Row.metadata.create_all(c)
        assert {t: _shape(inspect(c), t) for t in TABLES} == migrated
        c.rollback()


def test_the_head_in_code_is_the_head_of_the_history() -> None:
    folder = str(Path(migrations.__file__).parent)
    config = Config()
    config.set_main_option("script_location", folder)
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_migration_puts_the_guards_back(s: Store) -> None:
    with writing(s.engine) as c:
        c.execute(text("DELETE FROM alembic_version"))
        for table in reversed(Row.metadata.sorted_tables):
            c.execute(text(f"DROP TABLE {table.name}"))

    database.migrate(s.engine)

    with reading(s.engine) as c:
        assert triggers.differing(c) == []


LATER = (
    *("usagerow", "quota", "entitlementevent", "orderrow", "sealedusage"),
    *("invoiceline", "offerevent", "disputeevent", "assetcardrow", "asseteventrow"),
    *("approvalrow", "periodcloserow"),
    *("coverstaterow", "pledgeeventrow", "collateralrootrow", "loanfactrow", "loanrow"),
    "erasurerow",
)
WIDER: dict[type[Row], Any] = {
    RightEvent: Right,
    CostLine: Cost,
    JournalLineRow: JournalLine,
    PledgeRow: Pledge,
}


def made_old(c: Connection) -> None:
    """Take back what later releases added: tables, columns, and their guards."""
    for name in LATER:
        c.execute(text(f"DROP TABLE {name}"))
    for model, contract in WIDER.items():
        table = table_of(model)
        kept = [f'"{c.name}"' for c in table.columns if c.name not in ADDED[contract]]
        for sql in (
            f"CREATE TABLE old AS SELECT {', '.join(kept)} FROM {table.name}",
            f"DROP TABLE {table.name}",
            f"CREATE TABLE {table.name} AS SELECT * FROM old",
            "DROP TABLE old",
        ):
            c.execute(text(sql))
    c.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def test_an_old_store_migrates_with_its_rows_and_its_guards(
    s: Store, tmp_path: Path
) -> None:
    """The store as release 0001 left it: its tables, its guards, a chain in it."""
    chain(s, tmp_path, old=True)
    with writing(s.engine) as c:
        made_old(c)
    with reading(s.engine) as c:
        missing = triggers.differing(c)
        before = c.execute(text("SELECT count(*), max(seq) FROM stagerun")).one()
    assert missing

    database.migrate(s.engine)

    with reading(s.engine) as c:
        assert triggers.differing(c) == []
        after = c.execute(text("SELECT count(*), max(seq) FROM stagerun")).one()
        assert database.revision(c) == migrations.HEAD
    assert after == before
    assert store.verify(s).exit == 0


def test_a_database_of_a_newer_release_is_refused(s: Store) -> None:
    with writing(s.engine) as c:
        c.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="use a newer release"):
        database.migrate(s.engine)


def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    from tests.store.conftest import settings_in

    url = "postgresql+psycopg://me:secret@127.0.0.1:9/none"
    with pytest.raises(StoreError, match="cannot open") as refused:
        store.opened(settings_in(tmp_path, database=url))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_only_where_it_is_safe(version: tuple[int, ...], safe: bool) -> None:
    """Versions: https://sqlite.org/wal.html#walresetbug."""
    assert wal_is_safe(version) is safe


def test_sqlite_is_opened_as_decided(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    engine = open_engine(f"sqlite:///{file}")
    wanted = {
        "journal_mode": "truncate" if database.journal_mode() == "TRUNCATE" else "wal",
        "busy_timeout": 30_000,
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }

    with reading(engine) as c:
        found = {p: c.execute(text(f"PRAGMA {p}")).scalar() for p in wanted}

    assert found == wanted
    assert file.stat().st_mode & 0o777 == 0o600
    engine.dispose()
