from collections.abc import Iterator
from pathlib import Path
import polars as pl
from schemas.resource import Source

def parquet_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    raise NotImplementedError
