"""Payments of a loan: their order, penalty on what is overdue, and their entries."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.errors import RegisterError
from schemas.loan import LoanDue, LoanRole, LoanTerms, Stretch
from tasks.capital.loan.accrue import accrued
from tasks.capital.loan.allocate import (
    Allocation,
    Claims,
    allocate,
    claimed,
    left,
    pay,
    unpaid,
)
from tasks.capital.loan.entries import (
    Lines,
    accrual_entry,
    drawdown_entry,
    repayment_entry,
)
from tasks.capital.loan.penalty import (
    Due,
    Fee,
    LoanAccount,
    opened,
    overdue,
    penalty,
    penalty_steps,
)
from tasks.capital.loan.rates import Step
from tasks.capital.loan.schedule import plan, schedule
from tests.loan_case import CHINA, flat, loan_terms

PAYABLE = date(2025, 9, 22)


def day(n: int) -> date:
    return PAYABLE + timedelta(days=n)


def owing(
    principal: int = 10_000_000, interest: int = 0, grace: int = 0
) -> LoanAccount:
    """One row that was payable on 2025-09-22, ACT/360 at 3.6 % × 1.5 = 5.4 %."""
    terms = loan_terms(basis="ACT/360", grace_days=grace)
    steps = penalty_steps(flat(), terms.penalty_multiple)
    due = Due(1, date(2025, 9, 20), PAYABLE, principal, interest)
    return LoanAccount(terms, steps, (due,), date(2025, 6, 20))


def account_of(terms: LoanTerms, fees: tuple[Fee, ...] = ()) -> LoanAccount:
    rows = plan(terms, flat())
    return opened(schedule(rows, terms, flat(), CHINA), terms, flat(), fees)


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        (5_000, (5_000, 0, 0, 0, 0)),
        (12_000, (10_000, 2_000, 0, 0, 0)),
        (40_000, (10_000, 5_000, 25_000, 0, 0)),
        (100_000, (10_000, 5_000, 30_000, 55_000, 0)),
        (545_001, (10_000, 5_000, 30_000, 500_000, 1)),
    ],
)
def test_fees_come_first_then_penalty_then_interest_then_principal(
    amount: int, parts: tuple[int, ...]
) -> None:
    assert allocate(amount, Claims(10_000, 5_000, 30_000, 500_000)) == parts


@pytest.mark.parametrize("amount", [0, -1])
def test_a_payment_of_nothing_is_refused(amount: int) -> None:
    with pytest.raises(RegisterError, match="above"):
        allocate(amount, Claims(1, 1, 1, 1))


def test_a_payment_before_the_last_one_is_refused() -> None:
    account, _ = pay(owing(), day(2), 3_000)

    with pytest.raises(RegisterError, match="2025-09-23 lies before the last day"):
        pay(account, day(1), 100)
    # The same day is no day before: its penalty of 30.00 is paid already
    assert pay(account, day(2), 100)[1].principal == 100


def test_a_payment_before_the_drawdown_is_refused() -> None:
    with pytest.raises(RegisterError, match="2025-06-19"):
        pay(account_of(loan_terms()), date(2025, 6, 19), 1)


@pytest.mark.parametrize(("days", "fen"), [(0, 0), (1, 1_500), (10, 15_000)])
def test_what_is_overdue_bears_the_penalty_rate_from_the_day_to_pay(
    days: int, fen: int
) -> None:
    # 100,000.00 × 5.4 % / 360 = 15.00 a day
    assert penalty(owing(), day(days)) == fen


def test_overdue_interest_bears_penalty_as_principal_does() -> None:
    assert penalty(owing(principal=0, interest=10_000_000), day(10)) == 15_000


def test_penalty_bears_no_penalty() -> None:
    account = replace(owing(), fees=(Fee(PAYABLE, 500),))

    account, made = pay(account, day(10), 500 + 15_000)

    assert made == (500, 15_000, 0, 0, 0)
    assert claimed(account, day(20)) == (0, 15_000, 0, 10_000_000)


@pytest.mark.parametrize(("days", "fen"), [(3, 0), (4, 6_000)])
def test_within_the_grace_nothing_is_overdue_and_after_it_every_day_counts(
    days: int, fen: int
) -> None:
    assert penalty(owing(grace=3), day(days)) == fen


def test_what_is_paid_within_the_grace_bears_no_penalty() -> None:
    account, made = pay(owing(grace=3), day(2), 4_000_000)

    assert made == (0, 0, 0, 4_000_000, 0)
    # 60,000.00 from the day to pay: 9.00 a day
    assert penalty(account, day(10)) == 9_000


def test_what_is_paid_late_bears_penalty_until_it_is_paid() -> None:
    account, made = pay(owing(), day(10), 15_000 + 5_000_000)

    assert made == (0, 15_000, 0, 5_000_000, 0)
    assert penalty(account, day(20)) == 15_000 + 7_500
    assert claimed(account, day(20)) == (0, 7_500, 0, 5_000_000)


def test_the_penalty_follows_a_reset_of_the_rate() -> None:
    steps = [*owing().steps, Step(day(4), 2_700_000)]

    assert penalty(replace(owing(), steps=steps), day(10)) == 4 * 1_500 + 6 * 750


def test_a_penalty_rate_is_rounded_half_up() -> None:
    steps = penalty_steps([Step(PAYABLE, 3_333_333)], Decimal("1.5"))

    assert steps == ((PAYABLE, 5_000_000),)  # 4,999,999.5


def test_a_row_is_claimed_from_its_day_to_pay_where_that_comes_first() -> None:
    # 2025-08-31 is a Sunday: payable on Friday
    account = account_of(loan_terms(drawdown="2025-07-31", method="equal_principal"))

    assert claimed(account, date(2025, 8, 28)) == (0, 0, 0, 0)
    assert claimed(account, date(2025, 8, 29)).principal == 41_666_667


def test_the_row_that_is_due_longest_is_paid_first() -> None:
    account = account_of(loan_terms(method="equal_principal", basis="ACT/360"))
    on = date(2025, 8, 20)
    due = claimed(account, on)

    account, made = pay(account, on, due.penalty + due.interest + 41_666_667)

    assert made.principal == 41_666_667
    assert [(r.interest, r.principal) for r in left(account)[:2]] == [
        (0, 0),
        (0, 41_666_667),
    ]


def test_what_is_not_due_yet_is_left_over() -> None:
    account = account_of(loan_terms())

    account, made = pay(account, date(2025, 7, 21), 42_483_629 + 7)

    assert made == Allocation(0, 0, 1_500_000, 40_983_629, 7)


PAYMENTS = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 3 * 10**8)), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(payments=PAYMENTS, grace=st.integers(0, 10), fee=st.integers(0, 10**6))
def test_payments_conserve_and_are_served_in_order(
    payments: list[tuple[int, int]], grace: int, fee: int
) -> None:
    terms = loan_terms(basis="ACT/360", grace_days=grace)
    account, on = account_of(terms, (Fee(date(2025, 8, 1), fee),)), date(2025, 6, 20)
    owed = sum(r.principal + r.interest for r in account.dues)
    put = 0
    for wait, amount in payments:
        on += timedelta(days=wait)
        claims = claimed(account, on)
        account, made = pay(account, on, amount)
        put += made.interest + made.principal

        assert sum(made) == amount
        assert min(claims) >= 0
        # A later claim gets nothing before the earlier ones are met
        unmet = [c - m for c, m in zip(claims, made, strict=False)]
        first = next((k for k, u in enumerate(unmet) if u), 4)
        assert not any(made[first + 1 : 4])
        assert made.rest == 0 or not any(unmet)
        assert claimed(account, on) == tuple(unmet)
    assert owed == put + sum(r.principal + r.interest for r in left(account))
    assert min(min(r.principal, r.interest) for r in left(account)) >= 0


def bearing(account: LoanAccount, upto: date) -> pl.DataFrame:
    """Show what bears penalty as stretches of days, as interest is shown."""
    counted = account.terms.basis, account.terms.anchor
    rows = [
        (account.terms.loan, due.number, a, b, amount, units, *counted, True)
        for due in account.dues
        for a, b, amount, units in overdue(account, due, upto)
    ]
    return frame_of(Stretch, rows)


@settings(max_examples=25, deadline=None)
@given(payments=PAYMENTS, grace=st.integers(0, 10))
def test_penalty_over_many_loans_at_once_is_that_of_each(
    payments: list[tuple[int, int]], grace: int
) -> None:
    terms = loan_terms(basis="ACT/365", grace_days=grace)
    account, on = account_of(terms), date(2025, 6, 20)
    for wait, amount in payments:
        on += timedelta(days=wait)
        account, _ = pay(account, on, amount)
    upto = on + timedelta(days=40)

    made = accrued(bearing(account, upto), upto)

    assert made["interest_fen"].sum() == penalty(account, upto)


def test_what_is_unpaid_has_the_columns_of_its_contract() -> None:
    made = unpaid(owing(grace=3))

    assert made.rows() == [("LOAN-1", 1, PAYABLE, 3, 10_000_000, 0)]
    LoanDue.to_schema().validate(made)


@pytest.mark.parametrize(
    ("months", "role", "account"),
    [(12, "short_term_loan", "2001"), (13, "long_term_loan", "2501")],
)
def test_a_drawdown_debits_the_bank_and_credits_the_loan_of_its_term(
    months: int, role: LoanRole, account: str
) -> None:
    assert drawdown_entry(loan_terms(months=months)) == [
        ("bank", 500_000_000),
        (role, -500_000_000),
    ]
    assert CHART[role] == account
    assert CHART["bank"] == "1002"


def test_interest_accrues_as_6603_and_2231_and_is_paid_with_the_principal() -> None:
    made = Allocation(100, 50, 300, 5_000, 7)

    assert accrual_entry(350) == [("interest_expense", 350), ("interest_payable", -350)]
    assert repayment_entry(made, loan_terms()) == [
        ("short_term_loan", 5_000),
        ("interest_payable", 350),
        ("interest_expense", 100),
        ("bank", -5_450),
    ]
    assert (CHART["interest_expense"], CHART["interest_payable"]) == (
        "6603",
        "2231",
    )


def test_an_entry_has_no_line_of_nothing() -> None:
    assert accrual_entry(0) == []
    assert repayment_entry(Allocation(0, 0, 0, 9, 0), loan_terms()) == [
        ("short_term_loan", 9),
        ("bank", -9),
    ]


def test_over_its_life_a_loan_leaves_the_interest_in_the_books_and_nothing_else() -> (
    None
):
    terms = loan_terms(method="interest_only", basis="ACT/360")
    account = account_of(terms)
    posted: Lines = drawdown_entry(terms)
    for row in account.dues:
        posted += accrual_entry(row.interest)
        account, made = pay(account, row.payable_on, row.interest + row.principal)
        posted += repayment_entry(made, terms)

    balances = {role: 0 for role in get_args(LoanRole)}
    for role, amount in posted:
        balances[role] += amount

    assert {role: b for role, b in balances.items() if b} == {
        "interest_expense": 18_250_000,  # LOAN-05
        "bank": -18_250_000,
    }


@given(st.tuples(*[st.integers(0, 10**12)] * 5).map(Allocation._make))
def test_the_lines_of_a_repayment_sum_to_nothing(made: Allocation) -> None:
    lines = repayment_entry(made, loan_terms())

    assert sum(amount for _, amount in lines) == 0
    assert all(amount for _, amount in lines)
