"""Do a recorded run again from its recorded inputs, and compare the bytes."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, get_type_hints

from schemas.artifact import ArtifactRef, Publication
from schemas.terms import Terms
from tasks import store
from tasks.stage.call import Call, bind
from tasks.stage.code import code_digest
from tasks.stage.results import work
from tasks.stage.signature import shape_of


class Compared(NamedTuple):
    """One frame of a run: as it was recorded, and as it is computed now."""

    frame: str
    recorded: str  # sha256 of the bytes; empty: not made then
    now: str

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return self.recorded == self.now


def reperform(
    recorded: Publication,
    function: Callable[..., Any],  # Any: a stage function, as its annotations say
) -> tuple[list[Compared], bool]:
    """Compute a run anew from the very artifacts it read; nothing is published.

    Args:
        recorded: The run, with its inputs, terms and day.
        function: The stage function that made it.

    Returns:
        Its frames with both digests, and whether the code is the same as then.

    Raises:
        StoreError: The bytes of an input are missing or altered.
    """
    s, shape = store.current(), shape_of(function)
    given = arguments(recorded, function)
    call = Call(recorded.stage, function, shape, recorded.kind, given, s)
    with call.held, store.scratch(s) as scratch:
        bind(call)
        work(call, scratch)
    was = {made.frame: made.ref.sha256 for made in recorded.artifacts}
    now = {made.frame: made.ref.sha256 for made in call.made}
    frames = [Compared(n, was.get(n, ""), now.get(n, "")) for n in sorted(was | now)]
    return frames, recorded.code == code_digest(function.__module__)


def arguments(
    recorded: Publication,
    function: Callable[..., Any],  # Any: see above
) -> dict[str, Any]:  # Any: refs, terms, a day
    """Give each parameter what the run was given; what was not given stays out."""
    hints = get_type_hints(function)
    shape = shape_of(function)
    refs = {i.role: store.resolve(store.current(), i.id) for i in recorded.inputs}
    given: dict[str, Any] = {}  # Any: refs, terms, a day
    for name in shape.signature.parameters:
        hint = hints[name]
        if name in shape.mappings:
            given[name] = entries(name, refs)
        elif name in refs:
            given[name] = refs[name]
        elif isinstance(hint, type) and issubclass(hint, Terms):
            given[name] = hint.model_validate(recorded.terms)
        elif hint is date:
            given[name] = recorded.as_of
    return given


def entries(
    name: str, refs: dict[str, ArtifactRef]
) -> dict[str, tuple[ArtifactRef, ...]]:
    """Gather ``scores.rain.0``, ``scores.rain.1`` as the entry ``rain`` of scores."""
    found: dict[str, tuple[ArtifactRef, ...]] = {}
    for role, ref in refs.items():
        parameter, _, rest = role.partition(".")
        if parameter == name:
            entry = rest.partition(".")[0]
            found[entry] = (*found.get(entry, ()), ref)
    return found
