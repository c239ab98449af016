"""Make a product of the resource and of what other factors publish."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.released import Released, offers, released, withdrawal
from flows.stages import derive_task, productize_task
from flows.tasked import arguments, task_named
from flows.versions import refuse_version
from schemas.artifact import ArtifactRef
from schemas.errors import Refused, StoreError
from schemas.factor import Factor
from tasks import store

COMPARED = 5  # earlier releases that a new one is held against
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
    before = earlier_releases(terms.factor, derived)
    return productize_task(derived, found, product, day, before)


def earlier_releases(
    factor: str, derived: Mapping[str, ArtifactRef]
) -> dict[str, ArtifactRef]:
    """Find the last releases of a factor that were made of other rows than these.

    Of the same rows the first release stands for all, so that a run which changes
    nothing is the same run again.
    """
    own = derived["derived"].id
    found: dict[str, tuple[str, ArtifactRef]] = {}
    for run in offers(factor):  # newest first
        made_of = next(
            (i.id for i in run.publication.inputs if i.role == "derived"), own
        )
        if "product" in run.refs and made_of != own:
            name = f"{run.publication.terms['version']}-{run.run[:8]}"
            found[made_of] = (name, run.refs["product"])
    return dict(list(found.values())[:COMPARED])


def published(table: str, ref: str, day: date) -> tuple[ArtifactRef, Any]:
    """Find the rows of an input, ``weather/resource``, and what was found in them.

    Any: the findings, one ref or several.

    Raises:
        StoreError: The other factor has not made it yet; the sentence says how.
        Refused: The other factor's product may not leave, or is no longer offered.
    """
    other, _, stage = ref.partition("/")
    if stage == "product":
        offer = offered(table, other, day)
        return offer.ref, findings_of(offer)
    return made(table, other, "resource"), made(table, other, "classify")


def made(table: str, other: str, frame: str) -> ArtifactRef:
    """Find a frame of another factor's resource."""
    try:
        return store.resolve(store.current(), f"{other}/resource/{frame}")
    except StoreError as error:
        raise StoreError(
            f"inputs.{table}: {other} has made no resource yet: `datafactor run"
            f" {other} --through resource`, then run this again"
        ) from error


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
