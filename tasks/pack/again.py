"""Decide on a loan again, from what the decision read, and compare what it gave.

The very function of the project is called with the very frames, terms and day. Rows are
compared, not bytes: how a frame lies in its file is the engine's.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from inspect import signature
from typing import Any, NamedTuple, get_type_hints

import polars as pl
from pydantic import ValidationError

from schemas.errors import DatafactorError
from schemas.terms import Terms
from tasks.capital.capitalize import capitalize
from tasks.pack.chain import Link
from tasks.pack.frames import Held, by_artifact


class Lacking(Exception):  # noqa: N818 - no error: it says what a pack does not hold
    """What the decision read is not at hand, or this release reads it no more."""


class Decided(NamedTuple):
    """What a decision gave: as recorded and as it comes out again."""

    same: tuple[str, ...]  # names of frames
    other: tuple[str, ...]


def decided_again(decision: Link, held: Sequence[Held]) -> Decided:
    """Decide again, and say which frames come out the same.

    Raises:
        Lacking: It cannot be decided again; the sentence says why.
    """
    frames = by_artifact(held)
    recorded = {
        made.frame: frames[made.ref.id]
        for made in decision.said.artifacts
        if made.ref.id in frames
    }
    try:
        result = capitalize(**given(decision, frames))
        now = {n: f.collect() for n, f in result._asdict().items()}
    except (DatafactorError, pl.exceptions.PolarsError, ValueError) as error:
        raise Lacking(f"this release decides otherwise: {error}") from error
    shut = not now["gates"]["passed"].all() if "gates" in now else False
    # What the decision gave and the pack has not is missed where frames are counted.
    lacks = {m.frame for m in decision.said.artifacts} - recorded.keys()
    names = [n for n in now if (n == "gates" or not shut) and n not in lacks]
    told = {n: n in recorded and alike(now[n], recorded[n]) for n in names}
    return Decided(
        tuple(n for n, same in told.items() if same),
        tuple(n for n, same in told.items() if not same),
    )


def given(
    decision: Link, frames: Mapping[str, pl.DataFrame]
) -> dict[str, Any]:  # Any: frames, terms, a day
    """Give each parameter what the decision was given.

    Raises:
        Lacking: A frame is not in the pack, or the terms are of another release.
    """
    ids: dict[str, str] = {i.role: i.id for i in decision.said.inputs}
    hints = get_type_hints(capitalize)
    found: dict[str, Any] = {}  # Any: frames, terms, a day
    for name, parameter in signature(capitalize).parameters.items():
        hint: Any = hints[name]
        if isinstance(hint, type) and issubclass(hint, Terms):
            found[name] = terms_of(hint, decision)
        elif hint is date:
            found[name] = decision.said.as_of
        elif name in ids:
            if ids[name] not in frames:
                raise Lacking(f"the frame {name} that it read is not in the pack")
            found[name] = frames[ids[name]].lazy()
        elif parameter.default is parameter.empty:
            raise Lacking(f"it read no {name}, which this release asks for")
    return found


def terms_of(hint: type[Terms], decision: Link) -> Terms:
    """Read the terms that a decision recorded."""
    try:
        return hint.model_validate(decision.said.terms)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Lacking(f"this release reads its terms otherwise, at {where}") from None


def alike(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Ask whether two frames hold the same rows, in whatever order."""
    if set(one.columns) != set(other.columns):
        return False
    names = sorted(one.columns)
    return one.select(names).sort(names).equals(other.select(names).sort(names))
