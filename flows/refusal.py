"""End a flow *Refused*, with its grounds, when a gate of one of its stages is shut."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from schemas.errors import Refused

P = ParamSpec("P")
R = TypeVar("R")


def answers(flow_function: Callable[P, R]) -> Callable[P, R]:
    """Give a refusal its own state: it is the flow's answer, not its failure."""

    @wraps(flow_function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return flow_function(*args, **kwargs)
        except Refused as refused:
            if FlowRunContext.get() is None:
                raise
            named: State[R] = Completed(name="Refused", message=str(refused))
            return named  # type: ignore[return-value]  # Prefect takes a state as the end

    return run
