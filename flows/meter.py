"""Seal the usage of every product: what ``datafactor meter`` and the service do."""

from flows.stages import meter_task
from schemas.artifact import Snapshot
from schemas.usage import MeterTerms, Unsealed
from tasks import store


def meter() -> dict[str, int]:
    """Seal what is not sealed yet, factor by factor; nothing to seal is no run.

    Returns:
        How many deliveries were sealed, by factor.
    """
    return {name: sealed(name) for name in store.unsealed_factors(store.current())}


def sealed(factor: str) -> int:
    """Seal the deliveries of one factor's product."""
    asked = Snapshot(register=Unsealed, where={"factor": factor})
    return int(meter_task(asked, MeterTerms(factor=factor)).rows)
