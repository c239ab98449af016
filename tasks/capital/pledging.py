"""Record what becomes of a pledge: acts of people, each an event, none a change.

Registration makes a pledge stand against others 对抗第三人, and priority goes by its
time (Civil Code arts. 403, 414); the register of the PBoC lists data assets in its
seventh class and examines nothing. So it is recorded with its number, its time and the
digest of the search that shows no earlier entry, and it expires with its term.
"""

from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.money import exact_fen, shown
from schemas.pledging import PledgeAct
from schemas.registers import Pledge, PledgeEvent
from tasks.capital.collateral import unlawful
from tasks.pledged import Held, held

Row = dict[str, Any]  # one row of a register
REGISTERED = ("perfect", "extend")


def register_pledge(
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    terms: PledgeAct,
) -> Annotated[pl.LazyFrame, PledgeEvent]:
    """Write one event of a pledge; the same again is the same row, which posts nothing.

    Args:
        pledges: The pledge.
        events: What happened to it so far.
        terms: What happens.

    Raises:
        RegisterError: There is no such pledge, it has ended, it is not registered, or
            the event does not follow what was recorded before.

    5,000,000.00 secured, 1,000,000.00 let go -> 4,000,000.00; a release while the
    external entry stands -> refused.
    """
    known = held(pledges.collect().to_dicts(), events.collect().to_dicts(), ())
    mine = next((one for one in known if one.request == terms.request), None)
    if mine is None:
        raise RegisterError(
            f"nothing is pledged under {terms.request}: `datafactor pledge` lists all"
        )
    row = row_of(mine, terms)
    for before in mine.of(terms.event):
        if {**before, "number": 0} == {**row, "number": 0}:
            return frame_of(PledgeEvent, [tuple(before.values())]).lazy()
    if said := unfit(mine, row) or unlawful(mine, row) or uncovered(mine, row, terms):
        raise RegisterError(said)
    return frame_of(PledgeEvent, [tuple(row.values())]).lazy()


def row_of(mine: Held, terms: PledgeAct) -> Row:
    """Write an event in fen, as the next one of its kind. Contract: PledgeEvent."""
    first = str(mine.pledge["asset"])
    at = terms.registered_at
    said = terms.model_dump() | {
        "number": len(mine.of(terms.event)) + 1,
        "amount_fen": exact_fen(terms.amount) if terms.amount else None,
        "cap_fen": exact_fen(terms.cap) if terms.cap else None,
        "registered_at": at.isoformat(timespec="seconds") if at else "",
    }
    if terms.event == "release_part":
        said["asset"] = terms.asset or first
    return {name: said[name] for name in PledgeEvent.to_schema().columns}


def unfit(mine: Held, row: Row) -> str:
    """Say why an event does not fit what is registered; empty if it fits."""
    kind, entries = row["event"], mine.of(*REGISTERED)
    request, cancelled = mine.request, mine.of("cancel")
    if kind == "perfect" and entries and not cancelled:
        return f"{request} is registered already: extend the registration instead"
    if kind in ("extend", "cancel") and not entries:
        return f"{request} is not registered: record the registration first"
    if kind in ("extend", "cancel") and cancelled:
        return f"the registration of {request} is cancelled already"
    last = max((e["valid_to"] for e in entries), default=None)
    if kind == "extend" and row["valid_to"] <= last:
        return f"{request} is registered to {last} already: extend it to a later day"
    if row["effective_on"] < mine.pledge["pledged_on"]:
        first = mine.pledge["pledged_on"]
        return f"{request} is pledged from {first}: date it then or later"
    return ""


def uncovered(mine: Held, row: Row, terms: PledgeAct) -> str:
    """Say why nothing may be let go: more is owed than would stay secured.

    5,000,000.00 secured and 4,200,000.00 owed: 800,000.00 may be let go, no fen more;
    and the pledge ends when nothing is owed, or the lender waives its security.
    """
    if terms.owed is None or terms.event not in ("release", "release_part"):
        return ""
    owed, let = exact_fen(terms.owed), row["amount_fen"] or mine.total
    left = mine.total - let
    if left >= owed or (terms.event == "release" and terms.waived):
        return ""
    if terms.event == "release":
        return (
            f"{shown(owed)} CNY are owed under {mine.request}: record the payment, or"
            " say --waived if the lender lets its security go all the same"
        )
    return (
        f"{shown(owed)} CNY are owed under {mine.request}, and {shown(left)} would stay"
        f" secured: let at most {shown(max(mine.total - owed, 0))} go"
    )


def registration(mine: Held, on: date) -> tuple[str, str]:
    """Say how a pledge stands at the external register on a day, and on what ground.

    Registered from 2026-07-01 to 2027-06-30 -> perfected on 2027-06-30, lapsed on
    2027-07-01; not recorded -> unperfected 未登记.
    """
    past = [e for e in mine.of(*REGISTERED) if e["effective_on"] <= on]
    ended = [e for e in mine.of("cancel") if e["effective_on"] <= on]
    if not past:
        return "unperfected", "no registration is recorded 未登记"
    number, last = past[0]["registration"], max(e["valid_to"] for e in past)
    if ended:
        return (
            "cancelled",
            f"{number} was cancelled 已注销 on {ended[0]['effective_on']}",
        )
    if on > last:
        return "lapsed", f"{number} expired 已过期 on {last}: register it again"
    return "perfected", f"{number}, registered 已登记 to {last}"
