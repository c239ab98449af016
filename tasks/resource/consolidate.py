"""Bring the parsed sources together by the SQL of the document."""

from collections.abc import Mapping

import polars as pl

from schemas.errors import FactorError
from tasks.sql import run_sql


def consolidate(sources: Mapping[str, pl.LazyFrame], sql: str) -> pl.LazyFrame:
    """Run ``sql`` over the sources; without SQL the single source is the result.

    Raises:
        FactorError: The SQL is refused, or is missing where there are two sources.
    """
    if sql.strip():
        return run_sql(sql, sources, "resource.consolidate")
    if len(sources) != 1:
        raise FactorError(
            f"resource.consolidate is empty but there are {len(sources)} sources"
            f" ({', '.join(sources)}); write a SELECT that joins them"
        )
    (only,) = sources.values()
    return only
