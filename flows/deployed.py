"""Say what stands on a Prefect server: one deployment a factor, an entity, a watch.

From documents alone. ``datafactor deploy`` brings a server to this and tells what
differs; ``deployments/prefect.yaml`` is the same, written for plain ``prefect deploy``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import yaml

from flows.calendar import odd_dates
from schemas.entity import Entity
from schemas.errors import FactorError
from schemas.factor import Factor

POOL = "value-chain"
TAG = "datafactor"
AFTER = " follows its inputs"
PUBLISHED = "datafactor.published"
HEAD = """\
# Written by `datafactor deploy --print` from the documents: do not edit.
# Plain Prefect: `prefect --no-prompt deploy --all --prefect-file deployments/prefect.yaml`
# with this package installed where the worker runs (hence no pull step).
# The worker's environment must hold absolute DATAFACTOR_* paths.
"""  # noqa: E501 - a command as it is typed
FAILS = """\
**When it fails**: the run's first sentence says what, how many, what to do and what
money rests on it; in a terminal `datafactor show --failed`."""
REFUSED = """\
**When it ends Refused**: a gate is shut; its ground is the run's message."""
WAITS = """\
**When it ends Waiting**: an input of that day is not published yet, the message says
which; it starts by itself when that is."""
SCHEDULED = "**Days that were missed**: `datafactor backfill {} A..B`."
PARTS = "**To make some parts anew**: run it with `partitions` FIRST..LAST."
Document = dict[str, Any]  # JSON


class Clock(NamedTuple):
    """When a deployment runs: five fields of cron, in an IANA zone."""

    cron: str
    timezone: str


class Wanted(NamedTuple):
    """One deployment as it shall stand. Key: flow, name."""

    flow: str
    name: str
    parameters: Mapping[str, str]
    about: str
    tags: tuple[str, ...]
    clock: Clock | None = None
    follows: tuple[str, ...] = ()

    @property
    def entrypoint(self) -> str:
        """A module, found from any folder: ``flows.value_chain:value_chain``."""
        function = self.flow.replace("-", "_")
        return f"flows.{function}:{function}"

    @property
    def trigger(self) -> str:
        """The name of the automation that starts it."""
        return self.name + AFTER

    @property
    def started_with(self) -> Document:
        """What that automation hands over: the day that its input speaks of."""
        return {**self.parameters, "as_of": "{{ event.payload.as_of }}"}


def wanted(factors: Sequence[Factor], entities: Sequence[Entity]) -> list[Wanted]:
    """List all deployments: closes, watches, factors, those that follow others last.

    That factors feed each other in a circle was refused when they were read.
    """
    chains = sorted(map(chain, factors), key=lambda one: (bool(one.follows), one.name))
    return [*map(close, entities), *WATCHES, *chains]


def feeders(factor: Factor) -> tuple[str, ...]:
    """Name the other factors that a factor reads."""
    others = (ref.partition("/")[0] for ref in factor.inputs.values())
    return tuple(sorted(set(others)))


def chain(factor: Factor) -> Wanted:
    """Deploy a factor: by its schedule, after its inputs, or by hand without either."""
    name, clock = factor.factor, factor.schedule
    follows = feeders(factor)
    parted = factor.resource is not None and factor.resource.partition is not None
    told = [
        f"{factor.title}. {when(clock is not None, follows)}",
        FAILS,
        REFUSED,
        *([WAITS] if follows else []),
        *([SCHEDULED.format(name)] if clock else []),
        *([PARTS] if parted else []),
    ]
    return Wanted(
        flow="value-chain",
        name=name,
        parameters={"factor": name},
        about="\n\n".join(told) + "\n",
        tags=(TAG, "value-chain", f"factor:{name}"),
        clock=Clock(clock.cron, clock.timezone) if clock else None,
        follows=follows,
    )


def when(scheduled: bool, follows: Sequence[str]) -> str:
    """Say in words what starts it."""
    said = ["runs by its schedule"] if scheduled else []
    said += [f"follows {' and '.join(follows)}"] if follows else []
    return f"It {' and '.join(said) or 'is run by hand'}."


def close(entity: Entity) -> Wanted:
    """Deploy the close of an entity's books: the month before, on the third."""
    name = entity.entity
    told = [
        f"The month before, closed on the third for {name}.",
        "**When it fails**: run it again, it goes on where it stopped.",
        "**When it ends Refused**: an entry waits for approval, or an earlier month is"
        "\nopen; the message names the command.",
    ]
    return Wanted(
        flow="close-period",
        name=f"close-{name}",
        parameters={"entity": name},
        about="\n\n".join(told) + "\n",
        tags=(TAG, "close", f"entity:{name}"),
        clock=Clock("0 6 3 * *", entity.zone),
    )


WATCHES = (
    Wanted(
        flow="watch-collateral",
        name="watch-collateral",
        parameters={},
        about="""\
Every live pledge, every morning after the factors have run: who must be warned 预警,
called for cover 补充担保, or enforced 违约. The table of the run says why, what to do
and how much money; each change is an event `datafactor.pledge.STATE`.

**When it fails**: evidence could not be read, and the pledges that rest on it are
warned of; `datafactor verify` says which bytes, mend them, then run it again.

**When it ends Refused**: the clock went back, or the policy does not apply yet.
""",
        tags=(TAG, "watch"),
        clock=Clock("0 7 * * *", "Asia/Shanghai"),
    ),
    Wanted(
        flow="watch-house",
        name="watch-house",
        parameters={},
        about="""\
What somebody must act on: what failed or was refused, is stale 过时, fell in quality,
is disputed 异议 or no longer covered. Every hour, and at once when a run fails; each
fact is told once, as event `datafactor.alarm`. In a terminal: `datafactor alarms`.

**When it fails**: the server did not take its events; it tells them at the next look.
""",
        tags=(TAG, "watch"),
        clock=Clock("5 * * * *", "Asia/Shanghai"),
    ),
)


def refuse_odd(deployments: Iterable[Wanted], today: date) -> None:
    """Refuse schedules that skip or double a day where clocks jump at midnight.

    Raises:
        FactorError: One does; the sentence names the days.
    """
    for one in deployments:
        if one.clock and (odd := odd_dates(*one.clock, today)):
            few = ", ".join(str(day) for day in odd[:4])
            raise FactorError(
                f"{one.name}: the schedule {one.clock.cron!r} of {one.clock.timezone}"
                f" skips or doubles {few}, where clocks jump at midnight: choose an"
                " hour between 03:00 and 22:00"
            )


def as_yaml(deployments: Iterable[Wanted]) -> str:
    """Write the file that plain ``prefect deploy`` reads."""
    said = {"pull": [], "deployments": [entry(one) for one in deployments]}
    text: str = yaml.dump(
        said, Dumper=Folded, sort_keys=False, allow_unicode=True, width=88
    )
    return HEAD + text


def entry(one: Wanted) -> Document:
    """Write one deployment as Prefect's file has it."""
    clock = [{**one.clock._asdict(), "slug": SLUG}] if one.clock else []
    made = {
        "name": one.name,
        "entrypoint": one.entrypoint,
        "description": one.about,
        "parameters": dict(one.parameters),
        "enforce_parameter_schema": True,
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "schedules": clock,
        "tags": [*one.tags],
        "work_pool": {"name": POOL},
    }
    return made | ({"triggers": [trigger(one)]} if one.follows else {})


SLUG = "clock"


def trigger(one: Wanted) -> Document:
    """Write the trigger of a factor that reads others: each publication starts it."""
    return {
        "name": one.trigger,
        "type": "event",
        "expect": [PUBLISHED],
        "match": {"prefect.resource.id": [resource_id(name) for name in one.follows]},
        "threshold": 1,
        "within": 0,
        "parameters": one.started_with,
    }


def resource_id(factor: str) -> str:
    """Name a factor as Prefect's events do."""
    return f"datafactor.factor.{factor}"


class Folded(yaml.SafeDumper):
    """Write texts of several lines as blocks that people read."""


def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write one text."""
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Folded.add_representer(str, block)
