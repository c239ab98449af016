"""Make a product of the resource and of what other factors publish."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.disputes import dispute_over
from flows.document import factor_named
from flows.released import (
    Released,
    offers,
    released,
    released_by,
    shut,
    withdrawal,
)
from flows.stages import derive_task, productize_task
from flows.tasked import arguments, task_named
from flows.versions import refuse_version
from schemas.artifact import ArtifactRef, Publication
from schemas.earlier import Earlier
from schemas.errors import Refused, StoreError
from schemas.factor import Factor
from schemas.product import ProductTerms
from schemas.registers import Right
from tasks import store
from tasks.product.linkage import telling
from tasks.rights import standing

Tables = Mapping[str, Any]  # refs by table name, or their futures


def product_of(terms: Factor, resource: Any, findings: Any, day: date) -> Any:
    """Derive the product's rows, then offer them.

    Any: refs by name, or their future.
    """
    product = terms.product
    if product is None:
        return None
    refuse_version(terms, day)
    tables = {"resource": resource} if terms.resource else {}
    found = {"resource": findings} if terms.resource else {}
    for name, ref in terms.inputs.items():
        tables[name], found[name] = published(name, ref, day)
    if product.task:
        made = task_named(product.task)(**arguments(product, tables, day))
        tables = {"made": made}
    derived = derive_task(tables, product.derivation)
    before, told = earlier_releases(terms.factor, derived, product, resources_of(found))
    asked = (derived, found, product, day, before, told, terms.disputes)
    return productize_task(*asked)


def earlier_releases(
    factor: str,
    derived: Mapping[str, ArtifactRef],
    product: ProductTerms,
    resources: frozenset[str],
) -> tuple[dict[str, ArtifactRef], tuple[Earlier, ...]]:
    """Find all releases over the same resources that were made of other rows.

    Of the same rows the first release stands for all, so that a run which changes
    nothing is the same run again. Of other factors only what tells of persons in the
    same way can be compared: rows with rows, counts with counts, whatever they are
    called.

    Returns:
        Their rows, and by which columns each tells of persons, newest first.
    """
    mine = telling("", product.model_dump(mode="json"))
    if mine is None:
        return {}, ()
    own = derived["derived"].id
    found: dict[str, tuple[Earlier, ArtifactRef]] = {}
    # The last to leave first: what was told first is told, whatever day it speaks of.
    for run in sorted(offers(), key=lambda run: run.seq, reverse=True):
        said = run.publication
        made_of = next((i.id for i in said.inputs if i.role == "derived"), own)
        if "product" not in run.refs or made_of == own:
            continue
        name = f"{said.terms['name']}-{said.terms['version']}-{run.run[:8]}"
        theirs = telling(name, said.terms)
        alike = theirs is not None and bool(theirs.count) == bool(mine.count)
        if said.factor == factor or (alike and resources & resources_read(said)):
            found[made_of] = (theirs or Earlier(release=name), run.refs["product"])
    refs = {told.release: ref for told, ref in found.values()}
    return refs, tuple(told for told, _ in found.values())


def resources_of(findings: Mapping[str, Any]) -> frozenset[str]:
    """Name the factors in whose resources the findings were made.

    Any: one ref, or several.
    """
    s = store.current()
    refs = [r for f in findings.values() for r in (f if isinstance(f, tuple) else [f])]
    return frozenset(store.factor_of(s, ref.id) for ref in refs)


def resources_read(said: Publication) -> frozenset[str]:
    """Name the factors whose resources an earlier product rests on."""
    s = store.current()
    ids = [i.id for i in said.inputs if i.role.startswith("findings.")]
    return frozenset(store.factor_of(s, id) for id in ids)


def published(table: str, ref: str, day: date) -> tuple[ArtifactRef, Any]:
    """Find the rows of an input, ``weather/resource``, and what was found in them.

    Any: the findings, one ref or several.

    Raises:
        StoreError: The other factor has not made it yet; the sentence says how.
        Refused: The other factor's product may not leave, or is no longer offered.
    """
    other, _, stage = ref.partition("/")
    refuse_unheld(table, factor_named(other), stage, day)
    if stage == "product":
        offer = of_day(offered(table, other, day), day)
        refuse_behind(table, other, "product", offer.ref)
        return offer.ref, findings_of(offer)
    refuse_disputed(table, other, day)
    if past := resource_of_day(other, day):
        refuse_behind(table, other, "resource", past[0])
        return past
    resource = made(table, other, "resource")
    refuse_behind(table, other, "resource", resource)
    return resource, made(table, other, "classify")


def of_day(offer: Released, day: date) -> Released:
    """Take the offer of the day, or the last before it, where a later one was made.

    A late run of 06-29 does not read what its input says of 06-30. Where the input was
    never offered by then, what is offered now stands in.
    """
    if offer.as_of <= day:
        return offer
    past = (
        run for run in offers(offer.factor) if (run.publication.as_of or day) <= day
    )
    found = next((run for run in past if not shut(run)), None)
    return released_by(found) if found else offer


def resource_of_day(other: str, day: date) -> tuple[ArtifactRef, ArtifactRef] | None:
    """Find the resource that was assessed on the day, or last before, and its findings.

    None where the newest is not of a later day, or nothing was assessed by then.
    """
    s = store.current()
    newest = store.newest(s, "assess", other)
    if not newest or (newest[0].publication.as_of or day) <= day:
        return None
    dated = [r for r in store.runs(s, other, "assess") if r.publication.as_of]
    done = [r for r in dated if r.publication.status == "COMPLETE"]
    past = [r for r in done if r.when[0] <= str(day)]
    if not past:
        return None
    last = max(past, key=lambda run: run.when).publication
    id = next(i.id for i in last.inputs if i.role == "resource.resource")
    for run in store.runs(s, other, "classify"):
        if id in {i.id for i in run.publication.inputs}:
            return store.resolve(s, id), run.refs["classify"]
    return None


def refuse_behind(table: str, other: str, stage: str, ref: ArtifactRef) -> None:
    """Refuse rows that were published under another document than the one of now.

    What they may be used for, and how their columns are classified, is read from the
    document: it must be the one that the gates have seen.
    """
    terms = getattr(factor_named(other), stage)
    recorded = store.made_with(store.current(), ref).publication.terms
    if recorded != terms.identity():
        raise StoreError(
            f"inputs.{table}: the document of {other} has changed since its {stage} was"
            f" made: `datafactor run {other} --through {stage}`, then run this again"
        )


def made(table: str, other: str, frame: str) -> ArtifactRef:
    """Find a frame of another factor's resource."""
    try:
        return store.resolve(store.current(), f"{other}/resource/{frame}")
    except StoreError as error:
        raise StoreError(
            f"inputs.{table}: {other} has made no resource yet: `datafactor run"
            f" {other} --through resource`, then run this again"
        ) from error


def refuse_unheld(table: str, other: Factor, stage: str, day: date) -> None:
    """Refuse an input whose asset's registered rights its entity holds no longer.

    What the documents grant, the gate ``rights`` asks; this is about what was
    registered since: a cancellation, a transfer, a term that ended.

    Raises:
        Refused: A right that was granted is not held on the day.
    """
    if other.asset is None:
        return
    events, _ = store.snapshot(store.current(), other.live(Right), "")
    asked = ("process",) if stage == "resource" else ("process", "operate")
    for right in asked:
        found = standing(events, right, day, other.asset.holder)
        if not found.live and not events.filter(right=right, event="grant").is_empty():
            raise Refused("derive", (f"inputs.{table}: {found.ground}",))


def refuse_disputed(table: str, other: str, day: date) -> None:
    """Refuse a resource over which, or over whose own inputs, a dispute is open.

    Raises:
        Refused: It is so.
    """
    if ground := dispute_over(other, day):
        raise Refused("derive", (f"inputs.{table}: {ground}",))


def offered(table: str, other: str, day: date) -> Released:
    """Find the product of another factor, if it is offered on the day."""
    try:
        offer = released(other)
    except StoreError as error:
        raise StoreError(f"inputs.{table}: {error}, then run this again") from error
    except Refused as refused:
        why = "; ".join(refused.grounds)
        ground = (
            f"inputs.{table}: the product of {other} was refused ({why}); mend that,"
            f" then `datafactor run {other}`"
        )
        raise Refused("derive", (ground,)) from refused
    if reason := withdrawal(offer.terms, day):
        ground = (
            f"inputs.{table}: the product of {other} was withdrawn ({reason}); leave"
            " the input out, or have the product restored"
        )
        raise Refused("derive", (ground,))
    return offer


def findings_of(offer: Released) -> tuple[ArtifactRef, ...]:
    """List the findings that opened the gates of a product: it rests on them."""
    s = store.current()
    given = offer.publication.inputs
    ids = dict.fromkeys(i.id for i in given if i.role.startswith("findings."))
    return tuple(store.resolve(s, id) for id in ids)
