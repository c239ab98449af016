"""Look at the house every hour: what failed, is stale, fell, is disputed or uncovered.

Every fact is computed from the store and has a key. What was told before is kept there
too, so that no restart of a server tells it twice; it is kept *after* it was told, so
that a crash in between repeats it, under the same key, rather than lose it.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import polars as pl
from prefect import flow, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.utilities.urls import url_for
from rich.console import Console

from flows import alarms
from flows.calendar import scheduled_date
from flows.disputes import ALL
from flows.face import table
from flows.looked import newest, old
from flows.market import rows_of
from flows.operate import failures, money_of
from flows.refusal import answers
from flows.stages import tell_task
from flows.watch_collateral import ZONE, to_do
from schemas.alarm import IN_BOTH, Fact, TellTerms
from schemas.errors import DatafactorError, StoreError
from schemas.money import shown
from schemas.quality import TOTAL
from schemas.registers import CoverState
from tasks import store
from tasks.quality import shown as share

Facts = dict[str, Any]  # JSON
EVENT = "datafactor.alarm"
HEADS = ["kind", "about", "since", "what is so", "what to do", "money"]


def run_name() -> str:
    """Name the run ``house/<as_of>``."""
    return f"house/{runtime.flow_run.parameters.get('as_of') or scheduled_date(ZONE)}"


@flow(name="watch-house", flow_run_name=run_name)
@answers
def watch_house(as_of: date | None = None) -> Facts:
    """Tell what somebody must act on and was not told yet.

    Args:
        as_of: The day that data are held to; left out, the scheduled day.

    Raises:
        StoreError: The server does not take the events.
    """
    return looked_over(as_of)


def looked_over(as_of: date | None = None) -> Facts:
    """Find all facts, tell the server those that are new, and keep what was told."""
    day = as_of or scheduled_date(ZONE)
    facts = sorted(all_facts(day), key=lambda fact: fact.key)
    known = told_before()
    fresh = [fact for fact in facts if fact.key not in known]
    if fresh and os.environ.get("PREFECT_API_URL") and tell_server(fresh):
        tell_task(TellTerms(facts=tuple(fresh)))
    told = [fact.model_dump(mode="json") for fact in facts]
    show_server(told, fresh, day)
    return {
        "as_of": str(day),
        "alarms": told,
        "new": [fact.key for fact in fresh],
    }


def all_facts(day: date) -> Iterator[Fact]:
    """Find everything that somebody must act on."""
    yield from failed()
    yield from stale(day)
    yield from fallen()
    yield from disputed()
    yield from uncovered()


def told_before() -> set[str]:
    """Read the keys of all that was ever told: a key names one fact, for good."""
    said = [run.publication for run in store.runs(store.current(), task="tell")]
    told = (one.terms["facts"] for one in said if one.status == "COMPLETE")
    return {fact["key"] for facts in told for fact in facts}


def failed() -> Iterator[Fact]:
    """Tell what failed or was refused and nothing has followed."""
    for one in failures():
        about, refused = str(one["factor"] or "house"), one["state"] != "failed"
        yield Fact(
            key=f"failed/{one['run']}",
            kind="refused" if refused else "failed",
            about=about,
            since=date.fromisoformat(str(one["at"])[:10]),
            sentence=one["sentence"],
            to_do=f"`datafactor show {about} --failed`, then what its sentence says",
            money=money_of(about),
        )


def stale(day: date) -> Iterator[Fact]:
    """Tell the products whose data are older than they were declared to be."""
    for run in newest("productize"):
        name = run.publication.factor
        with suppress(DatafactorError):  # what cannot be read fails elsewhere
            if grounds := [*old(name, day)]:
                made = run.publication.as_of or run.at.date()
                yield Fact(
                    key=f"stale/{name}/{made}",
                    kind="stale",
                    about=name,
                    since=day,
                    sentence=f"{name} of {made} is stale: {'; '.join(grounds)}",
                    to_do=f"fetch what is new, then `datafactor run {name}`; missed"
                    f" days: `datafactor backfill {name} A..B`",
                    money=money_of(name),
                )


def fallen() -> Iterator[Fact]:
    """Tell the resources whose quality fell by more than their step."""
    s = store.current()
    for run in newest("assess"):
        with suppress(StoreError):  # `verify` tells of bytes that are gone
            scores = store.scan(s, run.refs["score"]).collect()
            now = scores.row(by_predicate=pl.col("dimension") == TOTAL, named=True)
            fall = (now["before_ppm"] or 0) - (now["score_ppm"] or 0)
            if now["before_ppm"] is not None and fall > now["step_ppm"]:
                yield fall_of(now)


def fall_of(now: Facts) -> Fact:
    """Tell one fall."""
    name = str(now["factor"])
    scored = f"{share(now['before_ppm'])} to {share(now['score_ppm'])}"
    return Fact(
        key=f"quality/{name}/{now['as_of']}",
        kind="quality",
        about=name,
        since=now["as_of"],
        sentence=f"the quality of {name} fell from {scored}, more than its step of"
        f" {share(now['step_ppm'])}; stages that follow are shut",
        to_do=f"`datafactor quality {name}` says where; mend the source, or accept it"
        " by a wider quality_step in the document",
        money=money_of(name),
    )


def disputed() -> Iterator[Fact]:
    """Tell the disputes that are open; no word of the claim, which names parties."""
    rows = store.snapshot(store.current(), ALL, "")[0].to_dicts()
    lifted = {row["dispute"] for row in rows if row["event"] == "lift"}
    for row in rows:
        if row["event"] == "open" and row["dispute"] not in lifted:
            name = str(row["asset"])
            yield Fact(
                key=f"dispute/{row['dispute']}",
                kind="dispute",
                about=name,
                since=row["effective_on"],
                sentence=f"dispute {row['dispute']} over {name} is open: nothing of it"
                " is offered, delivered, posted or lent on",
                to_do=f"settle it, then `datafactor dispute {name} lift`; what rests on"
                f" it: `datafactor impact {name}`",
                money=money_of(name),
            )


def uncovered() -> Iterator[Fact]:
    """Tell the pledges whose last recorded state is not normal."""
    last: dict[str, Facts] = {}
    for row in rows_of(CoverState):
        if row["number"] > last.get(row["request"], {"number": 0})["number"]:
            last[row["request"]] = row
    for request, row in last.items():
        if row["state"] != "normal":
            yield Fact(
                key=f"pledge/{request}/{row['number']}",
                kind="pledge",
                about=request,
                since=row["watched_on"],
                sentence=f"the pledge of {request} is {row['state']}: {row['ground']}",
                to_do=to_do(row),
                money=f"{shown(row['outstanding_fen'])} CNY outstanding",
            )


def tell_server(fresh: Iterable[Fact]) -> bool:
    """Hand new facts to the server; say whether somebody hears them there.

    Where no address stands nothing is told, so that it is told once there is one.

    Raises:
        StoreError: It did not take them; the next look tries again.
    """
    events = [event(fact) for fact in fresh]
    try:
        with get_client(sync_client=True) as client:
            if alarms.block_of(client) is None:
                return False
            client.request("POST", "/events", json=events).raise_for_status()
    except httpx.HTTPError as error:
        raise StoreError(
            f"the Prefect server did not take {len(events)} alarms"
            f" ({type(error).__name__}): they are told at the next look"
        ) from None
    return True


def event(fact: Fact) -> Facts:
    """Write a fact as an event, under an id that follows from its key."""
    return {
        "id": str(event_id(fact.key)),
        "event": EVENT,
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {
            "prefect.resource.id": f"datafactor.alarm.{fact.kind}.{fact.about}",
            "prefect.resource.name": fact.about,
        },
        "payload": fact.model_dump(mode="json") | {"link": page()},
    }


def page() -> str:
    """Give the address of the run's page, which lists all that stands; else of none."""
    run = FlowRunContext.get()
    known = run and run.flow_run
    return (known and url_for("flow-run", obj_id=known.id)) or ""


def event_id(key: str) -> UUID:
    """Derive the id of an event from the fact: sent again, it is the same event."""
    return uuid5(NAMESPACE_URL, f"datafactor:{store.current().id}:alarm/{key}")


def show_server(told: list[Facts], fresh: list[Fact], day: date) -> None:
    """Lay what stands out on the run's page, where there is one."""
    if FlowRunContext.get() is None:
        return
    said = f"{len(told)} to act on as of {day}, {len(fresh)} of them new"
    rows = [dict(zip(HEADS, cells(one), strict=True)) for one in told]
    create_table_artifact(key="house-alarms", table=rows, description=said)


def cells(one: Facts) -> list[str]:
    """Lay one fact out."""
    names = ("about", "since", "sentence", "to_do", "money")
    return [IN_BOTH[one["kind"]], *(str(one[n]) for n in names)]


def show(console: Console, data: Facts) -> None:
    """Show what somebody must act on."""
    if not data["alarms"]:
        console.print(f"nothing to act on as of {data['as_of']}")
        return
    console.print(table("", HEADS, [cells(one) for one in data["alarms"]]))
