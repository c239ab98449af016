"""Tell what was published, and start what reads it once all it reads is there.

The event says what the store recorded: its id follows from store, artifact and day, so
that the same publication told twice is one event. A run that an event started asks the
store, not Prefect, whether its other inputs of that day are there.
"""

import inspect
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.states import Completed

from flows.calendar import scheduled_date
from flows.deployed import PUBLISHED, resource_id
from flows.document import factor_named
from flows.places import refuse_adrift
from flows.summary import Chain
from schemas.factor import Factor
from tasks import store
from tasks.store import Run
from tasks.store.usage import last_run

P = ParamSpec("P")
R = TypeVar("R")
MAKERS = {"resource": "assess", "product": "productize"}  # who makes it for a day


def follows(flow_function: Callable[P, R]) -> Callable[P, R]:
    """Let a flow of one factor wait for its inputs, and announce what it published."""
    signature = inspect.signature(flow_function)

    @wraps(flow_function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if FlowRunContext.get() is None:
            return flow_function(*args, **kwargs)
        refuse_adrift()
        given = signature.bind(*args, **kwargs).arguments
        if lack := awaited(str(given["factor"]), given.get("as_of")):
            named: State[R] = Completed(name="Waiting", message=lack)
            return named  # type: ignore[return-value]  # Prefect takes a state as the end
        before = last_run(store.current())
        made = flow_function(*args, **kwargs)
        if isinstance(made, Chain):
            announce(made, before)
        return made

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


def announce(made: Chain, before: int) -> None:
    """Emit one event where this run published anything that others read.

    What was reused is no news: its event was emitted by the run that made it.
    """
    news = [
        run
        for task in MAKERS.values()
        for run in made_on(made.factor, task, made.as_of)
        if run.seq > before and is_open(run)
    ]
    if not news:
        return
    stage = "product" if made.frames.get("product") else "resource"
    artifact = made.frames[stage][stage].id
    emit_event(
        event=PUBLISHED,
        resource={
            "prefect.resource.id": resource_id(made.factor),
            "prefect.resource.name": made.factor,
        },
        payload={"as_of": str(made.as_of), "artifact": artifact, "stage": stage},
        id=event_id(made.factor, artifact, made.as_of),
    )


def event_id(factor: str, artifact: str, day: date) -> UUID:
    """Derive the event's id from what happened, so that it is one event."""
    said = f"{store.current().id}/{factor}/{artifact}/{day}"
    return uuid5(NAMESPACE_URL, f"datafactor.published/{said}")
