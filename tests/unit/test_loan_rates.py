"""LPR ± basis points: which value a reset takes, and what it refuses."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import ContractError
from schemas.loan import LoanTerms
from tasks.capital.loan.rates import last_publication, rate_on, rate_steps
from tests.loan_case import CHINA, fixings, loan_terms, lpr_rate

# 1Y as published: 3.00 % since 2025-05-20; what follows 2025 is made up.
LPR = fixings(
    ("1Y", "2025-06-20", "0.0300"),
    ("5Y", "2025-06-20", "0.0350"),
    ("1Y", "2025-09-22", "0.0290"),
    ("1Y", "2025-12-22", "0.0285"),
    ("1Y", "2026-03-20", "0.0280"),
)


def floating(**changed: Any) -> LoanTerms:
    return loan_terms(rate=lpr_rate(**changed))


def test_a_fixed_rate_is_one_step_and_reads_no_table() -> None:
    assert rate_steps(loan_terms(), fixings(), CHINA, date(2030, 1, 1)) == (
        (date(2025, 6, 20), 3_600_000),
    )


def test_each_reset_takes_the_value_last_published_with_its_basis_points() -> None:
    terms = floating(first_reset="2025-09-22")

    made = rate_steps(terms, LPR, CHINA, date(2026, 6, 19))

    assert made == (
        (date(2025, 6, 20), 2_800_000),
        (date(2025, 9, 22), 2_700_000),
        (date(2025, 12, 22), 2_650_000),
        (date(2026, 3, 22), 2_600_000),
    )


def test_on_a_weekend_of_publication_a_reset_takes_the_month_before() -> None:
    # 2025-09-20 is a Saturday: the value of September comes on Monday
    with pytest.raises(ContractError, match="LPR 1Y of 2025-08"):
        rate_steps(floating(), LPR, CHINA, date(2025, 9, 20))


def test_a_reset_after_the_day_asked_is_not_fixed_yet() -> None:
    made = rate_steps(floating(), LPR, CHINA, date(2025, 9, 19))

    assert made == ((date(2025, 6, 20), 2_800_000),)


@pytest.mark.parametrize(
    ("reset", "said"),
    [
        ("2025-11-03", "no LPR 1Y of 2025-10 for the reset on 2025-11-03"),
        ("2025-10-20", "no LPR 1Y of 2025-10 for the reset on 2025-10-20"),
        ("2026-01-21", "no LPR 1Y of 2026-01 for the reset on 2026-01-21"),
    ],
)
def test_a_missing_value_is_named_and_an_older_one_never_stands_in(
    reset: str, said: str
) -> None:
    terms = floating(first_reset=reset, reset_months=12)

    with pytest.raises(ContractError, match=said):
        rate_steps(terms, LPR, CHINA, date(2026, 6, 19))


def test_on_the_day_of_maturity_no_rate_is_reset() -> None:
    made = rate_steps(floating(reset_months=12), LPR, CHINA, date(2027, 1, 1))

    assert made == ((date(2025, 6, 20), 2_800_000),)


def test_a_value_of_the_other_tenor_does_not_count() -> None:
    terms = loan_terms(drawdown="2025-09-22", rate=lpr_rate(tenor="5Y"))

    with pytest.raises(ContractError, match="no LPR 5Y of 2025-09"):
        rate_steps(terms, LPR, CHINA, date(2025, 9, 22))


def test_a_rate_below_nothing_is_refused() -> None:
    with pytest.raises(ContractError, match="below 0"):
        rate_steps(floating(basis_points=-301), LPR, CHINA, date(2025, 6, 20))


def test_resets_keep_the_months_end_of_the_drawdown() -> None:
    lpr = fixings(
        ("1Y", "2025-08-20", "0.03"),
        ("1Y", "2026-02-24", "0.03"),
        ("1Y", "2026-08-20", "0.03"),
    )
    terms = loan_terms(drawdown="2025-08-31", months=18, rate=lpr_rate(reset_months=6))

    made = rate_steps(terms, lpr, CHINA, date(2027, 1, 1))

    assert [step.from_on for step in made[1:]] == [date(2026, 2, 28), date(2026, 8, 31)]


@pytest.mark.parametrize(
    ("on", "due"),
    [
        (date(2026, 2, 24), date(2026, 2, 24)),
        (date(2026, 2, 23), date(2026, 1, 20)),  # the 20th lies in the Spring Festival
        (date(2025, 1, 1), date(2024, 12, 20)),
        (date(2025, 9, 21), date(2025, 8, 20)),
    ],
)
def test_the_lpr_is_due_on_the_20th_or_the_next_business_day(
    on: date, due: date
) -> None:
    assert last_publication(on, CHINA) == due


def test_no_rate_applies_before_the_first_step() -> None:
    steps = rate_steps(loan_terms(), fixings(), CHINA, date(2025, 6, 20))

    with pytest.raises(ContractError, match="no rate is fixed for 2025-06-19"):
        rate_on(steps, date(2025, 6, 19))


@pytest.mark.parametrize(
    "rate",
    [
        {"kind": "fixed", "annual_rate": "-0.01"},
        {"kind": "fixed", "annual_rate": "0.036000001"},
        {"kind": "fixed", "annual_rate": 0.036},
        lpr_rate(reset_months=5),
        lpr_rate(first_reset="2025-06-20"),
    ],
    ids=["negative", "nine decimals", "float", "five months", "reset at drawdown"],
)
def test_a_rate_that_cannot_be_charged_is_refused(rate: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        loan_terms(rate=rate)
