"""Decide whether a use is allowed, by the short names of the scenario.

``named-passenger`` -> refused: Deciding on a named passenger.
"""

from typing import NamedTuple

from schemas.scenario import Scenario


class UseAnswer(NamedTuple):
    """Whether a use is allowed, and why."""

    allowed: bool
    ground: str


def use_is_allowed(scenario: Scenario | None, use: str) -> UseAnswer:
    """Look a use up; what nobody offered is not allowed.

    Args:
        scenario: Of the product; without one nothing is offered.
        use: Short name that an order gives.
    """
    if scenario is None:
        return UseAnswer(False, "the product states no scenario: no use is offered")
    if use in scenario.prohibited_uses:
        return UseAnswer(
            False, f"use {use} is prohibited: {scenario.prohibited_uses[use]}"
        )
    if use in scenario.uses:
        return UseAnswer(True, scenario.uses[use])
    offered = "; ".join(f"{name}: {text}" for name, text in scenario.uses.items())
    return UseAnswer(False, f"use {use!r} is not offered; offered are {offered}")
