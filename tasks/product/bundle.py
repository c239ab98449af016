"""Prepare a file bundle: the licensed rows, in an order that names the customer.

**What the mark proves.** No value is changed. The rows stand in an order that follows
from the delivery's secret, so a copy whose rows still stand in that order, in whole or
in part, came from that delivery: of n distinct rows, chance gives 1 in n!. It cannot
prove who passed the copy on, it is lost as soon as somebody sorts or aggregates the
rows, a handful of rows proves little, and rows that occur twice prove nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any

import polars as pl

from schemas.licence import Licence
from schemas.product import ProductTerms
from schemas.sale import DeliveryTerms

MARK = (
    "The order of the rows identifies this copy. It changes no value; it does not"
    " survive sorting, and it does not show who passed a copy on."
)


def licensed(
    product: pl.LazyFrame, fields: Sequence[str], rows: int | None
) -> pl.LazyFrame:
    """Take exactly the fields and rows that were ordered: the first ones, as made."""
    return product.select(fields).head(rows) if rows else product.select(fields)


def rank(place: int, secret: bytes) -> bytes:
    """Say where a row goes: a keyed hash of its place in the product."""
    return hashlib.blake2b(place.to_bytes(8), key=secret, digest_size=8).digest()


def marked(rows: pl.DataFrame, secret: bytes) -> pl.DataFrame:
    """Put rows in the order that identifies a delivery.

    Args:
        rows: The licensed rows, in the product's own order.
        secret: Of the delivery, 32 bytes.
    """
    places = sorted(range(rows.height), key=lambda place: rank(place, secret))
    return rows[places]


def kept(copy: pl.DataFrame, rows: pl.DataFrame, secret: bytes) -> tuple[int, int]:
    """Count how many neighbours of a copy stand as this delivery put them.

    Of another copy, about half do so by chance. Rows that occur twice are left out.

    Returns:
        Neighbours in order, and neighbours in all.
    """
    if not rows.columns:
        return 0, 0
    twice = pl.struct(rows.columns).is_duplicated()
    once = rows.with_row_index("_place").filter(~twice)
    found = copy.filter(~twice).join(
        once, on=rows.columns, nulls_equal=True, maintain_order="left"
    )
    ranks = [rank(place, secret) for place in found["_place"]]
    pairs = list(pairwise(ranks))
    return sum(a < b for a, b in pairs), len(pairs)


def terms_text(licence: Licence, customer: str, use: str) -> str:
    """Write the licence as a customer reads it."""
    told = {
        "Licence": licence.name,
        "Licensee": customer,
        "Use": use,
        "Permitted": ", ".join(licence.permissions),
        "Prohibited": ", ".join(licence.prohibitions),
        "Duties": ", ".join(licence.duties),
        "Attribution": licence.attribution,
        "Territory": licence.territory,
        "Evidence": licence.evidence,
    }
    heads = [f"{name}: {text}" for name, text in told.items() if text]
    return "\n".join([*heads, *(f"- {clause}" for clause in licence.clauses), ""])


def descriptor(offer: ProductTerms, fields: Sequence[str]) -> dict[str, Any]:
    """Describe the delivered columns, and whom the product is meant for."""
    columns = [
        c.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for c in offer.columns
        if c.name in fields
    ]
    scenario = offer.scenario.model_dump(mode="json") if offer.scenario else {}
    return {
        "product": offer.name,
        "version": offer.version,
        "title": offer.title,
        "provider": offer.provider.model_dump(mode="json") if offer.provider else {},
        "scenario": scenario,
        "columns": columns,
        "key": [name for name in offer.key if name in fields],
    }


def deliver(
    product: pl.LazyFrame,
    terms: DeliveryTerms,
) -> Annotated[Iterator[bytes], "document"]:
    """Keep what a customer was handed: the manifest and the checksums of the files."""
    yield terms.manifest.encode()
    yield terms.sums.encode()
