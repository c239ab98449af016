"""Count what all factors hold, as a ministry asks for it 数据资源普查.

One line a year, industry and region. A factor counts with its last assessment of the
year: the rows of the resource that was assessed, and the bytes of the raw pieces that
lineage leads to. Tables of other houses, as ``survey -o`` writes them, are added up.
"""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rich.console import Console

from flows.document import factor_named
from flows.face import table
from schemas.errors import FactorError, SourceError
from tasks import store
from tasks.census import Cell, Holding, Line, added, census, growth, lines, sized
from tasks.page.survey import survey_page
from tasks.store import Run
from tasks.store.sizes import sizes

Facts = dict[str, Any]  # JSON
By = Literal["industry", "region"]
HEAD = [*Cell._fields]
HOUSES = "houses"  # the column that says whose rows a table adds up
GROWN = [*HEAD, "bytes_growth_percent", "rows_growth_percent", HOUSES]
MARK = "store:"
SIGNS = 12  # of a store's id
NOT_STATED = "not stated 未说明"
LONGEST = 40  # digits of a figure
MOST = 100_000  # lines of a table that is added
MEASURED = "resource.resource"  # the role in which `assess` reads it


class Table(NamedTuple):
    """Lines of a survey, and the marks of the houses whose rows are in them."""

    cells: list[Cell]
    houses: frozenset[str]


def survey(files: Sequence[Path] = ()) -> Facts:
    """Make the table of this store and of other houses.

    Returns:
        ``cells``: a line each year, industry and region, contract as in the CSV;
        ``years``, ``industries``, ``regions``: their sums. Counts are decimal text.
        ``stores``: marks of the houses that are added up, as far as they are known.

    Raises:
        SourceError: A file is no such table; the sentence names the line. Or rows of
            this house, or of one that was added already, are in it.
    """
    mine = [*holdings()]
    tables = [own(mine)]
    for file in files:
        refuse_counted(file, table := read(file), tables)
        tables.append(table)
    cells = added(*(table.cells for table in tables))
    return {
        "cells": [facts(cell) for cell in cells],
        "years": [line_facts(line) for line in lines(cells)],
        "industries": [line_facts(line) for line in lines(cells, "industry")],
        "regions": [line_facts(line) for line in lines(cells, "region")],
        "houses": 1 + len(files),
        "stores": sorted(frozenset().union(*(table.houses for table in tables))),
        "notes": [*unplaced(mine)],
    }


def own(mine: Sequence[Holding]) -> Table:
    """Make this house's own table; a store that holds nothing leaves no mark."""
    mark = f"{MARK}{store.current().id[:SIGNS]}"
    return Table(census(mine), frozenset([mark] if mine else []))


def refuse_counted(file: Path, table: Table, before: Sequence[Table]) -> None:
    """Refuse rows of a house that are there already: they would count double.

    An earlier table of a house has other figures: its mark tells, and where somebody
    left that out, only lines that are all the same.

    Raises:
        SourceError: There are some.
    """
    same = [sorted(table.cells) == sorted(one.cells) for one in before]
    twice = [bool(table.houses & one.houses) for one in before]
    if table.cells and (twice[0] or same[0]):
        raise SourceError(
            f"{file.name} holds this house's own rows, of this or an earlier survey,"
            " and would count double: leave it out, they are counted from the store"
        )
    if table.cells and any(twice + same):
        raise SourceError(
            f"{file.name} holds rows of a house that another table holds too, and would"
            " count double: take the newest table of each house"
        )


def unplaced(mine: Sequence[Holding]) -> Iterator[str]:
    """Say of which factors nobody knows industry and region."""
    if names := sorted({one.factor for one in mine if one.industry == NOT_STATED}):
        yield (
            f"{', '.join(names)}: no document below DATAFACTOR_FACTORS states industry"
            " and region (it is gone, or wrong: `datafactor check` says), so they count"
            f" as {NOT_STATED}"
        )


def holdings() -> Iterator[Holding]:
    """Find what each factor held at its last assessment of each year."""
    s = store.current()
    last: dict[tuple[str, int], Run] = {}
    for run in store.runs(s, task="assess"):
        day = run.publication.as_of
        if day is None or run.publication.status != "COMPLETE":
            continue
        key = (run.publication.factor, day.year)
        if key not in last or day > (last[key].publication.as_of or day):
            last[key] = run
    for (factor, year), run in sorted(last.items()):
        yield held(factor, year, run)


def held(factor: str, year: int, run: Run) -> Holding:
    """Count the rows of what was assessed, and the raw pieces it was made of."""
    s = store.current()
    assessed = next(i.id for i in run.publication.inputs if i.role == MEASURED)
    nodes = store.trace(s, assessed)
    pieces = {n.id: n.sha256 for n in nodes if n.kind == "raw"}
    weights = sizes(s, pieces)
    files = {sha: weights[id] for id, sha in pieces.items()}
    return Holding(year, *where(factor), factor, nodes[0].rows, files)


def where(factor: str) -> tuple[str, str]:
    """Say in which industry and region a factor's document puts it."""
    with suppress(FactorError):  # a document that is gone tells nothing any more
        said = factor_named(factor).scenario
        if said:
            return said.industry, said.region
    return NOT_STATED, NOT_STATED


def read(file: Path) -> Table:
    """Read the table of another house, line by line."""
    cells: list[Cell] = []
    houses: set[str] = set()
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            head = next(rows, [])
            if head[: len(HEAD)] != HEAD:
                raise SourceError(
                    f"{file.name} line 1: the table begins with {','.join(HEAD)}; take"
                    " what `datafactor survey -o FOLDER` wrote"
                )
            marked = head.index(HOUSES) if HOUSES in head else len(head)
            for number, row in enumerate(rows, 2):
                cells.append(cell(file.name, number, row))
                words = " ".join(row[marked:]).split()
                houses |= {word for word in words if word.startswith(MARK)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"{file.name} cannot be read as a table of the survey: give the survey.csv"
            f" that `datafactor survey -o FOLDER` wrote ({type(error).__name__})"
        ) from None
    return Table(cells, frozenset(houses))


def cell(name: str, number: int, row: Sequence[str]) -> Cell:
    """Read one line; a count is decimal digits of any length up to ``LONGEST``."""
    figures = [row[0], *row[3:6]] if len(row) >= len(HEAD) else []
    fits = all(re.fullmatch(rf"[0-9]{{1,{LONGEST}}}", f) for f in figures)
    known = fits and figures and re.fullmatch(r"[0-9]{4}", row[0])
    if not known or not row[1].strip() or not row[2].strip() or number > MOST:
        raise SourceError(
            f"{name} line {number}: write year, industry, region and three counts as"
            f" plain digits, in at most {MOST:,} lines"
        )
    year, *counts = (int(f) for f in figures)
    return Cell(year, row[1].strip(), row[2].strip(), *counts)


def facts(cell: Cell) -> Facts:
    """Tell a line; counts as decimal text, which no reader can wrap."""
    named = cell._asdict()
    return named | {n: str(named[n]) for n in ("bytes", "rows")}


def line_facts(line: Line) -> Facts:
    """Tell a sum with its growth."""
    return {
        "year": line.year,
        "name": line.name,
        "factors": line.factors,
        "bytes": str(line.bytes),
        "size": sized(line.bytes),
        "rows": str(line.rows),
        "bytes_growth_percent": percent(line.bytes_growth),
        "rows_growth_percent": percent(line.rows_growth),
    }


def percent(growth: Decimal | None) -> str | None:
    """Write a growth; none where the year before holds nothing."""
    return None if growth is None else str(growth)


def write(data: Facts, folder: Path) -> list[str]:
    """Write survey.csv and survey.html into a folder; say where they are."""
    return written(folder, "survey", as_csv(data), survey_page(data))


def written(folder: Path, name: str, table_of: str, page: str) -> list[str]:
    """Write a table and its page under one name; say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{name}.csv", folder / f"{name}.html"
    replace(files[0], table_of, "utf-8-sig")  # a spreadsheet asks for the mark
    replace(files[1], page, "utf-8")
    return [str(file) for file in files]


def replace(file: Path, text: str, encoding: str) -> None:
    """Write a file as a whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding, newline="")
    os.replace(part, file)


def as_csv(data: Facts) -> str:
    """Write the table, one line a year, industry and region, with its growth.

    Each line bears the marks of all houses, so that none is added twice.
    """
    known = {(c["year"], c["industry"], c["region"]): c for c in data["cells"]}
    made = StringIO()
    rows = csv.writer(made)
    rows.writerow(GROWN)
    for one in data["cells"]:
        last = known.get((one["year"] - 1, one["industry"], one["region"]), {})
        rows.writerow(
            [
                *(plain(one[n]) for n in HEAD),
                *grown(one, last),
                " ".join(data["stores"]),
            ]
        )
    return made.getvalue()


def grown(one: Facts, last: Facts) -> Iterator[str]:
    """Say by how much bytes and rows of a line grew; nothing where it is new."""
    for name in ("bytes", "rows"):
        yield percent(growth(int(one[name]), int(last.get(name, 0)))) or ""


def plain(value: object) -> str:
    """Write a cell; what a spreadsheet would compute is disarmed."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def show(console: Console, data: Facts, by: By) -> None:
    """Show the years, then each industry or region by year."""
    console.print(shown("years 合计", data["years"], "year"))
    console.print()
    title = "industries 行业" if by == "industry" else "regions 地区"
    console.print(
        shown(title, data["industries" if by == "industry" else "regions"], by)
    )
    for note in data["notes"]:
        console.print(f"note: {note}", markup=False)


def shown(title: str, rows: Sequence[Facts], by: str) -> Any:  # Any: a table
    """Lay the sums out; exact counts beside what people say."""
    heads = ["year", *([by] if by != "year" else []), "factors", "bytes", "size"]
    cells = [
        [
            *(str(r["year"]), *([r["name"]] if by != "year" else [])),
            *(r["factors"], f"{int(r['bytes']):,}", r["size"]),
            *(rise(r["bytes_growth_percent"]), f"{int(r['rows']):,}"),
            rise(r["rows_growth_percent"]),
        ]
        for r in rows
    ]
    return table(title, [*heads, "growth", "rows", "growth of rows"], cells)


def rise(text: str | None) -> str:
    """Write a growth for people."""
    return "new" if text is None else f"{text} %"
