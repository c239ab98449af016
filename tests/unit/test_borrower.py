"""Whether a borrower can bear a loan: cash flow, issuer, limits, conditions."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.registers import LoanFact
from schemas.survey import Lent
from tasks.capital.borrower import (
    conditions_met,
    is_named,
    may_issue,
    serves_its_debt,
    services,
    within_limits,
)
from tasks.capital.repay import repay
from tests.finance_case import CODE, DRAWDOWN, HOLDER, capital_terms, lender_rules

RULES = lender_rules()


def owes(*flows: tuple[int, str], **changed: Any) -> CapitalTerms:
    """LOAN-03: 2,500,000.02 and 71,250.00 of interest in 2025; the rest in 2026."""
    stated = [
        {"year": year, "amount": amount, "evidence": f"Forecast {year}"}
        for year, amount in flows
    ]
    borrower = {"name": HOLDER, "credit_code": CODE, "cash_flows": stated}
    return capital_terms(**({"borrower": borrower} | changed))


def answered(terms: CapitalTerms, on: date = DRAWDOWN, **rules: Any) -> tuple[Any, ...]:
    return serves_its_debt(terms, lender_rules(**rules), repay(terms, on), on)


# By hand, LOAN-03: six instalments of 416,666.67 and interest of 15,000.00, 13,750.00,
# 12,500.00, 11,250.00, 10,000.00 and 8,750.00 fall due in 2025: 2,571,250.02 in all.
IN_2025, IN_2026 = 257_125_002, 252_624_998


def test_debt_service_is_added_up_by_calendar_year() -> None:
    years = services(owes().borrower, repay(owes(), date(2025, 6, 20)), 2025)

    assert [(one.year, one.due_fen) for one in years] == [
        (2025, IN_2025),
        (2026, IN_2026),
    ]
    assert [one.flow_fen for one in years] == [None, None]


@pytest.mark.parametrize(
    ("flow", "shown", "passed"),
    [
        # 1.2 × 2,571,250.02 = 3,085,500.024
        ("3085500.03", "1.200000", True),
        ("3085500.02", "1.200000", False),
        ("2571250.02", "1.000000", False),
        ("0.00", "0.000000", False),
        ("-2571250.02", "-1.000000", False),
    ],
)
def test_a_year_passes_at_the_floor_exactly(
    flow: str, shown: str, passed: bool
) -> None:
    terms = owes((2025, flow), (2026, "9000000.00"))

    gate, kept, ground, evidence = answered(terms)

    assert (gate, kept) == ("debt_service", passed)
    assert f"{shown} in 2025 is below 1.20" in ground or f"2025 {shown}" in ground
    assert "Forecast 2025; Forecast 2026" in evidence


def test_a_cash_flow_of_exactly_the_debt_service_covers_it_once() -> None:
    flows = ((2025, "2571250.02"), (2026, "2526249.98"))

    assert answered(owes(*flows), min_dscr="1.00")[1]
    assert not answered(owes(*flows), min_dscr="1.000001")[1]


def test_a_year_without_stated_cash_flow_is_not_covered() -> None:
    _, passed, ground, _ = answered(owes((2025, "9000000.00")))

    assert not passed
    assert (
        ground == "no cash flow is stated for 2026, in which 2,526,249.98 CNY fall due"
    )


def test_every_year_that_falls_short_is_told() -> None:
    _, passed, ground, _ = answered(owes((2025, "1.00"), (2026, "1.00")))

    assert not passed
    assert ground.count("below 1.20") == 2


@pytest.mark.parametrize(
    ("above", "passed"), [("5000000.00", True), ("4999999.99", False)]
)
def test_cash_flows_must_be_stated_where_the_policy_asks(
    above: str, passed: bool
) -> None:
    answer = answered(owes(), dscr_above=above)

    assert answer[1] is passed
    assert answer[2].startswith("no cash flow is stated")


def test_cash_flows_must_be_stated_where_a_covenant_asks() -> None:
    _, passed, ground, _ = answered(owes(covenants={"min_dscr": "1.10"}))

    assert not passed
    assert "the covenants ask for 1.20" in ground


def test_the_stricter_of_policy_and_covenant_holds() -> None:
    flows = ((2025, "3300000.00"), (2026, "9000000.00"))  # 1.283422 in 2025

    assert answered(owes(*flows))[1]
    assert not answered(owes(*flows, covenants={"min_dscr": "1.30"}))[1]


def test_years_that_are_over_are_asked_no_more() -> None:
    terms = owes((2025, "1.00"), (2026, "9000000.00"))

    assert answered(terms, date(2026, 1, 2))[1]
    assert not answered(terms, date(2025, 12, 31))[1]


@given(
    flow=st.integers(-(10**9), 10**10),
    less=st.integers(0, 10**9),
    floor=st.decimals("0.01", "3", places=2),
)
def test_less_cash_flow_never_passes_what_more_did_not(
    flow: int, less: int, floor: Decimal
) -> None:
    def passes(fen: int) -> bool:
        amount = str(Decimal(fen).scaleb(-2))
        terms = owes((2025, amount), (2026, "9000000000.00"))
        return bool(answered(terms, min_dscr=str(floor))[1])

    assert passes(flow) or not passes(flow - less)


@pytest.mark.parametrize(
    ("code", "passed"),
    [("11110000600037341L", False), ("12110000600037341L", True), (CODE, True)],
)
def test_an_administrative_organ_issues_nothing(code: str, passed: bool) -> None:
    borrower = owes().borrower.model_copy(update={"credit_code": code})

    gate, allowed, ground, evidence = may_issue(borrower, RULES)

    assert (gate, allowed) == ("issuer", passed)
    assert f"registered under {code[:2]}" in ground
    assert evidence == "test-policy/refused_issuers"


def test_a_code_that_names_nobody_is_no_borrower() -> None:
    forged = owes().borrower.model_copy(update={"credit_code": "91110000600037341N"})

    assert not is_named(forged)[1]
    assert is_named(owes().borrower)[1]


def lent(**fen: int) -> pl.DataFrame:
    names = {"borrower": CODE, "industry": "I", "lender": "Bank (illustrative)"}
    known = {"borrower": 0, "industry": 0, "lender": 0} | fen
    return frame_of(Lent, [(m, names[m], sum_, 1) for m, sum_ in known.items()])


def in_software() -> CapitalTerms:
    borrower = {"name": HOLDER, "credit_code": CODE, "industry": "I65 software"}
    return capital_terms(borrower=borrower)


@pytest.mark.parametrize("measure", ["borrower", "industry", "lender"])
def test_a_loan_may_reach_a_limit_and_no_fen_beyond(measure: str) -> None:
    rules = lender_rules(**{f"{measure}_limit": "8000000.00"})

    def kept(other: int) -> dict[str, bool]:
        found = within_limits(in_software(), rules, lent(**{measure: other}))
        return {gate: passed for gate, passed, _, _ in found}

    assert kept(300_000_000) == dict.fromkeys(kept(0), True)
    assert [g for g, ok in kept(300_000_001).items() if not ok] == [f"{measure}_limit"]


def test_what_nobody_looked_up_exceeds_every_limit() -> None:
    found = [*within_limits(in_software(), RULES, frame_of(Lent, []))]

    assert [passed for _, passed, _, _ in found] == [False] * 3
    assert all("nobody asked what is lent" in ground for _, _, ground, _ in found)


CONDITIONS = [
    {"name": "opinion", "text": "A lawyer's opinion on the pledge"},
    {"name": "registered", "text": "The pledge is registered"},
]


def recorded(*names: str, **changed: Any) -> pl.DataFrame:
    rows: Sequence[tuple[Any, ...]] = [
        tuple(
            {
                "loan": "LOAN-1",
                "event": "condition",
                "number": number,
                "tranche": "",
                "effective_on": DRAWDOWN,
                "amount_fen": None,
                "name": name,
                "evidence": f"E-{name}",
                "evidence_sha256": "",
                "reason": "",
                **changed,
            }.values()
        )
        for number, name in enumerate(names, 1)
    ]
    return frame_of(LoanFact, rows)


def asked(known: pl.DataFrame) -> tuple[str, bool, str, str]:
    terms = capital_terms(conditions=CONDITIONS)
    return conditions_met("LOAN-1", terms.conditions, known, DRAWDOWN)


def test_money_may_be_paid_out_once_every_condition_is_recorded() -> None:
    gate, met, _, evidence = asked(recorded("opinion", "registered"))

    assert (gate, met) == ("conditions_precedent", True)
    assert evidence == "E-opinion; E-registered"


@pytest.mark.parametrize(
    "known",
    [
        recorded("opinion"),
        recorded("opinion", "registered", effective_on=date(2025, 6, 21)),
        recorded("opinion", "registered", loan="LOAN-2"),
        recorded("opinion", "registered", evidence=" "),
        recorded("opinion", "registered", event="waive"),
    ],
    ids=["one lacks", "later", "another loan", "no evidence", "another event"],
)
def test_a_drawdown_with_an_unmet_condition_is_refused(known: pl.DataFrame) -> None:
    _, met, ground, _ = asked(known)

    assert not met
    assert "registered (The pledge is registered)" in ground


def test_a_loan_without_conditions_needs_no_record() -> None:
    assert conditions_met("LOAN-1", (), recorded(), DRAWDOWN)[1]
