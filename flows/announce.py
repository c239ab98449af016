"""Tell what was published, and start what reads it once all it reads is there.

The event says what the store recorded: its id follows from store, artifacts and day, so
that the same publication told twice is one event. However a run ends, what it published
is told, and what a run that was killed left untold is told by the next one. A run that
an event started asks the store, not Prefect, whether its other inputs of that day are
there.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.states import Completed

from flows.calendar import scheduled_date
from flows.deployed import PUBLISHED, resource_id
from flows.document import factor_named
from flows.places import refuse_adrift
from schemas.factor import Factor
from tasks import store
from tasks.store import Run

P = ParamSpec("P")
R = TypeVar("R")
MAKERS = {"resource": "assess", "product": "productize"}  # who makes it for a day
ASSESSED = "resource.resource"  # the role in which `assess` reads it


def follows(flow_function: Callable[P, R]) -> Callable[P, R]:
    """Let a flow of one factor wait for its inputs, and announce what it published."""
    signature = inspect.signature(flow_function)

    @wraps(flow_function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if FlowRunContext.get() is None:
            return flow_function(*args, **kwargs)
        refuse_adrift()
        given = signature.bind(*args, **kwargs).arguments
        factor, day = str(given["factor"]), given.get("as_of")
        if lack := awaited(factor, day):
            named: State[R] = Completed(name="Waiting", message=lack)
            return named  # type: ignore[return-value]  # Prefect takes a state as the end
        try:
            return flow_function(*args, **kwargs)
        finally:  # a later stage that fails or is refused takes nothing back
            with suppress(*store.UNREACHED):  # the flow says that itself
                announce(factor, day or scheduled_date(factor_named(factor).zone))

    return run


def awaited(factor: str, day: date | None) -> str:
    """Say what a run that an event started must wait for; a person's waits for none."""
    if not was_triggered():
        return ""
    terms = factor_named(factor)
    return lacking(terms, day or scheduled_date(terms.zone))


def was_triggered() -> bool:
    """Say whether an automation started this run."""
    context = FlowRunContext.get()
    by = context.flow_run.created_by if context and context.flow_run else None
    return by is not None and by.type == "AUTOMATION"


def lacking(terms: Factor, day: date) -> str:
    """Say which inputs have not been published for a day; empty if all have."""
    missing = [ref for ref in terms.inputs.values() if not published(ref, day)]
    if not missing:
        return ""
    return (
        f"{' and '.join(sorted(missing))} of {day} is not published yet: {terms.factor}"
        " starts by itself when it is; to run it with what there is, leave the day out"
    )


def published(ref: str, day: date) -> bool:
    """Say whether ``FACTOR/product`` or ``FACTOR/resource`` was made for a day."""
    factor, _, stage = ref.partition("/")
    return any(is_open(run) for run in made_on(factor, MAKERS[stage], day))


def made_on(factor: str, task: str, day: date) -> list[Run]:
    """List the complete runs of a task for a day, newest first."""
    runs = store.runs(store.current(), factor, task)
    said = ((run, run.publication) for run in runs)
    return [r for r, p in said if p.status == "COMPLETE" and p.as_of == day]


def is_open(run: Run) -> bool:
    """Say whether no gate was shut."""
    return all(gate.passed for gate in run.publication.gates)


def announce(factor: str, day: date) -> None:
    """Emit one event for what others may read of a factor and a day.

    What was told before is no news, and starts nothing again.
    """
    found = offered(factor, day)
    id = event_id(factor, "+".join(found.values()), day)
    if not found or is_told(id):
        return
    stage, artifact = [*found.items()][-1]
    emit_event(
        event=PUBLISHED,
        resource={
            "prefect.resource.id": resource_id(factor),
            "prefect.resource.name": factor,
        },
        payload={"as_of": str(day), "artifact": artifact, "stage": stage},
        id=id,
    )


def offered(factor: str, day: date) -> dict[str, str]:
    """Give the artifacts that were made for a day, no gate shut: by stage, in order."""
    found: dict[str, str] = {}
    for stage, task in MAKERS.items():
        for run in filter(is_open, made_on(factor, task, day)[::-1]):  # newest last
            read = {i.role: i.id for i in run.publication.inputs}
            made = {m.frame: m.ref.id for m in run.publication.artifacts}
            found[stage] = read[ASSESSED] if stage == "resource" else made[stage]
    return found


def is_told(id: UUID) -> bool:
    """Say whether the server has an event; one that cannot say is told again."""
    asked = {"filter": {"id": {"id": [str(id)]}}}
    with (
        suppress(httpx.HTTPError, RuntimeError),
        get_client(sync_client=True) as client,
    ):
        answer = client.request("POST", "/events/filter", json=asked)
        return bool(answer.json()["events"])
    return False


def event_id(factor: str, artifact: str, day: date) -> UUID:
    """Derive the event's id from what happened, so that it is one event."""
    said = f"{store.current().id}/{factor}/{artifact}/{day}"
    return uuid5(NAMESPACE_URL, f"datafactor.published/{said}")
