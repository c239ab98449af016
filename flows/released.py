"""Find what is offered: the newest product of a factor, with its terms."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from schemas.artifact import ArtifactRef, Publication, Snapshot
from schemas.errors import Refused, StoreError
from schemas.product import ProductTerms
from schemas.registers import ProductEvent
from tasks import store
from tasks.store import Run


@dataclass(frozen=True)
class Released:
    """One product as it was published."""

    factor: str
    terms: ProductTerms
    ref: ArtifactRef
    run: str
    at: datetime
    as_of: date
    publication: Publication


def released(name: str) -> Released:
    """Find the product of a factor that its last run has offered.

    Args:
        name: A factor, ``flight-disruption``, or its product stage with ``/product``.

    Raises:
        StoreError: The factor has not made a product yet.
        Refused: Its last run was refused: what must not leave is not offered, and an
            earlier version does not stand in for it.
    """
    factor = name.partition("/")[0]
    last = next((run for run in offers(factor)), None)
    if last is None:
        raise StoreError(
            f"{factor} has made no product yet: `datafactor run {factor} --through"
            " product`"
        )
    said = last.publication
    if shut := dict.fromkeys(gate.ground for gate in said.gates if not gate.passed):
        raise Refused("productize", tuple(shut))
    return Released(
        factor=said.factor,
        terms=ProductTerms.model_validate(said.terms),
        ref=last.refs["product"],
        run=last.run,
        at=last.at,
        as_of=said.as_of or last.at.date(),
        publication=said,
    )


def withdrawal(terms: ProductTerms, day: date) -> str:
    """Say why a product is withdrawn on a day; nothing while it is offered."""
    entity = terms.provider.entity if terms.provider else ""
    asked = Snapshot(
        register=ProductEvent, where={"entity": entity, "product": terms.name}
    )
    events, _ = store.snapshot(store.current(), asked, "")
    told = events.filter(pl.col("effective_on") <= day).sort("number").to_dicts()
    return str(told[-1]["reason"]) if told and told[-1]["event"] == "withdraw" else ""


def offers(factor: str = "") -> list[Run]:
    """List the finished runs that offered or refused a product, newest first."""
    made = store.runs(store.current(), factor, "productize")
    return [run for run in made if run.publication.status == "COMPLETE"]


def all_released() -> list[Released]:
    """List the products that are offered, by the names of their factors."""
    factors = sorted({run.publication.factor for run in offers()})
    found = []
    for factor in factors:
        try:
            found.append(released(factor))
        except Refused:
            continue
    return found
