"""Run several factors in the order in which they feed each other.

``c`` reads ``b`` and ``b`` reads ``a``: asked for c, a -> a, c. What is not named is
not run; it still says who comes first. A factor that fails stops those that read it,
and those that read them, as far as they were named.
"""

from collections.abc import Callable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import TypeVar

from flows.document import factor_named
from schemas.errors import DatafactorError

R = TypeVar("R")
Feeders = dict[str, tuple[str, ...]]  # direct ones, by factor


def in_turn(
    names: Sequence[str],
    run: Callable[[str], R],
    failed: Callable[[str, str], R],
) -> Iterator[R]:
    """Run each factor once, those that feed others first.

    Args:
        names: Factors, or paths of their documents.
        run: Runs one of them.
        failed: Makes an answer of a factor's name and what stopped it.

    Raises:
        FactorError: A document is wrong, or factors feed each other in a circle.
    """
    files = {factor_named(name).factor: name for name in names}
    feeders = feeders_of(names)
    lost: set[str] = set()
    for factor in (f for f in ordered(feeders) if f in files):
        if stopped := sorted(lost & {*feeders[factor]}):
            lost.add(factor)
            yield failed(factor, f"not run, for {stopped[0]} that it reads failed")
            continue
        try:
            yield run(files[factor])
        except DatafactorError as error:
            lost.add(factor)
            yield failed(factor, str(error))


def feeders_of(names: Sequence[str]) -> Feeders:
    """Find which factors feed which, from those named back to those without inputs."""
    found: Feeders = {}
    waiting = list(names)
    while waiting:
        terms = factor_named(waiting.pop(0))
        if terms.factor not in found:
            others = (ref.partition("/")[0] for ref in terms.inputs.values())
            found[terms.factor] = tuple(dict.fromkeys(others))
            waiting += found[terms.factor]
    return found


def ordered(feeders: Feeders) -> tuple[str, ...]:
    """Put those that feed others first; else keep the order in which they were named.

    ``{c: (b,), b: (a,), a: ()}`` -> a, b, c.
    """
    return tuple(TopologicalSorter(feeders).static_order())
