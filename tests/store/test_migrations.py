"""A store of every released schema comes up with its rows, its guards and its truth.

What a release left is made by its own frozen statements and filled with rows as they
stood in it; newer columns and tables are not there yet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, column, insert, inspect, select, table, text

from schemas.registers import (
    AssetCard,
    AssetEvent,
    Cost,
    Dispute,
    Entitlement,
    Loan,
    Order,
    ProductEvent,
    Right,
)
from schemas.tables.columns import Row
from tasks import store
from tasks.store import Settings, Store, triggers
from tasks.store.database import open_engine, reading, revision, upgraded, writing
from tasks.store.migrations import HEAD
from tests import postgres
from tests.store.build import SAMPLES, aged, chain, frame_of, made, run
from tests.store.conftest import settings_in

RELEASED = ("0001", "0002", "0003", "0004")
# Which registers came with which revision; all that came before are filled too.
CAME = {
    "0001": (Cost, Right),
    "0002": (Order, Entitlement, ProductEvent),
    "0003": (Dispute, AssetCard, AssetEvent),
    "0004": (Loan,),
}
WIDER = {Cost, Right}
GUARD = {
    "sqlite": "CREATE TRIGGER {0}_kept BEFORE DELETE ON {0}"
    " BEGIN SELECT RAISE(ABORT, 'kept'); END",
    "postgresql": "CREATE FUNCTION {0}_kept() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN RAISE EXCEPTION 'kept'; END$$;"
    " CREATE TRIGGER {0}_kept BEFORE DELETE ON {0}"
    " FOR EACH ROW EXECUTE FUNCTION {0}_kept()",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of either kind, for the old release."""
    if request.param == "sqlite":
        (tmp_path / "old").mkdir()
        yield f"sqlite:///{tmp_path / 'old' / 'store.db'}"
        return
    with postgres.database(request.getfixturevalue("postgres_url")) as url:
        yield url


def published(s: Store, folder: Path, release: str) -> None:
    """Publish a chain, and a row into every register that a release knew."""
    chain(s, folder, old=True)
    for came in RELEASED[: RELEASED.index(release) + 1]:
        for contract in CAME[came]:
            frame = frame_of(contract, [SAMPLES[contract]])
            posted = made(s, "posted", aged(frame, contract, contract in WIDER))
            store.publish(s, run(posted, register=contract.__name__))


def fill(c: Connection, rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Put rows into the tables and columns that are there; say which those are."""
    there = inspect(c)
    filled = {}
    for known in Row.metadata.sorted_tables:
        if not there.has_table(known.name):
            continue
        names = [x["name"] for x in there.get_columns(known.name)]
        typed = (column(x.name, x.type) for x in known.columns if x.name in names)
        target = table(known.name, *typed)
        if rows[known.name]:
            cut = [{n: row[n] for n in names} for row in rows[known.name]]
            c.execute(insert(target), cut)
        c.exec_driver_sql(GUARD[c.dialect.name].format(known.name))
        filled[known.name] = names
    return filled


def all_rows(c: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        t.name: [dict(row) for row in c.execute(select(t)).mappings()]
        for t in Row.metadata.sorted_tables
    }


def of(rows: list[dict[str, Any]], names: list[str]) -> list[str]:
    """Write the cells that an old release knew, in an order of their own."""
    return sorted(str([row[n] for n in names]) for row in rows)


@pytest.mark.parametrize("release", RELEASED)
def test_a_store_of_each_release_keeps_rows_guards_and_truth_when_it_comes_up(
    tmp_path: Path, database: str, release: str
) -> None:
    new = store.opened(settings_in(tmp_path))
    published(new, tmp_path, release)
    with reading(new.engine) as c:
        rows = all_rows(c)
    engine = open_engine(database)
    with writing(engine) as c:
        upgraded(c, release)
        filled = fill(c, rows)
        assert revision(c) == release
        assert sum(map(len, rows.values())) > 20
        assert len(filled) < len(rows)  # it is an old one
    engine.dispose()

    settings = Settings(**{**new.settings.model_dump(), "database": database})
    up = store.opened(settings)

    with reading(up.engine) as c:
        assert revision(c) == HEAD
        assert triggers.differing(c) == []
        after = all_rows(c)
    for name, names in filled.items():
        assert of(after[name], names) == of(rows[name], names), name
    found = store.verify(up, settings.anchor)
    assert [f.sentence for f in found.findings] == []
    assert found.exit == 0
    with pytest.raises(Exception, match="never removed"), writing(up.engine) as c:
        c.execute(text("DELETE FROM pledgerow"))
    up.engine.dispose()
