"""Open one raw table: its text, and beside it what the text means.

A file in which every line plainly splits into the declared number of fields is read by
the engine as it lies. Any other file (quotes, ragged lines, bytes that do not decode)
is read record by record into the scratch folder. Both give the same columns.

Second line ``UA,x7`` -> ``_line`` 2, ``_r_distance`` "x7", ``distance`` null.
"""

import os
from pathlib import Path

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract.compile import RAW
from tasks.source.plain import is_plain, transcoded
from tasks.source.records import first_record, rewritten
from tasks.source.typed import typed

SHOWN = 8  # names in a message
# The engine's own choice holds 450 MB for any large file, this 230 MB, in less CPU.
os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(4 << 20))


def open_text(raw: Path, source: Source, scratch: Path) -> pl.LazyFrame:
    """Plan the reading of a raw table.

    Args:
        raw: The table's bytes.
        source: How they are written, and the columns they hold.
        scratch: Private folder for what must be rewritten; it outlives the plan.

    Returns:
        One row a record: ``_source``, ``_member``, ``_line`` (its first physical line,
        from 1), ``_ragged`` (the raw text of a line that is no record), ``_unreadable``
        (whether bytes or quotes are the cause), and for each column ``_r_<column>`` as
        written (null tokens are null) and ``<column>`` as typed (null if it does not
        parse). Blank lines are no records; quotes do not change what a text means.

    Raises:
        SourceError: Empty file, wrong columns, lines ended by CR alone, a quote never
            closed, a record or field over its limit, a format not understood.
    """
    columns = [typed(column) for column in source.columns]
    refuse_delimiter(source)
    header = first_record(raw, source)
    check_header(header.fields, source)
    text = transcoded(raw, source.encoding, scratch)
    one_line = header.line == 1 and header.raw.count("\n") <= 1
    if text is not None and one_line and is_plain(text, source):
        rows = scan_plain(text, source)
    else:
        rows = rewritten(raw, source, scratch)
    return rows.with_columns(
        *columns,
        _source=pl.lit(source.name),
        _member=pl.lit(source.path),
    )


def refuse_delimiter(source: Source) -> None:
    """Refuse a separator that would divide lines or quotes."""
    if source.delimiter in '"\r\n\0':
        raise SourceError(
            f"source {source.name}: delimiter {source.delimiter!r} cannot separate"
            " fields; declare the one the file uses"
        )


def check_header(header: list[str], source: Source) -> None:
    """See that the file has the declared columns in the declared order."""
    found = [header[0].removeprefix("\ufeff"), *header[1:]]
    wanted = [column.name for column in source.columns]
    wrong = {
        "missing": [name for name in wanted if name not in found],
        "repeated": [name for name in wanted if found.count(name) > 1],
    }
    extra = {at: name for at, name in enumerate(found, 1) if name not in wanted}
    if wrong["missing"]:  # then the line may be data, and its fields values
        wrong["not declared, at field"] = [str(at) for at in extra]
    else:
        wrong["not declared"] = list(extra.values())
    if not any(wrong.values()):
        wrong["in this order:"] = found
    if wrong["missing"] == wanted:
        why = f"none of the declared columns is in the first line ({len(found)} fields)"
    else:
        said = [f"{word} {names(which)}" for word, which in wrong.items() if which]
        why = f"columns {'; '.join(said)}"
    if found != wanted:
        raise SourceError(
            f"source {source.name}: {why}; declare the columns, delimiter and encoding"
            " that the file has"
        )


def names(listed: list[str]) -> str:
    """List names, a few of many; a sign that cannot be seen is written out."""
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    short = [name[:64] for name in listed[:SHOWN]]
    return ", ".join(n if n.isprintable() else ascii(n) for n in short) + more


def scan_plain(text: Path, source: Source) -> pl.LazyFrame:
    """Let the engine read a file that was proved plain."""
    rows = pl.scan_csv(
        text,
        has_header=False,
        skip_lines=1,
        separator=source.delimiter,
        quote_char=None,
        schema={RAW + column.name: pl.String for column in source.columns},
        null_values=[token for token in source.null_tokens if token] or None,
        empty_string_is_null="" in source.null_tokens,
        row_index_name="_line",
        row_index_offset=2,
        glob=False,
    )
    return rows.with_columns(
        _ragged=pl.lit(None, pl.String),
        _unreadable=pl.lit(False),
    )
