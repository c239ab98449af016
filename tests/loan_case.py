"""Loans of the oracles, the notices on rest days of 2025 and 2026, and LPR values."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.contract import frame_of
from schemas.loan import BankCalendar, LoanTerms, LprFixing
from schemas.money import exact_fen
from tasks.capital.loan.accrue import accrued
from tasks.capital.loan.prepay import Prepayment, prepay
from tasks.capital.loan.rates import Step, Steps
from tasks.capital.loan.schedule import Planned, plan


def loan_terms(**changed: Any) -> LoanTerms:
    """LOAN-03 and LOAN-04 of the oracles but for the method."""
    stated: dict[str, Any] = {
        "loan": "LOAN-1",
        "principal": "5000000.00",
        "drawdown": "2025-06-20",
        "months": 12,
        "method": "equal_instalments",
        "basis": "30/360",
        "rate": {"kind": "fixed", "annual_rate": "0.036"},
    }
    return LoanTerms.model_validate(stated | changed)


def lpr_rate(**changed: Any) -> dict[str, Any]:
    stated = {"kind": "lpr", "tenor": "1Y", "basis_points": -20, "reset_months": 3}
    return stated | changed


def flat(rate: str = "0.036", start: date = date(2025, 6, 20)) -> list[Step]:
    return [Step(start, int(Decimal(rate) * 10**8))]


def days(year: int, *spans: str) -> list[date]:
    """'05-01..05' is five days of May."""
    found = []
    for span in spans:
        first, _, last = span.partition("..")
        month, day = map(int, first.split("-"))
        until = last or first[-2:]
        found += [date(year, month, d) for d in range(day, int(until) + 1)]
    return found


CHINA = BankCalendar.model_validate(
    {
        "years": [
            {
                "year": 2025,
                "source": "国办发明电〔2024〕12号",
                "rest": days(
                    2025,
                    *("01-01", "01-28..31", "02-01..04", "04-04..06", "05-01..05"),
                    *("05-31", "06-01..02", "10-01..08"),
                ),
                "work": days(2025, "01-26", "02-08", "04-27", "09-28", "10-11"),
            },
            {
                "year": 2026,
                "source": "国办发明电〔2025〕7号",
                "rest": days(
                    2026,
                    *("01-01..03", "02-15..23", "04-04..06", "05-01..05"),
                    *("06-19..21", "09-25..27", "10-01..07"),
                ),
                "work": days(
                    2026, "01-04", "02-14", "02-28", "05-09", "09-20", "10-10"
                ),
            },
        ]
    }
)


def fixings(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Rows of tenor, day, value: ("1Y", "2025-06-20", "0.0300")."""
    return frame_of(
        LprFixing,
        [
            (tenor, date.fromisoformat(day), int(Decimal(value) * 10**8))
            for tenor, day, value in rows
        ],
    )


def yuan_to_fen(text: str) -> int:
    return exact_fen(Decimal(text))


def replan(
    terms: LoanTerms, steps: Steps, prepayments: Iterable[Prepayment]
) -> list[Planned]:
    """Plan a loan from its drawdown, with all its prepayments in their order."""
    rows = plan(terms, steps)
    for prepayment in prepayments:
        rows = prepay(rows, prepayment, terms, steps)
    return rows


def accrue(borne: pl.DataFrame, after: date, upto: date) -> pl.DataFrame:
    """Tell what each loan accrues from one day to another, the first counted."""
    known = accrued(borne, after)["interest_fen"]
    return accrued(borne, upto).with_columns(pl.col("interest_fen") - known)
