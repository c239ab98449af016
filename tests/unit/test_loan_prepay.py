"""Prepayment: what stays equal, what is left, and what is refused."""

from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ContractError, RegisterError
from schemas.loan import BASES, Keep, LoanSchedule, Method
from tasks.capital.loan.accrue import stretches
from tasks.capital.loan.allocate import claimed, pay, rescheduled
from tasks.capital.loan.penalty import opened
from tasks.capital.loan.prepay import Prepayment, prepay
from tasks.capital.loan.rates import Step, rate_steps
from tasks.capital.loan.schedule import Planned, plan, schedule
from tests.loan_case import CHINA, accrue, fixings, flat, loan_terms, lpr_rate, replan

MILLION = 100_000_000
STEPS = [Step(date(2025, 6, 20), 3_600_000), Step(date(2026, 1, 10), 3_000_000)]


def instalments(rows: list[Planned]) -> list[int]:
    return [r.principal + r.interest for r in rows]


def test_with_the_term_kept_the_instalment_falls() -> None:
    made = replan(loan_terms(), flat(), [Prepayment(date(2025, 9, 20), MILLION)])

    # LOAN-04 owes 3,766,798.91 after three rows; 2,766,798.91 in 9 at 0.3 % a month:
    # 2,766,798.91 × 0.003 / (1 − 1.003^−9) = 312,051.85
    assert made[3] == Planned(
        4, date(2025, 9, 20), date(2025, 9, 20), MILLION, 0, 276_679_891, True
    )
    assert instalments(made[4:-1]) == [31_205_185] * 8
    assert made[-1].due_on == date(2026, 6, 20)


def test_with_the_instalment_kept_there_are_fewer_rows_and_a_smaller_last() -> None:
    made = replan(
        loan_terms(), flat(), [Prepayment(date(2025, 9, 20), MILLION, "instalment")]
    )

    # n = −ln(1 − 2,766,798.91 × 0.003 / 424,836.29) / ln(1.003) = 6.59: seven rows
    assert instalments(made[4:-1]) == [42_483_629] * 6
    assert 0 < instalments(made)[-1] < 42_483_629
    assert made[-1].due_on == date(2026, 4, 20)


def test_equal_principal_keeps_its_part_or_its_term() -> None:
    terms = loan_terms(method="equal_principal")
    day = date(2025, 9, 20)

    term = replan(terms, flat(), [Prepayment(day, MILLION, "term")])
    part = replan(terms, flat(), [Prepayment(day, MILLION, "instalment")])

    # LOAN-03 owes 3,749,999.99 after three rows
    assert [r.principal for r in term[4:]] == [30_555_555] * 8 + [30_555_559]
    assert [r.principal for r in part[4:]] == [41_666_667] * 6 + [24_999_997]


def test_days_until_a_prepayment_bear_interest_on_the_whole_balance() -> None:
    terms = loan_terms(method="interest_only", basis="ACT/360")

    made = replan(terms, flat(), [Prepayment(date(2025, 7, 20), MILLION)])

    # 30 days at 500.00, then 62 at 400.00 a day
    assert [(r.due_on, r.interest) for r in made[:2]] == [
        (date(2025, 7, 20), 1_500_000),
        (date(2025, 9, 20), 62 * 40_000),
    ]


@pytest.mark.parametrize("keep", get_args(Keep))
def test_a_bullet_changes_its_balance_alone(keep: Keep) -> None:
    terms = loan_terms(method="bullet", basis="ACT/360")

    made = replan(terms, flat(), [Prepayment(date(2025, 7, 20), MILLION, keep)])

    assert [(r.due_on, r.principal) for r in made] == [
        (date(2025, 7, 20), MILLION),
        (date(2026, 6, 20), 4 * MILLION),
    ]


def test_a_loan_repaid_in_full_has_no_row_after_it() -> None:
    made = replan(loan_terms(), flat(), [Prepayment(date(2025, 10, 5), 376_679_891)])

    # 15 of 30 days on 3,766,798.91 at 0.3 % a month
    assert made[-1].balance == 0
    assert made[-1].interest == 565_020
    assert len(made) == 4


def test_a_prepayment_on_a_sunday_is_payable_on_that_day() -> None:
    terms = loan_terms()
    made = replan(terms, flat(), [Prepayment(date(2025, 8, 31), MILLION)])

    shown = schedule(made, terms, flat(), CHINA)

    LoanSchedule.to_schema().validate(shown)
    assert shown.filter("early")["payable_on"].to_list() == [date(2025, 8, 31)]


@pytest.mark.parametrize(
    ("prepayment", "said"),
    [
        (Prepayment(date(2025, 9, 20), 0), "between 0.01 and 3,766,798.91"),
        (Prepayment(date(2025, 9, 20), -1), "between 0.01"),
        (Prepayment(date(2025, 9, 20), 376_679_892), "between 0.01"),
        (Prepayment(date(2025, 6, 19), 1), "cannot be repaid early on 2025-06-19"),
        (Prepayment(date(2026, 6, 20), 1), "cannot be repaid early on 2026-06-20"),
    ],
    ids=["nothing", "less than nothing", "too much", "too early", "too late"],
)
def test_a_prepayment_that_fits_no_balance_or_day_is_refused(
    prepayment: Prepayment, said: str
) -> None:
    with pytest.raises(RegisterError, match=said):
        replan(loan_terms(), flat(), [prepayment])


def test_what_is_repaid_early_is_paid_and_owed_no_more() -> None:
    terms, on = loan_terms(), date(2025, 10, 5)
    before = opened(schedule(plan(terms, flat()), terms, flat(), CHINA), terms, flat())
    for due in before.dues[:3]:
        before, _ = pay(before, due.payable_on, due.principal + due.interest)
    rows = replan(terms, flat(), [Prepayment(on, 376_679_891)])
    fresh = opened(schedule(rows, terms, flat(), CHINA), terms, flat())

    after, made = pay(rescheduled(before, fresh), on, 376_679_891 + 565_020)

    assert made == (0, 0, 565_020, 376_679_891, 0)
    assert claimed(after, date(2027, 1, 1)) == (0, 0, 0, 0)


def test_a_schedule_that_changes_what_was_paid_is_refused() -> None:
    terms = loan_terms()
    before = opened(schedule(plan(terms, flat()), terms, flat(), CHINA), terms, flat())
    before, _ = pay(before, date(2025, 7, 21), 42_483_629)
    cheaper = flat("0.03")
    fresh = opened(
        schedule(plan(terms, cheaper), terms, cheaper, CHINA), terms, cheaper
    )

    with pytest.raises(RegisterError, match="changes what was paid"):
        rescheduled(before, fresh)


def test_after_a_reset_that_is_not_fixed_nothing_is_paid() -> None:
    terms = loan_terms(rate=lpr_rate(basis_points=60, first_reset="2025-07-20"))
    lpr, on = fixings(("1Y", "2025-06-20", "0.03")), date(2025, 7, 21)
    steps = rate_steps(terms, lpr, CHINA, date(2025, 7, 19))
    rows = plan(terms, steps)
    account = opened(schedule(rows, terms, steps, CHINA), terms, steps)

    # Up to the day of the reset itself the rate is known
    assert pay(account, date(2025, 7, 20), 1)[1].interest == 1
    with pytest.raises(ContractError, match="the reset on 2025-07-20 has no rate"):
        pay(account, on, 1)
    with pytest.raises(ContractError, match="the reset on 2025-07-20 has no rate"):
        prepay(rows, Prepayment(on, 1), terms, steps)


def test_a_prepayment_before_another_is_refused() -> None:
    made = replan(loan_terms(), flat(), [Prepayment(date(2025, 10, 5), MILLION)])

    with pytest.raises(RegisterError, match="nor before an earlier prepayment"):
        prepay(made, Prepayment(date(2025, 9, 25), 1), loan_terms(), flat())


@settings(max_examples=50, deadline=None)
@given(
    method=st.sampled_from(get_args(Method)),
    basis=st.sampled_from(BASES),
    days=st.lists(st.integers(0, 364), min_size=1, max_size=3).map(sorted),
    share=st.decimals("0.01", "0.99", places=2),
    keep=st.sampled_from(get_args(Keep)),
)
def test_a_loan_with_prepayments_amortises_to_exactly_nothing_and_accrues_alike(
    method: str, basis: str, days: list[int], share: Decimal, keep: Keep
) -> None:
    terms = loan_terms(method=method, basis=basis)
    rows = plan(terms, STEPS)
    for n in days:
        on = date(2025, 6, 20) + timedelta(days=n)
        if rows[-1].due_on <= on:
            break
        owed = next(r.balance + r.principal for r in rows if r.from_on <= on < r.due_on)
        rows = prepay(
            rows, Prepayment(on, max(int(owed * share), 1), keep), terms, STEPS
        )

    last = rows[-1].due_on
    accrual = accrue(stretches(rows, terms, STEPS), date(2025, 6, 20), last)

    assert rows[-1].balance == 0
    assert sum(r.principal for r in rows) == 500_000_000
    assert [r.number for r in rows] == list(range(1, len(rows) + 1))
    assert last <= date(2026, 6, 20)
    assert accrual["interest_fen"].item() == sum(r.interest for r in rows)
