"""Interest by days: as the schedule has it, however the days are split."""

import itertools
from datetime import date, timedelta
from fractions import Fraction
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.loan import BASES, Accrual, LoanTerms, Method, Stretch
from tasks.capital.loan.accrue import accrued, stretches
from tasks.capital.loan.rates import Step, rate_steps
from tasks.capital.loan.schedule import plan
from tests.loan_case import CHINA, accrue, fixings, flat, loan_terms, lpr_rate

START, END = date(2025, 6, 20), date(2026, 6, 20)
STEPS = [Step(START, 3_600_000), Step(date(2025, 10, 8), 3_450_000)]


def terms_of(method: str, basis: str) -> LoanTerms:
    return loan_terms(loan=f"{method} {basis}", method=method, basis=basis)


def book() -> pl.DataFrame:
    """A loan of each method and basis, with a reset inside a period."""
    kinds = [terms_of(m, b) for m in get_args(Method) for b in BASES]
    return pl.concat(stretches(plan(t, STEPS), t, STEPS) for t in kinds)


BOOK = book()


@pytest.mark.parametrize(
    ("after", "upto", "interest"),
    [
        (START, END, 18_250_000),
        (START, date(2025, 9, 20), 4_600_000),
        (date(2025, 6, 30), date(2025, 7, 31), 1_550_000),  # 31 days at 500.00
        (date(2025, 7, 1), date(2025, 7, 1), 0),
        (date(2025, 1, 1), START, 0),
        (END, date(2027, 1, 1), 0),
    ],
)
def test_days_of_loan_05_accrue_500_each(
    after: date, upto: date, interest: int
) -> None:
    terms = loan_terms(method="interest_only", basis="ACT/360")

    made = accrue(stretches(plan(terms, flat()), terms, flat()), after, upto)

    assert made.rows() == [("LOAN-1", interest)]


def test_what_accrues_over_a_whole_loan_is_the_interest_of_its_schedule() -> None:
    planned = [
        (t.loan, sum(row.interest for row in plan(t, STEPS)))
        for t in (terms_of(m, b) for m in get_args(Method) for b in BASES)
    ]

    assert accrue(BOOK, START, END).rows() == planned


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.integers(-5, 370).map(lambda n: START + timedelta(days=n)),
        min_size=3,
        max_size=4,
    ).map(sorted)
)
def test_accrual_over_split_days_is_accrual_over_the_whole(cuts: list[date]) -> None:
    parts = [accrue(BOOK, a, b) for a, b in itertools.pairwise(cuts)]

    summed = pl.concat(parts).group_by("loan", maintain_order=True).sum()
    assert summed.rows() == accrue(BOOK, cuts[0], cuts[-1]).rows()
    assert all((part["interest_fen"] >= 0).all() for part in parts)


@settings(max_examples=30, deadline=None)
@given(
    amount=st.integers(0, 9 * 10**15),
    units=st.integers(0, 10**9),
    basis=st.sampled_from(BASES),
    days=st.integers(0, 366),
)
def test_the_largest_loan_accrues_exactly(
    amount: int, units: int, basis: str, days: int
) -> None:
    row = ("L", 1, START, date(2026, 6, 21), amount, units, basis, 20, True)
    upto = START + timedelta(days=days)
    counted = days
    if basis == "30/360":
        counted = 360 * (upto.year - 2025) + 30 * (upto.month - 6)
        counted += min(upto.day, 30) - 20
    year = 365 if basis == "ACT/365" else 360

    made = accrued(frame_of(Stretch, [row]), upto)["interest_fen"].item()

    exact = Fraction(amount * units * counted, 10**8 * year)
    assert made == int(exact + Fraction(1, 2))  # half up


def test_half_a_fen_rounds_up() -> None:
    # 1.00 at 1.8 % over 1 day of 360 is 0.005 fen; 100.00 is half a fen
    rows = [("L", 1, START, END, 10_000, 1_800_000, "ACT/360", 20, True)]

    assert accrued(frame_of(Stretch, rows), START + timedelta(days=1)).rows() == [
        ("L", 1)
    ]


def test_accruals_and_stretches_have_the_columns_of_their_contracts() -> None:
    made = accrue(BOOK, START, END)

    assert made.schema == frame_of(Accrual, []).schema
    Accrual.to_schema().validate(made)
    Stretch.to_schema().validate(BOOK)


def test_nothing_accrues_beyond_a_reset_that_is_not_fixed() -> None:
    terms = loan_terms(
        method="interest_only",
        basis="ACT/360",
        rate=lpr_rate(basis_points=60, first_reset="2025-07-20", reset_months=12),
    )
    lpr = fixings(("1Y", "2025-06-20", "0.0300"))
    steps = rate_steps(terms, lpr, CHINA, START)

    borne = stretches(plan(terms, steps), terms, steps)

    # 30 days at 500.00; the last of them ends on the day of the reset
    assert accrued(borne, date(2025, 7, 20)).rows() == [("LOAN-1", 1_500_000)]
    with pytest.raises(ContractError, match="1 loans have no rate for a reset"):
        accrued(borne, date(2025, 7, 21))


def test_nothing_accrues_where_there_is_no_loan() -> None:
    assert accrue(frame_of(Stretch, []), START, END).is_empty()
