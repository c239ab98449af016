"""Take a posted entry back, by an entry of its own."""

import hashlib
from datetime import date
from typing import Any

import rfc8785

from flows.market import today, valid
from flows.rights import with_asset
from flows.stages import post_task, reverse_task
from schemas.artifact import Snapshot
from schemas.decision import ReversalAct
from schemas.money import shown
from schemas.registers import JournalLine
from tasks import store
from tasks.asset.approval import posting
from tasks.asset.post import REVERSES

Facts = dict[str, Any]  # JSON


def reverse(
    factor: str, entry: str, on: date | None, reason: str, evidence: str
) -> Facts:
    """Post the reversal of an entry; asked again, it changes nothing.

    Raises:
        RegisterError: There is no such entry, or the day lies before it.
        Refused: It stands above the threshold and waits for an approval.
    """
    terms = with_asset(factor)
    act = valid(
        ReversalAct,
        factor=terms.factor,
        entity=terms.entity,
        entry=entry,
        booked_on=on or today(terms.factor),
        reason=reason,
        evidence=evidence,
    )
    said = hashlib.sha256(rfc8785.dumps(act.model_dump(mode="json"))).hexdigest()
    alone = {"asset": "", "complete": (), "terms_sha256": said}
    conditions = terms.asset and posting(terms.asset).model_copy(update=alone)
    booked, *_ = books = terms.books
    post_task(reverse_task(booked, act), *books, conditions, act.booked_on)
    return {"entity": act.entity, "entry": f"{REVERSES}{entry}", "lines": lines(act)}


def lines(act: ReversalAct) -> list[Facts]:
    """List the lines of a reversal as they stand."""
    where = {"entity": act.entity, "entry": f"{REVERSES}{act.entry}"}
    asked = Snapshot(register=JournalLine, where=where)
    rows = store.snapshot(store.current(), asked, "")[0].to_dicts()
    return [
        {
            "booked_on": str(row["booked_on"]),
            "account": row["account"],
            "amount": shown(row["amount_fen"]),
            "memo": row["memo"],
        }
        for row in rows
    ]
