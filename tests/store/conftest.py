"""A store a test, on SQLite and on a real PostgreSQL.

Making its tables costs more than most tests: it is done once a database, and what a
test gets is a copy; where it asks for ``refs``, of a store that holds a chain.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.artifact import ArtifactRef
from tasks import store
from tasks.store import Settings, Store
from tasks.store.database import migrate, open_engine
from tests import postgres
from tests.store.build import chain

Refs = dict[str, ArtifactRef]


class Finished(NamedTuple):
    """A store to copy: its folder, its database, what was published in it."""

    folder: Path
    database: str
    refs: Refs


def settings_in(folder: Path, **more: str) -> Settings:
    """Keep all of a store below one folder."""
    places = {"home": folder / "home", "anchor": folder / "anchor"}
    key = folder / "key" / "signing.key"
    return Settings(**{**places, "key": key, "user": "tester", **more})  # type: ignore[arg-type]  # fields are filled in by name


def empty(folder: Path, database: str = "") -> Finished:
    """Make the tables, and nothing in them."""
    engine = open_engine(settings_in(folder, **named(database)).database)
    migrate(engine)
    engine.dispose()
    return Finished(folder, database, {})


def chained(folder: Path, database: str = "") -> Finished:
    """Publish raw → resource → product → journal → pledge, and find it sound."""
    s = store.opened(settings_in(folder, **named(database)))
    refs = chain(s, folder)
    assert store.verify(s, s.settings.anchor).exit == 0
    s.engine.dispose()
    return Finished(folder, database, refs)


def named(database: str) -> dict[str, str]:
    """Name the database in the settings, where it is not the file below home."""
    return {"database": database} if database else {}


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("empty")
    (folder / "home").mkdir(mode=0o700)
    return empty(folder)


@pytest.fixture(scope="session")
def chained_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return chained(tmp_path_factory.mktemp("chained"))


@pytest.fixture(scope="session")
def empty_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[Finished]:
    with postgres.database(postgres_url) as url:
        yield empty(tmp_path_factory.mktemp("empty"), url)


@pytest.fixture(scope="session")
def chained_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[Finished]:
    with postgres.database(postgres_url) as url:
        yield chained(tmp_path_factory.mktemp("chained"), url)


@pytest.fixture(params=["sqlite", "postgresql"])
def finished(request: pytest.FixtureRequest) -> Finished:
    kind = "chained" if "refs" in request.fixturenames else "empty"
    found: Finished = request.getfixturevalue(f"{kind}_{request.param}")
    return found


@pytest.fixture
def s(
    request: pytest.FixtureRequest, finished: Finished, tmp_path: Path
) -> Iterator[Store]:
    """Open a copy on each database in turn."""
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    server, _, name = finished.database.rpartition("/")
    with ExitStack() as lent:
        copied = postgres.database(f"{server}/postgres", name)
        database = lent.enter_context(copied) if server else ""
        made = store.opened(settings_in(tmp_path, **named(database)))
        yield made
        made.engine.dispose()


@pytest.fixture
def refs(finished: Finished, s: Store) -> Refs:
    """What the store holds: raw → resource → product → journal → pledge."""
    return dict(finished.refs)
