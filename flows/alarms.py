"""Say which automations stand on a Prefect server, and where their words go.

Facts of the store go out by one automation (``datafactor.alarm``); a run that died
without a word is found by its heartbeat and told by another. The address stands in a
block of the server and in ``DATAFACTOR_ALARM_URL``, never in a file or a log.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from pydantic import SecretStr

from tasks import store

BLOCK = "datafactor-alarms"
HOUSE = "watch-house/watch-house"
MISSED = 3  # heartbeats after which a run counts as dead
BEAT = 180  # seconds between heartbeats where nothing else is set
RUN = "prefect.flow-run"
ENDS = ("Completed", "Failed", "Crashed", "Cancelled", "Refused", "Reused", "Waiting")
PAUSES = ("Suspended", "Paused", "Cancelling")
WORDS = ("key", "kind", "about", "since", "sentence", "to_do", "money", "link")
LOOKED_AT = ["value-chain", "close-period", "draw-loan", "watch-collateral"]
OURS = {"prefect.resource.id": "prefect.tag.datafactor", "prefect.resource.role": "tag"}


def wanted(client: SyncPrefectClient) -> list[AutomationCore]:
    """List the automations that shall stand; those that send need an address."""
    made = [zombies()]
    if house := deployment(client, HOUSE):
        made += [look_at_once(house)]
    if block := block_of(client):
        made += [facts(block), crashes(block), blindness(block)]
    return made


def zombies() -> AutomationCore:
    """Call a run dead that has stopped to say that it lives; tell nobody by itself.

    It also fires for runs that have ended, whose end it did not see: the server refuses
    to change those, so no message may hang on it.
    """
    within = MISSED * (get_current_settings().flows.heartbeat_frequency or BEAT)
    return AutomationCore(
        name="datafactor: a run that died is Crashed",
        description=f"No heartbeat for {within} s: the process or its machine is gone.",
        trigger=EventTrigger(
            # Begun counts as a sign of life: who dies at once never sends a heartbeat.
            after={f"{RUN}.heartbeat", f"{RUN}.Running"},
            expect={f"{RUN}.heartbeat", *(f"{RUN}.{e}" for e in (*ENDS, *PAUSES))},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            # Others' runs may send none.
            match_related=OURS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=within),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"The run gave no sign of life for {within} s: its process or"
                " machine is gone. The store holds no half run: press Retry.",
            )
        ],
    )


def look_at_once(house: UUID) -> AutomationCore:
    """Look at the house as soon as a run failed or a pledge changed, not in an hour.

    Never because a look failed: it would be asked for again and again, without end.
    """
    return AutomationCore(
        name="datafactor: look at the house when something happened",
        description="A run failed or was refused, or the cover of a pledge changed.",
        trigger=EventTrigger(
            expect={f"{RUN}.Failed", f"{RUN}.Refused", "datafactor.pledge.*"},
            match_related=of_flows(*LOOKED_AT),
            threshold=1,
            within=timedelta(0),
        ),
        actions=[RunDeployment(source="selected", deployment_id=house)],
    )


def facts(block: UUID) -> AutomationCore:
    """Send each fact that a look at the house tells."""
    said = {name: f"event.payload.{name}" for name in WORDS}
    return AutomationCore(
        name="datafactor: send what somebody must act on",
        description="Each event datafactor.alarm, once; its key tells repeats apart.",
        trigger=EventTrigger(
            expect={"datafactor.alarm"}, threshold=1, within=timedelta(0)
        ),
        actions=[CallWebhook(block_document_id=block, payload=template(said))],
    )


def of_flows(*names: str) -> dict[str, str | list[str]]:
    """Match the events of runs of some flows."""
    return {"prefect.resource.role": "flow", "prefect.resource.name": [*names]}


def crashes(block: UUID) -> AutomationCore:
    """Send that a run died: the store knows nothing of it."""
    said = of_run("crashed", "press Retry: what was published is reused")
    return AutomationCore(
        name="datafactor: send that a run died",
        description="Once a run, which may be later than the death itself.",
        trigger=EventTrigger(
            expect={f"{RUN}.Crashed"},
            match_related=OURS,
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[CallWebhook(block_document_id=block, payload=template(said))],
    )


def blindness(block: UUID) -> AutomationCore:
    """Send that a look at the house failed: until one goes well, nothing is told."""
    to_do = "run `datafactor doctor`, mend what it says, then run watch-house again"
    return AutomationCore(
        name="datafactor: send that nobody looks at the house",
        description="Each look that failed: what it could not see is not told.",
        trigger=EventTrigger(
            expect={f"{RUN}.Failed"},
            match_related=of_flows("watch-house"),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            CallWebhook(
                block_document_id=block, payload=template(of_run("blind", to_do))
            )
        ],
    )


def of_run(kind: str, to_do: str) -> dict[str, str]:
    """Say of a run what the server knows: expressions by the names of a fact.

    The server knows no money; it can only say whom to ask.
    """
    return {
        "key": f"'{kind}/' ~ flow_run.id",
        "kind": f"'{kind}'",
        "about": "flow_run.name",
        "since": "flow_run.state.timestamp | string",
        "sentence": "flow_run.state.message",
        "to_do": f"'{to_do}'",
        "money": "'what rests on it: datafactor impact '"
        " ~ (flow_run.parameters.factor | default('FACTOR', true))",
        "link": "flow_run|ui_url",
    }


def template(said: dict[str, str]) -> str:
    """Write a JSON message whose values the server fills in, whatever signs they hold.

    ``{"key": "event.payload.key"}`` -> ``{"key": {{ (event.payload.key) | … }}}``. What
    is not known is empty: one word that is missing would lose the whole message.
    """
    words = (
        f"{json.dumps(n)}: {{{{ ({said[n]}) | default('', true) | tojson }}}}"
        for n in said
    )
    return "{" + ", ".join(words) + "}"


def deployment(client: SyncPrefectClient, name: str) -> UUID | None:
    """Find a deployment's id."""
    try:
        return client.read_deployment_by_name(name).id
    except ObjectNotFound:
        return None


def block_of(client: SyncPrefectClient) -> UUID | None:
    """Find the block that holds the address."""
    try:
        return client.read_block_document_by_name(BLOCK, "webhook").id
    except ObjectNotFound:
        return None


def address() -> str:
    """Say where messages go by the environment; empty: nowhere is said."""
    said = store.current().settings.alarm_url
    return said.get_secret_value() if said else ""


def drift(client: SyncPrefectClient) -> Iterator[tuple[str, str]]:
    """Say which automations are missing or changed: name and what."""
    if moved(client):
        yield BLOCK, "the address of alarms is not that of DATAFACTOR_ALARM_URL"
    for one in wanted(client):
        standing = client.read_automations_by_name(one.name)
        if not standing:
            yield one.name, "there is no such automation"
        elif len(standing) > 1 or not same(one, standing[0]):
            yield one.name, "the automation was changed"


def moved(client: SyncPrefectClient) -> bool:
    """Say whether the environment names another address than the server holds."""
    if not (said := address()):
        return False
    try:
        kept = client.read_block_document_by_name(
            BLOCK, "webhook", include_secrets=True
        )
    except ObjectNotFound:
        return True
    return bool(kept.data.get("url") != said)


def apply(client: SyncPrefectClient) -> list[str]:
    """Make the automations what they shall be; leave alone what is so. Names what was.

    The address goes first: what sends needs it.
    """
    written = []
    if moved(client):
        Webhook(url=SecretStr(address())).save(BLOCK, overwrite=True)
        written.append(BLOCK)
    for one in wanted(client):
        standing = client.read_automations_by_name(one.name)
        if len(standing) == 1 and same(one, standing[0]):
            continue
        for old in standing:
            client.delete_automation(old.id)
        client.create_automation(one)
        written.append(one.name)
    return written


def same(asked: AutomationCore, standing: AutomationCore) -> bool:
    """Say whether an automation does what is asked, but for the ids of its parts."""
    names = {"name", "enabled", "trigger", "actions"}
    mine, theirs = (
        without_ids(one.model_dump(include=names)) for one in (asked, standing)
    )
    return bool(mine == theirs)


def without_ids(value: Any) -> Any:  # Any: JSON
    """Leave out the ids that the server gives to triggers."""
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items() if k != "id"}
    return [without_ids(v) for v in value] if isinstance(value, list) else value
