"""Count money in fen: CNY only, exact, rounded in one place.

Amounts are ``Decimal`` yuan outside and integer fen inside. ``fen("1.005")`` rounds
half up to 101 (the rule of the worked loan cases); anything a person types as an
amount must already have at most two decimals, so it goes through ``exact_fen``.
"""

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

# RFC 8785 refuses integers of 2**53 and above; this is 90 trillion yuan.
LARGEST_FEN = 9_000_000_000_000_000
PRECISION = 50  # digits of intermediate results; a float is off by a fen now and then
EXACT = Context(prec=40, traps=[Inexact])  # the default context would round in silence


def fen(amount: Decimal) -> int:
    """Round yuan half up to fen. 1.005 -> 101."""
    with localcontext(prec=2 * PRECISION):  # scaling must not round a first time
        return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def exact_fen(amount: Decimal) -> int:
    """Turn an amount that must be whole fen into fen. 12.30 -> 1230.

    Raises:
        ValueError: More than two decimals, not finite, or out of range.
    """
    if not amount.is_finite():
        raise ValueError("an amount must be a finite number of yuan")
    try:
        scaled = EXACT.multiply(amount, 100)
    except Inexact as error:
        raise ValueError("an amount has at most two decimals (fen)") from error
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount has at most two decimals (fen)")
    if abs(scaled) > LARGEST_FEN:
        raise ValueError("an amount must stay below 90 trillion yuan")
    return int(scaled)


def yuan(amount_fen: int) -> Decimal:
    """Turn fen into yuan with two decimals. 1230 -> Decimal('12.30')."""
    return Decimal(amount_fen).scaleb(-2)


def shown(amount_fen: int) -> str:
    """Write fen for people. 123456789 -> '1,234,567.89'."""
    return f"{yuan(amount_fen):,.2f}"


def _as_written(value: object) -> object:
    if isinstance(value, float | bool):
        raise ValueError("write the number in quotes: a float cannot hold it exactly")
    return value


def _whole_fen(amount: Decimal) -> Decimal:
    exact_fen(amount)
    return amount


Exact = Annotated[Decimal, BeforeValidator(_as_written), Field(allow_inf_nan=False)]
"""A decimal number that was never a float."""

Yuan = Annotated[Exact, AfterValidator(_whole_fen)]
"""An amount of CNY with at most two decimals."""

Rate = Annotated[Exact, Field(ge=-1, le=10)]
"""A fraction per year: 0.036 is 3.6 %."""
