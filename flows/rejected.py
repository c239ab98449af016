"""Read rejected rows for people: masked where a column is classified."""

from typing import Any

from flows.document import factor_named
from schemas.contract import Column
from schemas.errors import FactorError, SourceError
from tasks import store

MASK = "•••"
SECRET = ("personal", "sensitive")


def rejected_rows(ref: str, reveal: bool, limit: int) -> dict[str, Any]:  # Any: JSON
    """Take the first rejects of a frame, with reasons by name.

    Classified columns are masked unless ``reveal``; when the factor's document is gone
    nothing says what is classified, so everything is masked.
    """
    rows = store.rejects(store.current(), ref)
    secret = set() if reveal else classified(ref, set(rows.columns))
    shown = [
        {n: MASK if n in secret and v is not None else v for n, v in row.items()}
        for row in rows.head(limit).iter_rows(named=True)
    ]
    return {"frame": ref, "total": rows.height, "rows": shown}


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
    unknown = named - {c.name for c in declared} - {"_ragged"}
    return secret | unknown | ({"_ragged"} if secret else set())
