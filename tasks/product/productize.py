"""Offer derived rows as a product, where every gate of the second stage is open."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.grade import Finding
from schemas.privacy import Disclosure
from schemas.product import Derivation, Product, ProductTerms
from tasks.product.case import Case, Question
from tasks.product.compliance import compliance
from tasks.product.gates import answered, classification, price
from tasks.product.licence import licence

QUESTIONS: tuple[Question, ...] = (classification, compliance, licence, price)


def productize(
    derived: Annotated[pl.LazyFrame, Derivation.contract],
    findings: Mapping[str, Annotated[pl.LazyFrame, Finding]],
    terms: ProductTerms,
    as_of: date,
) -> Product:
    """Ask the gates about the published rows, and hand them on.

    Args:
        derived: The product's rows as they were published.
        findings: By table, what was found in columns that nobody classified.
        terms: The product's terms.
        as_of: The day on which it is offered.

    Returns:
        ``gates`` first: they withhold all else. ``disclosure``: what the file still
        discloses. ``product``: the derived rows.
    """
    found = pl.concat([frame.collect() for frame in findings.values()])
    return Product(
        gates=answered(Case(terms, found, as_of), QUESTIONS).lazy(),
        disclosure=frame_of(Disclosure, []).lazy(),
        product=derived,
    )
