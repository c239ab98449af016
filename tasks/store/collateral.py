"""Guard what is pledged, inside the publishing transaction: nobody else writes then.

What a pledge secures is counted anew from its rows and events; the counter's CHECK
holds it under the cap whatever this code thinks.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandera.polars as pa
from sqlalchemy import Connection, and_, func, insert, select, update
from sqlmodel import col

from schemas.errors import RegisterError
from schemas.portfolio import STATES
from schemas.registers import CollateralRoot, Pledge, PledgeEvent
from schemas.tables.columns import Row, table_of
from schemas.tables.pledge import (
    Collateral,
    CollateralRootRow,
    CoverStateRow,
    LoanFactRow,
    PledgeEventRow,
    PledgeRow,
)
from tasks.capital.collateral import meeting, refusal, unlawful
from tasks.pledged import MOVES, Held, counters, held

Values = dict[str, Any]  # one register row: text, integers, dates, flags
Asset = tuple[str, str]  # entity, name
Counts = dict[tuple[Any, ...], Values]
CALLED = STATES[2:]  # margin call, default


def secure(c: Connection, pledges: Sequence[Values]) -> None:
    """Refuse pledges that may not stand beside what they meet; count the others.

    Raises:
        RegisterError: One is refused; the sentence says why and what to do.
    """
    for pledge in pledges:
        known = held_now(c)
        new = next(one for one in known if one.request == pledge["request"])
        _admit("Pledge", new, known)
        _count(c, known, {(pledge["entity"], pledge["asset"]): pledge["cap_fen"]})


def happen(c: Connection, events: Sequence[Values]) -> None:
    """Refuse events that may not follow; count what the others secure.

    Raises:
        RegisterError: As said, or the pledge is not known.
    """
    coming = list(events)
    while coming:
        event = coming.pop(0)
        known = held_now(c)
        mine = next((one for one in known if one.request == event["request"]), None)
        if mine is None:
            raise RegisterError(
                f"PledgeEvent: nothing is pledged under {event['request']}"
            )
        after = without(mine, coming)
        if said := unlawful(without(after, [event]), event):
            raise RegisterError(f"PledgeEvent: {said}")
        others = [after if one is mine else one for one in known]
        caps = {}
        if event["event"] in MOVES:
            _admit("PledgeEvent", after, others)
            caps = {(mine.pledge["entity"], event["asset"]): event["cap_fen"]}
        _count(c, others, caps)


def rest(c: Connection, roots: Sequence[Values]) -> None:
    """Refuse data that comes under a live pledge, if it is pledged elsewhere already.

    Else a borrower would pledge some data, put other under its name, and pledge that
    other once more.

    Raises:
        RegisterError: It is; the sentence names the agreements.
    """
    fresh = {(r["request"], r["asset"], r["root"]) for r in roots}
    known = held_now(c)
    for one in known:
        new = [r for r in one.roots if (r["request"], r["asset"], r["root"]) in fresh]
        if not new or one.released:
            continue
        old = Held(one.pledge, one.events, [r for r in one.roots if r not in new])
        met = meeting(one, known).keys() - meeting(old, known).keys()
        if met:
            raise RegisterError(
                f"CollateralRoot: the data that {one.request} rests on now is pledged"
                f" under {', '.join(sorted(met))} already: put the former data back, or"
                " have one of the pledges released first"
            )


def without(one: Held, events: Iterable[Mapping[str, Any]]) -> Held:
    """Tell of a pledge as if some events had not happened yet."""
    gone = {(e["event"], e["number"]) for e in events if e["request"] == one.request}
    kept = [e for e in one.events if (e["event"], e["number"]) not in gone]
    return Held(one.pledge, kept, one.roots)


def _admit(register: str, new: Held, known: Sequence[Held]) -> None:
    met = meeting(new, known)
    beside = [one for one in known if one.request in met]
    if said := refusal(new, beside):
        raise RegisterError(f"{register}: {said}")


def held_now(c: Connection) -> list[Held]:
    """Read every pledge with its events and roots, in the order they were posted."""
    return held(
        _rows(c, Pledge, PledgeRow),
        _rows(c, PledgeEvent, PledgeEventRow),
        _rows(c, CollateralRoot, CollateralRootRow),
    )


def _rows(
    c: Connection, contract: type[pa.DataFrameModel], table: type[Row]
) -> list[Values]:
    names = [*contract.to_schema().columns]
    place = "pledged_on" if table is PledgeRow else "request"
    columns = table_of(table).columns
    query = select(*(columns[n] for n in names)).order_by(columns[place])
    return [dict(row) for row in c.execute(query).mappings()]


def _count(c: Connection, known: Sequence[Held], caps: Mapping[Asset, int]) -> None:
    """Write the counters anew; an asset with a new cap takes it over."""
    counter = table_of(Collateral)
    held_in = {
        (row.entity, row.asset): row for row in c.execute(select(*counter.columns))
    }
    for at, (fen, alone) in counters(known).items():
        row = held_in.get(at)
        cap = caps.get(at) or (row.cap_fen if row else 0)
        said = {"cap_fen": cap, "pledged_fen": fen, "exclusive": alone}
        if row is None:
            c.execute(insert(counter).values(entity=at[0], asset=at[1], **said))
        elif (row.cap_fen, row.pledged_fen, row.exclusive) != (cap, fen, alone):
            where = and_(counter.c.entity == at[0], counter.c.asset == at[1])
            c.execute(update(counter).where(where).values(**said))


def in_order(c: Connection, facts: Sequence[Values]) -> None:
    """Refuse a payment that is dated before the one recorded last.

    Raises:
        RegisterError: As said: interest was settled with the later one.
    """
    for fact in (f for f in facts if f["event"] == "pay"):
        before = select(func.max(col(LoanFactRow.effective_on))).where(
            *(col(LoanFactRow.loan) == fact["loan"], col(LoanFactRow.event) == "pay"),
            col(LoanFactRow.number) < fact["number"],
        )
        last = c.scalar(before)
        if last is not None and fact["effective_on"] < last:
            raise RegisterError(
                f"LoanFact: a payment of {last} is recorded already: date this one on"
                " that day or later"
            )


def in_turn(c: Connection, states: Sequence[Values]) -> None:
    """Refuse a change of cover that does not follow the one recorded last.

    Raises:
        RegisterError: It follows another state, its day lies before that of the last,
            or a value below the debt comes without a margin call.
    """
    for new in sorted(states, key=lambda row: (row["request"], row["number"])):
        where = (
            col(CoverStateRow.request) == new["request"],
            col(CoverStateRow.number) < new["number"],
        )
        newest = select(*table_of(CoverStateRow).columns).where(*where)
        before = newest.order_by(col(CoverStateRow.number).desc()).limit(1)
        last = c.execute(before).mappings().first()
        stood, rank = (last["state"], last["number"]) if last else (STATES[0], 0)
        if (new["before"], new["number"]) != (stood, rank + 1):
            raise RegisterError(
                "CoverState: another change was recorded meanwhile: watch again"
            )
        if last and new["watched_on"] < last["watched_on"]:
            raise RegisterError(
                f"CoverState: {last['watched_on']} was watched already: set the clock"
                " right, or watch a later day"
            )
        below = (new["value_fen"] or 0) < new["outstanding_fen"]
        if new["value_fen"] is not None and below and new["state"] not in CALLED:
            raise RegisterError(
                "CoverState: a value below the debt is recorded with a margin call:"
                " call for cover, or have it appraised anew"
            )


def project(tables: Mapping[type[Row], Counts], row: Values) -> None:
    """Replay that a pledge, or an event of one, names the cap of an asset."""
    entity = row.get("entity")
    if entity is None:
        pledge = tables[PledgeRow].get((row["request"],))
        if pledge is None or row["event"] not in MOVES:
            return
        entity = pledge["entity"]
    at = (entity, row["asset"])
    tables[Collateral][at] = {
        "entity": at[0],
        "asset": at[1],
        "cap_fen": row["cap_fen"],
    }


def recount(tables: Mapping[type[Row], Counts]) -> None:
    """Replay what every asset secures after all that happened."""
    known = held(tables[PledgeRow].values(), tables[PledgeEventRow].values(), ())
    for at, (fen, alone) in counters(known).items():
        if at in tables[Collateral]:
            tables[Collateral][at] |= {"pledged_fen": fen, "exclusive": alone}
