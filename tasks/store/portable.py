"""Write the rows of all tables in one form that either database reads back.

A table is one gzipped file, a JSON array a row in the order of its columns: hashes as
hex, days and moments as ISO 8601 text, money as integer fen. Nothing of a database's
own form is in it, so that it can be read without this project.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    String,
    Table,
    column,
    insert,
    select,
    table,
    text,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import TypeEngine

from schemas.artifact import Hex
from schemas.errors import StoreError
from schemas.tables.columns import Digest, Row, table_of
from schemas.tables.lineage import StageRun
from tasks.store.place import digest, sync

ROWS, BODIES = 5_000, 100  # rows at a time: a body may be half a megabyte
LEVEL = 1  # of gzip: bodies repeat themselves, hashes do not shrink anyway
Cells = list[Any]  # one row: text, integers, flags, nothing


class TableFile(BaseModel):
    """What one table's file holds: its columns in order with their kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    sha256: Hex
    columns: dict[str, Literal["hash", "flag", "day", "moment", "text", "integer"]]


MOMENT = type(table_of(StageRun).c.at.type)
TYPES: dict[str, type[TypeEngine[Any]]] = {  # Any: columns of any type
    "hash": Digest,
    "flag": Boolean,
    "day": Date,
    "moment": MOMENT,
    "text": String,
    "integer": BigInteger,
}


def kind_of(type_: TypeEngine[Any]) -> str:  # Any: see above
    """Name how a column's cells are written."""
    if not isinstance(type_, (Digest, MOMENT)):
        type_ = getattr(type_, "impl", type_)  # what a decorated type is stored as
    kinds = (kind for kind, made in TYPES.items() if isinstance(type_, made))
    return next(kinds, "integer")


READ: dict[str, Callable[[str], object]] = {
    "day": date.fromisoformat,
    "moment": datetime.fromisoformat,
}


def write_tables(c: Connection, folder: Path) -> dict[str, TableFile]:
    """Write every table as one moment shows it, durably.

    Raises:
        StoreError: A cell is not what its column holds: somebody changed it.
    """
    try:
        made = {t.name: _write(c, t, folder) for t in Row.metadata.sorted_tables}
    except (DatabaseError, ValueError, TypeError) as error:
        raise StoreError(
            f"a table cannot be read ({type(error).__name__}): `datafactor verify` says"
            " what is wrong with it"
        ) from error
    sync(folder)
    return made


def _write(c: Connection, source: Table, folder: Path) -> TableFile:
    many = BODIES if source.name == StageRun.__name__.lower() else ROWS
    query = select(source).order_by(*source.primary_key)
    file, count = folder / f"{source.name}.jsonl.gz", 0
    private(file)
    with gzip.open(file, "wt", LEVEL, encoding="utf-8") as out:
        for row in c.execute(query.execution_options(yield_per=many)):
            out.write(json.dumps([_cell(x) for x in row], ensure_ascii=False) + "\n")
            count += 1
    sync(file)
    columns = {x.name: kind_of(x.type) for x in source.columns}
    return TableFile(rows=count, sha256=digest(file), columns=columns)


def private(file: Path) -> None:
    """Make a file that its owner alone can read, before anything is in it."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))


def _cell(value: Any) -> Any:  # Any: a cell of any table
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def check_tables(folder: Path, tables: dict[str, TableFile]) -> None:
    """Hash every table's file before anything of it is believed.

    Raises:
        StoreError: One is missing or was changed, or is no table of ours.
    """
    for name, of in tables.items():
        _refuse_unknown(name, of)
        file = folder / f"{name}.jsonl.gz"
        if not file.is_file() or digest(file) != of.sha256:
            raise StoreError(f"{file} is missing or was changed: take another backup")


def _refuse_unknown(name: str, of: TableFile) -> None:
    """Refuse a table or a column that no release has: its name would go into SQL.

    Migrations only add, so all that any release wrote is known to this one.
    """
    known = Row.metadata.tables.get(name)
    if known is None or not {*of.columns} <= {*known.columns.keys()}:
        raise StoreError(
            "the backup names a table or column that no release has, so it was changed:"
            " take another backup"
        )


def load_tables(c: Connection, folder: Path, tables: dict[str, TableFile]) -> None:
    """Insert the rows of all tables, in the order in which they refer to each other.

    Guards are installed afterwards: they look for an equal row before each one.
    """
    for name, of in tables.items():
        target = table(name, *(column(n, TYPES[k]()) for n, k in of.columns.items()))
        rows, many = _rows(folder / f"{name}.jsonl.gz", of), ROWS
        while part := list(islice(rows, many)):
            c.execute(insert(target), part)
    if c.dialect.name == "postgresql":
        c.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # now, not at the commit


def _rows(file: Path, of: TableFile) -> Iterator[dict[str, Any]]:
    known = {n: READ[k] for n, k in of.columns.items() if k in READ}
    names = [*of.columns]
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = dict(zip(names, json.loads(line), strict=True))
            for name, read in known.items():
                if row[name] is not None:
                    row[name] = read(row[name])
            yield row
