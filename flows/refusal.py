"""End a flow *Refused* with its grounds, or *Failed* with a sentence for who is woken.

A gate that is shut is the flow's answer, not its failure. What failed says what, how
many, what to do and what money rests on it: in the state, and first in the summary.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from flows.ended import Asked, keep, made_good, not_done, stopped
from schemas.errors import DatafactorError, Refused

P = ParamSpec("P")
R = TypeVar("R")


def answers(flow_function: Callable[P, R]) -> Callable[P, R]:
    """Give each end of a flow its own state, sentence and summary."""
    signature = inspect.signature(flow_function)

    @wraps(flow_function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        asked = Asked.of(flow_function.__name__, bound.arguments)
        try:
            result = flow_function(*args, **kwargs)
        except Refused as refused:
            if FlowRunContext.get() is None:
                raise
            said = not_done(asked, "Refused", str(refused))
            named: State[R] = Completed(name="Refused", message=said)
            return named  # type: ignore[return-value]  # Prefect takes a state as the end
        except Exception as error:
            if FlowRunContext.get() is None:
                keep(asked, error)
                raise
            known = (
                type(error) if isinstance(error, DatafactorError) else DatafactorError
            )
            said = not_done(asked, "Failed", stopped(asked, error))
            raise known(said) from error
        if not isinstance(result, State):  # such as *Waiting*: nothing was done
            made_good(asked, result)
        return result

    return run
