"""Say what a factor costs, brings and serves month by month, and what combining adds.

Money is integer fen throughout; nothing is rounded but ratios, half up to six places.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple


class Month(NamedTuple):
    """One month of a factor. Key: month. ``decisions`` None: nothing was published."""

    month: str
    cost_fen: int
    revenue_fen: int
    calls: int
    rows: int
    decisions: int | None


class Multiplier(NamedTuple):
    """What sources bring together and apart, in one unit, with its ground.

    ``times`` is None where they bring nothing apart.
    """

    together: Decimal
    apart: Decimal
    unit: str
    ground: str

    @property
    def more(self) -> Decimal:
        """With minus without combining."""
        return self.together - self.apart

    @property
    def times(self) -> Decimal | None:
        """With over without combining, half up to six places. 110 and 80 -> 1.375."""
        if not self.apart:
            return None
        ratio = Fraction(self.together) / Fraction(self.apart)
        return Decimal(round_half_up(ratio * 1_000_000)).scaleb(-6)


def round_half_up(value: Fraction) -> int:
    """Round to a whole number, half up; exact."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def by_month(
    costs: Iterable[tuple[str, int]],
    revenue: Iterable[tuple[str, int]],
    uses: Iterable[tuple[str, int, int]],
    decisions: Mapping[str, int],
) -> list[Month]:
    """Lay out what happened in each month in which something did.

    Args:
        costs: Month and fen of what was spent on the product.
        revenue: Month and fen of what was invoiced for it, without tax.
        uses: Month, calls and rows delivered.
        decisions: By month, rows of its newest product that answer its decision.
    """
    found: dict[str, list[int]] = {}
    told = [(m, f, 0, 0, 0) for m, f in costs] + [(m, 0, f, 0, 0) for m, f in revenue]
    for month, *figures in [*told, *((m, 0, 0, c, r) for m, c, r in uses)]:
        sums = found.setdefault(month, [0, 0, 0, 0])
        sums[:] = [a + b for a, b in zip(sums, figures, strict=True)]
    for month in decisions:
        found.setdefault(month, [0, 0, 0, 0])
    return [
        Month(month, cost, earned, calls, rows, decisions.get(month))
        for month, (cost, earned, calls, rows) in sorted(found.items())
    ]


def stated(
    providers: Sequence[str], worth: Mapping[frozenset[str], Decimal]
) -> tuple[Decimal, Decimal]:
    """Take what an appraiser states: of all together, and of each alone added up.

    a 30, b 50, a+b 110 -> 110 together and 80 apart: 30 more, 1.375 times.
    """
    apart = sum((worth[frozenset({name})] for name in providers), Decimal(0))
    return worth[frozenset(providers)], apart
