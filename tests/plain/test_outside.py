"""Sources that lie outside: objects of a bucket, and tables of a database."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from flows.document import factor_named
from flows.value_chain import value_chain
from schemas.artifact import Made, Stage
from schemas.contract import Column
from schemas.errors import DatafactorError, SourceError, StoreError
from schemas.resource import Source
from tasks import store
from tasks.store import bucket, outside
from tasks.store.outside import opened, plain, query, write_table
from tests import bucket as s3
from tests.builders import temporary_store
from tests.small import DOCUMENT, HEADER, PEOPLE, small_factor

PATH = "    path: people.csv\n"
FIRST, SECOND = "1,Ada,36,\n3,Cy,20,B1\n", "7,Flo,41,\n"
# The same two rows as a database holds them: the key orders them, not their place.
CREATE = "CREATE TABLE people (id INTEGER, name TEXT, age INTEGER, plate TEXT)"
INSERT = "INSERT INTO people VALUES (3, 'Cy', 20, 'B1'), (1, 'Ada', 36, NULL)"
UTC = "-c timezone=UTC"
WRITTEN = f"{HEADER}\n{FIRST}".encode()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.server() as known, s3.named(known):
        yield known["AWS_ENDPOINT_URL"]


def run(home: Path, place: str, **env: str) -> list[Made]:
    """Collect from a place; list what was landed."""
    small_factor(home, DOCUMENT.replace(PATH, place))
    known = {"DATAFACTOR_FACTORS": str(home / "factors"), "DATAFACTOR_DATA": str(home)}
    with temporary_store(home, **known, **env) as s:
        value_chain.fn("people", through=Stage.RESOURCE)
        assert store.verify(s).exit == 0
        runs = [r.publication for r in store.runs(s)]
        return [m for p in runs if p.task == "collect" for m in p.artifacts]


def test_an_object_is_the_same_artifact_as_the_file(
    endpoint: str, tmp_path: Path
) -> None:
    """So is it the next time, and nothing is collected twice."""
    there = bucket.opened(s3.made(endpoint))
    whole = "\n".join((HEADER, *PEOPLE)) + "\n"
    bucket.put_new(there, "in/people.csv", whole.encode())
    place = f"    path: {there.url}/in/people.csv\n"

    (by_file,) = run(tmp_path / "file", PATH)
    (found,) = run(tmp_path / "s3", place, DATAFACTOR_REACH=f"x, {there.url[5:]}")
    (again,) = run(tmp_path / "s3", place, DATAFACTOR_REACH=there.url[5:])

    assert found.ref == by_file.ref
    assert again == found
    assert found.origin is not None
    assert found.origin.path == f"{there.url}/in/people.csv"


def test_a_pattern_names_objects_of_one_folder(endpoint: str, tmp_path: Path) -> None:
    there = bucket.opened(s3.made(endpoint))
    for key, rows in (("in/b.csv", SECOND), ("in/a.csv", FIRST)):
        bucket.put_new(there, key, f"{HEADER}\n{rows}".encode())
    for other in ("in/x/c.csv", "in/x.csv/c", "in.csv", "inner/c.csv"):
        bucket.put_new(there, other, b"?")
    place = f"    path: {there.url}/in/*.csv\n"

    *pieces, whole = run(tmp_path, place, DATAFACTOR_REACH=there.url[5:])

    assert whole.ref.kind == "manifest"
    assert [p.origin.path for p in pieces if p.origin] == [
        f"{there.url}/in/{name}.csv" for name in "ab"
    ]


@pytest.mark.parametrize(
    ("path", "reach", "words"),
    [
        ("s3://lake/people.csv", "", "DATAFACTOR_REACH does not name: add lake"),
        ("s3://lake/people.csv", "other", "DATAFACTOR_REACH does not name: add lake"),
        ("s3://{}/none.csv", "{}", "there is no object"),
        ("s3://{}/in/*.csv", "{}", "there is no object"),
    ],
)
def test_what_may_not_be_read_or_is_not_there_is_refused(
    endpoint: str, tmp_path: Path, path: str, reach: str, words: str
) -> None:
    name = s3.made(endpoint).removeprefix("s3://")
    place = f"    path: {path.format(name)}\n"

    with pytest.raises(SourceError, match=words):
        run(tmp_path, place, DATAFACTOR_REACH=reach.format(name))


def in_sqlite(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "dwh.db")) as c, c:
        c.execute(CREATE)
        c.execute(INSERT)
    return f"sqlite:///{folder / 'dwh.db'}"


def in_postgresql(url: str) -> str:
    engine = create_engine(url)
    with engine.begin() as c:
        c.execute(text(CREATE))
        c.execute(text(INSERT))
    engine.dispose()
    return url


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_table_is_the_bytes_of_its_rows_in_the_order_of_the_key(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Rows 3, 1 come as 1, 3; either database gives the same bytes, each time."""
    if kind == "sqlite":
        url = in_sqlite(tmp_path)
    else:
        url = in_postgresql(request.getfixturevalue("postgres_database"))
    place = "    table: people\n    database: dwh\n"

    (found,) = run(tmp_path / "store", place, DATAFACTOR_SECRET_DWH=url)
    (again,) = run(tmp_path / "store", place, DATAFACTOR_SECRET_DWH=url)

    assert found.ref.sha256 == hashlib.sha256(WRITTEN).hexdigest()
    assert again == found
    assert found.origin is not None
    assert found.origin.path == "sql:dwh/people"


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("NULL", ""),
        ("DATE '2026-06-30'", "2026-06-30"),
        ("TIMESTAMP '2026-06-30 08:05:00'", "2026-06-30T08:05:00"),
        ("TIMESTAMPTZ '2026-06-30 08:00:00+08'", "2026-06-30T00:00:00Z"),
        ("1234.50::numeric(12,2)", "1234.50"),
        ("1e-7::numeric", "0.0000001"),
        ("TRUE", "true"),
        ("9007199254740993::bigint", "9007199254740993"),
    ],
)
def test_each_sql_type_is_written_as_a_contract_reads_it(
    postgres_database: str, sql: str, written: str
) -> None:
    """2 to the 53rd plus 1 is exact; a moment is told in UTC."""
    engine = create_engine(postgres_database, connect_args={"options": UTC})
    with engine.connect() as c:
        value = c.scalar(text(f"SELECT {sql}"))
    engine.dispose()

    assert plain("c", value) == written


def test_a_moment_is_told_in_utc_from_whatever_zone_it_comes() -> None:
    """8 in the morning in Beijing is midnight in UTC; one without a zone stays."""
    eight = datetime(2026, 6, 30, 8, tzinfo=timezone(timedelta(hours=8)))

    assert plain("c", eight) == "2026-06-30T00:00:00Z"
    assert plain("c", eight.replace(tzinfo=None)) == "2026-06-30T08:00:00"


def test_text_is_ordered_by_code_points_whatever_the_database_sorts_by(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A, B, a; this server knows no language, so its query is asked for the rule."""
    engine = create_engine(postgres_database)
    with engine.begin() as c:
        c.execute(text("CREATE TABLE t (name TEXT)"))
        c.execute(text("INSERT INTO t VALUES ('a'), ('B'), ('A')"))
    engine.dispose()
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", postgres_database)
    column = Column(name="name", logical_type="string")
    place = {"table": "t", "database": "dwh", "key": ("name",)}
    source = Source(name="t", licence="-", columns=(column,), **place)

    write_table(source, tmp_path / "t.csv")
    with opened("dwh") as c:
        asked = str(query(c, source, ["name"]).compile(c))

    assert (tmp_path / "t.csv").read_text() == "name\nA\nB\na\n"
    assert asked.endswith('ORDER BY name COLLATE "C"')


def rows_of(table: str, *columns: str, **more: Any) -> Source:
    """Name a table whose key is its first column."""
    said = tuple(Column(name=one, logical_type="string") for one in columns)
    known = {"name": "t", "licence": "-", "database": "dwh", "key": columns[:1]}
    return Source(table=table, columns=said, **known | more)


def test_rows_that_share_a_key_come_in_the_order_of_their_other_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a table that somebody filled anew in another order is the same bytes."""
    url = in_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "dwh.db")) as c, c:
        c.execute("CREATE TABLE t (a TEXT, b TEXT)")
        c.execute("INSERT INTO t VALUES ('x', '3'), ('x', '1'), ('x', '2')")
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", url)

    write_table(rows_of("t", "a", "b", delimiter=";"), tmp_path / "t.csv")

    assert (tmp_path / "t.csv").read_text() == "a;b\nx;1\nx;2\nx;3\n"


def test_a_column_is_asked_for_by_the_name_that_the_table_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", in_sqlite(tmp_path))
    number = Column(name="number", physical_name="id", logical_type="integer")
    source = rows_of("people", "number").model_copy(update={"columns": (number,)})

    write_table(source, tmp_path / "t.csv")

    assert (tmp_path / "t.csv").read_text() == "id\n1\n3\n"


def test_a_table_of_a_schema_is_not_its_namesake_and_may_have_an_enum_as_key(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An enum is ordered as it was declared: no rule of a language applies to it."""
    engine = create_engine(postgres_database)
    with engine.begin() as c:
        c.execute(text("CREATE SCHEMA lake"))
        c.execute(text("CREATE TYPE state AS ENUM ('low', 'high')"))
        for table, rows in (("t", "('low')"), ("lake.t", "('high'), ('low')")):
            c.execute(text(f"CREATE TABLE {table} (state state)"))
            c.execute(text(f"INSERT INTO {table} VALUES {rows}"))
    engine.dispose()
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", postgres_database)

    write_table(rows_of("lake.t", "state"), tmp_path / "t.csv")

    assert (tmp_path / "t.csv").read_text() == "state\nlow\nhigh\n"


def test_what_would_fill_the_disk_is_not_fetched(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = bucket.opened(s3.made(endpoint))
    for name in "ab":
        bucket.put_new(there, f"in/{name}.csv", f"{HEADER}\n{FIRST}".encode())
    place = f"    path: {there.url}/in/*.csv\n"
    reach = {"DATAFACTOR_REACH": there.url[5:]}

    monkeypatch.setattr(outside, "MOST_OBJECTS", 1)
    with pytest.raises(SourceError, match=r"names 2 objects of .*: narrow it"):
        run(tmp_path, place, **reach)
    monkeypatch.undo()
    monkeypatch.setattr(outside, "SPARE", 10**18)  # bytes, of which no disk has so many
    with pytest.raises(SourceError, match=r"names 2 objects of .*: narrow it"):
        run(tmp_path, place, **reach)
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", in_sqlite(tmp_path))
    with pytest.raises(SourceError, match="people is larger than this disk takes"):
        write_table(rows_of("people", "id"), tmp_path / "t.csv")


@pytest.mark.parametrize("value", ["A\rB", "A\nB", 'A"B', " A,B ", "A\r\nB"])
def test_text_that_could_tear_a_line_comes_whole(tmp_path: Path, value: str) -> None:
    """Also a lone CR, which Python 3.11 writes without quotes."""
    url = in_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "dwh.db")) as c, c:
        c.execute("UPDATE people SET name = ? WHERE id = 1", [value])
    place = "    table: people\n    database: dwh\n"
    small_factor(tmp_path, DOCUMENT.replace(PATH, place))
    known = {"DATAFACTOR_FACTORS": str(tmp_path / "factors")}

    with temporary_store(tmp_path, DATAFACTOR_SECRET_DWH=url, **known) as s:
        value_chain.fn("people", through=Stage.RESOURCE)
        rows = store.scan(s, store.resolve(s, "people/resource/resource")).collect()

    assert rows["name"].to_list() == [value, "Cy"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_account_cannot_write_even_where_it_might(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    url = in_sqlite(tmp_path)
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_database")
    monkeypatch.setenv("DATAFACTOR_SECRET_DWH", url)

    with pytest.raises(SourceError, match="the database dwh"), opened("dwh") as c:
        c.execute(text("CREATE TABLE t (a INTEGER)"))


def test_a_source_that_is_a_file_says_of_tables_nothing() -> None:
    """So the terms of all documents, and the ids of what was made by them, stay."""
    column = Column(name="name", logical_type="string")
    known = {"name": "t", "licence": "-", "columns": (column,)}
    file = Source(path="a.csv", **known)
    rows = Source(table="t", database="dwh", key=("name",), **known)

    assert not {"table", "database"} & file.model_dump(mode="json").keys()
    assert {"table", "database"} <= rows.model_dump(mode="json").keys()
    assert file.model_copy(update={"key": ("name",)}).identity() == rows.identity()


@pytest.mark.parametrize(
    ("table", "url", "words"),
    [
        ("nobody", "{}", "nobody: the database dwh has no such table"),
        ("other", "{}", r"no such columns \['name', 'age', 'plate'\]"),
        ("people", "", "put it into DATAFACTOR_SECRET_DWH"),
        ("people", "sqlite:////no/where.db", "does not answer"),
        ("people", "mysql://me:hidden@host/db", "nothing else is tested"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_without_its_url(
    tmp_path: Path, table: str, url: str, words: str
) -> None:
    known = in_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "dwh.db")) as c, c:
        c.execute("CREATE TABLE other (id INTEGER)")
    place = f"    table: {table}\n    database: dwh\n"
    env = {"DATAFACTOR_SECRET_DWH": url.format(known)} if url else {}

    with pytest.raises((SourceError, StoreError), match=words) as refused:
        run(tmp_path, place, **env)

    assert isinstance(refused.value, DatafactorError)
    assert not [w for w in ("hidden", "where.db") if w in str(refused.value)]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("    table: people\n", "table and database go together"),
        ("", "path is missing"),
        ("    table: 'people; drop'\n    database: dwh\n", "String should match"),
        ("    table: people\n    database: dwh\n    path: a.csv\n", "leave path out"),
        ("    path: s3://lake/a.csv\n    retain: reference\n", "retain: copy"),
        ("    table: people\n    database: dwh\n    format: json\n", "as csv"),
        ("    table: people\n    database: dwh\n    footer: 1\n", "leave format"),
        ("    table: people\n    database: dwh\n    encoding: big5\n", "in utf-8"),
        ("    table: people\n    database: dwh\n    null_tokens: [NA]\n", "written as"),
    ],
)
def test_a_place_that_contradicts_itself_is_refused(
    tmp_path: Path, place: str, words: str
) -> None:
    with pytest.raises(DatafactorError, match=words):
        run(tmp_path, place)


def test_a_table_without_key_is_refused(tmp_path: Path) -> None:
    keyless = DOCUMENT.replace("    key: [id]\n    columns:", "    columns:", 1)
    place = "    table: people\n    database: dwh\n"
    small_factor(tmp_path, keyless.replace(PATH, place))

    with (
        temporary_store(tmp_path, DATAFACTOR_FACTORS=str(tmp_path / "factors")),
        pytest.raises(DatafactorError, match="key is missing"),
    ):
        factor_named("people")


def test_where_rows_lie_is_no_part_of_what_they_are(tmp_path: Path) -> None:
    """So documents written before tables could be named keep their ids."""
    told = []
    for place in (PATH, "    table: people\n    database: dwh\n"):
        small_factor(tmp_path, DOCUMENT.replace(PATH, place))
        with temporary_store(tmp_path, DATAFACTOR_FACTORS=str(tmp_path / "factors")):
            told.append(factor_named("people").sources["people"])
    file, table = told

    assert file.identity() == table.identity()
    assert not {"table", "database"} & file.model_dump().keys()
    assert type(table).model_validate(table.model_dump()) == table
