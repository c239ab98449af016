"""Open a raw file as a frame of text, each value beside what it parses to.

Nothing is guessed and nothing crashes half way: every value is read as text, and what
does not parse, decode or fit the header becomes a reject with its line. A clean file is
scanned as it lies; one with quotes, other encodings or ragged lines is first rewritten,
record by record, with each record's line number.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source

HEADER_LIMIT = 1 << 20  # bytes; a longer first line is not a header
RECORD_LIMIT = 1 << 20  # characters a quoted record may span before it counts as broken
NEVER = "\x1f"  # a separator that no table uses, so that a line stays one column
YUAN = r"^-?\d{1,13}(?:\.\d{1,2})?$"
ODCS_DATE = (
    *(("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M")),
    *(("ss", "%S"), ("'", "")),
)


def open_text(raw: Path, source: Source, scratch: Path) -> pl.LazyFrame:
    """Plan the reading of one source.

    Returns:
        ``_source``, ``_member``, ``_line`` (physical, the header is line 1), the raw
        text ``_r_<column>`` and the parsed ``<column>`` of every declared column, and
        ``_ragged``: the text of a line that is no record, else null. Null tokens are
        null in both.

    Raises:
        SourceError: The file is empty, its header differs from the declared columns, or
            its lines end in CR alone.
    """
    names = [column.name for column in source.columns]
    check_header(raw, source, names)
    if source.encoding == "utf-8" and is_clean(raw, source, len(names)):
        text = scan(raw, source, names).with_columns(
            pl.lit(None, pl.String).alias("_ragged"),
            _line=pl.col("_row").cast(pl.Int64) + 2,
        )
    else:
        text = rewritten(raw, source, names, scratch)
    whole = pl.col("_ragged").is_null()
    return text.select(
        pl.lit(source.name).alias("_source"),
        pl.lit(source.path).alias("_member"),
        "_line",
        "_ragged",
        *(pl.when(whole).then(pl.col(n)).alias(f"_r_{n}") for n in names),
        *(parsed(column, whole) for column in source.columns),
    )


def scan(file: Path, source: Source, names: list[str]) -> pl.LazyFrame:
    """Scan delimited text with a header, every column as text."""
    return pl.scan_csv(
        file,
        separator=source.delimiter,
        schema=dict.fromkeys(names, pl.String),
        null_values=[token for token in source.null_tokens if token],
        empty_string_is_null="" in source.null_tokens,
        row_index_name="_row",
        glob=False,
    )


def check_header(raw: Path, source: Source, names: list[str]) -> None:
    """Compare the first line with the declared columns, in order."""
    with raw.open("rb") as file:
        first = file.readline(HEADER_LIMIT)
    codec = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    if not first:
        raise SourceError(f"{source.path} is empty: a header line is expected")
    try:
        text = first.decode(codec, "replace" if codec == "utf-16" else "strict")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{source.path}: its header is not {source.encoding}: declare the encoding"
        ) from error
    if "\r" in text.rstrip("\r\n"):
        raise SourceError(
            f"{source.path}: lines end in CR alone: convert them to LF or CRLF"
        )
    header = next(csv.reader([text.rstrip("\r\n\x00")], delimiter=source.delimiter))
    if header != names:
        missing = [n for n in names if n not in header]
        extra = [n for n in header if n not in names][:10]
        raise SourceError(
            f"{source.path}: its header is not the declared columns: declared but"
            f" missing {missing}, found but not declared {extra}, or another order;"
            " declare every column as it stands"
        )


def is_clean(raw: Path, source: Source, width: int) -> bool:
    """Look at every line: no quote, no NUL, and as many delimiters as the header."""
    lines = pl.scan_csv(
        raw,
        separator=NEVER,
        quote_char=None,
        has_header=False,
        schema={"t": pl.String},
        empty_string_is_null=False,
        glob=False,
    )
    text = pl.col("t")
    odd = text.str.count_matches(source.delimiter, literal=True) != width - 1
    odd |= text.str.contains_any(['"', "\x00"]) | (text == "")
    try:
        found = lines.select(odd.any()).collect(engine="streaming").item()
    except pl.exceptions.PolarsError:  # bytes that are not UTF-8, or NEVER in a line
        return False
    return not found


def rewritten(
    raw: Path, source: Source, names: list[str], scratch: Path
) -> pl.LazyFrame:
    """Write the file's records anew with their line numbers, and scan that."""
    target = scratch / f"{source.name}.records"
    with target.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=source.delimiter, lineterminator="\n")
        out.writerow([*names, "_line", "_ragged"])
        for line, fields, text in records(raw, source):
            if fields is not None and len(fields) == len(names):
                out.writerow([*fields, line, ""])
            else:
                out.writerow([*[""] * len(names), line, text])
    frame = scan(target, source, [*names, "_line", "_ragged"])
    return frame.with_columns(
        pl.col("_line").cast(pl.Int64),
        pl.when(pl.col("_ragged") != "").then(pl.col("_ragged")).alias("_ragged"),
    )


def records(
    raw: Path, source: Source
) -> Iterator[tuple[int, list[str] | None, str]]:
    """Yield line number, fields and text of each record after the header.

    ``fields`` is None for a line that does not decode, holds a NUL or breaks the
    quoting. A quote that never closes spoils its own line only.
    """
    lines = decoded_lines(raw, source)
    next(lines)
    waiting: list[tuple[int, str | None, str]] = []
    while True:
        number, text, shown = waiting.pop(0) if waiting else next(lines, (0, "", ""))
        if number == 0:
            return
        if text == "":
            continue
        joined, used = text, list[tuple[int, str | None, str]]()
        while joined is not None and joined.count('"') % 2:
            more = waiting.pop(0) if waiting else next(lines, (0, None, ""))
            if more[0]:
                used.append(more)
            if more[1] is None or len(joined) > RECORD_LIMIT:
                joined = None
            else:
                joined += "\n" + more[1]
        fields = split(joined, source.delimiter) if joined is not None else None
        if fields is None and used:
            waiting = used + waiting
        yield number, fields, shown if fields is None else str(joined)


def decoded_lines(
    raw: Path, source: Source
) -> Iterator[tuple[int, str | None, str]]:
    """Yield number, text (None if it does not decode) and what can be shown of it."""
    if source.encoding == "utf-16":  # its line ends are two bytes wide
        with raw.open(encoding="utf-16", errors="strict", newline="\n") as file:
            try:
                for number, text in enumerate(file, 1):
                    line = text.rstrip("\r\n")
                    yield number, line, line
            except UnicodeError as error:
                raise SourceError(f"{source.path} is not utf-16") from error
        return
    with raw.open("rb") as binary:
        for number, content in enumerate(binary, 1):
            line = content.rstrip(b"\r\n")
            shown = line.decode(source.encoding, "backslashreplace")
            try:
                text = line.decode(source.encoding)
            except UnicodeDecodeError:
                yield number, None, shown
                continue
            yield number, None if "\x00" in text else text, shown.replace("\x00", "␀")


def split(text: str, delimiter: str) -> list[str] | None:
    """Split one record; None where its quotes are misplaced."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        (fields,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        return None
    return fields


def parsed(column: Column, whole: pl.Expr) -> pl.Expr:
    """Parse a column's text without guessing; what does not parse is null.

    Integers are digits with a sign; numbers are finite; dates and times follow the
    declared pattern (ISO 8601 when none is), a trailing Z is UTC; booleans are true and
    false; ``yuan`` is an amount with at most two decimals, kept in fen: 12.30 -> 1230.
    """
    text = pl.when(whole).then(pl.col(column.name))
    written = column.options.format
    if column.logical_type == "integer" and written == "yuan":
        return fen_of(text).alias(column.name)
    return typed(text, column.logical_type, written).alias(column.name)


def typed(text: pl.Expr, logical_type: str, written: str | None) -> pl.Expr:
    """Parse text as one logical type."""
    if logical_type == "integer":
        return text.cast(pl.Int64, strict=False)
    if logical_type == "number":
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if logical_type == "date":
        return text.str.to_date(pattern_of(written or "yyyy-MM-dd"), strict=False)
    if logical_type == "timestamp":
        pattern = pattern_of(written or "yyyy-MM-dd'T'HH:mm:ss")
        plain = text.str.strip_suffix("Z")
        leap = plain.str.ends_with(":60")  # would turn into the next minute
        moment = plain.str.to_datetime(pattern, time_unit="us", strict=False)
        return pl.when(~leap).then(moment)
    if logical_type == "boolean":
        true, false = pl.lit(True), pl.lit(False)
        return pl.when(text == "true").then(true).when(text == "false").then(false)
    return text


def fen_of(text: pl.Expr) -> pl.Expr:
    """Turn decimal yuan into fen without a float. "-0.05" -> -5, "1.005" -> null."""
    whole = text.str.extract(r"^-?(\d+)", 1).cast(pl.Int64, strict=False) * 100
    part = text.str.extract(r"\.(\d+)$", 1).fill_null("0").str.pad_end(2, "0")
    amount = whole + part.cast(pl.Int64, strict=False)
    signed = pl.when(text.str.starts_with("-")).then(-amount).otherwise(amount)
    return pl.when(text.str.contains(YUAN)).then(signed)


def pattern_of(written: str) -> str:
    """Turn an ODCS date pattern into the engine's. dd/MM/yyyy -> %d/%m/%Y."""
    pattern = written
    for word, sign in ODCS_DATE:
        pattern = pattern.replace(word, sign)
    if re.search(r"(?<!%)[A-Za-z]{2,}", pattern):
        raise SourceError(f"date pattern {written!r}: use yyyy MM dd HH mm ss only")
    return pattern
