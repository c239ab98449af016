"""Find rows whose key repeats, in memory that does not grow with the rows.

Keys are hashed into buckets on disk, 8 bytes a row; each bucket is sorted, and a hash
that occurs twice is a suspicion. Suspects are then compared by their values, so the
answer is exact. Asking with ``is_duplicated`` alone took 6.1 GB for 19 million rows.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

ROW = "_row"
BUCKET_ROWS = 1 << 20  # 8 MB to sort
MAX_BUCKETS = 256  # files open at once; beyond 268 million rows a bucket grows


def repeated(parquet: Path, key: Sequence[str], folder: Path) -> pl.Series:
    """List the row numbers of all copies of every repeated key.

    Args:
        parquet: File of rows.
        key: Columns that identify a row; null equals null, NaN equals NaN.
        folder: Where buckets may be written; it must not exist yet.

    Returns:
        Row numbers, ascending. Keys a, b, a, c -> 0 and 2.
    """
    hashed = pl.struct(key).hash(0)  # equal only within this process: never stored
    rows = pl.scan_parquet(parquet, glob=False, row_index_name=ROW)
    buckets = min(MAX_BUCKETS, 1 + height(parquet) // BUCKET_ROWS)
    folder.mkdir()  # the sink makes it only when there is a row to write
    hashes = rows.select(_hash=hashed, _bucket=hashed % buckets)
    hashes.sink_parquet(
        pl.PartitionBy(folder, key="_bucket", include_key=False),
        mkdir=True,
        compression="uncompressed",
        engine="streaming",
    )
    twice = [twins(bucket) for bucket in sorted(folder.iterdir())]
    shared = pl.concat([pl.Series(dtype=pl.UInt64), *twice])
    if shared.is_empty():
        return pl.Series(dtype=rows.collect_schema()[ROW])
    suspects = rows.filter(hashed.is_in(shared.implode())).select(ROW, *key)
    kept = suspects.collect(engine="streaming")
    return kept.filter(pl.struct(key).is_duplicated())[ROW]


def twins(bucket: Path) -> pl.Series:
    """List the hashes that occur twice in one bucket."""
    hashes = pl.read_parquet(bucket / "*.parquet")["_hash"].sort()
    return hashes.filter((hashes == hashes.shift(1)).fill_null(False)).unique()


def height(parquet: Path) -> int:
    """Read the number of rows from a file's footer."""
    rows = pl.scan_parquet(parquet, glob=False).select(pl.len())
    return int(rows.collect().item())
