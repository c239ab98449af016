"""What a loan is planned to repay, and what is owed of it by its facts."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.errors import ContractError, RegisterError
from schemas.loan import LprTable
from schemas.registers import LoanFact
from tasks.capital.loan.keep import digest_of
from tasks.capital.repay import owed, repay
from tests.finance_case import DRAWDOWN, capital_terms, make_capital, pledged
from tests.loan_case import CHINA, lpr_rate

# Made up for these tests: no value was published so.
MADE_UP = LprTable.model_validate(
    {
        "values": [
            {
                "published_on": day,
                "one_year": year,
                "five_years": "0.0400",
                "source": "made up for this test",
            }
            for day, year in (
                ("2025-06-20", "0.0380"),
                ("2025-08-20", "0.0390"),
                ("2025-09-22", "0.0400"),
            )
        ]
    }
)


def floating(**changed: Any) -> CapitalTerms:
    """LOAN-03 at the LPR of a table that is made up, less 20 basis points."""
    asked = {"annual_rate": None, "rate": lpr_rate(), "calendar": CHINA, "lpr": MADE_UP}
    return capital_terms(**asked | changed)


def drawn(
    terms: CapitalTerms, *more: tuple[Any, ...], tranche: str = "1"
) -> pl.DataFrame:
    """Facts of a loan that was drawn in full on the agreed day."""
    part = next(p for p in terms.kept() if p.tranche == tranche)
    fen = int(part.terms.principal * 100)
    draw = ("LOAN-1", "draw", 1, tranche, DRAWDOWN, fen, digest_of(part), "A", "", "")
    return frame_of(LoanFact, [draw, *more])


def paid(yuan: str, on: date, keep: str = "") -> tuple[Any, ...]:
    fen = int(Decimal(yuan) * 100)
    return ("LOAN-1", "pay", 1, "1", on, fen, keep, "P", "", "")


def test_a_floating_loan_is_planned_at_the_rate_that_is_known() -> None:
    plan = repay(floating(), date(2025, 10, 1))

    # 3.80 % − 0.20 % for three months, then 3.90 % − 0.20 % of what is left
    assert plan["interest_fen"][:3].to_list() == [1_500_000, 1_375_000, 1_250_000]
    assert plan["interest_fen"][3] == 1_156_250  # 3,749,999.99 × 3.7 % / 12
    assert plan["projected"].to_list() == [False] * 6 + [True] * 6


def test_before_its_drawdown_a_floating_loan_is_planned_at_the_lpr_of_the_day() -> None:
    plan = repay(floating(drawdown=date(2025, 10, 15)), date(2025, 9, 10))

    assert plan["interest_fen"][0] == 1_541_667  # 5,000,000.00 × 3.7 % / 12


def test_a_reset_without_its_value_stops_the_plan() -> None:
    with pytest.raises(ContractError, match="no LPR 1Y of 2025-11"):
        repay(floating(), date(2025, 12, 31))


def test_a_loan_of_interest_alone_is_planned_as_loan_05() -> None:
    plan = repay(capital_terms(method="interest_only", basis="ACT/360"), DRAWDOWN)

    assert plan["interest_fen"].to_list() == [
        4_600_000,
        4_550_000,
        4_500_000,
        4_600_000,
    ]
    assert plan["principal_fen"].to_list() == [0, 0, 0, 500_000_000]


def test_what_is_owed_follows_the_facts_and_not_the_plan() -> None:
    terms, day = capital_terms(), date(2025, 9, 1)
    plan = repay(terms, day)

    nothing = owed(terms, frame_of(LoanFact, []), plan, day)
    unpaid = owed(terms, drawn(terms), plan, day)
    once = owed(terms, drawn(terms, paid("431666.67", date(2025, 7, 21))), plan, day)

    # by schedule two instalments of 416,666.67 are paid on 2025-07-20 and 2025-08-20
    assert nothing == (416_666_666, "schedule")
    assert unpaid == (500_000_000, "facts")
    assert once == (458_333_333, "facts")


def test_of_a_facility_only_what_was_drawn_is_owed() -> None:
    halves = [
        {"tranche": name, "lender": f"Bank {name}", "amount": "2500000.00"}
        for name in ("a", "b")
    ]
    terms = capital_terms(kind="facility", lender="", tranches=halves)
    plan = repay(terms, DRAWDOWN)

    assert owed(terms, drawn(terms, tranche="a"), plan, DRAWDOWN) == (
        250_000_000,
        "facts",
    )


def test_the_position_says_by_what_it_knows_the_debt() -> None:
    given: dict[str, Any] = {"pledges": [pledged()], "as_of": date(2025, 9, 1)}

    planned = make_capital(**given).position.collect()
    known = make_capital(
        **given, facts=drawn(capital_terms()).lazy()
    ).position.collect()

    assert planned.select("owed_by", "outstanding_fen").row(0) == (
        "schedule",
        416_666_666,
    )
    assert known.select("owed_by", "outstanding_fen").row(0) == ("facts", 500_000_000)
    # 5,000,000.00 of 8,968,000.00 (COL-01)
    assert known["ltv"].item() == "0.557538"


def test_a_document_that_changed_after_the_drawdown_is_refused() -> None:
    facts = drawn(capital_terms())
    dearer = capital_terms(annual_rate="0.04")

    with pytest.raises(RegisterError, match="other terms of loan LOAN-1"):
        owed(dearer, facts, repay(dearer, DRAWDOWN), DRAWDOWN)
