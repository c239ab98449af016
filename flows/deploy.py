"""Bring a Prefect server to what the documents say, and tell where it differs.

What stands there already is left alone: a second ``deploy`` writes nothing. What stands
there and no document asks for is told, and removed only by a person.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.schemas.automations import AutomationCore
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from rich.console import Console

from flows import alarms
from flows.books import entity_named
from flows.deployed import AFTER, POOL, SLUG, TAG, Wanted, refuse_odd, trigger, wanted
from flows.document import factor_named
from flows.places import refuse_relative
from schemas.errors import DatafactorError, FactorError, StoreError
from tasks import store

Facts = dict[str, Any]  # JSON
T = TypeVar("T")
QUEUED = ConcurrencyOptions(collision_strategy="ENQUEUE")
OF_STORE = "datafactor, store "
SAME = (  # what is compared as the server gives it back
    *("entrypoint", "parameters", "tags", "description", "work_pool_name"),
    *("enforce_parameter_schema", "parameter_openapi_schema", "paused"),
    *("pull_steps", "job_variables", "work_queue_name"),
)
TAGS = [TAG, "value-chain", "close", "watch"]  # the last three alone, before TAG was
PAGE = 200  # the server gives no more at once


class Drift(NamedTuple):
    """One difference between documents and server."""

    name: str
    what: str


def deploy(check: bool = False) -> Facts:
    """Bring the server to the documents, or only say where it differs.

    Returns:
        ``drift``: what differed, one line each; ``written``: what was made so;
        ``left``: what no document asks for.

    Raises:
        FactorError: A document is wrong, or its schedule skips days.
        StoreError: There is no server, or a path would differ on the worker.
    """
    deployments = all_wanted()
    with server() as client:
        drift = [*differing(client, deployments)]
        left = [*strangers(client, deployments)]
        written = [] if check else bring(client, deployments, drift)
        sent = alarms.block_of(client) is not None
    told = [f"{one.name}: {one.what}" for one in (*drift, *left)]
    return {
        "deployments": len(deployments),
        "drift": told,
        "written": written,
        "left": [f"{one.name}: {one.what}" for one in left],
        "alarms_sent": sent,
    }


def all_wanted() -> list[Wanted]:
    """Read all documents; one that is wrong stops all, by its name.

    Raises:
        FactorError: Documents are wrong, or a schedule skips days.
    """
    folder = store.current().settings.factors
    problems: list[str] = []
    factors = [*read(folder, factor_named, problems)]
    entities = [*read(folder.parent / "entities", entity_named, problems)]
    if problems:
        raise FactorError("\n".join(problems))
    found = wanted(factors, entities)
    refuse_odd(found, datetime.now(UTC).date())
    return found


def read(folder: Path, load: Any, problems: list[str]) -> Iterator[Any]:
    """Load all documents of a folder; gather what is wrong.

    Any: a function of a name, and what it gives.
    """
    for file in sorted(folder.glob("*.yaml")):
        try:
            yield load(file.stem)
        except DatafactorError as error:
            problems.append(str(error))


@contextmanager
def server() -> Iterator[SyncPrefectClient]:
    """Lend a client of the server that the environment names.

    Raises:
        StoreError: None is named, it does not answer, or a path is relative.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        raise StoreError(
            "PREFECT_API_URL is not set: name the Prefect server to deploy to, such as"
            " http://127.0.0.1:4200/api"
        )
    refuse_relative()
    try:
        with get_client(sync_client=True) as client:
            client.hello().raise_for_status()
            yield client
    except httpx.HTTPStatusError as error:
        raise StoreError(refused(error.response.status_code)) from None
    except (httpx.TransportError, RuntimeError) as error:
        raise StoreError(
            f"the Prefect server of PREFECT_API_URL does not answer"
            f" ({type(error).__name__}): start it with `prefect server start`, or mend"
            " the address"
        ) from None


def refused(status: int) -> str:
    """Say what a server's answer means; never what it was asked."""
    if status in (401, 403):
        return (
            "the Prefect server wants its auth string: set PREFECT_API_AUTH_STRING to"
            " what it was started with"
        )
    return f"the Prefect server answered {status}: look into its log, then try again"


def differing(
    client: SyncPrefectClient, deployments: Iterable[Wanted]
) -> Iterator[Drift]:
    """Compare each deployment and its automation with what the server holds."""
    if not has_pool(client):
        yield Drift(POOL, "there is no such work pool")
    for one in deployments:
        known = found(client, one)
        if known is None:
            yield Drift(label(one), "is not deployed")
            continue
        yield from (Drift(label(one), what) for what in changes(one, known))
        yield from (Drift(label(one), what) for what in rewired(client, one, known))
    yield from (Drift(*one) for one in alarms.drift(client))


def label(one: Wanted) -> str:
    """Name a deployment as Prefect does: ``value-chain/flight-disruption``."""
    return f"{one.flow}/{one.name}"


def has_pool(client: SyncPrefectClient) -> bool:
    """Say whether the work pool is there.

    Raises:
        StoreError: Another house has it: names, alarms and triggers would cross.
    """
    try:
        told = client.read_work_pool(POOL).description or ""
    except ObjectNotFound:
        return False
    if told.startswith(OF_STORE) and told != whose():
        raise StoreError(
            f"this Prefect server carries another house ({told.removeprefix(OF_STORE)}"
            f" of store): one house a server; take another, or `prefect work-pool"
            f" delete {POOL}` if that house is gone"
        )
    return True


def whose() -> str:
    """Say which store a work pool belongs to, as its description does."""
    return OF_STORE + store.current().id[:12]


def found(client: SyncPrefectClient, one: Wanted) -> DeploymentResponse | None:
    """Read a deployment; None where there is none."""
    try:
        return client.read_deployment_by_name(label(one))
    except ObjectNotFound:
        return None


def changes(one: Wanted, known: DeploymentResponse) -> Iterator[str]:
    """Say in which fields a deployment is not what the documents say."""
    asked = fields(one)
    for name in SAME:
        is_now = getattr(known, name)
        if plain(name, asked[name]) != plain(name, is_now):
            yield f"{name} was changed"
    limit, options = known.global_concurrency_limit, known.concurrency_options
    if limit is None or limit.limit != 1 or options != QUEUED:
        yield "not one run at a time, the next one waiting"
    standing = [
        (s.slug, s.active, s.parameters, *cron(s.schedule)) for s in known.schedules
    ]
    if standing != ([(SLUG, True, {}, *one.clock)] if one.clock else []):
        yield "the schedule was changed"


def plain(name: str, value: Any) -> Any:  # Any: JSON
    """Take out of a field what has no meaning: order of tags, empty parts of a form."""
    if name == "tags":
        return sorted(value)
    if name == "parameter_openapi_schema":
        return {k: v for k, v in value.items() if v}  # some write no definitions
    if name == "pull_steps":
        return value or []
    return value.strip() if isinstance(value, str) else value


def cron(schedule: Any) -> tuple[str, str]:  # Any: one of Prefect's schedules
    """Read a schedule as the documents write it."""
    return getattr(schedule, "cron", "another kind"), schedule.timezone or "UTC"


def fields(one: Wanted) -> Facts:
    """Give the fields of a deployment as Prefect takes them."""
    flow: Any = load_flow_from_entrypoint(one.entrypoint)
    return {
        "entrypoint": one.entrypoint,
        "parameters": dict(one.parameters),
        "tags": [*one.tags],
        "description": one.about,
        "work_pool_name": POOL,
        "enforce_parameter_schema": True,
        "parameter_openapi_schema": parameter_schema(flow).model_dump_for_openapi(),
        "paused": False,
        "pull_steps": [],
        "job_variables": {},
        "work_queue_name": "default",
    }


def rewired(
    client: SyncPrefectClient, one: Wanted, known: DeploymentResponse
) -> Iterator[str]:
    """Say whether what starts a deployment is there, and starts this one.

    An automation holds the id of its deployment: one that was made anew is not started
    by what started the old one.
    """
    standing = client.read_automations_by_name(one.trigger)
    if not one.follows:
        yield from ("an automation is left of earlier inputs" for _ in standing[:1])
    elif not standing:
        yield "no automation starts it after its inputs"
    elif len(standing) > 1 or not alarms.same(automation(one, known.id), standing[0]):
        yield "the automation that starts it was changed"


def automation(one: Wanted, deployment: Any) -> AutomationCore:  # Any: an id
    """Make the automation that starts a deployment after its inputs."""
    made = DeploymentEventTrigger.model_validate(trigger(one))
    made.set_deployment_id(deployment)
    return made.as_automation()


def strangers(
    client: SyncPrefectClient, deployments: Sequence[Wanted]
) -> Iterator[Drift]:
    """List deployments and automations of ours that no document asks for any more."""
    names, wires = set(map(label, deployments)), {one.trigger for one in deployments}
    for name in sorted(f"{flow_of(client, d)}/{d.name}" for d in ours(client)):
        if name not in names:
            yield Drift(
                name,
                "is deployed, and no document asks for it: `prefect deployment delete"
                f" {name}`",
            )
    for name in sorted(wired(client) - wires):
        yield Drift(
            name,
            "is an automation that no document asks for: `prefect automation delete"
            f" '{name}'`",
        )


def ours(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    """List all deployments that carry a tag of ours, page by page."""
    asked = DeploymentFilter(tags=DeploymentFilterTags(any_=TAGS))
    yield from paged(partial(client.read_deployments, deployment_filter=asked))


def wired(client: SyncPrefectClient) -> set[str]:
    """Name the automations that start a factor after its inputs."""
    standing = (one.name for one in paged(client.read_automations))
    return {name for name in standing if name.endswith(AFTER)}


def paged(read: Callable[..., list[T]]) -> Iterator[T]:
    """Read a list of any length from a server that gives a page at a time."""
    offset, some = 0, [*read(limit=PAGE, offset=0)]
    while some:
        yield from some
        offset += len(some)
        some = read(limit=PAGE, offset=offset)


def flow_of(client: SyncPrefectClient, one: DeploymentResponse) -> str:
    """Name the flow of a deployment."""
    return client.read_flow(one.flow_id).name


def bring(
    client: SyncPrefectClient, deployments: Sequence[Wanted], drift: Sequence[Drift]
) -> list[str]:
    """Write what differs, and nothing else; name what was written."""
    names = {one.name for one in drift}
    if POOL in names:
        pool = WorkPoolCreate(name=POOL, type="process", description=whose())
        client.create_work_pool(pool)
    for one in deployments:
        if label(one) in names:
            write(client, one)
    known = {POOL, *map(label, deployments)}
    return sorted((names & known) | {*alarms.apply(client)})


def write(client: SyncPrefectClient, one: Wanted) -> None:
    """Make one deployment what the documents say, with what starts it."""
    clocks = [
        DeploymentScheduleCreate(
            schedule=CronSchedule(cron=c.cron, timezone=c.timezone), slug=SLUG
        )
        for c in ([one.clock] if one.clock else [])
    ]
    made = client.create_deployment(
        flow_id=client.create_flow_from_name(one.flow),
        name=one.name,
        schedules=clocks,
        concurrency_limit=1,
        concurrency_options=QUEUED,
        **fields(one),
    )
    client.delete_resource_owned_automations(f"prefect.deployment.{made}")
    for old in client.read_automations_by_name(one.trigger):
        client.delete_automation(old.id)
    if one.follows:
        client.create_automation(automation(one, made))


def show(console: Console, data: Facts, check: bool) -> None:
    """Say what was done or differs, a line each."""
    for line in data["drift"]:
        console.print(line, markup=False)
    count = f"{data['deployments']} deployments"
    if check:
        lines = f"{len(data['drift'])} lines differ"
        said = lines if data["drift"] else "all stand as the documents say"
        console.print(f"{count}: {said}")
    else:
        done = len(data["written"])
        console.print(f"{count}: {done} written" if done else f"{count}: no change")
    if not data["alarms_sent"]:
        console.print("alarms are sent nowhere: deploy with DATAFACTOR_ALARM_URL set")
    if not check:
        # Without a limit a worker starts all that is due at once, a process each.
        limit = os.cpu_count() or 1
        console.print(f"next: prefect worker start --pool {POOL} --limit {limit}")
