"""Build what measurement after recognition is given: cards, decisions and totals."""

from datetime import date
from typing import Any


def card(asset: str, **changed: Any) -> tuple[Any, ...]:
    """One row of the register of cards: ACC-09, straight line over 60 months."""
    row: dict[str, Any] = {
        "entity": "jiangbei",
        "asset": asset,
        "number": 1,
        "factor": "index",
        "product": "index",
        "version": "1.0.0",
        "kind": "intangible",
        "origin": "internal",
        "serves": "customers",
        "method": "straight_line",
        "life_months": 60,
        "residual_fen": 0,
        "units": None,
        "available_from": date(2025, 4, 18),
        "right_ends": None,
        "effective_on": date(2025, 4, 18),
        "life_basis": "peers",
    }
    return tuple((row | changed).values())


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
