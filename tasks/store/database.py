"""Open the database: one engine, one history, readers that wait for no writer.

SQLite stays on a rollback journal unless its version has the fix of the WAL-reset bug
(https://sqlite.org/wal.html#walresetbug: 3.51.3, 3.50.7, 3.44.6), which can lose
commits under two connections.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ProgrammingError

from schemas.errors import StoreError
from tasks.store import triggers
from tasks.store.migrations import HEAD
from tasks.store.steps import failpoint

DENIED = "42501"  # PostgreSQL: insufficient privilege
LOCK = 0x6461_7461_6661_6374  # advisory lock of every writer on PostgreSQL
BUSY_MS = 30_000


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite has the fix. 3.40.1 -> False, 3.50.7 -> True."""
    branches = {(3, 50): 7, (3, 44): 6}
    return version >= (3, 51, 3) or version[2] >= branches.get(
        (version[0], version[1]), 1000
    )


def journal_mode() -> str:
    """Choose SQLite's journal."""
    return "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "TRUNCATE"


def open_engine(url: str) -> Engine:
    """Make the engine with the settings that keep concurrent writers exact."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    engine = create_engine(
        url,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": "-c idle_in_transaction_session_timeout=60000"},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writer"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    return engine


def _sqlite(url: str) -> Engine:
    file = Path(url.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:  # DBAPI objects
        connection.isolation_level = None  # else the driver begins by itself, too late
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            f"journal_mode={journal_mode()}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writer = connection.get_execution_options().get("writer")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Hold the one write lock for one transaction.

    Raises:
        StoreError: The database lets this login only read.
    """
    try:
        with engine.connect().execution_options(writer=True) as connection:
            with connection.begin():
                yield connection
                failpoint("commit")
            failpoint("committed")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != DENIED:
            raise
        raise StoreError(
            "the login of DATAFACTOR_DATABASE may not do this: take one that is in"
            " datafactor_app, or, to migrate, in datafactor_owner"
        ) from None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """See one moment of the database without the write lock."""
    level = {} if engine.dialect.name == "sqlite" else _ONE_MOMENT
    with (
        engine.connect().execution_options(**level) as connection,
        connection.begin(),
    ):
        yield connection


_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def revision(connection: Connection) -> str | None:
    """Read which revision the database is at; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def migrate(engine: Engine) -> None:
    """Bring the database to this release's revision and put the guards back."""
    with writing(engine) as connection:
        if revision(connection) == HEAD:  # another process was faster
            return
        upgraded(connection, "head")
        triggers.install(connection)


def upgraded(connection: Connection, target: str) -> None:
    """Bring the tables to a revision; whoever calls puts the guards back.

    Raises:
        StoreError: The database is of a newer release.
    """
    # Half a second of imports that only the first run needs.
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        upgrade(config, target)
    except CommandError as error:
        raise StoreError(
            f"the database is at revision {revision(connection)}, which this"
            f" release ({HEAD}) does not know: use a newer release"
        ) from error
