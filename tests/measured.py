"""Build what measurement after recognition is given: decisions and totals."""

from datetime import date
from typing import Any


def decided(asset: str, event: str, on: date, **figures: Any) -> tuple[Any, ...]:
    """One row of the register of decisions; its number is its day."""
    row: dict[str, Any] = {
        "entity": "jiangbei",
        "asset": asset,
        "decision": f"D-{on}",
        "event": event,
        "decided_on": on,
        "fair_value_fen": None,
        "costs_fen": None,
        "value_in_use_fen": None,
        "proceeds_fen": None,
        "tax_fen": None,
        "counterparty": "",
        "evidence": "MINUTES-1",
        "reason": "yearly test",
    }
    return tuple((row | figures).values())


def total(
    asset: str, gross: int, amortised: int = 0, impaired: int = 0, **changed: Any
) -> tuple[Any, ...]:
    """One row of contract Total."""
    row = {
        "entity": "jiangbei",
        "asset": asset,
        "kind": "intangible",
        "gross_fen": gross,
        "amortised_fen": amortised,
        "impaired_fen": impaired,
        "carrying_fen": gross - amortised - impaired,
    }
    return tuple((row | changed).values())
