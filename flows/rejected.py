"""Read rejected rows for people: masked where a column is classified.

As a table: first how many rows break each rule and where they come from, then the
rows. As CSV: all rows, so that a person can mend them and ``redrive --with`` the file.
"""

import csv
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

import polars as pl

from flows.document import factor_named
from schemas.artifact import ArtifactRef
from schemas.contract import Column
from schemas.errors import FactorError, SourceError, StoreError
from schemas.product import Product
from schemas.quality import Assessment
from schemas.resource import Resource
from tasks import store
from tasks.contract import SUPPRESSED
from tasks.resource.cells import as_cell
from tasks.resource.classify import classify
from tasks.resource.recognise import hint_of

MASK = "•••"
SECRET = ("personal", "sensitive")


def rejected_rows(ref: str, reveal: bool, limit: int) -> dict[str, Any]:  # Any: JSON
    """Count the rejects of a frame by rule and by place, and take the first of them.

    Classified columns are masked unless ``reveal``; when the factor's document is gone
    nothing says what is classified, so everything is masked.
    """
    rows = masked(ref, store.rejects(store.current(), ref), reveal)
    shown = list(rows.head(limit).iter_rows(named=True))
    counts = {"rules": by_rule(rows), "places": by_place(rows)}
    return {"frame": ref, "total": rows.height, **counts, "rows": shown}


def masked(ref: str, rows: pl.DataFrame, reveal: bool) -> pl.DataFrame:
    """Put dots in place of every value that is not for every eye."""
    secret = set() if reveal else classified(ref, set(rows.columns))
    dots = pl.lit(MASK)
    shown = rows.with_columns(
        pl.when(pl.col(name).is_not_null()).then(dots).alias(name)
        for name in rows.columns
        if name in secret
    )
    # Rows of small classes are in quarantine so that nobody sees them.
    aside = pl.col("_reasons").list.contains(SUPPRESSED)
    hidden = (pl.col(n).is_not_null() & aside for n in rows.columns)
    return shown.with_columns(
        pl.when(hides).then(dots).otherwise(pl.col(name)).alias(name)
        for name, hides in zip(rows.columns, hidden, strict=True)
        if not name.startswith("_") and name not in secret
    )


def by_rule(rows: pl.DataFrame) -> list[dict[str, Any]]:  # Any: JSON
    """Count the rows that break each rule, most often first; a row may break several.

    Rows with rules [a], [a, b] -> a 2, b 1.
    """
    if rows.is_empty():
        return []
    rules = rows.select(rule=pl.col("_reasons").explode()).drop_nulls()
    return counted(rules, "rule")


def by_place(rows: pl.DataFrame) -> list[dict[str, Any]]:  # Any: JSON
    """Count the rows of each source file or member, most first."""
    if rows.is_empty() or rows["_source"].null_count() == rows.height:
        return []  # rows that SQL made stand in no file
    return counted(rows.select(source="_source", member="_member"), "source", "member")


def counted(rows: pl.DataFrame, *by: str) -> list[dict[str, Any]]:  # Any: JSON
    """Count equal rows."""
    counts = rows.group_by(by).agg(rows=pl.len())
    return counts.sort("rows", *by, descending=[True, *(False for _ in by)]).to_dicts()


def write_csv(ref: str, target: str, reveal: bool, limit: int | None) -> int:
    """Write rejects as CSV into a private file, or to stdout for ``-``.

    Returns:
        How many rows were written.

    Raises:
        OSError: The file cannot be written.
        StoreError: No file is named, or as ``store.rejects``.
    """
    if target.startswith("--"):
        raise StoreError("--csv names no file; write --csv FILE, or --csv - for stdout")
    rows = masked(ref, store.rejects(store.current(), ref), reveal)
    rows = rows if limit is None else rows.head(limit)
    if target == "-":
        sys.stdout.writelines(csv_lines(rows))
        return rows.height
    handle = os.open(Path(target), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)  # a file that was there before may be open to all
    # Without its mark a spreadsheet would not take the file for UTF-8.
    with open(handle, "w", encoding="utf-8-sig", newline="") as file:
        file.writelines(csv_lines(rows))
    return rows.height


def csv_lines(rows: pl.DataFrame) -> Iterator[str]:
    """Write a header and one record a row (RFC 4180); no cell is a formula."""
    if not rows.columns:
        return
    rules = pl.col("_reasons").list.join("; ")
    texts = rows.with_columns(rules).with_columns(pl.all().cast(pl.String))
    yield record(rows.columns)
    for row in texts.with_columns(as_cell(pl.all())).iter_rows():
        yield record(row)


def record(cells: Sequence[str]) -> str:
    """Write one record of a CSV."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def in_full(ref: str, frame: ArtifactRef) -> str:
    """Name a frame by factor, stage and frame: ``rain/product`` leaves the last out."""
    if ref.count("/") == 2:
        return ref
    run = store.made_with(store.current(), frame).publication
    made = next(m.frame for m in run.artifacts if m.ref.id == frame.id)
    return f"{run.factor}/{run.stage}/{made}"


def frame_rows(ref: str, frame: ArtifactRef, limit: int) -> dict[str, Any]:  # Any: JSON
    """Take the first rows of a frame, masked like its rejects.

    A part of a source may lie in several files: its rows are those of all of them.
    """
    s = store.current()
    if frame.name.endswith(".rejects"):
        found, rows = [frame], store.rejects(s, ref).head(limit)
    else:
        found = store.fragments(s, ref, frame)
        rows = pl.concat([store.scan(s, one) for one in found]).head(limit).collect()
    secret = classified(ref, set(rows.columns))
    shown = [
        {n: MASK if n in secret and v is not None else plain(v) for n, v in row.items()}
        for row in rows.iter_rows(named=True)
    ]
    told = {"frame": ref, "id": frame.id, "fragments": [one.id for one in found]}
    return {**told, "total": sum(one.rows for one in found), "rows": shown}


def plain(value: object) -> object:
    """Write a cell for JSON: dates as text, exact integers beyond 2^53 as text.

    The rules that a reject breaks are put together: [a, b] -> ``a; b``.
    """
    if isinstance(value, list):
        return "; ".join(map(str, value))
    large = isinstance(value, int) and abs(value) >= 2**53
    return (
        value
        if isinstance(value, int | float | str | None) and not large
        else str(value)
    )


def classified(ref: str, columns: set[str]) -> set[str]:
    """Name the columns whose raw text is not for every eye."""
    # A ragged line is shown whole, and so may hold any column.
    named = {c for c in columns if not c.startswith("_")} | columns & {"_ragged"}
    try:
        terms = factor_named(ref.partition("/")[0])
    except (FactorError, SourceError):
        return named
    declared: list[Column] = [
        column
        for part in (*terms.sources.values(), terms.resource, terms.product)
        if part
        for column in part.columns
    ]
    secret = {c.name for c in declared if c.classification in SECRET}
    frame = ref.rpartition("/")[2].partition("@")[0].removesuffix(".rejects")
    if frame not in terms.sources and is_of_code(ref, frame):
        return set()
    if secret and frame not in terms.sources:
        return named  # SQL may have renamed a classified column: nobody said of which
    unknown = named - {c.name for c in declared} - {"_ragged"}
    secret |= suspected(declared, terms.factor)
    return secret | unknown | ({"_ragged"} if secret else set())


def suspected(declared: Sequence[Column], factor: str) -> set[str]:
    """Name the columns that nobody has classified and that look personal.

    By their names, and by what the last run found in them; a person's word ends it.
    """
    open_ = [c for c in declared if c.classification is None]
    hinted = {
        c.name
        for c in open_
        if (hint := hint_of(c.name, c.written)) and hint.proposal in SECRET
    }
    s = store.current()
    try:
        found = store.scan(s, store.resolve(s, f"{factor}/resource/classify")).collect()
    except StoreError:  # nothing was run yet
        return hinted
    told = found.filter(~pl.col("decided"), pl.col("proposed").is_in(SECRET))
    return hinted | set(told["column"]) & {c.name for c in open_}


def is_of_code(ref: str, frame: str) -> bool:
    """Say whether the contract stands in code: then no text of a source is in it."""
    if ref.partition("/")[2].startswith(("asset/", "capital/")):
        return True
    made = {
        name: hint
        for result in (Resource, Assessment, Product)
        for name, hint in get_type_hints(result, include_extras=True).items()
    }
    made |= {"classify": get_type_hints(classify, include_extras=True)["return"]}
    return frame in made and isinstance(get_args(made[frame])[1], type)
