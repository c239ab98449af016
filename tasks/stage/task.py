"""Wrap a pure stage function as a Prefect task that also works without a flow run."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

import polars as pl
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.tasks import exponential_backoff
from sqlalchemy.exc import OperationalError

from schemas.artifact import (
    ArtifactRef,
    Chunk,
    Published,
    RunKind,
    Stage,
    of_its_own,
)
from schemas.errors import DatafactorError, Refused, StoreError
from schemas.terms import Terms
from tasks.stage.log import LOGGER
from tasks.stage.run import run_stage
from tasks.stage.show import tell, tell_failure
from tasks.stage.signature import (
    TEXT,
    Shape,
    StageFunction,
    model_contract,
    shape_of,
)

P = ParamSpec("P")
R = TypeVar("R")
Refs = dict[str, ArtifactRef]
# Prefect draws arrows by the place of a result in memory (PrefectHQ/prefect#20558):
# kept alive, no later text can take its place, and no arrow too many is drawn.
KEPT: deque[Any] = deque(maxlen=10_000)


class StageTask(Task[P, R]):
    """A Prefect task that, called outside a flow run, simply does its work."""

    def __call__(  # type: ignore[override]  # return_state, wait_for: flows only
        self, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return the refs; raise ``Refused`` when a gate of the stage is shut."""
        if FlowRunContext.get() is None:
            return self.plain(*args, **kwargs)
        state: State[R] = super().__call__(*args, return_state=True, **kwargs)
        if state.name == "Refused":
            raise Refused(self.fn.__name__, (state.message or "",))
        made = state.result()
        KEPT.append(made)
        return made

    def start(self, *args: P.args, **kwargs: P.kwargs) -> "PrefectFuture[R] | R":
        """Begin without waiting in a flow run; hand the future on as it is."""
        if FlowRunContext.get() is None:
            return self.plain(*args, **kwargs)
        return self.submit(*args, **kwargs)

    def plain(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do the work here and now; there is nobody to try it again."""
        try:
            return self.fn(*args, **kwargs)
        except OperationalError as error:
            raise StoreError(
                "the database cannot be reached, is locked or is out of disk: see"
                " `datafactor doctor`, then run again"
            ) from error


@overload
def stage_task(
    stage: Stage, function: Callable[..., pl.LazyFrame], kind: RunKind = "stage"
) -> StageTask[..., ArtifactRef]: ...
@overload
def stage_task(
    stage: Stage,
    function: Callable[..., tuple[pl.LazyFrame | Iterator[bytes], ...]],
    kind: RunKind = "stage",
) -> StageTask[..., Refs]: ...
@overload
def stage_task(
    stage: Stage, function: Callable[..., Iterator[bytes]], kind: RunKind = "stage"
) -> StageTask[..., ArtifactRef]: ...
@overload
def stage_task(
    stage: Stage,
    function: Callable[..., dict[str, Mapping[str, ArtifactRef]]],
    kind: RunKind = "stage",
) -> StageTask[..., Refs]: ...
def stage_task(
    stage: Stage, function: StageFunction, kind: RunKind = "stage"
) -> StageTask[..., Any]:  # Any: a ref, or refs by name, as the overloads say
    """Make ``function`` a stage task: contracts, lineage, reuse and UI come with it.

    Its result is the ref of its frame, or a dict of refs when it returns several; hand
    such a dict whole to the next stage, which takes the frame of its parameter's name.

    Raises:
        ContractError: A result has no contract, or one that cannot be kept.
    """
    shape = shape_of(function)
    for declared in shape.outputs.values():
        if isinstance(declared, type):
            model_contract(declared)

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:  # Any: whatever the function takes
        given = shape.signature.bind(*args, **kwargs).arguments
        title = run_name(shape.name, given)
        begun = time.monotonic()
        done: dict[str, Published] = {}
        try:
            for value, unit in units(given):
                said = f"{title}: {value}" if value else title
                LOGGER.debug("%s begins", said, extra={"stage_title": said})
                done[value] = run_stage(stage, function, shape, kind, unit, value)
        except DatafactorError as error:
            tell_failure(title, error)
            raise
        tell(title, done, time.monotonic() - begun)
        return outcome(shape, done)

    return StageTask(
        run,
        name=function.__name__,
        task_run_name=partial(run_name, shape.name),
        tags={f"stage:{stage.value}"},
        cache_policy=NO_CACHE,
        retries=2,
        retry_delay_seconds=exponential_backoff(2),
        retry_condition_fn=is_passing_trouble,
    )


def units(given: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Take a chunk apart: the same arguments, with one entry of it each time."""
    name = next((n for n, value in given.items() if isinstance(value, Chunk)), None)
    if name is None:
        yield "", dict(given)
        return
    for value, entry in given[name].each.items():
        yield value, {**given, name: entry}


def outcome(shape: Shape, done: Mapping[str, Published]) -> Any:  # Any: refs or state
    """Hand on the refs; under Prefect as a named state, so that people see which."""
    handed: Any = {of_its_own(v): published.refs for v, published in done.items()}
    if "" in done:
        one = shape.single and TEXT not in shape.inputs.values()
        handed = main_ref(shape, done[""]) if one else named_anew(done[""].refs)
    gates = [g for published in done.values() for g in published.publication.gates]
    shut = tuple(dict.fromkeys(g.ground for g in gates if not g.passed))
    if TaskRunContext.get() is None:
        if shut:
            raise Refused(shape.name, shut)
        return handed
    if shut:
        return Completed(name="Refused", data=handed, message="; ".join(shut))
    if all(published.reused for published in done.values()):
        return Completed(
            name="Reused", data=handed, message="same inputs, terms and code"
        )
    return handed


def named_anew(refs: Refs) -> Refs:
    """Give each name an object of its own: the document's terms hold the same one.

    Prefect draws an edge wherever one object turns up twice.
    """
    return {of_its_own(name): ref for name, ref in refs.items()}


def main_ref(shape: Shape, published: Published) -> ArtifactRef:
    """Hand on the one result: not its parts, gates or rejects."""
    refs = published.refs
    manifest = next((r for r in refs.values() if r.kind == "manifest"), None)
    kept = [ref for name, ref in refs.items() if not name.endswith(".rejects")]
    return manifest or refs.get(shape.name) or next(iter(kept or refs.values()))


def run_name(task: str, parameters: Mapping[str, object]) -> str:
    """Name a box on the run page: ``collect[flights]``, ``clean[days] 01 … 08``."""
    part = next((v.part for v in parameters.values() if isinstance(v, Terms)), "")
    chunk = next((v for v in parameters.values() if isinstance(v, Chunk)), None)
    names = [name.rpartition("/")[2] for name in chunk.each] if chunk else []
    span = f" {names[0]}" if names else ""
    span += f" … {names[-1]}" if len(names) > 1 else ""
    return (f"{task}[{part}]" if part else task) + span


def is_passing_trouble(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what may pass by itself: I/O and a database that restarts."""
    try:
        state.result()
    except FileNotFoundError:
        return False
    except (OSError, OperationalError):
        return True
    except Exception:  # noqa: BLE001,RUF100 - any other error stays what it is
        return False
    return False
