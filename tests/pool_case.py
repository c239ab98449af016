"""Build what a securitisation is given: the plan's terms, loans, what came in."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.pool import Pooled, PoolTerms

CUT_OFF = date(2025, 4, 30)


def pool_terms(**changed: Any) -> PoolTerms:
    """100,000,000.00 senior at 2.4 % and 30,000,000.00 subordinated."""
    stated: dict[str, Any] = {
        "pool": "p-1",
        "title": "Plan (illustrative)",
        "entity": "plan-1",
        "policy": "test-policy",
        "cut_off": CUT_OFF,
        "matures_on": date(2026, 4, 30),
        "senior": "100000000.00",
        "subordinated": "30000000.00",
        "coupon_rate": "0.024",
        "tax_rate": "0.0326",
        "fee_rate": "0.001",
        "turbo_above": "0.05",
        "rules": {
            "policy": "test-policy",
            "applies_from": date(2024, 1, 1),
            "label_share": "0.5",
            "approval_above": "200000000.00",
        },
    }
    return PoolTerms.model_validate(stated | changed)


def offered(balance: int, **changed: Any) -> tuple[Any, ...]:
    """One loan, of data, sound, maturing within the notes' term."""
    row = {
        "request": f"L-{balance}",
        "borrower": "Borrower (illustrative)",
        "balance_fen": balance,
        "data_pledged": True,
        "overdue_days": 0,
        "state": "normal",
        "matures_on": date(2026, 4, 30),
    }
    return tuple((row | changed).values())


def loans(*rows: tuple[Any, ...]) -> pl.LazyFrame:
    """Loans offered."""
    return frame_of(Pooled, rows).lazy()


def month(
    period: int,
    interest: int,
    principal: int,
    defaulted: int = 0,
    recovered: int = 0,
    on: date | None = None,
) -> tuple[Any, ...]:
    """One period; paid on the last of May and the 30th after it."""
    day = on or [date(2025, 5, 31), date(2025, 6, 30), date(2025, 7, 31)][period - 1]
    return (period, day, interest, principal, recovered, defaulted)


@st.composite
def pools(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """A plan and what its loans do over some months."""
    senior, rest = draw(st.integers(1, 10**11)), draw(st.integers(0, 10**10))
    rates = st.decimals(0, "0.2", places=4).map(str)
    terms = {
        "senior": f"{senior // 100}.{senior % 100:02}",
        "subordinated": f"{rest // 100}.{rest % 100:02}",
        "coupon_rate": draw(rates),
        "tax_rate": draw(rates),
        "fee_rate": draw(rates),
        "turbo_above": draw(rates),
    }
    rows, on, left, lost = [], CUT_OFF, senior + rest, 0
    for period in range(1, draw(st.integers(1, 8)) + 1):
        on += timedelta(draw(st.integers(1, 92)))
        principal = draw(st.integers(0, left))
        defaulted = draw(st.integers(0, (left - principal) // 4))
        recovered = draw(st.integers(0, lost))
        interest = draw(st.integers(0, 10**9))
        rows.append((period, on, interest, principal, recovered, defaulted))
        left -= principal + defaulted
        lost += defaulted - recovered
    return terms, rows
