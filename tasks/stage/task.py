"""Wrap a pure stage function as a Prefect task that also works without a flow run."""

import time
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

from schemas.artifact import ArtifactRef, Published, RunKind, Stage
from schemas.contract import Terms
from schemas.errors import Refused, StoreError
from tasks.stage.log import LOGGER
from tasks.stage.run import run_stage
from tasks.stage.show import tell
from tasks.stage.signature import StageFunction, model_contract, shape_of

P = ParamSpec("P")
R = TypeVar("R")
Refs = dict[str, ArtifactRef]


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
        return state.result()

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
    function: Callable[..., tuple[pl.LazyFrame, ...]],
    kind: RunKind = "stage",
) -> StageTask[..., Refs]: ...
@overload
def stage_task(
    stage: Stage, function: Callable[..., Iterator[bytes]], kind: RunKind = "stage"
) -> StageTask[..., ArtifactRef]: ...
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
        LOGGER.debug("%s begins", title, extra={"stage_title": title})
        begun = time.monotonic()
        published = run_stage(stage, function, shape, kind, given)
        tell(title, published, time.monotonic() - begun)
        return outcome(shape.name, shape.single, published)

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


def outcome(name: str, single: bool, published: Published) -> Any:  # Any: refs or state
    """Hand on the refs; under Prefect as a named state, so that people see which."""
    value: Any = next(iter(published.refs.values())) if single else published.refs
    if single and name in published.refs:
        value = published.refs[name]
    shut = tuple(g.ground for g in published.publication.gates if not g.passed)
    if TaskRunContext.get() is None:
        if shut:
            raise Refused(name, shut)
        return value
    if shut:
        return Completed(name="Refused", data=value, message="; ".join(shut))
    if published.reused:
        return Completed(
            name="Reused", data=value, message="same inputs, terms and code"
        )
    return value


def run_name(task: str, parameters: Mapping[str, object]) -> str:
    """Name a box on the run page: ``collect[flights]``, ``assetize``."""
    part = next((v.part for v in parameters.values() if isinstance(v, Terms)), "")
    return f"{task}[{part}]" if part else task


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
