"""Record how a flow ended where no stage could, and write its last page.

A stage records its own failure and its own shut gates. What stops a flow before or
between stages (a file that is not there, a document that cannot be read) is recorded
here as a run of the flow, so that ``datafactor show --failed`` needs no Prefect; and a
flow that ends well after trouble says so, though all its stages were reused.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from flows import operate
from schemas.artifact import Gate, Publication, Stage
from schemas.errors import DatafactorError, SourceError
from tasks import store
from tasks.stage.call import digest
from tasks.stage.log import LOGGER
from tasks.stage.show import artifact_key
from tasks.store import Trouble

NO_DATABASE = (
    "the database cannot be reached, is locked or is out of disk: see `datafactor"
    " doctor`, then run again"
)
NO_SERVER = (
    "the Prefect server does not answer; what was published stands: start the server,"
    " then run again, and what is done is reused"
)
CHAIN = "value-chain"
CHINESE = {"Failed": "失败", "Refused": "拒绝", "Waiting": "等待复核"}


class Asked(NamedTuple):
    """What a flow was asked for: of which factor or entity, and how far."""

    flow: str
    name: str
    day: date | None
    through: Stage
    whole: bool

    @classmethod
    def of(cls, function: str, given: Mapping[str, Any]) -> "Asked":
        """Read it from a flow's arguments. Any: as their types say."""
        return cls(
            flow=function.replace("_", "-"),
            name=given.get("factor") or given.get("entity") or lent_by(given),
            day=given.get("as_of"),
            through=Stage(given.get("through", Stage.CAPITAL)),
            whole=not given.get("partitions"),
        )


def lent_by(given: Mapping[str, Any]) -> str:
    """Name the factor of the loan that a flow is about. Any: as their types say."""
    with suppress(KeyError, *store.UNREACHED):
        s = store.current()
        return store.factor_of(s, *store.every(s, f"loan:{given['loan']}"))
    return ""


def stopped(asked: Asked, error: Exception) -> str:
    """Say what stopped a flow; of an error that is not ours only its type."""
    if isinstance(error, DatafactorError):
        return str(error)
    if store.is_outage(error):
        return f"{asked.flow}: {NO_DATABASE}"
    if isinstance(error, httpx.TransportError):
        return f"{asked.flow}: {NO_SERVER}"
    kind = f"stopped by {type(error).__name__}"
    try:
        troubles = store.troubles(store.current(), asked.name)
        known = (t.run.publication.message for t in troubles)
        told = next((said for said in known if kind in said), "")
    except store.UNREACHED:
        told = ""
    end = "see the log of the run, and `datafactor doctor`; then run again"
    return told or f"{asked.flow}: {kind}: {end}"


def not_done(asked: Asked, state: str, said: str) -> str:
    """Record that a flow failed or was refused; give the sentence for its page."""
    whole = said
    if not operate.is_whole(said):  # else a flow within this one has recorded it
        try:
            trouble = recorded(asked, said) or record(asked, state, said)
            told = operate.told(trouble)[1]
            whole = operate.sentence(asked.name, told, trouble.others)
        except store.UNREACHED as error:
            LOGGER.warning("this end is not recorded: %s", type(error).__name__)
    if FlowRunContext.get() is not None:
        write(asked, state, whole)
    return whole


def keep(asked: Asked, error: Exception) -> None:
    """Record that a plain run of a chain found a source missing or unreadable.

    A cron job has no page. What was mistyped is not kept: who typed it was told.
    """
    if asked.flow == CHAIN and isinstance(error, SourceError):
        not_done(asked, "Failed", str(error))


def recorded(asked: Asked, said: str) -> Trouble | None:
    """Find the run of a stage that says the same; each end of a flow is its own."""
    for trouble in store.troubles(store.current(), asked.name):
        run = trouble.run.publication
        if store.is_flow(run.task):
            continue
        shut = [gate.ground for gate in run.gates if not gate.passed]
        if any(text and text in said for text in (run.message, *shut)):
            return trouble
    return None


def record(asked: Asked, state: str, said: str) -> Trouble:
    """Publish a failed run of the flow; where it was refused, with its shut gate."""
    gates = (Gate(gate=asked.flow, passed=False, ground=said),)
    run = publication(asked, [str(asked.day), said]).model_copy(
        update={
            "status": "FAIL",
            "message": "" if state == "Refused" else titled(asked, said),
            "gates": gates if state == "Refused" else (),
        }
    )
    store.publish(store.current(), run)
    return store.troubles(store.current(), asked.name)[0]


def titled(asked: Asked, said: str) -> str:
    """Let a recorded sentence begin with what it is about."""
    return said if said.startswith(asked.flow) else f"{asked.flow}: {said}"


def made_good(asked: Asked, result: Any) -> None:  # Any: a chain, or what a flow tells
    """Publish that a flow ended well, where something had failed or been refused."""
    read = frozenset(getattr(result, "frames", {}).get("raw", ()))
    try:
        before = [t.run for t in store.troubles(store.current(), asked.name)]
        good = [r.run for r in before if goes_through(asked, read, r.publication)]
        if good and asked.whole:
            day = asked.day or getattr(result, "as_of", None)
            said = {"as_of": day, "terms": {store.GOOD: good}, "message": "made good"}
            done = publication(asked, good).model_copy(update=said)
            store.publish(store.current(), done)
    except store.UNREACHED as error:  # what the flow made stands all the same
        LOGGER.warning("this end is not recorded: %s", type(error).__name__)


def goes_through(asked: Asked, read: frozenset[str], failed: Publication) -> bool:
    """Say whether a flow that ended well has done what failed before.

    The chain of a factor goes through all its stages up to the one asked for; the
    vouchers are no source of the resource, they are read for the asset.

    Args:
        read: The sources that it collected.
    """
    if failed.task == asked.flow:
        return True
    order, part = list(Stage), store.part_of(failed)[0]
    needed = Stage.ASSET if part and part not in read else failed.stage
    far = order.index(needed) <= order.index(asked.through)
    return asked.flow == CHAIN and failed.kind != "act" and far


def publication(asked: Asked, about: list[str]) -> Publication:
    """Write a flow as a run that makes nothing."""
    return Publication(
        task=asked.flow,
        stage=asked.through,
        status="COMPLETE",
        factor=asked.name,
        key=digest([asked.flow, asked.name, asked.through, *about]),
        code="",
        terms={},
        as_of=asked.day,
    )


def waits(name: str, said: str) -> None:
    """Write the page of a run that is suspended: no code runs when its time is over."""
    asked = Asked("approval", name, None, Stage.ASSET, whole=True)
    write(asked, "Waiting", operate.sentence(name, said))


def write(asked: Asked, state: str, sentence: str) -> None:
    """Put the summary on the run page; a server that is gone takes no answer away."""
    page = summary(asked, state, sentence)
    try:
        create_markdown_artifact(
            key=artifact_key(asked.name or asked.flow, "summary"), markdown=page
        )
    except Exception as error:  # noqa: BLE001,RUF100 - the sentence is the answer
        LOGGER.warning("the summary is not on the page: %s", type(error).__name__)


def summary(asked: Asked, state: str, sentence: str) -> str:
    """Write the page of a flow that did not end well: the sentence comes first."""
    about = " ".join(filter(None, (asked.flow, asked.name, str(asked.day or ""))))
    commands = [part for part in sentence.split("`")[1::2] if "datafactor" in part]
    commands += [f"datafactor show {asked.name} --failed".replace("  ", " ")]
    commands += [f"datafactor impact {asked.name}"] if asked.name else []
    listed = "\n".join(f"    {command}" for command in dict.fromkeys(commands))
    return f"""{sentence}

**{state} {CHINESE[state]}**: {about}{attempt()}

What to do next:

{listed}
"""


def attempt() -> str:
    """Say which attempt this is, from the second on: after Retry boxes are double."""
    context = FlowRunContext.get()
    count = context.flow_run.run_count if context and context.flow_run else 0
    return f", attempt {count}" if count > 1 else ""
