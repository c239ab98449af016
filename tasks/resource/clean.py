"""Give the text of a source its meaning; the contract then judges each row."""

from collections.abc import Mapping
from typing import Annotated

import polars as pl

from schemas.resource import Source
from tasks.source.typed import typed

NO_TABLES: Mapping[str, pl.LazyFrame] = {}


def clean(
    text: Annotated[pl.LazyFrame, "text"],
    terms: Source,
    tables: Mapping[str, pl.LazyFrame] = NO_TABLES,
) -> Annotated[pl.LazyFrame, Source.contract]:
    """Add beside each raw text what it says in the declared type.

    Args:
        text: Records as ``tasks.source.open_text`` gives them, ``_r_<column>`` each.
        terms: The source's columns.
        tables: The sources that rules of this one refer to, for the contract alone.

    Returns:
        The same rows with ``<column>`` typed; null where the text does not parse, which
        the contract tells from a missing value. "07" as integer -> 7, "x7" -> null.

    Raises:
        SourceError: A format is not understood.
    """
    return text.with_columns(typed(column) for column in terms.columns)
