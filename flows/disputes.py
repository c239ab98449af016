"""Find the disputes that suspend what rests on a factor."""

from datetime import date

from flows.document import factor_named
from flows.order import feeders_of
from schemas.artifact import Snapshot
from schemas.errors import FactorError
from schemas.registers import Dispute
from tasks import store
from tasks.rights import disputed

ALL = Snapshot(register=Dispute, where={})


def names_of(factor: str) -> tuple[str, ...]:
    """Name what a dispute may be over to concern a factor: it, its asset, its feeders.

    Without a document only the factor is known.
    """
    try:
        asset = factor_named(factor).asset
        names = (*feeders_of((factor,)), *((asset.name,) if asset else ()))
    except FactorError:
        names = ()
    return tuple(dict.fromkeys((factor, *names)))


def dispute_over(factor: str, on: date) -> str:
    """Say which disputes suspend a factor now; empty: none does."""
    events, _ = store.snapshot(store.current(), ALL, "")
    _, passed, ground, _ = disputed(events, names_of(factor), on)
    return "" if passed else ground


def suspension(factor: str, on: date) -> str:
    """Tell the public that a factor's product is suspended: no party, no claim."""
    if not dispute_over(factor, on):
        return ""
    return "suspended while a dispute is open"
