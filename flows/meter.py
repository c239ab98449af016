"""Seal the usage of every product: what ``datafactor meter`` and the service do."""

import logging

from flows.document import factor_named
from flows.stages import meter_task
from schemas.artifact import Snapshot
from schemas.errors import DatafactorError
from schemas.registers import Entitlement, Order
from schemas.usage import MeterTerms, Unsealed
from tasks import store
from tasks.product.meter import doubts
from tasks.store import sales

log = logging.getLogger("datafactor.meter")


def meter() -> dict[str, int]:
    """Seal what is not sealed yet, factor by factor; nothing to seal is no run.

    Returns:
        How many deliveries were sealed, by factor.
    """
    factors = store.unsealed_factors(store.current())
    return {name: count for name in factors if (count := sealed(name))}


def sealed(factor: str) -> int:
    """Seal the deliveries of one factor's product, but none that its order denies."""
    s = store.current()
    asked = (
        Snapshot(register=Unsealed, where={"factor": factor}),
        Snapshot(register=Order, where={"factor": factor}),
        Snapshot(register=Entitlement, where={}),
    )
    usage, orders, events = (store.snapshot(s, a, "")[0].to_dicts() for a in asked)
    terms = MeterTerms(
        factor=factor,
        zone=zone_of(factor),
        served=sales.products_among(s, factor, {row["served"] for row in usage}),
    )
    doubted = doubts(usage, orders, events, terms.served, terms.zone)
    if doubted:
        log.warning(
            "%s: %s deliveries are not sealed, for their orders do not bear them:"
            " `datafactor verify` says why",
            factor,
            len(doubted),
        )
    if len(doubted) == len(usage):
        return 0
    return int(meter_task(*asked, terms).rows)


def zone_of(factor: str) -> str:
    """Find the zone of the entity's books; none where its document is gone or wrong.

    What was delivered is sealed all the same: its month then fits in some zone.
    """
    try:
        return factor_named(factor).zone
    except DatafactorError:
        return ""
