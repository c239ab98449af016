"""In a PostgreSQL database the app adds rows and can do nothing else; readers read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from tasks.store import triggers
from tasks.store.roles import APP, OWNER, READ, statements
from tests import postgres
from tests.builders import temporary_store
from tests.command import Said, datafactor
from tests.gauges import documents

LOGINS = {"maker": OWNER, "worker": APP, "looker": READ}


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """A store's database, made by the administrator, with a login a role."""
    with postgres.database(postgres_url) as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as c:
            for login in LOGINS:
                c.execute(text(f"DROP ROLE IF EXISTS {login}"))
        yield url
        engine.dispose()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, database: str) -> Path:
    """A store that was made as owner, then handed to its roles."""
    home = tmp_path_factory.mktemp("roles")
    documents(home)
    made = {"DATAFACTOR_DATABASE": database, "DATAFACTOR_HOME": str(home / "store")}
    with temporary_store(home, **made) as s:
        s.engine.dispose()
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        grown = f"GRANT DELETE ON stagerun TO {APP}, {READ}"
        for statement in (*statements(), grown, *statements()):  # it goes again
            c.execute(text(statement))
        for login, role in LOGINS.items():
            c.execute(text(f"CREATE ROLE {login} LOGIN IN ROLE {role}"))
    engine.dispose()
    return home


def run(home: Path, database: str, login: str, *words: str) -> Said:
    """Run a command as somebody."""
    places: dict[str, Any] = {
        "DATAFACTOR_DATABASE": database.replace("postgres@", f"{login}@"),
        "DATAFACTOR_DATA": str(home),
        "DATAFACTOR_FACTORS": str(home / "factors"),
    }
    return datafactor(*words, home=home, **places)


def test_a_chain_runs_as_app_and_a_reader_asks(home: Path, database: str) -> None:
    made = run(home, database, "worker", "run", "level", "--as-of", "2026-06-30")
    assert made.exit == 0, made.err
    for login in ("worker", "looker"):
        assert run(home, database, login, "verify").exit == 0
        assert run(home, database, login, "trace", "level").exit == 0
    refused = run(home, database, "looker", "run", "rain", "--as-of", "2026-06-30")
    assert refused.exit == 1
    assert "take one that is in datafactor_app" in refused.err
    assert "Traceback" not in refused.err
    assert run(home, database, "maker", "doctor").exit == 0


FORBIDDEN = [
    "UPDATE stagerun SET body = 'x'",
    "UPDATE collateral SET asset = 'x'",
    "UPDATE quota SET entitlement = 'x'",
    "DELETE FROM stagerun",
    "TRUNCATE artifact CASCADE",
    "DROP TABLE stagerun CASCADE",
    "ALTER TABLE stagerun DISABLE TRIGGER ALL",
    "DROP TRIGGER stagerun_fixed ON stagerun",
    "CREATE OR REPLACE FUNCTION stagerun_fixed() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE mine (x int)",
    "SET session_replication_role = replica",
    "COPY stagerun TO PROGRAM 'cat'",
    "UPDATE alembic_version SET version_num = '0001'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
@pytest.mark.parametrize("login", ["worker", "looker"])
def test_nobody_but_the_owner_changes_or_removes(
    home: Path, database: str, login: str, statement: str
) -> None:
    assert denied(database, login, statement) == "InsufficientPrivilege"


def test_a_reader_adds_nothing(home: Path, database: str) -> None:
    rows = "INSERT INTO alembic_version VALUES ('x')", "INSERT INTO quota VALUES ('x')"
    assert [denied(database, "looker", r) for r in rows] == [
        "InsufficientPrivilege"
    ] * 2


def denied(database: str, login: str, statement: str) -> str:
    """Try a statement; give the name of what the database answers."""
    engine: Engine = create_engine(database.replace("postgres@", f"{login}@"))
    try:
        with engine.begin() as c, pytest.raises(DBAPIError) as refused:
            c.execute(text(statement))
        return type(refused.value.orig).__name__
    finally:
        engine.dispose()


def test_the_app_turns_the_counters_and_no_other_cell(
    home: Path, database: str
) -> None:
    """What a pledge and a delivery count up; asked of the database itself."""
    turned = text(
        "SELECT table_name || '.' || column_name"
        " FROM information_schema.column_privileges"
        " WHERE grantee = :app AND privilege_type = 'UPDATE'"
    )
    engine = create_engine(database)
    with engine.connect() as c:
        found = {*c.scalars(turned, {"app": APP})}
    engine.dispose()

    assert found == {
        *("collateral.cap_fen", "collateral.pledged_fen", "collateral.exclusive"),
        *("quota.limit_units", "quota.used_calls", "quota.used_rows"),
    }


def test_who_is_owner_puts_the_guards_back_as_a_migration_does(
    home: Path, database: str
) -> None:
    engine = create_engine(database.replace("postgres@", "maker@"))
    with engine.begin() as c:
        triggers.install(c)
        assert triggers.differing(c) == []
    engine.dispose()
