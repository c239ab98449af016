"""Price what was ordered and used: exact yuan, rounded half up once an invoice line.

Under a guide price a line is at most that price by its units, rounded down to the fen:
one call at 0.005 under a guide price of 0.005 -> 0.00, two calls -> 0.01.

A worked month of ``tiers`` (up to 100 at 1.00, up to 1,000 at 0.50, above at 0.125),
1,005 calls: 100 × 1.00 = 100.00, 900 × 0.50 = 450.00, 5 × 0.125 = 0.625 -> 0.63; in
all 550.63. Each unit has the price of the tier it falls into; reaching a tier changes
nothing of the units before it (graduated, not volume). A month is a calendar month in
the zone of the entity, and every month begins at the first tier.
"""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import NamedTuple

from schemas.compliance import Compliance
from schemas.money import PRECISION, fen
from schemas.offer import Price


class Charge(NamedTuple):
    """One line to be invoiced."""

    kind: str  # flat, quota, call, row or tier
    quantity: int
    unit_price: Decimal  # CNY, as the price says it; not rounded
    amount_fen: int


class Verdict(NamedTuple):
    """Whether a price may be asked, and why."""

    allowed: bool
    ground: str


def charge(kind: str, quantity: int, unit_price: Decimal) -> Charge:
    """Multiply, and round this once. 5 × 0.125 -> 63 fen."""
    with localcontext(prec=PRECISION):
        return Charge(kind, quantity, unit_price, fen(unit_price * quantity))


def due(price: Price, quota: int | None) -> tuple[Charge, ...]:
    """Price an order or a renewal itself: a flat amount, or quotas.

    200 units where 300.00 buy 100 -> 2 × 300.00 = 600.00.
    """
    if price.mode == "flat":
        return (charge("flat", 1, price.amount),)
    if price.mode == "quota" and price.quota and quota:
        return (charge("quota", quota // price.quota, price.amount),)
    return ()


def used(price: Price, calls: int, rows: int) -> tuple[Charge, ...]:
    """Price what was used in one month; nothing used has no line."""
    units = calls if price.counted == "call" else rows
    if price.mode in ("per_call", "per_row") and units:
        return (within(price, charge(price.counted, units, price.amount)),)
    if price.mode == "tiers":
        parts = graded(price, units)
        return tuple(within(price, charge("tier", n, amount)) for n, amount in parts)
    return ()


def within(price: Price, line: Charge) -> Charge:
    """Hold a line to the guide price: to round half up must not exceed it.

    5 × 0.125 under a guide price of 0.125 is 0.625 -> 62 fen, not 63.
    """
    if price.ceiling is None:
        return line
    with localcontext(prec=PRECISION):
        most = price.ceiling.amount * line.quantity * 100
        whole = int(most.to_integral_value(ROUND_FLOOR))
    return line._replace(amount_fen=min(line.amount_fen, whole))


def graded(price: Price, units: int) -> Iterator[tuple[int, Decimal]]:
    """Divide the units of a month among the tiers: 1,005 -> 100, 900, 5."""
    below = 0
    for tier in price.tiers:
        end = units if tier.up_to is None else min(units, tier.up_to)
        if end > below:
            yield end - below, tier.amount
        below = max(below, end)


def price_is_allowed(price: Price, compliance: Compliance | None) -> Verdict:
    """Compare with the guide price, and with how public data are supplied.

    The dearest unit counts: the dearest tier, of a quota the amount by its units. 0.01
    above is refused, equal passes. Public data that are open, or operated for public
    governance and public good, are free; operated for industry they cost at most a
    guide price (发改价格〔2025〕65号), so a price needs its ceiling.
    """
    public = compliance.public_data if compliance else None
    if public and price.mode != "free":
        if public.supply != "authorised-paid":
            return Verdict(
                False, f"public data supplied as {public.supply} are free of charge"
            )
        if price.ceiling is None:
            return Verdict(
                False, "authorised public data have a guide price: write price.ceiling"
            )
    if price.ceiling is None:
        return Verdict(True, f"price {price.mode}; no guide price is set")
    limit, (units, amount) = price.ceiling.amount, dearest(price)
    with localcontext(prec=PRECISION):
        above = amount > limit * units
    said = f"{amount} for {units:,}" if units > 1 else f"{amount}"
    against = f"the guide price {limit} a unit ({price.ceiling.source})"
    if above:
        return Verdict(False, f"price {said} is above {against}")
    return Verdict(True, f"price {said} is within {against}")


def dearest(price: Price) -> tuple[int, Decimal]:
    """Find what a number of units costs at most."""
    if price.mode == "quota":
        return price.quota or 1, price.amount
    return 1, max([price.amount, *(tier.amount for tier in price.tiers)])
