"""Take the first part of raw files, and find out how it is written."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import GLOB, Format, Source
from tasks import store
from tasks.resource.recognise import words
from tasks.resource.sniff import (
    Header,
    Reading,
    Split,
    footer,
    header,
    proposed,
    readings,
    splits,
)
from tasks.source.pieces import (
    Readable,
    is_archive,
    levels_of,
    matching,
    named,
    open_file,
)

ENOUGH = 128 << 20  # bytes that are looked at
TEXT = 8 << 20  # bytes by which delimiter and heading are judged
KINDS: dict[str, Format] = {
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


class Sample(NamedTuple):
    """Files that stand for a source, and how they are written."""

    source: Source
    files: tuple[Path, ...]
    extent: str  # how much was looked at
    guesses: tuple[tuple[str, str, str], ...]  # key, value, evidence


class Taken(NamedTuple):
    """What was read of a path."""

    path: str
    names: list[str]
    files: list[Path]
    cut: bool


def samples(s: store.Store, given: str, folder: Path) -> Sample:
    """Sample one path.

    Raises:
        SourceError: It is not there, lies outside the data folder, or cannot be read.
    """
    path = inside(s.settings.data, given)
    taken = take(s, path, folder)
    kind = KINDS.get(suffix(taken.names[0]), "csv")
    base = {"name": name_of(taken.path), "path": taken.path, "licence": "not known yet"}
    extent = f"{len(taken.files):,} files read" if len(taken.files) > 1 else "read"
    extent += f", the first {ENOUGH >> 20} MB" if taken.cut else " whole"
    if kind != "csv":
        raise SourceError(f"{taken.path}: only delimited text is drafted so far")
    return csv_sample(taken, base)._replace(extent=extent)


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
    for name, content in (x for f in found for x in contents(f, source)):
        if cut or size >= ENOUGH:
            cut = True
            break
        target = folder / f"{len(files):06}"
        written, cut = copy(content, target, ENOUGH - size)
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
        listed = [name for name, _ in matching(stream, ["*"])]
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
        while piece := content.read(1 << 20):
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


def csv_sample(taken: Taken, base: dict[str, str]) -> Sample:
    """Find out how delimited text is written.

    Raises:
        SourceError: It is empty.
    """
    content = b"".join(f.read_bytes() for f in taken.files)
    if not content.strip():
        raise SourceError(f"{taken.path}: the file is empty; replace it")
    made = readings(content)
    first = taken.files[0].read_bytes()
    text = first[:TEXT].decode(made[0].encoding, "replace").removeprefix("\ufeff")
    best, *others = splits(text)
    top = header(text, best.delimiter, best.fields)
    named_well = (
        bool(top.names) and all(top.names) and len(set(top.names)) == best.fields
    )
    columns = columns_of(top.names if named_well else [""] * best.fields)
    lines = top.lines if named_well and top.lines else 0
    tail = first[-(1 << 16) :].decode(made[0].encoding, "replace").partition("\n")[2]
    foot = 0 if taken.cut else footer(tail, best.delimiter, best.fields)
    told = {"encoding": made[0].encoding, "delimiter": best.delimiter}
    source = Source.model_validate(
        {**base, **told, "header": lines, "footer": foot, "columns": columns}
    )
    guesses = [
        ("encoding", proposed(made) or "TODO", encodings_told(made)),
        ("delimiter", json.dumps(best.delimiter), splits_told([best, *others])),
        (
            "header",
            "TODO" if top.lines is None else str(lines),
            heading_told(top, lines),
        ),
    ]
    if foot:
        guesses.append(("footer", str(foot), "lines at the end have other fields"))
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
    if not plain or not name.isascii():
        return f"column_{at}"
    return plain if plain[0].isalpha() else f"c_{plain}"
