"""Decimal arithmetic that two stages share: value, shares, ratios, months."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from schemas.money import PRECISION

Shares = Mapping[str, Decimal | Fraction | int]  # of what they sum to
Timed = tuple[Decimal, Decimal]  # a flow, and when it comes in years from now
LEAST, MOST = Decimal("-0.99"), Decimal(10)  # rates among which a return is looked for


def discounted(flows: Iterable[Timed], rate: Decimal) -> Decimal:
    """Discount flows from when they come, parts of years too; not rounded.

    −40,000 now, then 5,000, 8,000, 12,000, 30,000 at 8 % -> 3,065.22267 (FIN-01).
    """
    with localcontext(prec=PRECISION):
        parts = [flow / (1 + rate) ** time for flow, time in flows]
        return sum(parts, Decimal(0))


def internal_rate(flows: Sequence[Timed]) -> Decimal | None:
    """Find the rate at which flows are worth nothing, to six places, half up.

    By halving between −99 % and 1,000 %; None where both ends have one sign.
    −100 now, then 39, 59, 55, 20 -> 0.280948 (FIN-02).
    """
    low, high = LEAST, MOST
    begins = discounted(flows, low)
    if begins * discounted(flows, high) > 0:
        return None
    while high - low > Decimal("1e-9"):
        middle = (low + high) / 2
        alike = discounted(flows, middle) * begins > 0
        low, high = (middle, high) if alike else (low, middle)
    return high.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def ratio(part: int, whole: int) -> str:
    """Divide to six places, half up; whole 0 gives an empty text. Neither below 0.

    5,000,000 of 8,968,000 -> '0.557538' (COL-01).
    """
    if whole == 0:
        return ""
    millionths = (2_000_000 * part + whole) // (2 * whole)
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def largest_remainder(total: int, shares: Shares) -> dict[str, int]:
    """Split a total so that the parts sum to it; odd fen go to the largest remainders.

    Of equal remainders, the first named is served first. A total below 0 is split as
    its opposite, so that what is taken back is what was given: -1,000.00 over three
    equal parts -> -333.34, -333.33, -333.33.
    """
    whole = sum(Fraction(share) for share in shares.values())
    exact = {n: abs(total) * Fraction(s) / whole for n, s in shares.items()}
    parts = {name: int(amount) for name, amount in exact.items()}
    rest = abs(total) - sum(parts.values())
    by_remainder = sorted(exact, key=lambda name: parts[name] - exact[name])
    served = parts | {name: parts[name] + 1 for name in by_remainder[:rest]}
    return served if total >= 0 else {name: -part for name, part in served.items()}


def months_later(start: date, months: int) -> date:
    """Step whole months from the start; a month without the day ends on its last.

    2026-01-31 + 1 -> 2026-02-28, + 2 -> 2026-03-31.
    """
    year, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    return date(start.year + year, month + 1, min(start.day, last))
