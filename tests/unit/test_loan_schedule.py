"""Schedules of a loan, as the oracles have them, to exactly 0.00."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.loan import BASES, LoanSchedule, LoanTerms, Method
from tasks.capital.loan.rates import Step, rate_steps
from tasks.capital.loan.schedule import (
    Planned,
    instalment_of,
    plan,
    schedule,
    settlement_days,
    spans,
)
from tasks.finance import internal_rate
from tests.loan_case import CHINA, fixings, flat, loan_terms, lpr_rate, yuan_to_fen

METHODS = get_args(Method)
LOAN_03 = """
416666.67 15000.00 4583333.33
416666.67 13750.00 4166666.66
416666.67 12500.00 3749999.99
416666.67 11250.00 3333333.32
416666.67 10000.00 2916666.65
416666.67  8750.00 2499999.98
416666.67  7500.00 2083333.31
416666.67  6250.00 1666666.64
416666.67  5000.00 1249999.97
416666.67  3750.00  833333.30
416666.67  2500.00  416666.63
416666.63  1250.00       0.00
"""
LOAN_04 = """
409836.29 15000.00 4590163.71
411065.80 13770.49 4179097.91
412299.00 12537.29 3766798.91
413535.89 11300.40 3353263.02
414776.50 10059.79 2938486.52
416020.83  8815.46 2522465.69
417268.89  7567.40 2105196.80
418520.70  6315.59 1686676.10
419776.26  5060.03 1266899.84
421035.59  3800.70  845864.25
422298.70  2537.59  423565.55
423565.55  1270.70       0.00
"""


def amounts(printed: str) -> list[tuple[int, ...]]:
    lines = printed.strip().splitlines()
    return [tuple(yuan_to_fen(x) for x in line.split()) for line in lines]


@pytest.mark.parametrize(
    ("method", "printed", "interest"),
    [
        pytest.param("equal_principal", LOAN_03, 9_750_000, id="LOAN-03"),
        pytest.param("equal_instalments", LOAN_04, 9_803_544, id="LOAN-04"),
    ],
)
def test_a_monthly_schedule_is_the_worked_one_to_the_fen(
    method: str, printed: str, interest: int
) -> None:
    made = plan(loan_terms(method=method), flat())

    assert [(r.principal, r.interest, r.balance) for r in made] == amounts(printed)
    assert sum(r.interest for r in made) == interest


def test_an_instalment_is_that_of_loan_02() -> None:
    made = instalment_of(Decimal(200_000), [Decimal("0.00625")] * 180)

    assert abs(made - Decimal("1854.0247200054619")) < Decimal("1e-9")


def test_a_plan_of_loan_02_pays_its_instalment_each_month() -> None:
    terms = loan_terms(
        principal="200000", months=180, rate={"kind": "fixed", "annual_rate": "0.075"}
    )

    made = plan(terms, flat("0.075"))

    assert {r.principal + r.interest for r in made[:-1]} == {185_402}


NUMPY_FINANCIAL = """
200.58 17.17 2299.42
201.96 15.79 2097.46
203.35 14.40 1894.11
204.74 13.01 1689.37
206.15 11.60 1483.22
207.56 10.18 1275.66
208.99  8.76 1066.67
210.42  7.32  856.25
211.87  5.88  644.38
213.32  4.42  431.05
214.79  2.96  216.26
216.26  1.49    0.00
"""


def test_each_row_is_that_of_numpy_financial_within_what_it_does_not_round() -> None:
    # The table in the text of its ipmt: 2,500 at 8.24 %, 12 months
    terms = loan_terms(
        principal="2500", rate={"kind": "fixed", "annual_rate": "0.0824"}
    )

    made = plan(terms, flat("0.0824"))

    for row, printed in zip(made, amounts(NUMPY_FINANCIAL), strict=True):
        ours = row.principal, row.interest, row.balance
        assert max(abs(a - b) for a, b in zip(ours, printed, strict=True)) <= 2


@pytest.mark.parametrize("method", ["equal_instalments", "equal_principal"])
def test_the_return_of_a_plan_is_its_monthly_rate(method: str) -> None:
    made = plan(loan_terms(method=method), flat())
    flows = [(Decimal(-500_000_000), Decimal(0))]
    flows += [
        (Decimal(r.principal + r.interest), Decimal(k)) for k, r in enumerate(made, 1)
    ]

    assert internal_rate(flows) == Decimal("0.003000")


def test_interest_only_is_settled_quarterly_on_the_20th_as_loan_05_has_it() -> None:
    terms = loan_terms(method="interest_only", basis="ACT/360")

    shown = schedule(plan(terms, flat()), terms, flat(), CHINA)

    assert shown.select("due_on", "days", "interest_fen").rows() == [
        (date(2025, 9, 20), 92, 4_600_000),
        (date(2025, 12, 20), 91, 4_550_000),
        (date(2026, 3, 20), 90, 4_500_000),
        (date(2026, 6, 20), 92, 4_600_000),
    ]
    assert shown["principal_fen"].to_list() == [0, 0, 0, 500_000_000]
    assert shown["interest_fen"].sum() == 18_250_000


def test_loan_05_on_act_365_bears_180000() -> None:
    whole = plan(loan_terms(method="bullet", basis="ACT/365"), flat())
    quarterly = plan(loan_terms(method="interest_only", basis="ACT/365"), flat())

    assert sum(r.interest for r in whole) == 18_000_000
    # 45,369.86 + 44,876.71 + 44,383.56 + 45,369.86: within the tolerance of the case
    assert sum(r.interest for r in quarterly) == 17_999_999


def test_a_bullet_pays_principal_and_all_interest_at_maturity() -> None:
    made = plan(loan_terms(method="bullet", basis="ACT/360"), flat())

    # 5,000,000.00 × 0.036 × 365 / 360
    assert made == [
        Planned(1, date(2025, 6, 20), date(2026, 6, 20), 500_000_000, 18_250_000, 0)
    ]


def test_interest_only_begins_and_ends_with_a_part_of_a_quarter() -> None:
    terms = loan_terms(
        method="interest_only", basis="ACT/360", drawdown="2025-05-10", months=6
    )

    made = plan(terms, flat(start=date(2025, 5, 10)))

    # 5,000,000.00 × 0.036 / 360 = 500.00 a day
    assert [(r.due_on, r.interest) for r in made] == [
        (date(2025, 6, 20), 41 * 50_000),
        (date(2025, 9, 20), 92 * 50_000),
        (date(2025, 11, 10), 51 * 50_000),
    ]


def test_a_settlement_day_that_begins_or_ends_a_loan_is_no_row_of_its_own() -> None:
    assert settlement_days(date(2025, 6, 20), date(2025, 9, 20)) == []
    assert settlement_days(date(2025, 6, 19), date(2025, 9, 21)) == [
        date(2025, 6, 20),
        date(2025, 9, 20),
    ]


@pytest.mark.parametrize(
    ("drawdown", "due"),
    [
        ("2024-01-31", ["2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2025-01-31", ["2025-02-28", "2025-03-31", "2025-04-30"]),
        ("2024-02-29", ["2024-03-29", "2024-04-29", "2024-05-29"]),
        ("2027-11-30", ["2027-12-30", "2028-01-30", "2028-02-29"]),
    ],
)
def test_due_days_keep_the_day_of_the_drawdown_or_the_months_end(
    drawdown: str, due: list[str]
) -> None:
    made = spans(loan_terms(drawdown=drawdown, months=3))

    assert [str(end) for _, end in made] == due


def test_29_february_bears_interest_where_actual_days_count() -> None:
    start = date(2024, 2, 1)
    terms = loan_terms(
        method="equal_principal", basis="ACT/360", drawdown=str(start), months=1
    )

    # 29 days at 500.00
    assert plan(terms, flat(start=start))[0].interest == 29 * 50_000


def test_the_day_to_pay_moves_and_the_interest_does_not() -> None:
    terms = loan_terms(method="interest_only", basis="ACT/360", months=24)

    shown = schedule(plan(terms, flat()), terms, flat(), CHINA)

    assert shown.select("due_on", "payable_on", "day_provisional").rows()[:4] == [
        (date(2025, 9, 20), date(2025, 9, 22), False),
        (date(2025, 12, 20), date(2025, 12, 22), False),
        (date(2026, 3, 20), date(2026, 3, 20), False),
        (date(2026, 6, 20), date(2026, 6, 22), False),
    ]
    assert shown["interest_fen"][0] == 4_600_000
    # No notice on 2027 is declared
    assert shown.filter("day_provisional")["due_on"].min() == date(2027, 3, 20)


def test_a_reset_inside_a_period_charges_each_rate_for_its_days() -> None:
    terms = loan_terms(method="interest_only", basis="ACT/360", months=3)
    steps = [Step(date(2025, 6, 20), 3_600_000), Step(date(2025, 7, 20), 1_800_000)]

    # 30 days at 500.00, 62 at 250.00
    assert plan(terms, steps)[0].interest == 30 * 50_000 + 62 * 25_000


def test_an_instalment_is_computed_again_from_the_first_row_at_another_rate() -> None:
    steps = [Step(date(2025, 6, 20), 3_600_000), Step(date(2025, 12, 20), 4_800_000)]

    made = plan(loan_terms(), steps)

    # LOAN-04 up to the sixth row: 2,522,465.69 is left, to be repaid in 6 at 0.4 %
    again = Decimal("2522465.69") * Decimal("0.004") / (1 - Decimal("1.004") ** -6)
    assert [r.principal + r.interest for r in made[:6]] == [42_483_629] * 6
    assert {r.principal + r.interest for r in made[6:-1]} == {
        int((again * 100).to_integral_value())
    }
    assert made[-1].balance == 0


def test_rows_after_a_reset_that_is_not_fixed_say_so() -> None:
    terms = loan_terms(rate=lpr_rate(reset_months=6, basis_points=60))
    lpr = fixings(("1Y", "2025-06-20", "0.0300"))
    steps = rate_steps(terms, lpr, CHINA, date(2025, 6, 20))

    shown = schedule(plan(terms, steps), terms, steps, CHINA)

    assert shown["payment_fen"][0] == 42_483_629  # LPR + 60 basis points is 3.6 %
    assert shown["rate_provisional"].to_list() == [False] * 6 + [True] * 6


def test_a_loan_without_interest_is_paid_in_equal_parts() -> None:
    terms = loan_terms(
        principal="1", months=3, rate={"kind": "fixed", "annual_rate": "0"}
    )

    assert [r.principal for r in plan(terms, flat("0"))] == [33, 33, 34]


def thirtieth(day: date, terms: LoanTerms) -> int:
    """A February without the day on which the loan is due ends as if it had it."""
    ends = (day + timedelta(days=1)).day == 1
    return min(max(day.day, terms.drawdown.day) if ends else day.day, 30)


def fraction_of(row: Planned, terms: LoanTerms, rate: Decimal) -> Fraction:
    days = (row.due_on - row.from_on).days
    if terms.basis == "30/360":
        a, b = row.from_on, row.due_on
        days = 360 * (b.year - a.year) + 30 * (b.month - a.month)
        days += thirtieth(b, terms) - thirtieth(a, terms)
    year = 365 if terms.basis == "ACT/365" else 360
    return (row.balance + row.principal) * Fraction(rate) * days / year


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    basis=st.sampled_from(BASES),
    principal=st.integers(1, 10**13),
    rate=st.decimals(0, 1, places=6),
    months=st.integers(1, 60),
    drawdown=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
)
def test_every_schedule_amortises_to_exactly_nothing(
    method: str, basis: str, principal: int, rate: Decimal, months: int, drawdown: date
) -> None:
    terms = loan_terms(
        method=method,
        basis=basis,
        principal=str(Decimal(principal).scaleb(-2)),
        months=months,
        drawdown=str(drawdown),
        rate={"kind": "fixed", "annual_rate": str(rate)},
    )

    made = plan(terms, flat(str(rate), drawdown))

    assert made[-1].balance == 0
    assert sum(r.principal for r in made) == principal
    assert min(min(r.principal, r.interest, r.balance) for r in made) >= 0
    assert [r.from_on for r in made[1:]] == [r.due_on for r in made[:-1]]
    assert all(
        abs(r.interest - fraction_of(r, terms, rate)) <= Fraction(1, 2) for r in made
    )


@settings(max_examples=40, deadline=None)
@given(
    basis=st.sampled_from(BASES),
    principal=st.integers(10**6, 10**12),
    rate=st.decimals("0.001", "0.24", places=4),
    months=st.integers(2, 120),
)
def test_equal_instalments_end_on_one_that_differs_by_rounding_alone(
    basis: str, principal: int, rate: Decimal, months: int
) -> None:
    terms = loan_terms(
        basis=basis,
        principal=str(Decimal(principal).scaleb(-2)),
        months=months,
        rate={"kind": "fixed", "annual_rate": str(rate)},
    )

    made = plan(terms, flat(str(rate)))
    paid = [r.principal + r.interest for r in made]

    # Half a fen of interest and half of the instalment a row, grown to the last one
    grown = months * (1 + float(rate) / 11) ** months
    assert len(set(paid[:-1])) == 1
    assert abs(paid[-1] - paid[0]) <= grown + 1


def test_a_schedule_has_the_columns_of_its_contract() -> None:
    terms = loan_terms()

    shown = schedule(plan(terms, flat()), terms, flat(), CHINA)

    assert shown.schema == frame_of(LoanSchedule, []).schema
    LoanSchedule.to_schema().validate(shown)


@pytest.mark.parametrize(
    "changed",
    [{"months": 0}, {"principal": "0"}, {"principal": "0.001"}, {"method": "balloon"}],
    ids=lambda changed: next(iter(changed)) + str(next(iter(changed.values()))),
)
def test_terms_that_are_no_loan_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        loan_terms(**changed)
