"""Do one stage once: bind, look up, open, call, check, place, publish.

With its neighbours in this room it is the only place where contracts,
lineage, reuse, gates and postings happen, so a stage function holds nothing but its
stage's own idea.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import polars as pl

from schemas.artifact import Input, Publication, Published, RunKind, Stage
from schemas.errors import ContractError, DatafactorError
from tasks import store
from tasks.stage.call import Call, bind, digest
from tasks.stage.code import code_digest
from tasks.stage.log import LOGGER
from tasks.stage.results import work
from tasks.stage.signature import Shape, StageFunction


def run_stage(
    stage: Stage,
    function: StageFunction,
    shape: Shape,
    kind: RunKind,
    given: Mapping[str, Any],
    value: str = "",
) -> Published:
    """Reuse what was done before, or do it and publish it.

    An act of a person is never reused; doing it again posts nothing new.

    Raises:
        ContractError: An argument does not fit, or too many rows break a contract.
        StoreError, SourceError, RegisterError: As the store and the registers say.
    """
    call = Call(stage, function, shape, kind, given, store.current(), value)
    with call.held:
        bind(call)
        return done_once(call)


def done_once(call: Call) -> Published:
    """Find what was done under this call's key, or do it."""
    key = digest(
        [
            *(call.stage, call.shape.name, code_digest(call.function.__module__)),
            *(call.terms.identity(), call.identities, str(call.as_of)),
        ]
    )
    if call.kind != "act" and (done := store.finished(call.store, key)):
        # What posts keeps its own order: its registers say what stands.
        return done if done.publication.postings else store.again(call.store, done)
    if before := store.recorded(call.store, key):
        call.healing = {i.role: i.id for i in before.inputs}
    try:
        with store.scratch(call.store) as scratch:
            work(call, scratch)
        return store.publish(call.store, publication(call, key))
    except Exception as error:
        fail(call, key, error)


def fail(call: Call, key: str, error: Exception) -> NoReturn:
    """Record a failed run with what it found, then let the error go on.

    An error that is not ours may quote a value, so only its type is recorded.
    """
    known = isinstance(error, DatafactorError)
    said = str(error) if known else f"stopped by {type(error).__name__}: see the log"
    call.postings.clear()
    record = publication(call, key).model_copy(
        update={"status": "FAIL", "message": titled(call, said)}
    )
    try:
        store.publish(call.store, record)
    except Exception as second:  # noqa: BLE001,RUF100 - the first is the one to tell
        LOGGER.warning("the failed run is not recorded: %s", type(second).__name__)
    if known:
        raise type(error)(titled(call, said)) from error
    if isinstance(error, pl.exceptions.PolarsError):  # its text quotes a value
        raise ContractError(
            f"{call.title}: the query meets a value it cannot compute with"
            f" ({type(error).__name__}); write TRY_CAST, or refuse the value in a"
            " contract before"
        ) from None
    raise error


def titled(call: Call, said: str) -> str:
    """Let a sentence begin with the stage it is about, once."""
    return said if said.startswith(call.title) else f"{call.title}: {said}"


def publication(call: Call, key: str) -> Publication:
    """Gather what the run says of itself."""
    return Publication(
        task=call.shape.name,
        stage=call.stage,
        kind=call.kind,
        status="COMPLETE",
        factor=call.factor,
        key=key,
        code=code_digest(call.function.__module__),
        terms=call.terms.identity(),
        inputs=tuple(Input(role=r, id=a.id) for r, a in call.refs.items()),
        as_of=call.as_of,
        artifacts=tuple(call.made),
        balances=tuple(call.balances),
        checks=tuple(call.checks),
        gates=tuple(call.gates),
        postings=tuple(call.postings),
    )
