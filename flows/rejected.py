"""Read rejected rows for people: masked where a column is classified."""

from typing import Any

from flows.document import factor_named
from schemas.artifact import ArtifactRef
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


def frame_rows(ref: str, frame: ArtifactRef, limit: int) -> dict[str, Any]:  # Any: JSON
    """Take the first rows of a frame, masked like its rejects."""
    rows = store.scan(store.current(), frame).head(limit).collect()
    secret = classified(ref, set(rows.columns))
    shown = [
        {n: MASK if n in secret and v is not None else plain(v) for n, v in row.items()}
        for row in rows.iter_rows(named=True)
    ]
    return {"frame": ref, "id": frame.id, "total": frame.rows, "rows": shown}


def plain(value: object) -> object:
    """Write a cell for JSON: dates as text, exact integers beyond 2^53 as text."""
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
    frame = ref.rpartition("/")[2]
    if secret and frame.removesuffix(".rejects") not in terms.sources:
        return named  # SQL may have renamed a classified column: nobody said of which
    # A frame whose contract stands in code holds no raw text of the sources.
    of_code = ref.partition("/")[2].startswith(("asset/", "capital/"))
    unknown = set() if of_code else named - {c.name for c in declared} - {"_ragged"}
    return secret | unknown | ({"_ragged"} if secret else set())
