"""Bring a source here that lies outside: objects of a bucket, rows of a SQL table.

What comes is a file in scratch, read from then on like any other: its bytes decide what
is collected, so the same objects or rows are the same artifact. Only buckets that
``DATAFACTOR_REACH`` names are read; a database's URL, with its password, is a secret
that a document names.
"""

import csv
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import (
    JSON,
    Enum,
    LargeBinary,
    String,
    column,
    create_engine,
    inspect,
    select,
    table,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)

from schemas.errors import SourceError
from schemas.resource import GLOB, Source
from tasks.store import bucket
from tasks.store.place import Store
from tasks.store.secrets import address

SPARE = 1_000_000_000  # bytes of the disk that stay free
MOST_OBJECTS = 10_000
ROWS = 10_000  # held at once
READ_ONLY = "-c default_transaction_read_only=on -c timezone=UTC"
UNORDERED = (JSON, LargeBinary)  # types that not every database sorts


class SilentError(SourceError, OSError):
    """A database does not answer: as other I/O, what may pass by itself."""


def brought(s: Store, source: Source, folder: Path) -> dict[str, Path]:
    """Bring what a source names outside into a folder: local files by outer name.

    Raises:
        SourceError: It may not be read, is not there, or does not fit the disk.
    """
    if source.table:
        file = folder / f"{source.name}.csv"
        write_table(source, file)
        return {source.file: file}
    return fetched(s, source.file, folder)


def fetched(s: Store, pattern: str, folder: Path) -> dict[str, Path]:
    """Bring the objects of an address or a pattern of one, sorted by address."""
    name, key = bucket.address(pattern)
    if name not in {one.strip() for one in s.settings.reach.split(",")}:
        raise SourceError(
            f"{pattern} is in a bucket that DATAFACTOR_REACH does not name: add {name}"
            " to it, or fetch the file into DATAFACTOR_DATA"
        )
    b = bucket.opened(f"s3://{name}")
    entries = sorted(matching(b, key))
    if not entries:
        raise SourceError(f"there is no object {pattern}: put it there, or correct it")
    fit(pattern, entries, folder)
    found = {}
    for number, entry in enumerate(entries):
        file = folder / f"{number:06}"
        if bucket.fetch(b, entry.key, file) is None:
            raise SourceError(f"s3://{name}/{entry.key} went while it was read: again")
        found[f"s3://{name}/{entry.key}"] = file
    return found


def matching(b: bucket.Bucket, key: str) -> Iterator[bucket.Entry]:
    """List the objects that a key or pattern names; ``*`` never stands for ``/``."""
    if not GLOB.search(key):
        there = bucket.look(b, key)
        yield from () if there is None else (there,)
        return
    parts = PurePosixPath(key).parts
    fixed = next(n for n, part in enumerate(parts) if GLOB.search(part))
    for entry in bucket.list_all(b, "/".join(parts[:fixed])):
        mine = PurePosixPath(entry.key).parts
        if len(mine) == len(parts) and all(map(fnmatchcase, mine, parts)):
            yield entry


def fit(pattern: str, entries: Sequence[bucket.Entry], folder: Path) -> None:
    """Refuse what would fill the disk."""
    size = sum(entry.bytes for entry in entries)
    if len(entries) > MOST_OBJECTS or size > shutil.disk_usage(folder).free - SPARE:
        raise SourceError(
            f"{pattern} names {len(entries):,} objects of {size / 1e9:,.1f} GB, more"
            f" than this disk or one source ({MOST_OBJECTS:,}) takes: narrow it"
        )


def write_table(source: Source, file: Path) -> None:
    """Write the contract's columns of a SQL table as CSV, in the order of the key.

    All in one read-only transaction, so one moment of the table; rows that share a key
    are ordered by the other columns. Missing is written as nothing, a moment in UTC.

    Raises:
        SourceError: The secret or the table is missing, or a column is; or the disk is
            full.
        SilentError: The database does not answer.
    """
    with opened(source.database) as c, file.open("w", encoding="utf-8") as text:
        # Python 3.11 leaves a lone CR unquoted, and a reader would end the line there.
        few, full = (
            csv.writer(text, delimiter=source.delimiter, lineterminator="\n", quoting=q)
            for q in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        )
        names = [one.written for one in source.columns]
        few.writerow(names)
        rows = c.execution_options(yield_per=ROWS).execute(query(c, source, names))
        for some in rows.partitions(ROWS):
            if shutil.disk_usage(file.parent).free < SPARE:
                raise SourceError(
                    f"{source.table} is larger than this disk takes: make a view of it,"
                    " or make room"
                )
            for row in some:
                values = [*map(plain, names, row)]
                (full if "\r" in "".join(values) else few).writerow(values)


def query(c: Connection, source: Source, names: Sequence[str]) -> Any:  # Any: a Select
    """Select the columns; every name is one that the database itself lists."""
    schema, _, name = source.table.rpartition(".")
    types = types_of(c, name, schema or None)
    if missing := [n for n in names if n not in types]:
        what = f"columns {missing}" if types else "table"
        raise SourceError(
            f"{source.table}: the database {source.database} has no such {what}, or"
            " this account may not see it: correct the name, or grant SELECT"
        )
    written = {one.name: one.written for one in source.columns}
    key = [written[name] for name in source.key]
    rest = (n for n in names if n not in key and not isinstance(types[n], UNORDERED))
    return (
        select(*map(column, names))
        .select_from(table(name, schema=schema or None))
        .order_by(*(ordered(c, n, types[n]) for n in (*key, *rest)))
    )


def types_of(c: Connection, name: str, schema: str | None) -> dict[str, Any]:
    """List the columns of a table or view with their SQL types; nothing if unknown."""
    try:
        return {t["name"]: t["type"] for t in inspect(c).get_columns(name, schema)}
    except NoSuchTableError:
        return {}


def ordered(c: Connection, name: str, kind: Any) -> Any:  # Any: SQL types and columns
    """Sort text by its code points, whatever the database's language is."""
    worded = isinstance(kind, String) and not isinstance(kind, Enum)
    if worded and c.dialect.name == "postgresql":
        return column(name, kind).collate("C")
    return column(name)


def plain(name: str, value: object) -> str:
    """Write a value as the text that a contract reads."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str | int | float | date):
        return str(value)
    raise SourceError(
        f"column {name} holds {type(value).__name__}, which is no text, number, date or"
        " truth value: leave it out, or make a view that casts it"
    )


def moment(value: datetime) -> str:
    """Write a moment in UTC, where it says its zone: 08:00+08:00 -> ``T00:00:00Z``."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@contextmanager
def opened(name: str) -> Iterator[Connection]:
    """Read a database at one moment; neither its URL nor its own words are told."""
    engine = engine_of(name)
    try:
        with engine.connect() as c, c.begin():
            yield c
    except OperationalError:
        raise SilentError(
            f"the database {name} does not answer, or refuses this account: start it,"
            " or mend its URL, then run again"
        ) from None
    except SQLAlchemyError as error:
        raise SourceError(
            f"the database {name} cannot be read ({type(error).__name__}): see that"
            " this account may SELECT the table"
        ) from None
    finally:
        engine.dispose()


def engine_of(name: str) -> Engine:
    """Make an engine that can only read."""
    url = address(name)
    if url.startswith("sqlite:///"):
        read = f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true"
        return create_engine(read, hide_parameters=True)
    if not url.startswith("postgresql+psycopg://"):
        raise SourceError(
            f"the database {name}: its URL starts with neither sqlite:/// nor"
            " postgresql+psycopg://: nothing else is tested"
        )
    try:
        return create_engine(
            url,
            hide_parameters=True,
            isolation_level="REPEATABLE READ",
            connect_args={"options": READ_ONLY},
        )
    except (ArgumentError, ValueError):
        raise SourceError(f"the database {name} has no URL that is one") from None
