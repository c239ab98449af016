"""Decide over copies: which are dropped because another stands, which are rejected.

First what the document lets go: of rows equal in every column one stands
(``drop_repeats``), and of a repeated key the first or last copy by a column (``keep``);
the others are dropped and counted. Where two copies tie for the place, none stands.
Then every copy of a key that still repeats is rejected, with its raw text.

Key 7 by ``last by at``: at 1, 2, 3 -> one stands, two dropped; at 1, 3, 3 -> three
rejected. All of it is exact, and rows are read again only where copies were found.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tasks.contract.compile import Contract, unique_reason
from tasks.contract.rejects import VALID_ROWS, merge, rejected, replace
from tasks.contract.unique import ROW, SLICE_ROWS, as_before, repeated

REPEATED = "*:repeated row"
# Marks rows that stand already, beside which others are judged: for a key that repeats
# only the others are rejected.
STANDS = "_stands"


class Files(NamedTuple):
    """What one pass writes, and its private folder."""

    valid: Path
    rejects: Path
    made: Path


def numbered(parquet: Path) -> pl.LazyFrame:
    """Scan a file with the number of each row."""
    return pl.scan_parquet(parquet, glob=False, row_index_name=ROW)


def drop_copies(contract: Contract, files: Files) -> dict[str, int]:
    """Take the copies that do not stand out of the valid rows.

    Returns:
        How many were dropped, by what the document declares; nothing where it declares
        neither ``keep`` nor ``drop_repeats``.
    """
    gone: dict[str, list[pl.Series]] = {REPEATED: []} if contract.drops_repeats else {}
    if contract.keep:
        gone |= {superseded_by(contract): []}
    if not gone:
        return {}
    key = contract.uniques[0] if contract.uniques else tuple(contract.dtypes)
    copies = repeated(files.valid, key, contract.order, files.made / "dropped")
    for some in whole_keys(files.valid, contract, key, copies):
        left = some
        if contract.drops_repeats:
            again = ~pl.struct(*contract.dtypes).is_first_distinct()
            gone[REPEATED].append(some.filter(again)[ROW])
            left = some.filter(~again)
        if contract.keep:
            old = superseded(left, key, *contract.keep)
            gone[superseded_by(contract)].append(old)
    if any(len(some) for parts in gone.values() for some in parts):
        every = pl.concat([some for parts in gone.values() for some in parts])
        leave_out(every.to_frame(), files.valid)
    return {why: sum(map(len, parts)) for why, parts in gone.items()}


def superseded_by(contract: Contract) -> str:
    """Name the reason why a copy does not stand."""
    which, column = contract.keep or ("", "")
    return f"*:superseded, {which} by {column} stands"


def whole_keys(
    valid: Path, contract: Contract, key: Sequence[str], copies: pl.Series
) -> Iterator[pl.DataFrame]:
    """Read the copies, those of a key together, as many at once as fit into memory."""
    also = [contract.keep[1]] if contract.keep else []
    wanted = contract.dtypes if contract.drops_repeats else [*key, *also]
    rows = numbered(valid).select(ROW, *wanted)
    found = rows.join(copies.to_frame().lazy(), on=ROW, how="semi")
    parts = -(-len(copies) // SLICE_ROWS)
    for part in range(parts):
        mine = pl.struct(key).hash(0) % parts == part
        yield found.filter(mine).collect(engine="streaming").sort(ROW)


def superseded(
    copies: pl.DataFrame, key: Sequence[str], which: str, column: str
) -> pl.Series:
    """List the copies of which another stands: alone first, or last, by a column.

    In the order of key and column the one that stands begins its run; a group for each
    key took 18 s for a million copies, this 1 s.
    """
    turned = [False] * len(key) + [which == "last"]
    runs = copies.sort([*key, column], descending=turned)
    begins = ~as_before(runs.lazy().select(ROW, *key))
    rivals = (runs[column] == runs[column].shift(-1)).fill_null(False)
    tied = rivals.filter(begins).gather(begins.cum_sum() - 1)
    return runs[ROW].filter(~begins & ~tied)


def move_copies(
    rows: pl.LazyFrame, contract: Contract, files: Files, places: pl.DataFrame | None
) -> None:
    """Move every copy of a repeated key to the rejects; without any, do nothing."""
    found = {
        unique_reason(key): repeated(
            files.valid, key, contract.order, files.made / f"key-{i}"
        )
        for i, key in enumerate(contract.uniques)
    }
    if not any(len(copies) for copies in found.values()):
        return
    marks = pl.concat([copies.to_frame() for copies in found.values()]).unique()
    marks = marks.with_columns(
        pl.col(ROW).is_in(copies.implode()).alias(reason)
        for reason, copies in found.items()
    )
    if STANDS in rows.collect_schema():
        rows = rows.filter(~pl.col(STANDS))
        marks = others(marks, files.valid)
    taken = numbered(files.valid).join(marks.lazy(), on=ROW).drop(ROW)
    if contract.parsed:
        taken = as_written(rows, taken.drop(STANDS, strict=False), contract)
    truths = {reason: pl.col(reason) for reason in found}
    merge(files.rejects, rejected(taken, contract, truths, places), contract.parsed)
    leave_out(marks, files.valid)  # last: the rejects are read from it


def others(marks: pl.DataFrame, valid: Path) -> pl.DataFrame:
    """Take those of some rows that do not stand already."""
    standing = numbered(valid).filter(pl.col(STANDS)).select(ROW)
    return marks.lazy().join(standing, on=ROW, how="anti").collect()


def leave_out(numbers: pl.DataFrame, valid: Path) -> None:
    """Write the valid rows anew without some."""
    left = numbered(valid).join(
        numbers.lazy(), on=ROW, how="anti", maintain_order="left"
    )
    replace(left.drop(ROW), valid, VALID_ROWS)


def as_written(
    rows: pl.LazyFrame, taken: pl.LazyFrame, contract: Contract
) -> pl.LazyFrame:
    """Find the raw rows of rejected copies: those that are typed as they are.

    Whatever decides over a copy, a row that is typed the same fares the same; of
    repeats that were dropped the first one speaks.
    """
    names = [*contract.dtypes]
    found = (
        rows.filter(~contract.broken)
        .join(taken.unique(), on=names, nulls_equal=True)
        .sort("_line")
    )
    if contract.drops_repeats:
        return found.unique(names, keep="first", maintain_order=True)
    return found


def count_repeats(contract: Contract, files: Files) -> dict[str, int]:
    """Count the copies that a warning, or a rule about the set, asks for."""
    folder = files.made / "counted"
    return {
        name: len(
            repeated(files.valid, key, contract.order, folder.with_suffix(f".{i}"))
        )
        for i, (name, key) in enumerate(contract.repeats.items())
    }
