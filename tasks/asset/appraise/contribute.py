"""Split a value among those who provided data, by what each adds (Shapley 1953).

φ_i = Σ_S |S|! (n − |S| − 1)! / n! × (v(S with i) − v(S)), in exact fractions; then
largest remainder to fen, so that the parts sum to the value. Two providers worth 1 and
2 alone and 6 together get 2.5 and 3.5 of 6.
"""

from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import NamedTuple

from schemas.appraisal import Contribution
from schemas.errors import ContractError
from tasks.finance import largest_remainder


class Part(NamedTuple):
    """What of the value is a provider's."""

    provider: str
    share: Fraction
    amount_fen: int


def shapley(contribution: Contribution) -> dict[str, Fraction]:
    """Give each provider's Shapley value, in the unit of the worth."""
    worth = {g: Fraction(v) for g, v in contribution.by_group().items()}
    worth[frozenset()] = Fraction(0)
    names, n = contribution.providers, len(contribution.providers)
    made = dict.fromkeys(names, Fraction(0))
    for size in range(n):
        share = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
        for group in combinations(names, size):
            before = worth[frozenset(group)]
            for name in set(names) - set(group):
                made[name] += share * (worth[frozenset((*group, name))] - before)
    return made


def contributions(
    contribution: Contribution | None, value_fen: int
) -> tuple[Part, ...]:
    """Split a value by the Shapley values, to the fen.

    Raises:
        ContractError: A provider takes more from the others than it adds.
    """
    if contribution is None:
        return ()
    values = shapley(contribution)
    if below := [name for name, value in values.items() if value < 0]:
        raise ContractError(
            f"contribution: the groups are worth less with {below[0]} than without:"
            " check their worth, or leave it out"
        )
    whole = sum(values.values(), Fraction(0))
    parts = largest_remainder(value_fen, dict(sorted(values.items())))
    return tuple(Part(n, v / whole, parts[n]) for n, v in values.items())
