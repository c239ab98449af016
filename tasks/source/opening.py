"""Open one raw table as text, and say where each of its lines stands.

A file in which every line plainly splits into the declared number of fields is read by
the engine as it lies. Any other file (quotes, ragged lines, bytes that do not decode)
is read record by record into the scratch folder. Both give the same columns.

Second line ``UA,x7`` -> ``_line`` 2, ``_r_distance`` "x7".
"""

import os
from pathlib import Path
from typing import NamedTuple

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract.compile import RAW
from tasks.source.plain import is_plain, transcoded
from tasks.source.records import first_record, rewritten

SHOWN = 8  # names in a message
# The engine's own choice holds 450 MB for any large file, this 230 MB, in less CPU.
os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(4 << 20))


class Text(NamedTuple):
    """The records of a raw table as written, and the places they come from.

    ``rows``: ``_line`` (UInt32, unique, running over all members), ``_ragged`` (the raw
    text of a line that is no record), ``_unreadable`` (whether bytes or quotes are the
    cause), and ``_r_<column>`` as written; null tokens are null.

    ``places``, sorted by ``_from``: from line ``_from`` on, rows are of ``_source`` and
    ``_member``, whose own number of that line is ``_first``. So line 7 of a member that
    stands at ``_from`` 5, ``_first`` 2 is the member's line 4.
    """

    rows: pl.LazyFrame
    places: pl.DataFrame


def places_of(source: Source, members: list[tuple[int, str, int]]) -> pl.DataFrame:
    """Make the table of places from (first running line, member, its own number)."""
    types = {
        **{"_from": pl.UInt32, "_source": pl.String},
        **{"_member": pl.String, "_first": pl.UInt32},
    }
    rows = [(start, source.name, member, first) for start, member, first in members]
    return pl.DataFrame(rows, types, orient="row").sort("_from")


def open_text(raw: Path, source: Source, scratch: Path) -> Text:
    """Plan the reading of a raw table.

    Args:
        raw: The table's bytes.
        source: How they are written, and the columns they hold.
        scratch: Private folder for what must be rewritten; it outlives the plan.

    Returns:
        One row a record. Blank lines are no records; quotes do not change what a text
        means.

    Raises:
        SourceError: Empty file, wrong columns, lines ended by CR alone, a quote never
            closed, a record or field over its limit.
    """
    refuse_delimiter(source)
    header = first_record(raw, source)
    check_header([str(field) for field in header.fields], source)
    text = transcoded(raw, source.encoding, scratch)
    one_line = header.line == 1 and header.raw.count("\n") <= 1
    if text is not None and one_line and is_plain(text, source):
        rows = scan_plain(text, source)
    else:
        rows = rewritten(raw, source, scratch)
    return Text(rows, places_of(source, [(1, source.path, 1)]))


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
