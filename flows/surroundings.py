"""Gather what a lender asks beside the asset: its data, its roots, and other loans."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.roots import roots_of
from flows.stages import survey_task
from schemas.artifact import ArtifactRef, Snapshot
from schemas.factor import Factor
from schemas.registers import (
    CollateralRoot,
    JournalLine,
    Loan,
    LoanFact,
    Pledge,
    PledgeEvent,
)


def around(
    terms: Factor, product: Mapping[str, ArtifactRef], assessed: Any, day: date
) -> dict[str, Any]:
    """Give ``capitalize`` what it asks beside the asset; nothing where nothing is lent.

    Any: refs by name, snapshots of registers.

    Args:
        terms: The factor.
        product: What ``productize`` published.
        assessed: What ``assess`` published.
        day: The day the run speaks of.
    """
    if terms.loan is None:
        return {}
    number = terms.loan.agreement
    roots = roots_of(terms, product)
    found = survey_task(
        *(terms.loan, day),
        pledges=others(Pledge, request=number),
        events=others(PledgeEvent, request=number),
        known=others(CollateralRoot, request=number),
        loans=others(Loan, loan=number),
        repaid=Snapshot(register=JournalLine, where={"event": "repay"}),
        **roots,
    )
    return {
        **roots,
        "quality": assessed,
        "offered": product["gates"],
        "met": found,
        "lent": found,
        "agreed": Snapshot(register=Loan, where={"loan": number}),
        "events": Snapshot(register=PledgeEvent, where={"request": number}),
        "facts": Snapshot(register=LoanFact, where={"loan": number}),
        "recorded": Snapshot(register=CollateralRoot, where={"request": number}),
    }


def others(register: type[Any], **own: str) -> Snapshot:
    """Ask for all rows of a register but the agreement's own."""
    return Snapshot(register=register, where={}, but=own)
