"""Value by the cost approach: what it would cost to make the asset again.

P = C × δ (中评协〔2023〕17号): C is preliminary, direct and indirect cost, the
opportunity cost of the money in them, and taxes. It is no book value: it is at the
prices of the valuation date and may hold what the books expensed.
"""

from collections.abc import Iterator
from decimal import Decimal, localcontext

from schemas.appraisal import Amount, ReplacementCost
from schemas.money import PRECISION, fen
from tasks.asset.appraise.result import Found, Step


def by_cost(method: ReplacementCost) -> Found:
    """Sum the components and bring them to the actual state.

    120,000 + 860,000 + 150,000, 5 % of it, 33,500 -> C 1,220,000; × 0.92 ->
    1,122,400.00 (VAL-04).
    """
    with localcontext(prec=PRECISION):
        parts = [
            *items("preliminary", method.preliminary),
            *items("direct", method.direct),
            *items("indirect", method.indirect),
        ]
        paid = sum((part.amount for part in parts), Decimal(0))
        opportunity = paid * method.opportunity_rate.value
        whole = paid + opportunity + method.taxes.value
        value = whole * method.delta.value
    steps = (
        *parts,
        Step("opportunity", "", 0, opportunity),
        Step("taxes", "", 0, method.taxes.value),
        Step("replacement_cost", "", 0, whole),
        Step("delta", "", 0, method.delta.value, "ratio"),
    )
    return Found(method.method, method.approach, method.weight, fen(value), steps)


def items(name: str, amounts: dict[str, Amount]) -> Iterator[Step]:
    """List the items of one component."""
    for item, amount in amounts.items():
        yield Step(name, item, 0, amount.value)
