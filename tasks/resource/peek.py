"""Look at the shape of a file that is no delimited text: its names and first rows.

Each function is a reader for ``tasks.source.limited``: it runs in the limited child, so
a file that kills its reader kills no more. What it finds comes back as a frame in the
scratch folder.

``{"data": [{"a": 1, "b": {"c": 2}}]}`` -> records ``data``, names ``a`` and ``b.c``.
"""

import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.resource.sniff import LONGEST_FOOTER
from tasks.source.json_records import KEY
from tasks.source.parquet import refuse_other
from tasks.source.parts import Cell, Parts, rows_of
from tasks.source.parts import Sheet as Rows
from tasks.source.workbook import Reading, plain_text

SOME = 20_000  # records or rows that are looked at
DEEPEST = 4  # levels of objects whose values become columns

Json = Any  # as the standard library decodes it


def parquet_names(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give ``name`` of each column."""
    refuse_other(raw)
    yield named("", list(pl.scan_parquet(raw, glob=False).collect_schema()))


def jsonl_names(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give ``name`` of each value in the first records; what is none is left out."""
    with raw.open(encoding="utf-8-sig", errors="replace") as lines:
        found = [record_in(line) for line in islice(lines, SOME)]
    yield named("", keys_of(found))


def record_in(line: str) -> Json:
    """Read a line of JSON; it is nothing where it cannot be read."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def json_names(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give ``records``, the path to them, and ``name`` of each value in the first."""
    try:
        whole = json.loads(raw.read_text("utf-8-sig"))
    except ValueError as error:
        raise SourceError(
            "is no JSON in UTF-8 that can be read; mend the file or fetch it again"
        ) from error
    path, found = records_in(whole, "")
    if isinstance(found, dict):
        yield named(path, [KEY, *keys_of(list(islice(found.values(), SOME)))])
    else:
        yield named(path, keys_of(found[:SOME]))


def records_in(value: Json, path: str) -> tuple[str, Json]:
    """Find the largest list (or object) of objects, nearest to the top."""
    if isinstance(value, list):
        return path, value
    if not isinstance(value, dict):
        raise SourceError("holds no list and no object of records; extract them")
    lists = {k: v for k, v in value.items() if isinstance(v, list) and v}
    if lists:
        name = max(lists, key=lambda k: len(lists[k]))
        return f"{path}.{name}".strip("."), lists[name]
    inner = [v for v in value.values() if isinstance(v, dict)]
    if len(inner) == 1 and len(value) > 1:
        name = next(k for k, v in value.items() if v is inner[0])
        return records_in(inner[0], f"{path}.{name}".strip("."))
    return path, value


def keys_of(records: list[Json]) -> list[str]:
    """List the dotted paths to the values of some records, in order."""
    found: dict[str, None] = {}
    for record in records:
        if isinstance(record, dict):
            found |= dict.fromkeys(paths(record, ""))
    if not found:
        raise SourceError("its records are no objects; extract them")
    # An object in one record may be a plain value in another: then it is one column.
    return [n for n in found if not any(o.startswith(f"{n}.") for o in found)]


def paths(record: dict[str, Json], above: str) -> Iterator[str]:
    """Walk an object down to its values; an empty object is a value."""
    for key, value in record.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict) and value and path.count(".") < DEEPEST - 1:
            yield from paths(value, path)
        else:
            yield path


def named(records: str, names: list[str]) -> pl.LazyFrame:
    """Write names, each with the path to the records."""
    return pl.LazyFrame({"records": [records] * len(names), "name": names})


def sheet_rows(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give ``sheet``, ``row`` and ``cells`` (texts, from column 1) of each sheet.

    Of a long sheet these are the first rows and the last, where totals stand.
    """
    types: dict[str, pl.DataType] = {
        **{"sheet": pl.String(), "row": pl.Int64()},
        **{"cells": pl.List(pl.String())},
    }
    with Parts(raw) as parts:
        for name, part in parts.sheets().items():
            reading = Reading(source, name, parts.texts(), [], parts.from_1904)
            rows = rows_of(parts.pieces(part), Rows())
            found = [*islice(rows, SOME), *deque(rows, maxlen=LONGEST_FOOTER)]
            lines = [(name, row, line_of(cells, reading)) for row, cells in found]
            yield pl.LazyFrame(lines, types, orient="row")


def line_of(cells: dict[int, Cell], reading: Reading) -> list[str]:
    """Write the cells of a row as texts, up to the last that is not empty."""
    texts = {at: plain_text(c, reading) for at, c in cells.items()}
    width = max((at for at, text in texts.items() if text), default=0)
    return [texts.get(at) or "" for at in range(1, width + 1)]
