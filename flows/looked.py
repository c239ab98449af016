"""Look at what an asset's value rests on, before a watch: read again, never believed.

What cannot be read is said and handed on as such, so that no watch stops at it and none
takes it as sound.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time

from flows.disputes import names_of
from flows.document import factor_named
from flows.order import feeders_of
from schemas.artifact import ArtifactRef
from schemas.errors import DatafactorError, FactorError
from schemas.resource import ResourceTerms
from schemas.watch import Looked
from tasks import store
from tasks.capital.hold import At
from tasks.resource.freshness import ages, later, rules_of
from tasks.store import Run

RENEWED = "renewed_"  # how freshness names the answer to an update frequency


@dataclass
class Found:
    """What was found of some assets: refs that were read, and what was said."""

    assets: list[Looked] = field(default_factory=list)
    valuations: dict[str, ArtifactRef] = field(default_factory=dict)
    scores: dict[str, ArtifactRef] = field(default_factory=dict)

    @property
    def trouble(self) -> list[str]:
        """What cannot be read, by asset."""
        told = ((a.asset, a.unreadable) for a in self.assets if a.unreadable)
        return [f"{asset}: {said}" for asset, said in told]


def looked(assets: Iterable[At], day: date) -> Found:
    """Look at each asset: its last valuation, its quality, the age of its data.

    Args:
        assets: Entity and name.
        day: The day of the watch.
    """
    found = Found()
    made = {
        (run.publication.terms["entity"], run.publication.terms["name"]): run
        for run in sorted(newest("assetize"), key=lambda run: run.when)
    }
    for entity, asset in assets:
        found.assets.append(look(entity, asset, made.get((entity, asset)), found, day))
    return found


def newest(task: str, factor: str = "") -> list[Run]:
    """List the newest complete run of a task, one a factor."""
    return store.newest(store.current(), task, factor)


def look(entity: str, asset: str, made: Run | None, found: Found, day: date) -> Looked:
    """Look at one asset, and keep the refs that can be read."""
    known = {"entity": entity, "asset": asset}
    if made is None:
        said = "no run has published its value: run its factor"
        return Looked(**known, names=(asset,), unreadable=said)
    factor, trouble, stale = made.publication.factor, list[str](), list[str]()
    refused = "; ".join(g.ground for g in made.publication.gates if not g.passed)
    with noting(trouble):
        if not refused:
            found.valuations[factor] = readable(made.refs["valuation"])
    with noting(trouble):
        stale += assessed(factor, found)
    with noting(trouble):
        stale += old(factor, day)
    return Looked(
        **known,
        factor=factor,
        names=tuple(dict.fromkeys((*names_of(factor), asset))),
        stale="; ".join(stale),
        unvalued=refused and f"its last run was refused: {refused}",
        unreadable="; ".join(dict.fromkeys(trouble)),
    )


@contextmanager
def noting(trouble: list[str]) -> Iterator[None]:
    """Write down why something cannot be read, and go on."""
    try:
        yield
    except DatafactorError as error:
        trouble.append(str(error))
    except OSError as error:
        trouble.append(
            f"{error.strerror or type(error).__name__}: see the store's disk"
        )


def readable(ref: ArtifactRef) -> ArtifactRef:
    """Re-hash a frame and hand it on.

    Raises:
        StoreError: Bytes are missing or changed.
    """
    store.scan(store.current(), ref)
    return ref


def assessed(factor: str, found: Found) -> list[str]:
    """Keep the last score of a factor; tell why it was refused, if it was.

    Raises:
        FactorError: Its quality was never assessed.
        StoreError: The score cannot be read.
    """
    last = next(iter(newest("assess", factor)), None)
    if last is None:
        raise FactorError(f"the quality of {factor} was never assessed: run it")
    if "score" in last.refs:
        found.scores[factor] = readable(last.refs["score"])
    return [g.ground for g in last.publication.gates if not g.passed]


def old(factor: str, day: date) -> Iterator[str]:
    """Tell which data behind a factor are older than they were declared to be.

    Raises:
        DatafactorError: A document or a resource cannot be read.
    """
    for name in feeders_of((factor,)):
        terms = factor_named(name).resource
        if terms and (often(terms) or any(rules_of(terms))):
            yield from of_resource(name, terms, day)


def often(terms: ResourceTerms) -> str:
    """Find how often the source that is renewed most often is to be renewed."""
    stated = (s.update_frequency for s in terms.sources if s.update_frequency != "none")
    start = midnight(date(2000, 1, 1))
    return min(stated, key=lambda period: later(start, period), default="")


def of_resource(name: str, terms: ResourceTerms, day: date) -> Iterator[str]:
    """Judge the age of one resource; by its last assessment if no column tells it."""
    s = store.current()
    rows = store.scan(s, store.resolve(s, f"{name}/resource/resource"))
    judged = ages(rows, terms, day)
    of_time = [age for age in judged if age.name.startswith(RENEWED)]
    for age in judged:
        if not age.fresh and (age.decides or age in of_time):
            yield f"{name}: {age.ground}"
    period = often(terms)
    if period and not of_time:
        days = (run.publication.as_of for run in newest("assess", name))
        made = next(filter(None, days), None)
        if made is None or later(midnight(made), period) < midnight(day):
            yield f"{name} was made last as of {made}; renewed every {period}"


def midnight(day: date) -> datetime:
    """Give the first hour of a day, local time of the entity."""
    return datetime.combine(day, time.min)
