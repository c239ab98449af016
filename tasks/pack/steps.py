"""Say from which value on a lender warns, calls and enforces.

A state begins where what is owed reaches the step's share of the value: L >= V·s, so at
V = L/s, rounded down to fen. 5,000,000.00 owed, warned at 0.60 -> from 8,333,333.33 on.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schemas.money import yuan
from schemas.quality import WHOLE

STEPS = ("max_ltv", "advance_ltv", "warning_ltv", "margin_call_ltv", "default_ltv")
Facts = dict[str, Any]  # JSON


def steps_of(terms: Mapping[str, Any], position: Mapping[str, Any]) -> list[Facts]:
    """List the steps that the policy states, with the value at which each begins.

    Args:
        terms: Terms of the loan with the rules of its policy.
        position: Where it stands (contract Position), or nothing.
    """
    rules = {**(terms.get("ladder") or {}), **(terms.get("rules") or {})}
    owed, value = position.get("outstanding_fen"), position.get("appraised_fen")
    if not owed:
        return []
    found = []
    for name in STEPS:
        if name in rules:
            begins = owed * WHOLE // int(Decimal(str(rules[name])) * WHOLE)
            fall = (value - begins) * WHOLE // value if value else None
            found.append(
                {
                    "step": name,
                    "ltv": str(rules[name]),
                    "begins": f"{yuan(begins):.2f}",
                    "fall_ppm": fall,
                    "source": f"{rules.get('policy', '')}/{name}",
                }
            )
    return found
