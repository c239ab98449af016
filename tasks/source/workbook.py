"""Read one sheet of an .xlsx workbook as text, cell by cell, without laying it out.

A cell gives what stands in the file: text as it is (``000001`` stays), true or false,
and a number as its shortest decimal without exponent or trailing zeros (``1.0`` -> 1,
``1E-7`` -> 0.0000001). A number in a date format gives the date as its column declares
dates, in ISO 8601 if it does not: ``2024-05-01``, with a time ``2024-05-01T08:30:00``,
a time alone ``19:21:00``, an elapsed time ``36:00:00``; in a column declared excel-1900
or excel-1904 it stays a number.

Refused, because a sheet hides them: an error cell (unless its text, ``#N/A``, is a null
token), a formula (unless ``formulas: cached``), a number of 16 digits or more where the
column holds text or integers (a workbook keeps 15), cells merged over data, a cell so
far away that the sheet claims over 2^28 cells. Blank rows are no records, hidden ones
are.

Source: ECMA-376 Part 1, 18.3.1 (sheet), 18.4 (shared strings), 22.9.2.19 (escapes).
0.80625 in the format h:mm -> 19:21:00.
"""

import re
from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.source.heading import names, positions
from tasks.source.parts import (
    MAX_RATIO,
    RATIO_FREE,
    Cell,
    Parts,
    Row,
    Sheet,
    letters_of,
    rows_of,
)
from tasks.source.plain import MAX_LINE
from tasks.source.records import NO_TEXT, Record, as_frame, batches
from tasks.source.serial import Kind, in_format, kind_of, written_moment

PLAIN = re.compile("-?(?:0|[1-9][0-9]{0,14})")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
LONG = 10**15
ERRORS = frozenset(
    [
        *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"),
        *("#GETTING_DATA", "#SPILL!", "#CALC!"),
    ]
)


class Reading(NamedTuple):
    """What the cells of a sheet are read with."""

    source: Source
    sheet: str
    texts: list[str]
    formats: list[Kind]
    from_1904: bool
    hidden: Counter[str] | None = None  # what cells hide, where that is not refused


def workbook_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give the records of the declared sheet; ``_line`` is the sheet's row.

    Raises:
        SourceError: The file is no workbook, its sheet is not the declared one, or it
            holds what this module refuses.
    """
    yield from sheet_frames(raw, source, None)


def readable_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give the records as ``workbook_frames``, without the cells that it refuses."""
    yield from sheet_frames(raw, source, Counter())


def hidden_cells(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Count cells by ``what`` they hold: ``formula``, or the words of a refusal."""
    counts = Counter[str]()
    for _ in sheet_frames(raw, source, counts):
        pass
    types = {"what": pl.String, "cells": pl.Int64}
    yield pl.LazyFrame(list(counts.items()), types, orient="row")


def sheet_frames(
    raw: Path, source: Source, hidden: Counter[str] | None
) -> Iterator[pl.LazyFrame]:
    """Give the records of the declared sheet; count what cells hide, or refuse it."""
    with Parts(raw) as parts:
        name, part = chosen(parts, source)
        kinds = [kind_of(number, code) for number, code in parts.styles()]
        reading = Reading(source, name, parts.texts(), kinds, parts.from_1904, hidden)
        refuse_epoch(reading)
        most = max(RATIO_FREE, MAX_RATIO * raw.stat().st_size)
        with closing(records(parts.pieces(part), reading)) as found:
            for batch in batches(within(most, found)):
                yield as_frame(batch, source).lazy()


def chosen(parts: Parts, source: Source) -> tuple[str, str]:
    """Find the name and the part of the sheet to read."""
    sheets = parts.sheets()
    if source.sheet in sheets:
        return source.sheet, sheets[source.sheet]
    if source.sheet or len(sheets) != 1:
        why = "the declared sheet is not there" if source.sheet else "several sheets"
        raise SourceError(f"{why}; declare sheet: one of {names(list(sheets))}")
    return next(iter(sheets.items()))


def refuse_epoch(reading: Reading) -> None:
    """Refuse serial numbers that count from another day than the workbook's."""
    epoch = "excel-1904" if reading.from_1904 else "excel-1900"
    for column in reading.source.columns:
        declared = column.options.format or ""
        if declared.startswith("excel-") and declared != epoch:
            raise SourceError(
                f"the workbook counts days as {epoch}, but column {column.name} is"
                f" declared {declared}; declare {epoch}"
            )


def within(most: int, rows: Iterator[Record]) -> Iterator[Record]:
    """Stop a workbook whose shared texts unfold without end."""
    size = 0
    for row in rows:
        size += len(row.raw)
        if len(row.raw) > MAX_LINE or size > most:
            raise SourceError(
                f"row {row.line}: passes {MAX_LINE:,} signs, or all rows {MAX_RATIO}"
                " times the file's size; shorten the texts or split the file"
            )
        yield row


def records(pieces: Generator[bytes], reading: Reading) -> Generator[Record]:
    """Divide a sheet into heading, records and footer.

    Merged areas stand after the rows in the file, so they are refused last.
    """
    source, sheet = reading.source, Sheet()
    kept: deque[Row] = deque()
    last = 0
    with closing(rows_of(pieces, sheet)) as rows:
        places = heading(rows, reading)
        for row in rows:
            if any(cell.text or cell.formula for cell in row[1].values()):
                kept.append(row)
                if len(kept) > source.footer:
                    last = kept[0][0]
                    yield record(kept.popleft(), places, reading)
    if source.header == 0 and last == 0:
        raise SourceError(f"sheet {reading.sheet} is empty; declare another one")
    refuse_merged(sheet, range(source.header + 1, last + 1), places, reading)


def heading(rows: Iterator[Row], reading: Reading) -> list[int]:
    """Give the columns of the sheet to read; without a heading, the first ones."""
    source = reading.source
    if source.header == 0:
        return list(range(1, len(source.columns) + 1))
    number, cells = next((row for row in rows if row[0] >= source.header), (0, {}))
    named = {column: plain_text(cell, reading) for column, cell in cells.items()}
    width = max((column for column, name in named.items() if name), default=0)
    if number != source.header or not width:
        raise SourceError(
            f"sheet {reading.sheet}, row {source.header}: there are no column names;"
            " declare with header: which row holds them"
        )
    found = [named.get(column) or "" for column in range(1, width + 1)]
    return [place + 1 for place in positions(found, source)]


def record(row: Row, places: list[int], reading: Reading) -> Record:
    """Take the declared cells of a row; a cell in no column makes it no record."""
    number, cells = row
    beyond = any(cells[column].text for column in cells.keys() - set(places))
    if beyond and reading.source.undeclared == "refuse":
        raw = "\t".join(plain_text(cell, reading) or "" for cell in cells.values())
        return Record(number, [], raw, False)
    texts = [
        text_in(cells[place], (number, place), column, reading)
        if place in cells
        else None
        for place, column in zip(places, reading.source.columns, strict=True)
    ]
    raw = "\t".join(text or "" for text in texts)
    unreadable = NO_TEXT.search(raw) is not None
    return Record(number, [] if unreadable else texts, raw, unreadable)


def plain_text(cell: Cell, reading: Reading) -> str | None:
    """Give what stands in a cell of no declared column."""
    return shared(cell, reading) if cell.kind == "s" else cell.text


def shared(cell: Cell, reading: Reading) -> str | None:
    """Look up a text that cells share."""
    number = cell.text or "-"
    if number.isdecimal() and int(number) < len(reading.texts):
        return reading.texts[int(number)]
    raise SourceError("a cell shares a text that is not there; save the workbook anew")


def text_in(
    cell: Cell, at: tuple[int, int], column: Column, reading: Reading
) -> str | None:
    """Give the text of a declared cell, or refuse what it hides."""
    hidden = concealed(cell, column, reading.source)
    if reading.hidden is not None:
        reading.hidden.update(["formula"] * cell.formula + [hidden] * bool(hidden))
        if hidden:
            return None
    elif hidden:
        row, place = at
        where = f"sheet {reading.sheet}, cell {letters_of(place)}{row}"
        raise SourceError(f"{where}: {hidden}")
    if cell.text is None or cell.kind in ("str", "inlineStr", "e"):
        return cell.text
    if cell.kind == "s":
        return shared(cell, reading)
    if cell.kind == "b":
        return "true" if cell.text == "1" else "false"
    if cell.kind == "d":
        return iso_text(cell.text, column)
    known = 0 <= cell.style < len(reading.formats)
    kind = reading.formats[cell.style] if known else ""
    moment = None
    if kind and not (column.options.format or "").startswith("excel-"):
        moment = written_moment(float(cell.text), kind, column, reading.from_1904)
    return number_text(cell.text) if moment is None else moment


def concealed(cell: Cell, column: Column, source: Source) -> str:
    """Say what a cell hides, and how to show it; mostly nothing."""
    text = cell.text
    if cell.formula and source.formulas == "refuse":
        return (
            "holds a formula, whose saved result may be stale; store values, or declare"
            " formulas: cached"
        )
    if text is None:
        return (
            "holds a formula without a saved result; open and save it in a spreadsheet"
            if cell.formula
            else ""
        )
    if cell.kind == "e" and text not in source.null_tokens:
        error = text if text in ERRORS else "an error"
        return f"holds {error}; mend it, or declare it among null_tokens"
    if cell.kind != "n":
        known = cell.kind in ("s", "str", "inlineStr", "b", "d", "e")
        return "" if known else "is of an unknown type; save the workbook anew"
    if not NUMBER.fullmatch(text):
        return "holds no number though it says so; save the workbook anew"
    if column.logical_type in ("string", "integer") and abs(float(text)) >= LONG:
        return (
            "holds a number of 16 digits or more, of which a workbook keeps 15; enter"
            " such numbers as text"
        )
    return ""


def number_text(text: str) -> str:
    """Write a number in its shortest form, without exponent: 1.50E+1 -> 15."""
    if PLAIN.fullmatch(text):
        return text
    value = float(text)
    if value == 0:
        return "0"
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def iso_text(text: str, column: Column) -> str:
    """Write a date that stands as ISO 8601 in its column's pattern.

    One with an offset stays as it is: no pattern of a local time may lose it.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else in_format(moment, column)


def refuse_merged(
    sheet: Sheet, rows: range, places: list[int], reading: Reading
) -> None:
    """Refuse merged cells over data: all but the first are empty in the file."""
    for left, top, right, bottom in sheet.merged:
        in_rows = top < rows.stop and bottom >= rows.start
        if in_rows and any(left <= place <= right for place in places):
            area = f"{letters_of(left)}{top}:{letters_of(right)}{bottom}"
            raise SourceError(
                f"sheet {reading.sheet}, cells {area}: are merged over data; unmerge"
                " them and write the value into each cell"
            )
