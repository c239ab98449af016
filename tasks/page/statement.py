"""Lay out a statement on data resources: sheets for a workbook, and one page.

No figure is made here. Both show the same sheets, each word in Chinese and English.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from schemas.disclosure import COLUMNS, HEADS, ROWS, Tables
from schemas.money import shown, yuan
from tasks.page.catalog import environment
from tasks.page.statement_words import ROW_WORDS, STATEMENT_WORDS
from tasks.page.words import Pair

Cell = Decimal | int | str | Pair | None  # yuan, a count, a text, a word in both
Kind = Literal["head", "sum", "of", "plain"]
Row = dict[str, Any]  # Any: a row of a frame
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SHOWN = 500  # lines of a sheet on the page; the workbook has all
SUMS = ("increase", "decrease", "opening", "closing")


class Line(NamedTuple):
    """A row of a sheet: its cells, and how it is set."""

    cells: tuple[Cell, ...]
    kind: Kind = "plain"


class Sheet(NamedTuple):
    """A table under its title, with what is said above it."""

    name: str
    columns: tuple[Pair, ...]
    lines: tuple[Line, ...]
    above: tuple[Pair, ...] = ()

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Say which columns hold figures."""
        across = zip(*(line.cells for line in self.lines), strict=True)
        return tuple(
            any(isinstance(cell, Decimal | int) for cell in cells) for cells in across
        )

    @property
    def title(self) -> Pair:
        """Its title in both languages."""
        return STATEMENT_WORDS[f"sheet_{self.name}"]


def word(key: str, **given: Pair | str) -> Pair:
    """Say a word in both languages, with what it speaks of filled in."""
    zh, en = (
        text.format(**{n: v if isinstance(v, str) else v[i] for n, v in given.items()})
        for i, text in enumerate(STATEMENT_WORDS[key])
    )
    return zh, en


def columns(*names: str) -> tuple[Pair, ...]:
    """Head the columns of a sheet."""
    return tuple(word(f"column_{name}") for name in names)


def sheets_of(tables: Tables) -> list[Sheet]:
    """Lay out every sheet of a statement, in the order of reading."""
    return [
        head(tables.statement.row(0, named=True)),
        of_which(tables.lines.to_dicts()),
        *(rolled(tables, table) for table in ROWS),
        carried(tables.carried.to_dicts()),
        research(tables.research.to_dicts()),
        restricted(tables.restricted.to_dicts()),
        *noted(tables.notes.to_dicts()),
        appraised(tables.appraised.to_dicts()),
        tied(tables.ties.to_dicts()),
    ]


def money(fen: int | None) -> Decimal | None:
    """Turn fen into yuan for a cell."""
    return None if fen is None else yuan(fen)


def head(said: Row) -> Sheet:
    """Say which statement this is."""
    share = f"{(Decimal(said['material_share']) * 100).normalize():f} %"
    rows: list[tuple[str, Cell]] = [
        ("entity", said["name"]),
        ("credit_code", said["credit_code"]),
        ("period", period(said)),
        ("closed", word("yes" if said["closed"] else "no")),
        ("entries", said["entries"]),
        ("policy", said["policy"]),
        ("material", word("above_share", share=share)),
        ("content", said["content"]),
    ]
    if said["supersedes"]:
        rows += [("supersedes", said["supersedes"]), ("reason", said["reason"])]
    warnings = [n for n in ("illustrative",) if said[n]]
    warnings += [] if said["closed"] else ["open"]
    return Sheet(
        "statement",
        columns("row", "said"),
        tuple(Line((word(f"head_{name}"), value)) for name, value in rows),
        tuple(word(name) for name in (*warnings, "basis", "apart")),
    )


def period(said: Row) -> str:
    """Write the periods of a statement."""
    first, last = said["first"], said["last"]
    return str(first) if first == last else f"{first} – {last}"


def of_which(rows: Sequence[Row]) -> Sheet:
    """Lay out the three lines of the balance sheet; blank where there is nothing."""
    names = ("line", "closing", "opening", "change", "parent")
    lines = [
        Line(
            (
                word("of_which", line=word(f"line_{row['line']}")),
                *(money(row["closing_fen"]), money(row["opening_fen"])),
                *(row["change"], money(row["parent_fen"])),
            )
        )
        for row in rows
    ]
    above = [
        word(
            "exceeds",
            line=word(f"line_{row['line']}"),
            part=shown(row["closing_fen"]),
            whole=shown(row["parent_fen"]),
        )
        for row in rows
        if row["exceeds"]
    ]
    return Sheet("lines", columns(*names), tuple(lines), tuple(above))


def rolled(tables: Tables, table: str) -> Sheet:
    """Lay out a roll-forward, row by row as the rule words it."""
    own = "processed" if table == "inventory" else "internal"
    heads = columns("row", "purchase", own, "other", "total")
    lines = [
        Line(
            (ROW_WORDS[table][row["row"]], *(money(row[c]) for c in COLUMNS)),
            kind_of(row["row"]),
        )
        for row in tables.roll.filter(table=table).to_dicts()
    ]
    return Sheet(table, heads, tuple(lines))


def kind_of(row: str) -> Kind:
    """Say how a row is set: a heading, a sum, or one of its parts."""
    if row in HEADS:
        return "head"
    return "sum" if row.partition("_")[2] in SUMS else "of"


def carried(rows: Sequence[Row]) -> Sheet:
    """Lay out what is carried of each asset."""
    names = ("line", "asset", "origin", "gross", "amortised", "impaired", "carrying")
    amounts = [f"{n}_fen" for n in names[3:]]
    lines = [
        Line(
            (
                *(word(f"line_{row['line']}"), row["asset"]),
                word(f"value_{row['origin']}"),
                *(money(row[n]) for n in amounts),
                *(row["months_left"], word("yes" if row["material"] else "no")),
            )
        )
        for row in rows
    ]
    return Sheet("carried", columns(*names, "months", "material"), tuple(lines))


def research(rows: Sequence[Row]) -> Sheet:
    """Lay out research and development: expensed, capitalised."""
    names = ("expensed_fen", "capitalised_fen")
    lines = [Line((row["asset"], *(money(row[n]) for n in names))) for row in rows]
    total = (money(sum(row[n] for row in rows)) for n in names)
    lines += [Line((word("column_total"), *total), "sum")] if rows else []
    heads = columns("asset", "expensed", "capitalised")
    return Sheet("research", heads, tuple(lines))


def restricted(rows: Sequence[Row]) -> Sheet:
    """Lay out what is pledged or disputed; an asset counts once in the sum."""
    names = ("asset", "ground", "number", "party", "since", "until", "carrying")
    lines = [
        Line(
            (
                *(row["asset"], word(f"ground_{row['ground']}"), row["number"]),
                *(row["party"], day(row["since"]), day(row["until"])),
                *(money(row["carrying_fen"]), money(row["secured_fen"])),
            )
        )
        for row in rows
    ]
    once = {row["asset"]: row["carrying_fen"] for row in rows}
    if rows:
        total = (word("restricted_total"), *[None] * 5, money(sum(once.values())), None)
        lines.append(Line(total, "sum"))
    return Sheet("restricted", columns(*names, "secured"), tuple(lines))


def day(value: date | None) -> str | None:
    """Write a day."""
    return None if value is None else str(value)


def noted(rows: Sequence[Row]) -> Iterator[Sheet]:
    """Lay out the notes: those that must be told, then the others."""
    names = ("asset", "item", "said", "before", "on", "source")
    for part in ("mandatory", "voluntary"):
        lines = [
            Line(
                (
                    *(row["asset"], fixed("item", row["item"]), value(row["said"])),
                    *(value(row["before"]), day(row["on"]), row["source"]),
                )
            )
            for row in rows
            if row["part"] == part
        ]
        kept = names if part == "mandatory" else ("asset", "item", "said", "source")
        places = [names.index(name) for name in kept]
        cut = tuple(Line(tuple(line.cells[n] for n in places)) for line in lines)
        yield Sheet(part, columns(*kept), cut)


def fixed(kind: str, name: str) -> Cell:
    """Say a name of the house in both languages; any other as it is."""
    return STATEMENT_WORDS.get(f"{kind}_{name}", name)


def value(text: str) -> Cell:
    """Say a value of the house in both languages; a document's text as it is."""
    return fixed("value", text) if text else None


def appraised(rows: Sequence[Row]) -> Sheet:
    """Lay out appraised values in a table of their own."""
    names = ("asset", "report", "appraiser", "valuation_date", "valid_to", "appraised")
    lines = [
        Line(
            (
                *(row["asset"], row["report"], row["appraiser"]),
                *(day(row["valuation_date"]), day(row["valid_to"])),
                money(row["appraised_fen"]),
            )
        )
        for row in rows
    ]
    return Sheet("appraised", columns(*names), tuple(lines), (word("apart"),))


def tied(rows: Sequence[Row]) -> Sheet:
    """Lay out the ties, both sides of each."""
    lines = [
        Line(
            (
                *(word(f"line_{row['table']}"), word(f"rule_{row['rule']}")),
                ROW_WORDS[row["table"]][row["row"]],
                word(f"column_{row['column'].removesuffix('_fen')}"),
                *(money(row["left_fen"]), money(row["right_fen"])),
            )
        )
        for row in rows
    ]
    heads = columns("line", "rule", "row", "column", "left", "right")
    return Sheet(
        "ties", heads, tuple(lines), (word("ties_hold", count=str(len(rows))),)
    )


def page_of(tables: Tables) -> bytes:
    """Write the statement as one page that needs nothing else."""
    said = tables.statement.row(0, named=True)
    made = environment().get_template("statement.html")
    *read, ties = sheets_of(tables)
    text = made.render(
        w=word,
        name=said["name"],
        period=period(said),
        sheets=[shortened(sheet) for sheet in read],
        ties=ties,
        is_number=lambda cell: isinstance(cell, Decimal | int),
        is_pair=lambda cell: isinstance(cell, tuple),
        is_day=lambda cell: isinstance(cell, str) and DAY.fullmatch(cell),
        figure=figure,
    )
    return text.encode()


def shortened(sheet: Sheet) -> Sheet:
    """Keep a page readable: of a long sheet its first lines, and how many more."""
    more = len(sheet.lines) - SHOWN
    if more <= 0:
        return sheet
    above = (*sheet.above, word("more", more=f"{more:,}"))
    return sheet._replace(lines=sheet.lines[:SHOWN], above=above)


def figure(cell: Decimal | int) -> str:
    """Write a figure for people. 1095500.51 -> 1,095,500.51; nothing is a dash."""
    if not cell:
        return "–"
    return f"{cell:,.2f}" if isinstance(cell, Decimal) else f"{cell:,}"
