"""Offer derived rows as a product, where every gate of the second stage is open."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.earlier import Earlier
from schemas.grade import Finding
from schemas.product import Derivation, Product, ProductTerms
from tasks.product.case import Case, Question
from tasks.product.compliance import compliance
from tasks.product.disclosure import disclosed
from tasks.product.gates import answered, classification, price, rights
from tasks.product.licence import licence
from tasks.rights import UNDISPUTED, disputed

NONE: Mapping[str, pl.LazyFrame] = {}
REVIEWED: tuple[Question, ...] = (
    compliance,
    licence,
    rights,
    price,
)  # the document decides
QUESTIONS: tuple[Question, ...] = (classification, *REVIEWED)


def productize(
    derived: Annotated[pl.LazyFrame, Derivation.contract],
    findings: Mapping[str, Annotated[pl.LazyFrame, Finding]],
    terms: ProductTerms,
    as_of: date,
    earlier: Mapping[str, Annotated[pl.LazyFrame, "compared"]] = NONE,
    told: tuple[Earlier, ...] = (),
    disputes: Annotated[pl.LazyFrame, "compared"] = UNDISPUTED,
) -> Product:
    """Ask the gates about the published rows, and hand them on.

    Args:
        derived: The product's rows as they were published.
        findings: By table, what was found in columns that nobody classified.
        terms: The product's terms.
        as_of: The day on which it is offered.
        earlier: Earlier releases of the same resource, by a name for people.
        told: By which columns each of them tells of persons. What is compared names
            it already, for an id hashes the terms: so it is not part of the key.
        disputes: Disputes over the factor, contract Dispute.

    Returns:
        ``gates`` first: they withhold all else. ``disclosure``: what the file still
        discloses. ``product``: the derived rows.
    """
    found = pl.concat([frame.collect() for frame in findings.values()])
    case = Case(terms, found, as_of)
    found_out = disclosed(derived, case, earlier, told)
    answer = disputed(disputes.collect(), (terms.factor,), as_of)
    questions = (*QUESTIONS, lambda _: found_out.gates, lambda _: [answer])
    return Product(
        gates=answered(case, questions).lazy(),
        disclosure=found_out.disclosure.lazy(),
        product=derived,
    )
