"""Find rows that repeat a key, exactly, in memory that does not grow with the file.

Key hashes are sorted into buckets on disk; equal keys have equal hashes, so a bucket
that repeats none has no repeated key. Only the rows whose hash repeats are read back
and compared as they are.
"""

import shutil
from pathlib import Path

import polars as pl

IN_MEMORY = 2_000_000  # rows whose hashes are sorted at once: 16 MB
BUCKETS = 64  # beyond that; 188 million rows stay below half a gigabyte


def repeated_rows(file: Path, key: tuple[str, ...], folder: Path) -> pl.Series:
    """Return the row numbers (from 0) of all copies of every repeated key.

    Null equals null. Keys a, b, b, null, null -> rows 1, 2, 3, 4.
    """
    hashed = pl.struct(key).hash(0)
    hashes = pl.scan_parquet(file).select(h=hashed)
    if hashes.select(pl.len()).collect().item() <= IN_MEMORY:
        found = repeated(hashes.collect(engine="streaming")["h"])
    else:
        found = repeated_in_buckets(hashes, folder)
    if not len(found):
        return pl.Series("_at", [], pl.UInt32)
    rows = pl.scan_parquet(file, row_index_name="_at")
    suspects = rows.filter(hashed.is_in(found.implode())).select("_at", *key)
    candidates = suspects.collect(engine="streaming")
    return candidates.filter(pl.struct(key).is_duplicated())["_at"]


def repeated_in_buckets(hashes: pl.LazyFrame, folder: Path) -> pl.Series:
    """Spread hashes over buckets on disk, and look at one bucket at a time."""
    hashes.with_columns(b=pl.col("h") % BUCKETS).sink_parquet(
        pl.PartitionBy(folder, key="b", include_key=False),
        mkdir=True,
        engine="streaming",
        compression="uncompressed",
    )
    found = [
        repeated(pl.read_parquet(bucket / "*.parquet")["h"])
        for bucket in sorted(folder.glob("*"))
    ]
    shutil.rmtree(folder)
    return pl.concat(found)


def repeated(hashes: pl.Series) -> pl.Series:
    """Return the hashes that occur more than once."""
    ordered = hashes.sort()
    return ordered.filter((ordered == ordered.shift(1)).fill_null(False)).unique()
