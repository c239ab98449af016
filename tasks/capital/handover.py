"""Hand the right to operate over: to a lender that steps in, or to a trustee.

Every certificate under which the giver operates on the day is transferred; nothing but
the holder moves. Handing over again finds the transfers that stand, so that an act that
is repeated posts nothing.
"""

from datetime import date
from typing import Annotated, Any, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.registers import Right
from schemas.rights import SCOPE
from tasks.rights import Registered, Standing, registered, standing

Row = dict[str, Any]  # one row of a register


class Handover(NamedTuple):
    """Who hands over to whom, from which day, by which document."""

    giver: str
    taker: str
    on: date
    basis: str
    evidence: str
    evidence_sha256: str = ""


class HandedOver(NamedTuple):
    """Transfers to register, what the giver held before, whether they stand."""

    transfers: pl.DataFrame  # contract Right
    held: Standing
    stands: bool


def hand_over(events: Annotated[pl.DataFrame, Right], by: Handover) -> HandedOver:
    """Write the transfers of a giver's rights to operate.

    Args:
        events: Right events over one asset.
        by: Who, from when, by what.

    A right of P to 2031-12-31, handed to T from 2026-07-01 -> P holds it to 2026-06-30,
    T from then on; again -> the same row.
    """
    own = (
        (pl.col("event") == "transfer")
        & (pl.col("right") == "operate")
        & (pl.col("holder") == by.taker)
        & (pl.col("effective_on") == by.on)
        & (pl.col("evidence") == by.evidence)
    )
    before, done = events.filter(~own), events.filter(own)
    known = {row["certificate"]: row for row in done.to_dicts()}
    rows = [
        known.get(one.grant["certificate"]) or transfer(one, by)
        for one in registered(before, "operate")
        if any(
            spell.first <= by.on <= spell.last and spell.holder == by.giver
            for spell in one.spells()
        )
    ]
    return HandedOver(
        transfers=frame_of(Right, [tuple(row.values()) for row in rows]),
        held=standing(before, "operate", by.on, by.giver),
        stands=done.height > 0,
    )


def transfer(one: Registered, by: Handover) -> Row:
    """Write the transfer of one right. Contract: Right."""
    changes = [e for e in one.of("change") if e["effective_on"] <= by.on]
    scope = [one.grant, *changes][-1]
    return {
        **one.grant,
        **{name: scope[name] for name in SCOPE},
        "event": "transfer",
        "holder": by.taker,
        "basis": by.basis,
        "evidence": by.evidence,
        "evidence_sha256": by.evidence_sha256,
        "effective_on": by.on,
        "valid_to": one.last_term,
        "number": 1 + max((e["number"] for e in one.of("transfer")), default=0),
    }
