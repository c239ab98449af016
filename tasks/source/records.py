"""Read any delimited text record by record, keeping what is no record as written.

The standard library's reader decides in strict mode what a record is (RFC 4180). A line
with too few or too many fields, a misplaced quote, a lone CR, a NUL or a byte that does
not decode becomes a row with its raw text, never a null. Memory holds one batch.

``a,b``, ``1,"x``, ``y"``, ``2`` -> a record in line 2 and a ragged line 4.
"""

import codecs
import csv
import io
import re
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, TextIO

import polars as pl

from schemas.errors import SourceError
from schemas.resource import BLANK, Source
from tasks.contract.compile import RAW
from tasks.source.heading import positions, refuse_wide
from tasks.source.plain import MAX_LINE

BATCH_ROWS, BATCH_SIGNS = 10_000, 8 << 20
MARKED = "datafactor.marked"  # bytes that do not decode become lone surrogates
NO_TEXT = re.compile("[\0\ud800-\udfff]")
UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # its byte order mark, in another encoding
# Words of the reader's messages after which it cannot go on with the next line.
FATAL = re.compile("unexpected end|limit")


class Record(NamedTuple):
    """One record, or the raw text of what is none (``fields`` is then empty)."""

    line: int
    fields: Sequence[str | None]
    raw: str
    unreadable: bool


class Start(NamedTuple):
    """Where the data of a text begin, and where its columns stand.

    ``line`` is the first line of data, from 1; ``at`` the field of each declared column
    among the ``width`` fields of a line; ``blank`` lines stand before the heading.
    """

    line: int
    width: int
    at: tuple[int, ...]
    blank: int = 0


def mark(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate in for each byte that does not decode."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(MARKED, mark)


@contextmanager
def open_lines(file: IO[bytes], source: Source) -> Iterator[TextIO]:
    """Read the text with LF as the only end of line, and bad bytes marked."""
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors=MARKED, newline="\n")
    try:
        yield text
    finally:
        text.detach()


def lines_of(file: TextIO, taken: list[str]) -> Iterator[str]:
    """Give physical lines, keeping those of the record being read in ``taken``."""
    size = 0
    while line := file.readline(MAX_LINE):
        size = len(line) + (size if taken else 0)
        taken.append(line)
        if size >= MAX_LINE:
            raise csv.Error("record limit")
        yield line


def records(
    file: TextIO, source: Source, line: int, notes: Counter[str]
) -> Iterator[Record]:
    """Divide the rest of a text, from this line on, into records; blank lines are none.

    They are counted in ``notes``.

    Raises:
        SourceError: A quote is never closed, or a record or field passes its limit.
    """
    taken: list[str] = []
    reader = csv.reader(lines_of(file, taken), delimiter=source.delimiter, strict=True)
    while True:
        broken = False
        try:
            fields = next(reader, [])
        except csv.Error as error:
            if FATAL.search(str(error)):
                raise SourceError(
                    f"line {line}: a quote is never closed, or a field passes"
                    f" {csv.field_size_limit():,} or a record {MAX_LINE:,} signs; mend"
                    " the file"
                ) from error
            fields, broken = [], True
        if not taken:
            return
        raw = "".join(taken)
        if fields or broken:
            unreadable = broken or NO_TEXT.search(raw) is not None
            yield Record(line, [] if unreadable else fields, raw, unreadable)
        else:
            notes[BLANK] += 1
        line += len(taken)
        taken.clear()


def start_of(file: IO[bytes], source: Source) -> Start:
    """Read the lines before the data, and find the declared columns.

    Raises:
        SourceError: There are no lines, they cannot be read with the declared encoding,
            or they do not name the declared columns.
    """
    columns = len(source.columns)
    if source.header == 0 and source.undeclared == "refuse":
        return Start(1, columns, tuple(range(columns)))
    with open_lines(file, source) as text:
        first = first_record(text, source)
    width = len(first.fields)
    if source.header:
        found = [str(field) for field in first.fields]
        after = first.line + max(first.raw.count("\n"), 1)
        blank = first.line - source.header
        return Start(after, width, tuple(columns_of(found, source)), blank)
    refuse_wide(width)
    if width < columns:
        raise SourceError(
            f"line 1 has {width} fields, but {columns} columns are declared; declare"
            " the delimiter and the columns that the file has"
        )
    return Start(1, width, tuple(range(columns)))


def first_record(text: TextIO, source: Source) -> Record:
    """Read the line of names or, in a file without any, the first record.

    Raises:
        SourceError: There is none, or it is no text of the declared encoding.
    """
    if "\r" in text.readline(MAX_LINE).rstrip("\r\n"):
        raise SourceError("line 1: lines end with CR alone; convert them to LF or CRLF")
    text.seek(0)
    for line in range(1, source.header):
        if not text.readline(MAX_LINE).endswith("\n"):
            raise SourceError(
                f"line {line}: is over-long or the last one, but {source.header} lines"
                " of header are declared; correct header"
            )
    first = next(records(text, source, max(source.header, 1), Counter()), None)
    if first is None:
        raise SourceError("the file is empty; replace it")
    if first.raw.startswith(UTF_16):
        raise SourceError("is UTF-16 text; declare encoding: utf-16")
    if first.unreadable and source.header:
        raise SourceError(
            f"the first line is not {source.encoding} text; declare the encoding it has"
        )
    return first


def columns_of(found: list[str], source: Source) -> list[int]:
    """Find the declared columns among the names of a file.

    Raises:
        SourceError: One is missing or there twice, or a name is not declared.
    """
    found[0] = found[0].removeprefix("\ufeff")
    wanted = [column.written for column in source.columns]
    if any(name in found for name in wanted):
        return positions(found, source)
    raise SourceError(
        f"none of the declared columns is in line {source.header} ({len(found)}"
        " fields); declare the columns, header, delimiter and encoding that the file"
        " has"
    )


def table(
    file: IO[bytes], source: Source, start: Start, notes: Counter[str]
) -> Iterator[Record]:
    """Read the data of a text: the declared fields of each line, without the footer."""
    with open_lines(file, source) as text:
        if source.header == 0:
            first_record(text, source)
            text.seek(0)
        for _ in range(start.line - 1):
            text.readline(MAX_LINE)
        held: deque[Record] = deque()
        for record in records(text, source, start.line, notes):
            held.append(chosen(record, start))
            if len(held) > source.footer:
                yield held.popleft()


def chosen(record: Record, start: Start) -> Record:
    """Keep the declared fields; of a line that does not split as it must, none."""
    if len(record.fields) != start.width:
        return record._replace(fields=())
    return record._replace(fields=[record.fields[at] for at in start.at])


def rewritten(rows: Iterator[Record], source: Source, scratch: Path) -> pl.LazyFrame:
    """Write records into the scratch folder, batch by batch, and scan them."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for number, batch in enumerate(batches(rows)):
        as_frame(batch, source).write_parquet(folder / f"{number:08}")
    return pl.scan_parquet(sorted(folder.iterdir()), glob=False)


def batches(rows: Iterator[Record]) -> Iterator[list[Record]]:
    """Collect records until they are many or long; the last batch may be empty."""
    batch: list[Record] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.raw)
        if len(batch) >= BATCH_ROWS or size >= BATCH_SIGNS:
            yield batch
            batch, size = [], 0
    yield batch


def as_frame(batch: list[Record], source: Source) -> pl.DataFrame:
    """Put records into columns of text; null tokens become null."""
    names = [RAW + column.name for column in source.columns]
    tokens = set(source.null_tokens)
    nothing = [None] * len(names)
    rows = []
    for line, fields, raw, unreadable in batch:
        fits = len(fields) == len(names)
        texts = [None if f in tokens else f for f in fields] if fits else nothing
        rows.append((line, None if fits else shown(raw), unreadable, *texts))
    types = {"_line": pl.UInt32, "_ragged": pl.String, "_unreadable": pl.Boolean}
    return pl.DataFrame(rows, types | dict.fromkeys(names, pl.String), orient="row")


def shown(raw: str) -> str:
    """Write marked bytes as ``\\xNN``, so that a person can look for them."""
    plain = raw.rstrip("\r\n").encode("utf-8", "backslashreplace").decode()
    return plain.replace("\\udc", "\\x")
