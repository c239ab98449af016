"""Prepare a file bundle: the licensed rows, in an order that names the customer.

**What the mark proves.** No value is changed. The rows stand in an order that follows
from the delivery's secret, so a copy whose rows still stand in that order, in whole or
in part, came from that delivery: of n distinct rows, chance gives 1 in n!. It cannot
prove who passed the copy on, it is lost as soon as somebody sorts or aggregates the
rows, a handful of rows proves little, and rows that occur twice prove nothing.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
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


def narrowed(terms: ProductTerms, fields: Sequence[str]) -> ProductTerms:
    """Take a product's terms with the licensed columns alone, to describe them."""
    return terms.model_copy(
        update={
            "columns": tuple(c for c in terms.columns if c.name in fields),
            "key": terms.key if set(terms.key) <= set(fields) else (),
            "quality": tuple(
                q for q in terms.quality if not q.column or q.column in fields
            ),
        }
    )


def ranks(rows: int, secret: bytes) -> pl.Series:
    """Say where each row goes: the words of a keyed stream, one for each place.

    The stream is SHAKE-256 over the secret (FIPS 202): nobody can tell the order
    without it, and it is the same on every machine. A million rows: under a second.
    """
    stream = hashlib.shake_256(secret).digest(8 * rows)
    return pl.Series("_rank", struct.unpack(f"<{rows}Q", stream), dtype=pl.UInt64)


def marked(rows: pl.DataFrame, secret: bytes) -> pl.DataFrame:
    """Put rows in the order that identifies a delivery.

    Args:
        rows: The licensed rows, in the product's own order.
        secret: Of the delivery, 32 bytes.
    """
    return rows[ranks(rows.height, secret).arg_sort()]


def kept(copy: pl.DataFrame, rows: pl.DataFrame, secret: bytes) -> tuple[int, int]:
    """Count how many neighbours of a copy stand as this delivery put them.

    Of another copy, about half do so by chance. Rows that occur twice are left out.

    Returns:
        Neighbours in order, and neighbours in all.
    """
    if not rows.columns:
        return 0, 0
    twice = pl.struct(rows.columns).is_duplicated()
    once = rows.with_columns(ranks(rows.height, secret)).filter(~twice)
    found = copy.filter(~twice).join(
        once, on=rows.columns, nulls_equal=True, maintain_order="left"
    )
    rising = (found["_rank"] > found["_rank"].shift()).drop_nulls()
    return int(rising.sum()), len(rising)


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
