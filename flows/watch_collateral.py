"""Watch the collateral of loans: every live pledge, every day, in one pass.

What each rests on is read again; how it stands is computed once for all of them, and a
change of state is recorded in the publishing transaction. From the record, not from the
run, follow the event and the table for an operator: said twice they say one thing.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect import flow, runtime
from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext
from prefect.events import emit_event
from rich.console import Console

from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.disputes import ALL
from flows.document import policy_named
from flows.face import table
from flows.held import documents, live_pledges, loans, owed_on
from flows.looked import Found, looked, newest
from flows.market import rows_of
from flows.refusal import answers
from flows.stages import watch_task
from schemas.artifact import ArtifactRef, Snapshot
from schemas.errors import FactorError, Refused, RegisterError, StoreError
from schemas.money import shown, yuan
from schemas.portfolio import CoverageRules
from schemas.registers import (
    CollateralRoot,
    CoverState,
    Invoice,
    LoanFact,
    Order,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.watch import IN_BOTH, Debt, WatchRules, WatchTerms
from tasks import store
from tasks.pledged import Held
from tasks.quality import shown as share

Facts = dict[str, Any]  # JSON
ZONE = "Asia/Shanghai"  # of a watch over all entities
AMOUNTS = ("outstanding", "value", "repay", "top_up", "releasable")
RATIOS = ("ltv", "coverage")


def run_name() -> str:
    """Name the run ``watch/<entity>/<as_of>``."""
    given = runtime.flow_run.parameters
    day = given.get("as_of") or "scheduled date"
    return f"watch/{given.get('entity') or 'all'}/{day}"


@flow(name="watch-collateral", flow_run_name=run_name)
@answers
def watch_collateral(entity: str = "", as_of: date | None = None) -> Facts:
    """Watch the live pledges of an entity, or of all.

    Args:
        entity: Name of the entity document; all that pledged if not said.
        as_of: The day; left out, the scheduled day in the entity's zone.

    Raises:
        StoreError: Evidence cannot be read. What could be told is recorded before.
    """
    facts = look_after(entity, as_of)
    if facts["trouble"]:
        raise StoreError(attention(facts["trouble"]))
    return facts


def watched(entity: str, as_of: date | None) -> Facts:
    """Watch plainly, or on the Prefect server that the environment names.

    Raises:
        Refused: The clock went back, or the policy does not apply yet.
        StoreError: On a server: evidence cannot be read.
    """
    if not os.environ.get("PREFECT_API_URL"):
        return look_after(entity, as_of)
    state = watch_collateral(entity, as_of, return_state=True)
    if state.name == "Refused":
        raise Refused("watch", (state.message or "",))
    facts: Facts = state.result()
    return facts


def look_after(entity: str, as_of: date | None) -> Facts:
    """Watch, tell the server what changed, and gather what an operator reads.

    Raises:
        RegisterError: The day has not come.
    """
    zone = entity_named(entity).zone if entity else ZONE
    today = scheduled_date(zone)
    day = as_of or today
    if day > today:
        raise RegisterError(f"{day} has not come: pledges are watched as they stand")
    pledges = live_pledges()
    policies, trouble = policies_of(pledges, entity)
    rows: list[Facts] = []
    # Entity by entity: what one is told of stands in its own runs, and in its packs.
    for name, policy in policies.items():
        mine = [p for p in pledges if p.pledge["entity"] == name]
        found = looked(assets_of(mine), day)
        terms = terms_of(policy, [name], mine, found, day)
        made = watch_task(
            *registers([name]),
            *(found.valuations, found.scores, terms, day),
            disputes=ALL,
        )
        rows += told(made, day)
        trouble += found.trouble
    show_server(entity or "all", rows, day)
    changed = sum(row["changed"] for row in rows)
    known = {"entity": entity, "as_of": str(day), "changed": changed}
    return known | {"pledges": rows, "trouble": trouble}


def policies_of(
    pledges: Sequence[Held], entity: str
) -> tuple[dict[str, str], list[str]]:
    """Find the policy by which each entity is watched.

    Returns:
        Policy by entity, and why others cannot be watched.
    """
    found, trouble = {}, []
    for name in dict.fromkeys(str(p.pledge["entity"]) for p in pledges):
        if entity in ("", name):
            try:
                found[name] = entity_named(name).policy
            except FactorError as error:
                trouble.append(f"the pledges of {name} are not watched: {error}")
    return found, trouble


def assets_of(pledges: Iterable[Held]) -> list[tuple[str, str]]:
    """List what secures some pledges now, each asset once."""
    found = (
        (str(p.pledge["entity"]), asset)
        for p in pledges
        for asset, fen in p.secured.items()
        if fen > 0
    )
    return sorted(set(found))


def terms_of(
    policy: str, entities: list[str], pledges: Sequence[Held], found: Found, day: date
) -> WatchTerms:
    """Say whose pledges are watched, by which rules, and what was found of them."""
    rules = policy_named(policy)
    owed = owed_on(pledges, day)
    who = pledgors()
    return WatchTerms(
        factor=entities[0] if len(entities) == 1 else policy,
        entities=tuple(entities),
        coverage=rules.resolve(CoverageRules),
        rules=rules.resolve(WatchRules),
        assets=tuple(found.assets),
        debts=tuple(
            Debt(
                request=one.request,
                outstanding_fen=owed[one.request].outstanding_fen,
                accrued_fen=owed[one.request].accrued_fen,
                pledgor=who.get(one.request, ""),
                days_past_due=owed[one.request].days_past_due,
            )
            for one in pledges
        ),
        ahead=later_watch(entities, day),
        recorded=len(rows_of(CoverState)),
    )


def pledgors() -> dict[str, str]:
    """Name the borrower of each agreement: as recorded, else as its document says."""
    written = {
        number: terms.loan.borrower.name
        for number, terms in documents().items()
        if terms.loan
    }
    return written | {number: str(r["borrower"]) for number, r in loans().items()}


def later_watch(entities: Iterable[str], day: date) -> date | None:
    """Find a day after this one on which one of the entities was watched already."""
    days = [
        run.publication.as_of
        for run in newest("watch")
        if {*entities} & {*run.publication.terms["entities"]}
        and all(gate.passed for gate in run.publication.gates)
        and run.publication.as_of is not None
    ]
    return max((d for d in days if d is not None and d > day), default=None)


def registers(entities: Sequence[str]) -> tuple[Snapshot, ...]:
    """Ask for what a watch reads: all pledges, and of one entity its own rights."""
    mine = {"entity": entities[0]} if len(entities) == 1 else {}
    every = (Pledge, PledgeEvent, CollateralRoot, CoverState, LoanFact)
    own = (Right, Order, Invoice)
    return (
        *(Snapshot(register=register, where={}) for register in every),
        *(Snapshot(register=register, where=mine) for register in own),
    )


def told(made: dict[str, ArtifactRef], day: date) -> list[Facts]:
    """Tell how each pledge was found, and what changed of it on the day.

    A watch that is repeated tells the change again: it is read from the register.
    """
    found = store.scan(store.current(), made["watched"]).collect().to_dicts()
    last = {r["request"]: r for r in sorted(rows_of(CoverState), key=number)}
    return [fact(row, last.get(row["request"]), day) for row in found]


def number(row: Facts) -> int:
    """Order the changes of a pledge."""
    return int(row["number"])


def fact(row: Facts, last: Facts | None, day: date) -> Facts:
    """Tell one pledge: amounts in yuan, shares of 1, null where they are unknown."""
    changed = last is not None and last["watched_on"] == day
    before = last["before"] if last and changed else row["before"]
    amounts = {n: row[f"{n}_fen"] for n in AMOUNTS}
    ratios = {n: row[f"{n}_ppm"] for n in RATIOS}
    return {
        "request": row["request"],
        "entity": row["entity"],
        "before": before,
        "state": row["state"],
        "called": IN_BOTH[row["state"]],
        "changed": changed,
        "number": last["number"] if last and changed else 0,
        **{n: None if v is None else str(yuan(v)) for n, v in amounts.items()},
        **{n: None if v is None else share(v) for n, v in ratios.items()},
        "ground": row["ground"],
        "evidence": row["evidence"],
        "to_do": to_do(row),
    }


def to_do(row: Facts) -> str:
    """Say what an operator does about a pledge, and how much money it takes."""
    state, repay = row["state"], row["repay_fen"]
    if state == "normal":
        return f"nothing; {shown(row['releasable_fen'])} CNY of value may be released"
    if repay is None:
        return "have it appraised anew, or mend the evidence: no amount can be told"
    if repay == 0:
        cure = "mend what is said, or let other collateral take its place"
    else:
        more = shown(row["top_up_fen"])
        cure = f"{shown(repay)} CNY repaid, or {more} CNY of value added, cures it"
    if state == "default":
        owed = shown(row["outstanding_fen"])
        waiver = "record the lender's waiver by `datafactor waive`"
        return f"enforce 处置 {owed} CNY, or {waiver}; {cure}"
    asked = "call 补充担保 from" if state == "margin_call" else "warn 预警"
    return f"{asked} the pledgor; {cure}"


def show_server(name: str, rows: Sequence[Facts], day: date) -> None:
    """Put the table on the run page, and send an event for each change of the day."""
    if FlowRunContext.get() is None:
        return
    sound = sum(row["state"] == "normal" for row in rows)
    changed = [row for row in rows if row["changed"]]
    said = f"{len(rows)} pledges on {day}: {len(changed)} changed, {sound} normal"
    create_table_artifact(
        key=f"watch-{name}", table=[*map(line, worst_first(rows))], description=said
    )
    for row in changed:
        emit_event(
            event=f"datafactor.pledge.{row['state']}",
            resource={
                "prefect.resource.id": f"datafactor.pledge.{row['request']}",
                "prefect.resource.name": f"pledge {row['request']}",
            },
            payload={n: row[n] for n in ("before", "state", "ground", "to_do")},
            id=event_id(row),
        )


def event_id(row: Facts) -> UUID:
    """Derive the id of an event from the fact: sent again, it is the same event."""
    fact = f"CoverState/{row['request']}/{row['number']}"
    return uuid5(NAMESPACE_URL, f"datafactor:{store.current().id}:{fact}")


def worst_first(rows: Iterable[Facts]) -> list[Facts]:
    """List what changed or is not normal: changes first, the worst of them first."""
    order = list(IN_BOTH)
    kept = [r for r in rows if r["changed"] or r["state"] != "normal"]
    return sorted(kept, key=lambda r: (not r["changed"], -order.index(r["state"])))


def line(row: Facts) -> dict[str, str]:
    """Write one pledge for an operator."""
    now = row["called"]
    moved = f"{IN_BOTH[row['before']]} → {now}" if row["changed"] else f"still {now}"
    return {
        "loan 贷款": row["request"],
        "pledgor 出质人": row["entity"],
        "state 状态": moved,
        "why 原因": row["ground"],
        "what to do 处理": row["to_do"],
        "owed 余额": grouped(row["outstanding"]),
        "value 估值": grouped(row["value"]),
        "loan to value 质押率": row["ltv"] or "unknown",
    }


def grouped(amount: str | None) -> str:
    """Write yuan for people. 5000000.00 -> 5,000,000.00."""
    return "unknown" if amount is None else f"{Decimal(amount):,}"


def attention(trouble: Sequence[str]) -> str:
    """Say in one sentence what an operator must look at."""
    return (
        f"{'; '.join(trouble)}; the pledges that rest on it are warned of: see"
        " `datafactor verify`, mend it, then watch again"
    )


def show(console: Console, data: Facts) -> None:
    """Show what changed or is not normal, and what to do about it."""
    rows, changed = data["pledges"], data["changed"]
    said = f"pledges watched on {data['as_of']}: {len(rows)}, changed: {changed}"
    console.print(said, markup=False)
    lines = [line(row) for row in worst_first(rows)]
    if lines:
        columns = [*lines[0]]
        cells = [tuple(one.values()) for one in lines]
        console.print(table("not normal, or changed", columns, cells))
    if data["trouble"]:
        console.print(attention(data["trouble"]), markup=False)
