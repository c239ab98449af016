"""Take the first part of raw files, and find out how it is written."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import GLOB, Encoding, Format, Source
from tasks import store
from tasks.resource.peek import json_names, jsonl_names, parquet_names, sheet_rows
from tasks.resource.recognise import words
from tasks.resource.sniff import (
    Footer,
    Header,
    Reading,
    Split,
    ending,
    footer,
    header,
    heading,
    proposed,
    reading,
    readings,
    splits,
)
from tasks.source.heading import VALUE
from tasks.source.limited import Reader, read_limited
from tasks.source.pieces import (
    CHUNK,
    Readable,
    is_archive,
    levels_of,
    matching,
    named,
    open_file,
)

ENOUGH = 128 << 20  # bytes that are looked at
LARGEST = 2 << 30  # of a file that can only be read whole
TEXT = 8 << 20  # bytes by which delimiter and heading are judged
KINDS: dict[str, Format] = {
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


Line = tuple[int, list[str]]  # the number of a row, and its cells
WHOLE = ("xlsx", "parquet", "json")  # read to their end or not at all


class Sample(NamedTuple):
    """Files that stand for a source, and how they are written."""

    source: Source
    files: tuple[Path, ...]
    extent: str  # how much was looked at
    guesses: tuple[tuple[str, str, str], ...]  # key, value, evidence
    errors: tuple[
        tuple[str, int], ...
    ] = ()  # of a workbook: #N/A, and in how many cells
    notes: tuple[str, ...] = ()


class Taken(NamedTuple):
    """What was read of a path."""

    path: str
    names: list[str]
    files: list[Path]
    cut: bool


def samples(
    s: store.Store, given: str, folder: Path, declared: Encoding | None
) -> list[Sample]:
    """Sample one path: a table, or the tables of a workbook's sheets.

    Text is read in the declared encoding where there is one.

    Raises:
        SourceError: It is not there, lies outside the data folder, or cannot be read.
    """
    path = inside(s.settings.data, given)
    taken = take(s, path, folder)
    kind = KINDS.get(suffix(taken.names[0] or taken.path), "csv")
    told = {"path": taken.path, "licence": "not known", "null_tokens": ()}
    base: dict[str, object] = {"name": name_of(taken.path), **told}
    extent = f"{len(taken.files):,} files read" if len(taken.files) > 1 else "read"
    part = "the first file" if kind in WHOLE else f"the first {ENOUGH >> 20} MB"
    extent += f", {part} only" if taken.cut else " whole"
    if kind == "csv":
        made = [csv_sample(taken, base, declared)]
    elif kind == "xlsx":
        made = sheet_samples(taken, base, folder)
    else:
        made = [named_sample(taken, {**base, "format": kind}, folder)]
    return [sample._replace(extent=extent) for sample in made]


def inside(data: Path, given: str) -> str:
    """Write a path as the document does: relative to the data folder."""
    outer, mark, inner = given.partition("!")
    if outer.startswith("package:"):
        return given
    here = Path(outer).expanduser().absolute()
    root = data.resolve()
    near = here.parent.resolve() / here.name
    if near.is_relative_to(root):
        return f"{near.relative_to(root).as_posix()}{mark}{inner}"
    there = not Path(outer).is_absolute() and (root / outer).exists()
    if here.exists() and not there:
        raise SourceError(
            f"{outer} lies outside the data folder {data}; put it there, or set"
            " DATAFACTOR_DATA to the folder it is in"
        )
    return given


def take(s: store.Store, path: str, folder: Path) -> Taken:
    """Copy the first part of what a path names into ``folder``."""
    outer, mark, inner = path.partition("!")
    names: list[str] = []
    files: list[Path] = []
    size, cut = 0, False
    found = store.locate_all(s, outer)
    if not mark:
        inner = members(found[0], path)
    full = f"{outer}!{inner}" if inner else outer
    source = probe(full)
    lined = KINDS.get(suffix(full)) not in WHOLE
    for name, content in (x for f in found for x in contents(f, source)):
        if cut or size >= ENOUGH or (files and not lined):
            cut = True
            break
        target = folder / f"{len(files):06}"
        most = ENOUGH - size if lined else LARGEST
        written, cut = copy(content, target, most)
        if cut and not lined:
            raise SourceError(f"{full}: is too large to draft from; draft from a part")
        size += written
        names.append(name)
        files.append(target)
    return Taken(full, names, files, cut)


def probe(path: str) -> Source:
    """Make terms that only say where the bytes are."""
    told = {"name": "draft", "path": path, "licence": "-"}
    column = {"name": "a", "logicalType": "string"}
    return Source.model_validate({**told, "columns": [column]})


def members(file: Path, path: str) -> str:
    """Choose the members of an archive where the path names none.

    Raises:
        SourceError: Its members are of several kinds.
    """
    with ExitStack() as files, named(probe(path), path):
        stream = files.enter_context(open_file(file))
        head = stream.read(512)
        if suffix(path) in KINDS or not is_archive(head) or levels_of(path)[1:]:
            return ""
        listed = []
        for name, content in matching(stream, ["*"]):
            listed.append(name)
            while content.read(CHUNK):  # or it would not be as long as listed
                pass
    if len(listed) == 1:
        return listed[0]
    kinds = sorted({suffix(name) for name in listed})
    if len(kinds) > 1:
        raise SourceError(
            f"{path}: holds members of kinds {', '.join(k or 'none' for k in kinds)};"
            " add '!' and the members to read, such as !*.csv"
        )
    return f"*{kinds[0]}"


def suffix(path: str) -> str:
    """Take the ending of a path's last level, past ``.gz``."""
    last = path.rpartition("!")[2].lower().removesuffix(".gz")
    return Path(last).suffix


def contents(file: Path, source: Source) -> Iterator[tuple[str, Readable]]:
    """Stream what one file holds of a path."""
    with ExitStack() as files, named(source, source.path):
        stream = files.enter_context(open_file(file))
        levels = levels_of(source.path)[1:]
        if not levels:
            yield source.path, stream
            return
        yield from matching(stream, levels)


def copy(content: Readable, target: Path, most: int) -> tuple[int, bool]:
    """Copy up to the last whole line within ``most`` bytes; say whether it was cut."""
    size = 0
    with target.open("wb") as file:
        while piece := content.read(CHUNK):
            if size + len(piece) > most:
                piece = piece[: piece.rfind(b"\n", 0, most - size) + 1]
                file.write(piece)
                return size + len(piece), True
            file.write(piece)
            size += len(piece)
    return size, False


def name_of(path: str) -> str:
    """Name a source after its file: ``x/Sales 2024*.csv.gz`` -> sales_2024."""
    outer = path.partition("!")[0].removeprefix("package:")
    stem = GLOB.sub("", outer.rpartition("/")[2]).partition(".")[0]
    plain = words(stem).strip("_")[:60].strip("_") if stem.isascii() else ""
    return plain if plain[:1].isalpha() else f"source_{plain}".strip("_")


def peeked(taken: Taken, reader: Reader, folder: Path) -> pl.DataFrame:
    """Let a limited child look at the first file."""
    source = probe(taken.path)
    with named(source, source.path):
        return read_limited(taken.files[0], source, folder, reader=reader).collect()


def named_sample(taken: Taken, base: dict[str, object], folder: Path) -> Sample:
    """Find the names in Parquet and JSON, and where the records of JSON are."""
    readers: dict[str, Reader] = {
        "parquet": parquet_names,
        "json": json_names,
        "jsonl": jsonl_names,
    }
    found = peeked(taken, readers[str(base["format"])], folder)
    guesses = []
    if records := found["records"][0]:
        guesses.append(("records", json.dumps(records), "the largest list of objects"))
        base = {**base, "records": records}
    columns = columns_of(found["name"].to_list())
    source = Source.model_validate({**base, "columns": columns})
    return Sample(source, tuple(taken.files), "", tuple(guesses))


def sheet_samples(taken: Taken, base: dict[str, object], folder: Path) -> list[Sample]:
    """Find the sheets that hold a table: two rows and two columns at least.

    Raises:
        SourceError: No sheet holds anything.
    """
    found = peeked(taken, sheet_rows, folder)
    sheets: dict[str, list[Line]] = {}
    for name, row, cells in found.rows():
        if cells:
            sheets.setdefault(name, []).append((row, cells))
    if not sheets:
        raise SourceError(f"{taken.path}: its sheets are empty")
    tables = [n for n, rows in sheets.items() if len(rows) > 1 and widest(rows) > 1]
    tables = tables or list(sheets)[:1]
    left = [f"{' '.join(n.split())} ({len(sheets[n]):,} rows)" for n in sheets]
    no = [told for told, n in zip(left, sheets, strict=True) if n not in tables]
    rest = f"; no table: {', '.join(no)}" if no else ""
    made = []
    for at, name in enumerate(tables, 1):
        own = {**base, "name": sheet_name(str(base["name"]), name, at, len(tables))}
        told = f"table {at} of {len(tables)} in this workbook{rest}"
        guess = ("sheet", json.dumps(name, ensure_ascii=False), told)
        made.append(sheet_sample(taken, {**own, "sheet": name}, sheets[name], guess))
    return made


def sheet_name(book: str, sheet: str, at: int, sheets: int) -> str:
    """Name a source after its workbook and, where there are several, its sheet."""
    plain = words(sheet).strip("_") if sheet.isascii() else ""
    return book if sheets == 1 else f"{book[:40]}_{plain[:20].strip('_') or at}"


def widest(rows: Sequence[Line]) -> int:
    """Count the columns of a sheet."""
    return max(len(cells) for _, cells in rows)


def sheet_sample(
    taken: Taken,
    base: dict[str, object],
    rows: Sequence[Line],
    guess: tuple[str, str, str],
) -> Sample:
    """Find the heading of a sheet, and what stands below its table."""
    width = widest(rows)
    made = [(row, [*cells, *[""] * (width - len(cells))]) for row, cells in rows]
    full = [(row, cells) for row, cells in made if sum(map(bool, cells)) * 2 > width]
    top = heading(full, width)
    names, lines = named_well(top, width)
    below = [cells for row, cells in made if row > (top.lines or 0)]
    # A note below a table stands in one cell: that is no record of three columns.
    foot = ending(
        [c if sum(map(bool, c)) > 1 or width < 3 else [] for c in below], width
    )
    told = {"format": "xlsx", "header": lines, "footer": foot.lines}
    source = Source.model_validate({**base, **told, "columns": columns_of(names)})
    guesses = (
        guess,
        (
            "header",
            "TODO" if top.lines is None else str(lines),
            heading_told(top, lines),
        ),
        *footer_told(foot, "in one cell"),
    )
    return Sample(source, tuple(taken.files), "", guesses)


def footer_told(foot: Footer, other: str) -> Iterator[tuple[str, str, str]]:
    """Propose the lines at the end that are no data, with what speaks for it."""
    told = []
    if foot.totals:
        told.append(f"{foot.totals:,} of totals (合计, Total)")
    if rest := foot.lines - foot.totals:
        told.append(f"{rest:,} {other}")
    if told:
        yield "footer", str(foot.lines), f"lines at the end: {', '.join(told)}"


def named_well(top: Header, fields: int) -> tuple[list[str], int]:
    """Take the names and lines of a heading in which each column has its own name."""
    told = any(VALUE.search(name) for name in top.names or ())  # a record, no heading
    if top.names and all(top.names) and len(set(top.names)) == fields and not told:
        return top.names, top.lines or 0
    return [""] * fields, 0


def csv_sample(
    taken: Taken, base: dict[str, object], declared: Encoding | None
) -> Sample:
    """Find out how delimited text is written.

    Raises:
        SourceError: It is empty.
    """
    content = b"".join(f.read_bytes() for f in taken.files)
    if not content.strip():
        raise SourceError(f"{taken.path}: the file is empty; replace it")
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[{")):
        raise SourceError(
            f"{taken.path}: holds JSON, not delimited text; name the file .json or"
            " .jsonl"
        )
    made = [reading(content, declared)] if declared else readings(content)
    if made[0].encoding != "utf-16" and b"\0" in content[:TEXT]:
        raise SourceError(
            f"{taken.path}: holds zero bytes, so it is no text, or UTF-16 without its"
            " mark; export it as text"
        )
    first = taken.files[0].read_bytes()
    text = first[:TEXT].decode(made[0].encoding, "replace").removeprefix("\ufeff")
    best, *others = splits(text)
    top = header(text, best.delimiter, best.fields)
    names, lines = named_well(top, best.fields)
    tail = first[-(1 << 16) :].decode(made[0].encoding, "replace").partition("\n")[2]
    foot = footer(tail, best.delimiter, best.fields)
    if taken.cut:
        foot = Footer(0, 0)
    told = {"encoding": made[0].encoding, "delimiter": best.delimiter}
    source = Source.model_validate(
        {
            **{**base, **told, "header": lines, "footer": foot.lines},
            "columns": columns_of(names),
        }
    )
    guesses = [
        (
            "encoding",
            declared or proposed(made) or "TODO",
            ("declared; " if declared else "") + encodings_told(made),
        ),
        ("delimiter", json.dumps(best.delimiter), splits_told([best, *others])),
        (
            "header",
            "TODO" if top.lines is None else str(lines),
            heading_told(top, lines),
        ),
    ]
    guesses += footer_told(foot, "of other fields")
    return Sample(source, tuple(taken.files), "", tuple(guesses))


def encodings_told(made: Sequence[Reading]) -> str:
    """Say how each encoding reads the signs beyond ASCII."""
    if not made[0].signs:
        return "only ASCII signs; any encoding reads them alike"
    told = [
        f"{r.encoding}: {r.plausible:,} of {r.signs:,}"
        + (f" and {r.broken:,} lines broken" if r.broken else "")
        for r in made[:4]
    ]
    return f"plausible signs beyond ASCII: {'; '.join(told)}"


def splits_told(made: Sequence[Split]) -> str:
    """Say how each separator divides the records."""
    best, second = made[0], made[1]
    told = f"{best.fields} fields in {best.fitting:,} of {best.records:,} records"
    if second.fields < 2:
        return f"{told}; no other divides them"
    mark = json.dumps(second.delimiter)
    return f"{told}; {mark}: {second.fields} in {second.fitting:,}"


def heading_told(top: Header, lines: int) -> str:
    """Say what speaks for the heading."""
    if top.lines is None:
        return (
            f"how many lines stand before the data? 0: none ({top.evidence}). If the"
            " last of them names the columns, write these names as physicalName"
        )
    if top.names and not lines:
        return (
            f"line {top.lines} names columns, but some twice or not at all: columns go"
            " by place, and the lines of the heading are rejected"
        )
    return top.evidence


def unique(names: Sequence[str]) -> list[str]:
    """Number names that are there twice: a, b, a -> a, b, a_2."""
    made: list[str] = []
    for name in names:
        fresh, n = name, 1
        while fresh in made:
            n += 1
            fresh = f"{name[:58]}_{n}"
        made.append(fresh)
    return made


def columns_of(names: Sequence[str]) -> list[Column]:
    """Name the columns of a file: ``Sale Date`` -> sale_date, 日期 -> column_1."""
    made = unique([slug(name, at) for at, name in enumerate(names, 1)])
    return [
        Column.model_validate(
            {
                "name": column,
                "logicalType": "string",
                "physicalName": None if name in (column, "") else name,
            }
        )
        for column, name in zip(made, names, strict=True)
    ]


def slug(name: str, at: int) -> str:
    """Make a column's name of its heading."""
    plain = words(name).strip("_")[:60].strip("_")
    if sum(map(str.isalnum, plain)) * 2 <= sum(map(str.isalnum, name)):
        return f"column_{at}"  # most of it is in letters that a name cannot hold
    return plain if plain[0].isalpha() else f"c_{plain}"
