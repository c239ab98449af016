"""Read Parquet as text that loses nothing, or refuse the type.

Integers, decimals and text come as they are, true and false as words, a float as its
shortest decimal (``1.0`` -> 1; beyond 10^15 with an exponent), a moment as its column
declares dates, or in ISO 8601 if it does not or if that would lose part: a time zone
becomes UTC with a final Z. Bytes, durations, lists and structs have no exact text.

A file that lies about its rows is found by counting them; that its bytes are those that
were collected, the store has proved before.

Source: Apache Parquet format 2.9, File Format (PAR1, footer). 2024-05-01 08:30:00+08:00
-> ``2024-05-01T00:30:00Z``.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract.compile import RAW
from tasks.source.footer import claimed_rows
from tasks.source.heading import positions
from tasks.source.typed import DATE, TIMESTAMP, pattern_of

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
SMALLEST = 12  # both marks and the footer's length
BATCH_ROWS = 122_880
MAX_LINES = (1 << 32) - 1  # a line number is a UInt32
ISO_DAY, ISO = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f"
TEXTUAL = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Decimal, pl.Null)


def parquet_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give the rows; ``_line`` is the number of the row.

    Raises:
        SourceError: The file is no Parquet, is cut short, encrypted or lies about its
            rows; its columns are not the declared ones, or have no exact text.
    """
    refuse_other(raw)
    claimed = claimed_rows(raw)
    if claimed > MAX_LINES:
        raise SourceError(f"holds more than {MAX_LINES:,} rows; split it")
    rows = pl.scan_parquet(raw, glob=False)
    schema = rows.collect_schema()
    names = list(schema)
    found = [names[at] for at in positions(names, source)]
    texts = [
        text_of(name, schema[name], column)
        for name, column in zip(found, source.columns, strict=True)
    ]
    given = 0
    for batch in rows.select(found).collect_batches(chunk_size=BATCH_ROWS):
        yield shaped(batch.lazy(), texts, source, given)
        given += batch.height
    if given != claimed:
        raise SourceError(
            "does not hold as many rows as it says; it is damaged, so fetch it again"
        )
    if not given:
        yield shaped(pl.LazyFrame(schema=schema), texts, source, 0)


def refuse_other(raw: Path) -> None:
    """Refuse what does not begin and end as Parquet does."""
    with raw.open("rb") as file:
        head = file.read(4)
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        tail = file.read()
    if not size:
        raise SourceError("the file is empty; replace it")
    if tail == ENCRYPTED:
        raise SourceError("is encrypted; store it in the clear")
    if head != MAGIC:
        raise SourceError("is no Parquet file; declare its format")
    if tail != MAGIC or size < SMALLEST:
        raise SourceError("is cut short; fetch it again")


def shaped(
    rows: pl.LazyFrame, texts: list[pl.Expr], source: Source, before: int
) -> pl.LazyFrame:
    """Give rows the shape that every reader gives; null tokens become null."""
    tokens = list(source.null_tokens)
    columns = {
        RAW + column.name: pl.when(~text.is_in(tokens)).then(text)
        for column, text in zip(source.columns, texts, strict=True)
    }
    return rows.with_row_index("_line", before + 1).select(
        pl.col("_line").cast(pl.UInt32),
        _ragged=pl.lit(None, pl.String),
        _unreadable=pl.lit(False),
        **columns,
    )


def text_of(name: str, dtype: pl.DataType, column: Column) -> pl.Expr:
    """Write a column as text."""
    value = pl.col(name)
    if isinstance(dtype, pl.Datetime | pl.Date):
        return moment_text(value, dtype, column)
    if dtype == pl.Time:
        return value.dt.to_string("%H:%M:%S%.f")
    if dtype.is_float():
        shortest = value.cast(pl.String).str.replace(r"\.0$", "")
        return pl.when(value == 0).then(pl.lit("0")).otherwise(shortest)
    if dtype.is_integer() or isinstance(dtype, TEXTUAL):
        return value.cast(pl.String)
    raise SourceError(
        f"column {column.name}: {dtype} has no exact text; store it as text, numbers or"
        " columns of their own"
    )


def moment_text(value: pl.Expr, dtype: pl.DataType, column: Column) -> pl.Expr:
    """Write a moment in its column's pattern where that loses nothing."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return value.dt.convert_time_zone("UTC").dt.to_string(f"{ISO}Z")
    iso = value.dt.to_string(ISO_DAY if dtype == pl.Date else ISO)
    if column.logical_type not in ("date", "timestamp"):
        return iso
    day = column.logical_type == "date"
    chrono, _ = pattern_of(column, DATE if day else TIMESTAMP)
    unit = dtype.time_unit if isinstance(dtype, pl.Datetime) else "us"
    moment = value.cast(pl.Datetime(unit))
    written = moment.dt.to_string(chrono)
    if day:
        again = written.str.to_date(chrono, strict=False).cast(pl.Datetime(unit))
    else:
        again = written.str.to_datetime(chrono, time_unit=unit, strict=False)
    return pl.when(again == moment).then(written).otherwise(iso)
