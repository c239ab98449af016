from collections.abc import Iterator
from pathlib import Path
import polars as pl
from schemas.resource import Source

def json_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    raise NotImplementedError
def jsonl_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    raise NotImplementedError
