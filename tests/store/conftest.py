"""A store a test, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import store
from tasks.store import Settings, Store


def settings_in(folder: Path, **more: str) -> Settings:
    """Keep all of a store below one folder."""
    places = {"home": folder / "home", "anchor": folder / "anchor"}
    key = folder / "key" / "signing.key"
    return Settings(**{**places, "key": key, "user": "tester", **more})  # type: ignore[arg-type]  # fields are filled in by name


@pytest.fixture(params=["sqlite", "postgresql"])
def s(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open an empty store on each database in turn."""
    more = {}
    if request.param == "postgresql":
        more["database"] = request.getfixturevalue("postgres_database")
    made = store.opened(settings_in(tmp_path, **more))
    yield made
    made.engine.dispose()
