"""Gather what descriptors tell of one published product."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.product import ProductTerms

# A column that nobody has called public is not shown, whatever the document allows.
SHOWN = "public"
PHYSICAL = {
    "string": "STRING",
    "integer": "INT64",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
"""Types of the published Parquet file, in Parquet's own words."""

MEDIA_TYPE = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Facts:
    """One version of a product as it was published.

    ``period`` are the first and the last day that a public column of dates holds;
    ``scores`` the quality scores by dimension in millionths; ``samples`` the first
    values of public columns, where the document allows a sample.
    """

    terms: ProductTerms
    artifact: str
    sha256: str
    rows: int
    bytes: int
    run: str
    at: datetime
    as_of: date
    period: tuple[date, date] | None = None
    scores: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def zh_or_en(text: str) -> str:
    """Say in which language a text is: 稻田 -> zh, rice -> en."""
    return "zh" if any("\u3400" <= sign <= "\u9fff" for sign in text) else "en"


def file_of(terms: ProductTerms) -> str:
    """Name the published file without a path."""
    return f"{terms.name}-{terms.version}.parquet"
