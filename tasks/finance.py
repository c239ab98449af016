"""Decimal arithmetic that two stages share: value, schedules, ratios, months."""

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from schemas.money import PRECISION, fen, yuan

Instalment = tuple[int, int, int, int]  # month, principal, interest, balance, in fen
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


def equal_principal(principal: int, rate: Decimal, months: int) -> Iterator[Instalment]:
    """Repay the same principal each month; the last month takes the rest (等额本金).

    5,000,000.00 at 3.6 %, 12 months -> 416,666.67 + 15,000.00 first, 416,666.63 +
    1,250.00 last (LOAN-03).
    """
    part = fen(yuan(principal) / months)
    balance = principal
    for month in range(1, months + 1):
        paid = min(part, balance) if month < months else balance
        interest = monthly_interest(balance, rate)
        balance -= paid
        yield month, paid, interest, balance


def equal_instalments(
    principal: int, rate: Decimal, months: int
) -> Iterator[Instalment]:
    """Pay the same each month; the last month takes the rest (等额本息).

    5,000,000.00 at 3.6 %, 12 months -> 424,836.29 a month (LOAN-04).
    """
    payment = instalment(principal, rate, months)
    balance = principal
    for month in range(1, months + 1):
        interest = monthly_interest(balance, rate)
        paid = min(max(payment - interest, 0), balance) if month < months else balance
        balance -= paid
        yield month, paid, interest, balance


def monthly_interest(balance: int, rate: Decimal) -> int:
    """Charge 1/12 of the yearly rate, half up. 5,000,000.00, 3.6 % -> 15,000.00."""
    with localcontext(prec=PRECISION):
        return fen(yuan(balance) * rate / 12)


def instalment(principal: int, rate: Decimal, months: int) -> int:
    """Compute A = P·r/(1−(1+r)^−n) with r = rate/12, half up to fen."""
    with localcontext(prec=PRECISION):
        monthly = rate / 12
        if monthly == 0:
            return fen(yuan(principal) / months)
        return fen(yuan(principal) * monthly / (1 - (1 + monthly) ** -months))
