"""Read what a customer asks of a product's rows, and write the answer piece by piece.

``?town=a&fields=day,town&limit=20`` → the licensed rows of town a, two columns, the
first twenty. A name twice means either value: ``town=a&town=b``. What does not fit is
an answer too: ``Wrong``, with a sentence that never repeats a value.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import polars as pl
import polars.selectors as cs

from schemas.contract import LogicalType
from tasks.product.bundle import licensed

Format = Literal["json", "csv"]
FORMATS: dict[Format, str] = {"json": "application/json", "csv": "text/csv"}
WORDS = ("fields", "limit", "offset", "format")  # parameters that are no column
FIRST = 1_000  # rows of an answer where no limit is asked for
VALUES = 100  # of one column in one question
LONGEST = 500  # signs of a value
MOMENT = "%Y-%m-%dT%H:%M:%S%.f"


@dataclass(frozen=True)
class Licensed:
    """What an order lets a customer ask: columns by name, filters, rows."""

    columns: Mapping[str, LogicalType]
    filters: tuple[str, ...]
    rows: int | None
    max_rows: int


@dataclass(frozen=True)
class Question:
    """Which rows and columns, and how they are written."""

    fields: tuple[str, ...]
    wanted: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # any value
    limit: int = FIRST
    offset: int = 0
    format: Format = "json"


class Wrong(NamedTuple):
    """Why a question has no answer: outside the licence, or not understood."""

    kind: Literal["fields", "filters", "value"]
    ground: str


class Piece(NamedTuple):
    """Rows of an answer; ``more`` tells of the last piece whether others follow it."""

    rows: pl.DataFrame
    first: bool
    last: bool
    more: bool


def question(pairs: Iterable[tuple[str, str]], may: Licensed) -> Question | Wrong:
    """Read the parameters of an address.

    Args:
        pairs: Names and values, as they came.
        may: What the order licenses.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    fields = fields_of(given, may)
    if isinstance(fields, Wrong):
        return fields
    if twice := [n for n in WORDS if n != "fields" and len(given.get(n, ())) > 1]:
        return Wrong("value", f"{twice[0]} is given twice: give it once")
    limit = number(given, "limit", min(FIRST, may.max_rows), 1, may.max_rows)
    offset = number(given, "offset", 0, 0, 2**53)
    wanted = filters_of(given, may)
    for found in (limit, offset, wanted):
        if isinstance(found, Wrong):
            return found
    form = given.get("format", ["json"])[0]
    if form not in FORMATS:
        return Wrong("value", f"format is one of {', '.join(FORMATS)}")
    return Question(fields, wanted, limit, offset, form)  # type: ignore[arg-type]  # nothing wrong is left


def fields_of(given: Mapping[str, list[str]], may: Licensed) -> tuple[str, ...] | Wrong:
    """Read which columns are asked for; without a word all that are licensed."""
    asked = [f for text in given.get("fields", ()) for f in text.split(",") if f]
    fields = tuple(dict.fromkeys(asked)) or tuple(may.columns)
    # A name that is none of a column could be anything: it is not repeated.
    strange = [f if re.fullmatch(r"\w{1,64}", f) else "…" for f in fields]
    strange = [f for f in strange if f not in may.columns]
    if strange:
        return Wrong(
            "fields",
            f"{', '.join(strange)} not licensed: ask for {', '.join(may.columns)}, or"
            " order more",
        )
    return fields


def number(
    given: Mapping[str, list[str]], name: str, usual: int, least: int, most: int
) -> int | Wrong:
    """Read a whole number within bounds."""
    if name not in given:
        return usual
    text = given[name][0]
    if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
        return Wrong("value", f"{name} is a whole number from {least:,} to {most:,}")
    return int(text)


def filters_of(
    given: Mapping[str, list[str]], may: Licensed
) -> dict[str, list[Any]] | Wrong:  # any value
    """Read by which values rows are chosen."""
    wanted: dict[str, list[Any]] = {}
    for name, texts in given.items():
        if name in WORDS:
            continue
        if name not in may.filters:
            named = name if name in may.columns else "a parameter that is no column"
            allowed = ", ".join(may.filters) or "none"
            return Wrong(
                "filters", f"{named} cannot be asked by; columns that can: {allowed}"
            )
        if len(texts) > VALUES or max(map(len, texts)) > LONGEST:
            said = f"{VALUES} values of {LONGEST} signs at most"
            return Wrong("value", f"{name}: {said}")
        kind = may.columns[name]
        try:
            wanted[name] = [READ[kind](text) for text in texts]
        except ValueError:
            return Wrong("value", f"{name} is a column of type {kind}: {LIKE[kind]}")
    return wanted


def whole(text: str) -> int:
    """Read an integer that fits the column."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError
    return int(text)


def real(text: str) -> float:
    """Read a finite number."""
    if not math.isfinite(value := float(text)) or "_" in text:
        raise ValueError
    return value


def day(text: str) -> date:
    """Read a date."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return date.fromisoformat(text)


def moment(text: str) -> datetime:
    """Read a moment as the product keeps it: without an offset."""
    if (value := datetime.fromisoformat(text)).tzinfo is not None:
        raise ValueError
    return value


def truth(text: str) -> bool:
    """Read true or false."""
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


READ: dict[LogicalType, Callable[[str], Any]] = {  # any value
    "string": str,
    "integer": whole,
    "number": real,
    "date": day,
    "timestamp": moment,
    "boolean": truth,
}
LIKE: dict[LogicalType, str] = {
    "string": "text",
    "integer": "a whole number such as 42",
    "number": "a number such as 4.2",
    "date": "a date such as 2026-07-01",
    "timestamp": "a moment such as 2026-07-01T12:00:00",
    "boolean": "true or false",
}


def answered(product: pl.LazyFrame, may: Licensed, asked: Question) -> pl.LazyFrame:
    """Plan an answer, and one row more, by which one knows whether others follow."""
    rows = licensed(product, tuple(may.columns), may.rows)
    for name, values in asked.wanted.items():
        column = pl.col(name)
        rows = rows.filter(
            column == values[0] if len(values) == 1 else column.is_in(values)
        )
    return rows.select(asked.fields).slice(asked.offset, asked.limit + 1)


def pieces(rows: pl.LazyFrame, limit: int, size: int) -> Iterator[Piece]:
    """Read a planned answer: whole where it is short, else piece by piece.

    An answer of 12 rows in pieces of 5 → 5, 5, 2; at most two pieces are in memory.
    """
    batches = (
        iter([rows.collect()])
        if limit <= size
        else iter(rows.collect_batches(chunk_size=size))
    )
    held, taken = pl.DataFrame(schema=rows.collect_schema()), 0
    for batch in batches:
        held = pl.concat([held, batch])
        while held.height > size and taken + size < limit:
            yield Piece(held.head(size), taken == 0, last=False, more=True)
            held, taken = held.slice(size), taken + size
    rest = limit - taken
    yield Piece(held.head(rest), taken == 0, last=True, more=held.height > rest)


def written(piece: Piece, asked: Question, head: Mapping[str, object]) -> bytes:
    """Write a piece; the first opens the answer, the last closes it.

    Args:
        piece: The rows.
        asked: The question; it says the format, and where the next answer begins.
        head: What JSON says before the rows: product, version, delivery.
    """
    plain = piece.rows.with_columns(
        cs.datetime().dt.strftime(MOMENT), cs.float().fill_nan(None)
    )
    if asked.format == "csv":
        return plain.write_csv(include_header=piece.first).encode()
    rows = plain.write_json().strip()[1:-1]
    told = json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    after = asked.offset + asked.limit if piece.more else None
    end = f'], "next": {json.dumps(after)}}}\n'
    return f"{told if piece.first else ','}{rows}{end if piece.last else ''}".encode()
