"""Read any delimited text record by record, keeping what is no record as written.

The standard library's reader decides in strict mode what a record is (RFC 4180). A line
with too few or too many fields, a misplaced quote, a lone CR, a NUL or a byte that does
not decode becomes a row with its raw text, never a null. Memory holds one batch.

``a,b``, ``1,"x``, ``y"``, ``2`` -> a record in line 2 and a ragged line 4.
"""

import codecs
import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract.compile import RAW
from tasks.source.plain import MAX_LINE

BATCH_ROWS, BATCH_SIGNS = 10_000, 8 << 20
MARKED = "datafactor.marked"  # bytes that do not decode become lone surrogates
NO_TEXT = re.compile("[\0\ud800-\udfff]")
# Words of the reader's messages after which it cannot go on with the next line.
FATAL = re.compile("unexpected end|limit")


class Record(NamedTuple):
    """One record, or the raw text of what is none (``fields`` is then empty)."""

    line: int
    fields: Sequence[str | None]
    raw: str
    unreadable: bool


def mark(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate in for each byte that does not decode."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(MARKED, mark)


def open_lines(raw: Path, source: Source) -> TextIO:
    """Open the text with LF as the only end of line, and bad bytes marked."""
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    return raw.open(encoding=encoding, errors=MARKED, newline="\n")


def lines_of(file: TextIO, taken: list[str]) -> Iterator[str]:
    """Give physical lines, keeping those of the record being read in ``taken``."""
    size = 0
    while line := file.readline(MAX_LINE):
        size = len(line) + (size if taken else 0)
        taken.append(line)
        if size >= MAX_LINE:
            raise csv.Error("record limit")
        yield line


def records(file: TextIO, source: Source) -> Iterator[Record]:
    """Divide a text into records; blank lines are none.

    Raises:
        SourceError: A quote is never closed, or a record or field passes its limit.
    """
    taken: list[str] = []
    reader = csv.reader(lines_of(file, taken), delimiter=source.delimiter, strict=True)
    line = 1
    while True:
        broken = False
        try:
            fields = next(reader, [])
        except csv.Error as error:
            if FATAL.search(str(error)):
                raise SourceError(
                    f"source {source.name}, line {line}: a quote is never closed, or a"
                    f" field passes {csv.field_size_limit():,} or a record"
                    f" {MAX_LINE:,} signs; mend the file"
                ) from error
            fields, broken = [], True
        if not taken:
            return
        raw = "".join(taken)
        if fields or broken:
            unreadable = broken or NO_TEXT.search(raw) is not None
            yield Record(line, [] if unreadable else fields, raw, unreadable)
        line += len(taken)
        taken.clear()


def first_record(raw: Path, source: Source) -> Record:
    """Read the header.

    Raises:
        SourceError: There is none, or it cannot be read with the declared encoding.
    """
    with open_lines(raw, source) as file:
        lone = "\r" in file.readline(MAX_LINE).rstrip("\r\n")
        file.seek(0)
        header = None if lone else next(records(file, source), None)
    if header is not None and not header.unreadable:
        return header
    why = f"the header is not {source.encoding} text; declare the encoding it has"
    if header is None:
        why = "the file is empty; replace it"
    if lone:
        why = "line 1: lines end with CR alone; convert them to LF or CRLF"
    raise SourceError(f"source {source.name}: {why}")


def rewritten(raw: Path, source: Source, scratch: Path) -> pl.LazyFrame:
    """Write the records into the scratch folder, batch by batch, and scan them."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    with open_lines(raw, source) as file:
        rows = records(file, source)
        next(rows)  # the header
        for number, batch in enumerate(batches(rows)):
            as_frame(batch, source).write_parquet(folder / f"{number:08}")
    return pl.scan_parquet(sorted(folder.iterdir()))


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
