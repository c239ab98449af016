"""Pay a tranche out as a flow run: its page, its wait for an approval, its Retry.

The fact has the loan and the tranche as its key, and the posting follows from the fact:
run again or retried, it pays nothing out and posts nothing.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow, runtime

from flows.loans import draw
from flows.refusal import answers
from schemas.errors import Refused

Facts = dict[str, Any]  # JSON


def run_name() -> str:
    """Name the run ``draw/<loan>/<tranche>``."""
    given = runtime.flow_run.parameters
    return f"draw/{given['loan']}/{given.get('tranche') or 'all'}"


@flow(name="draw-loan", flow_run_name=run_name)
@answers
def draw_loan(
    loan: str,
    evidence: str,
    tranche: str = "",
    amount: str | None = None,
    on: date | None = None,
    file: Path | None = None,
) -> Facts:
    """Record that a loan was paid out 提款, and post it; every condition must be met.

    Args:
        loan: Number of the agreement.
        evidence: Advice of the bank.
        tranche: Which; need not be said where there is one.
        amount: Yuan; all of the tranche if not said.
        on: Day of payment; left out, the scheduled day in the entity's zone.
        file: The advice itself, whose digest is kept.

    Raises:
        RegisterError: No such tranche, or the document says another loan now.
    """
    return draw(loan, tranche, on, amount, file, evidence=evidence)


def drawn(loan: str, evidence: str, **said: Any) -> Facts:  # Any: as the flow takes it
    """Draw plainly, or on the Prefect server that the environment names.

    Raises:
        Refused: A gate is shut, or it waits for an approval.
    """
    if not os.environ.get("PREFECT_API_URL"):
        return draw_loan.fn(loan, evidence, **said)
    state = draw_loan(loan, evidence, **said, return_state=True)
    if state.name == "Refused":
        raise Refused(loan, (state.message or "",))
    facts: Facts = state.result()
    return facts
