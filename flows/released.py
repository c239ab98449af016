"""Find what is offered: the newest product of a factor, with its terms."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from flows.disputes import dispute_over
from flows.document import document_of, factor_named
from schemas.artifact import ArtifactRef, Publication, Snapshot
from schemas.errors import FactorError, Refused, StoreError
from schemas.factor import classes_of
from schemas.product import ProductTerms
from schemas.registers import ProductEvent
from tasks import store
from tasks.product.entitle import events_about, gone
from tasks.product.lineage import RANK
from tasks.store import Run

# What a contract is made of; the rest of old terms may be of an older edition.
CONTRACT = (
    *("name", "version", "query", "task", "parameters", "columns", "key", "order"),
    *("quality", "max_rejected_rate", "deidentification", "licence", "release"),
    *("delivery", "deprecated"),
)


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
        StoreError: The factor has not made a product yet, or only an older release of
            datafactor has, whose terms this one cannot read.
        Refused: Its last run was refused: what must not leave is not offered, and an
            earlier version does not stand in for it. Or its document classifies a
            column higher by now, and was not run since. Or a dispute over it, or over
            what it is made of, is open.
    """
    offer = released_by(last_offer(name))
    if ground := dispute_over(offer.factor, offer.as_of):
        raise Refused("productize", (ground,))
    if higher := classified_higher(offer):
        ground = (
            f"the document classifies {', '.join(higher)} higher than when the product"
            f" was made: `datafactor run {offer.factor} --through product`"
        )
        raise Refused("productize", (ground,))
    return offer


def classified_higher(offer: Released) -> list[str]:
    """List columns that a person has classified higher since a product was made.

    Without a document nothing was said since.
    """
    try:
        now = factor_named(offer.factor).product
    except FactorError:
        return []
    if now is None:
        return []
    was = classes_of(offer.terms.columns)
    found = [
        name
        for name, kind in classes_of(now.columns).items()
        if RANK[kind] > RANK[was.get(name, kind)]
    ]
    for table, classes in now.classified.items():
        before = offer.terms.classified.get(table, {})
        found += [
            f"{table}.{name}"
            for name, kind in classes.items()
            if RANK[kind] > RANK[before.get(name, kind)]
        ]
    return found


def last_offer(name: str) -> Run:
    """Find the run of a factor that has offered or refused its product last.

    Raises:
        StoreError: The factor has not made a product yet.
    """
    factor = name.partition("/")[0]
    last = store.newest(store.current(), "productize", factor)
    if not last:
        raise StoreError(
            f"{factor} has made no product yet: `datafactor run {factor} --through"
            " product`"
        )
    return but_for_disputes(last[0])


def but_for_disputes(run: Run) -> Run:
    """Take the offer that a run would have repeated, had no dispute been open.

    A dispute suspends and refuses nothing for good: what it stopped alone, and what was
    offered on the same terms before, is offered again once it is lifted.
    """
    if shut(run) != {"dispute"}:
        return run
    same = (r for r in offers(run.publication.factor) if shut(r) != {"dispute"})
    before = next(same, run)
    return before if before.publication.terms == run.publication.terms else run


def shut(run: Run) -> set[str]:
    """Name the gates that a run found shut."""
    return {gate.gate for gate in run.publication.gates if not gate.passed}


def seller_of(name: str) -> str:
    """Find the factor that a customer means by its own or by its product's name.

    A factor comes first: a product of another one must not stand in for it.

    Raises:
        StoreError: Several factors offer a product of this name.
    """
    plain = name.partition("/")[0]
    said = [run.publication for run in store.newest(store.current(), "productize")]
    if document_of(plain).is_file() or plain in {one.factor for one in said}:
        return plain
    found = sorted(one.factor for one in said if one.terms.get("name") == plain)
    if len(found) > 1:
        raise StoreError(
            f"{plain} is the product of {' and of '.join(found)}: name the factor"
        )
    return found[0] if found else plain


def released_by(run: Run) -> Released:
    """Read what a run has offered; raises as ``released`` does."""
    said = run.publication
    if shut := dict.fromkeys(gate.ground for gate in said.gates if not gate.passed):
        raise Refused("productize", tuple(shut))
    return Released(
        factor=said.factor,
        terms=readable_terms(said),
        ref=run.refs["product"],
        run=run.run,
        at=run.at,
        as_of=said.as_of or run.at.date(),
        publication=said,
    )


def terms_of(said: Publication) -> ProductTerms | None:
    """Read the terms of a product; nothing where an older release wrote them."""
    return read_terms(said.terms)


def readable_terms(said: Publication) -> ProductTerms:
    """Read the terms of a product.

    Raises:
        StoreError: An older release of datafactor wrote them; never what they say.
    """
    terms = terms_of(said)
    if terms is None:
        raise StoreError(
            f"{said.factor}: its product was not released by this release of"
            " datafactor, which cannot read its terms: `datafactor run"
            f" {said.factor} --through product`"
        )
    return terms


def contract_of(said: Publication) -> ProductTerms | None:
    """Read terms to compare versions by; of an older release's only the contract.

    Nothing may be sold by them: price, scenario and provider may be missing.
    """
    kept = {name: said.terms[name] for name in CONTRACT if name in said.terms}
    return terms_of(said) or read_terms(kept)


def read_terms(said: Mapping[str, Any]) -> ProductTerms | None:
    """Read terms as JSON; the error of what does not fit would tell their values."""
    try:
        return ProductTerms.model_validate(said)
    except ValidationError:
        return None


def withdrawal(terms: ProductTerms, day: date) -> str:
    """Say why a product is withdrawn on a day; nothing while it is offered."""
    entity = terms.provider.entity if terms.provider else ""
    asked = Snapshot(register=ProductEvent, where={"entity": entity})
    events = store.snapshot(store.current(), asked, "")[0].to_dicts()
    ended = gone(events_about(events, terms.name, terms.factor), day)
    return str(ended[0]["reason"]) if ended else ""


def offers(factor: str = "") -> list[Run]:
    """List the finished runs that offered or refused a product, newest day first."""
    made = store.runs(store.current(), factor, "productize")
    known = [run for run in made if run.publication.status == "COMPLETE"]
    return sorted(known, key=lambda run: run.when, reverse=True)


def all_released() -> list[Released]:
    """List the products that are offered, by the names of their factors."""
    found = []
    for run in store.newest(store.current(), "productize"):
        with suppress(Refused, StoreError):
            found.append(released_by(but_for_disputes(run)))
    return found
