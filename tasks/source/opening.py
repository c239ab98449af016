"""Open one raw piece as text, and say where each of its lines stands.

A text in which every line plainly splits into the declared number of fields is read by
the engine as it lies. Any other text (quotes, ragged lines, bytes that do not decode)
is read record by record into the scratch folder. Both give the same columns.

A piece may be an archive of many members: each is decompressed once, the plain ones one
after another into one text, so that the engine reads 288 files of 90 kB as one.

Second line ``UA,x7`` -> ``_line`` 2, ``_r_distance`` "x7".
"""

import io
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import SpooledTemporaryFile, mkdtemp
from typing import IO, NamedTuple

import polars as pl

from schemas.errors import SourceError
from schemas.resource import BLANK, Source
from tasks.contract.compile import RAW
from tasks.source.limited import read_limited
from tasks.source.pieces import (
    Readable,
    bytes_of,
    is_archive,
    levels_of,
    matching,
    named,
)
from tasks.source.plain import CHUNK, plain_lines, transcoded
from tasks.source.records import Record, Start, rewritten, start_of, table

SMALL = 4 << 20  # a member up to this size never touches the disk as a file of its own
MAX_LINES = 1 << 32  # running line numbers are UInt32
# The engine's own choice holds 450 MB for any large file, this 230 MB, in less CPU.
os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(4 << 20))


class Text(NamedTuple):
    """The records of a piece as written, and the places they come from.

    ``rows``: ``_line`` (UInt32, unique, running over all members), ``_ragged`` (the raw
    text of a line that is no record), ``_unreadable`` (whether bytes or quotes are the
    cause), and ``_r_<column>`` as written; null tokens are null.

    ``places``, sorted by ``_from``: from line ``_from`` on, rows are of ``_source`` and
    ``_member``, whose own number of that line is ``_first``. So line 7 of a member that
    stands at ``_from`` 5, ``_first`` 2 is the member's line 4.

    ``notes`` counts the blank lines passed over and the gzip members joined.
    """

    rows: pl.LazyFrame
    places: pl.DataFrame
    notes: Mapping[str, int]


class Place(NamedTuple):
    """From which running line on a member stands, and its own number of that line."""

    start: int
    member: str
    first: int


def open_text(raw: Path | IO[bytes], source: Source, scratch: Path) -> Text:
    """Plan the reading of a piece.

    Args:
        raw: What ``collect`` gave or, where the source is kept by reference, the
            outermost file; or that file open.
        source: How it is written, and the columns it holds; its ``path`` names one
            file.
        scratch: Private folder for what must be rewritten; it outlives the plan.

    Returns:
        One row a record. Blank lines are no records; quotes do not change what a text
        means.

    Raises:
        SourceError: Empty text, wrong columns, lines ended by CR alone, a quote never
            closed, a record or field over its limit; a member is damaged, a link, there
            twice, or none matches.
    """
    refuse_delimiter(source)
    outer, levels = levels_in(source)
    if levels:
        return Members(source, scratch).text(raw, outer, levels)
    file, notes = raw if isinstance(raw, Path) else Path(raw.name), Counter[str]()
    with named(source, source.path):
        rows = open_one(file, source, scratch, notes)
    return Text(rows, places_of(source, [Place(1, source.path, 1)]), +notes)


def levels_in(source: Source) -> tuple[str, list[str]]:
    """Name the piece itself, and the levels that are still to be opened in it."""
    inner = source.member_pattern
    if source.retain == "reference":
        inner = source.inner
        if not inner:
            return source.file, levels_of(source.file)[1:]
    outer = source.path.removesuffix(inner).removesuffix("!")
    return outer, levels_of(inner) if inner else []


def places_of(source: Source, places: list[Place]) -> pl.DataFrame:
    """Make the table of places."""
    types = {
        **{"_from": pl.UInt32, "_source": pl.String},
        **{"_member": pl.String, "_first": pl.UInt32},
    }
    rows = [(start, source.name, member, first) for start, member, first in places]
    return pl.DataFrame(rows, types, orient="row").sort("_from")


def refuse_delimiter(source: Source) -> None:
    """Refuse a separator that would divide lines or quotes."""
    if source.delimiter in '"\r\n\0':
        raise SourceError(
            f"source {source.name}: delimiter {source.delimiter!r} cannot separate"
            " fields; declare the one the file uses"
        )


def open_one(
    file: Path, source: Source, scratch: Path, notes: Counter[str]
) -> pl.LazyFrame:
    """Open a file that is one table; lines have the numbers they have in the file."""
    if source.format != "csv":
        return filled(read_limited(file, source, scratch), source)
    text = file if source.encoding == "utf-8" else scratch / f"{file.name}.utf-8"
    with file.open("rb") as raw:
        start = start_of(raw, source)
        notes[BLANK] += start.blank
        with nullcontext(raw) if text is file else text.open("w+b") as plain:
            lines = lines_from(raw, plain, source, start)
            if lines is not None:
                refuse_empty(lines, source)
                return scan_plain(text, source, start, start.line - 1, start.line)
        rows = table(raw, source, start, notes)
        return filled(rewritten(rows, source, scratch), source)


def filled(rows: pl.LazyFrame, source: Source) -> pl.LazyFrame:
    """Give the rows that a reader wrote; their number stands in the files' footers."""
    refuse_empty(int(rows.select(pl.len()).collect().item()), source)
    return rows


def refuse_empty(records: int, source: Source) -> None:
    """Refuse a source without any record, unless that is declared."""
    if not records and not source.allow_empty:
        raise SourceError(
            "there are names of columns at most, but no records; declare allow_empty:"
            " true if that may be"
        )


def lines_from(
    raw: IO[bytes], plain: IO[bytes], source: Source, start: Start
) -> int | None:
    """Count the lines of data if the text is plain, else nothing.

    Args:
        raw: The text in its encoding.
        plain: The same file if that is UTF-8, else an empty one to write it to. It is
            left where the data begin.
    """
    if source.footer or (
        plain is not raw and not transcoded(raw, source.encoding, plain)
    ):
        return None
    skip_lines(plain, start)
    lines = plain_lines(plain, source.delimiter, start.width)
    skip_lines(plain, start)
    if lines == 0 and source.header == 0:
        raise SourceError("the file is empty; replace it")
    return lines


def skip_lines(text: IO[bytes], start: Start) -> None:
    """Go to the first line of data."""
    text.seek(0)
    for _ in range(start.line - 1):
        text.readline()


def scan_plain(
    text: Path, source: Source, start: Start, skipped: int, offset: int
) -> pl.LazyFrame:
    """Let the engine read a text that was proved plain.

    Args:
        text: The text in UTF-8.
        source: Its delimiter and null tokens.
        start: Its width and the fields of its columns.
        skipped: Lines before the data.
        offset: Number of the first line of data.
    """
    names = {at: RAW + c.name for at, c in zip(start.at, source.columns, strict=True)}
    rows = pl.scan_csv(
        text,
        has_header=False,
        skip_lines=skipped,
        separator=source.delimiter,
        quote_char=None,
        schema={names.get(at, f"_x{at}"): pl.String for at in range(start.width)},
        null_values=[token for token in source.null_tokens if token] or None,
        empty_string_is_null="" in source.null_tokens,
        row_index_name="_line",
        row_index_offset=offset,
        glob=False,
    )
    return rows.select(
        "_line",
        *(pl.lit(None, pl.String).alias("_ragged"), pl.lit(False).alias("_unreadable")),
        *(RAW + column.name for column in source.columns),
    )


class Run:
    """Plain members of one shape, one after another in one text."""

    def __init__(self, file: Path, start: Start) -> None:
        self.file, self.start, self.lines = file, start, 0
        self.text = file.open("xb")
        self.places: list[Place] = []

    def add(self, place: str, member: IO[bytes], first: int, lines: int) -> None:
        """Append the data of a member, which stands where they begin."""
        if lines == 0:
            return
        self.places.append(Place(self.lines, place, first))
        shutil.copyfileobj(member, self.text, CHUNK)
        member.seek(-1, os.SEEK_END)
        if member.read() != b"\n":  # or two rows would become one
            self.text.write(b"\n")
        self.lines += lines


class Members:
    """Reads all members of a piece that are meant, each once."""

    def __init__(self, source: Source, scratch: Path) -> None:
        self.source, self.scratch = source, Path(mkdtemp(dir=scratch))
        self.plain: dict[tuple[int, tuple[int, ...]], Run] = {}
        self.loose: list[Place] = []  # of members read record by record
        self.loose_lines = 0
        self.notes = Counter[str]()
        self.frames: list[tuple[Place, pl.LazyFrame, int]] = []  # of other formats

    def text(self, raw: Path | IO[bytes], outer: str, levels: list[str]) -> Text:
        """Read the piece, and put together what its members hold."""
        try:
            with opened(raw) as archive:
                records = self.read(archive, outer, levels)
                loose = rewritten(records, self.source, self.scratch)
        finally:
            for run in self.plain.values():
                run.text.close()
        rows, places, line = [], list[Place](), 1
        for run in self.plain.values():
            if run.lines:
                rows.append(scan_plain(run.file, self.source, run.start, 0, line))
            places += [p._replace(start=p.start + line) for p in run.places]
            line += run.lines
        if self.loose or not (rows or self.frames):
            rows.append(renumbered(loose, 0, line))
            places += [p._replace(start=p.start + line) for p in self.loose]
            line += self.loose_lines
        for place, frame, lines in self.frames:
            rows.append(renumbered(frame, place.first, line))
            places.append(place._replace(start=line))
            line += lines
        if line > MAX_LINES:
            raise SourceError(f"source {self.source.name}: too many lines; split it")
        with named(self.source, self.source.path):
            refuse_empty(line - 1, self.source)
        return Text(pl.concat(rows), places_of(self.source, places), +self.notes)

    def read(
        self, archive: IO[bytes], outer: str, levels: list[str]
    ) -> Iterator[Record]:
        """Take every member, and give the records of those that are not plain."""
        take = self.table if self.source.format == "csv" else self.other
        with named(self.source, f"{outer}!{'!'.join(levels)}".removesuffix("!")):
            for name, content in matching(archive, levels, self.notes):
                place = f"{outer}!{name}".removesuffix("!")
                with named(self.source, place), held(content, self.scratch) as member:
                    if is_archive(member.read(512)) and self.source.format != "xlsx":
                        raise SourceError(
                            "is an archive; add '!' and the member to read"
                        )
                    yield from take(place, member)

    def table(self, place: str, member: IO[bytes]) -> Iterator[Record]:
        """Copy a text if it is plain, else give its records."""
        start = start_of(member, self.source)
        self.notes[BLANK] += start.blank
        utf8 = self.source.encoding == "utf-8"
        with nullcontext(member) if utf8 else spooled(self.scratch) as plain:
            lines = lines_from(member, plain, self.source, start)
            if lines is not None:
                self.run(start).add(place, plain, start.line, lines)
                return
        shift = self.loose_lines - start.line
        rows = table(member, self.source, start, self.notes)
        for number, record in enumerate(rows):
            if number == 0:
                self.loose.append(Place(self.loose_lines, place, start.line))
            yield record._replace(line=record.line + shift)
            self.loose_lines = record.line + shift + 1

    def other(self, place: str, member: IO[bytes]) -> Iterator[Record]:
        """Let a member that is no text be read from a file of its own."""
        file = self.scratch / f"member-{len(self.frames)}"
        member.seek(0)
        with file.open("xb") as copy:
            shutil.copyfileobj(member, copy, CHUNK)
        frame = read_limited(
            file, self.source.model_copy(update={"path": place}), self.scratch
        )
        file.unlink()
        line = pl.col("_line")
        first, last = (
            frame.select(line.min(), line.max().alias("_last")).collect().row(0)
        )
        if first is not None:
            self.frames.append((Place(0, place, first), frame, last - first + 1))
        yield from ()

    def run(self, start: Start) -> Run:
        """Find the text of the members that are shaped like this one."""
        shape = (start.width, start.at)
        if shape not in self.plain:
            file = self.scratch / f"plain-{len(self.plain)}"
            self.plain[shape] = Run(file, start)
        return self.plain[shape]


def renumbered(frame: pl.LazyFrame, first: int, start: int) -> pl.LazyFrame:
    """Let line ``first`` be the running line ``start``."""
    line = pl.col("_line").cast(pl.Int64) - first + start
    return frame.with_columns(line.cast(pl.UInt32))


def spooled(scratch: Path) -> IO[bytes]:
    """Make a file that lies in memory while it is small."""
    return SpooledTemporaryFile(SMALL, "w+b", dir=str(scratch))


@contextmanager
def held(content: Readable, scratch: Path) -> Iterator[IO[bytes]]:
    """Hold a member so that it can be read again."""
    piece = content.read(SMALL)
    rest = content.read(CHUNK)
    with spooled(scratch) if rest else io.BytesIO(piece) as file:
        if rest:
            file.writelines((piece, rest))
            file.writelines(bytes_of(content))
            file.seek(0)
        yield file


@contextmanager
def opened(raw: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file that is not yet open."""
    if isinstance(raw, Path):
        with raw.open("rb") as file:
            yield file
    else:
        yield raw
