"""Days that bear interest, and days on which banks are open.

Rest days are those of the notices 国办发明电〔2024〕12号 and 〔2025〕7号.
"""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.loan import BASES, BankCalendar, Basis, HolidayYear
from tasks.capital.loan.calendar import is_business_day, payable
from tasks.capital.loan.daycount import day_numbers, days_between, year_days
from tasks.finance import months_later
from tests.loan_case import CHINA

DAYS = st.dates(date(1990, 1, 1), date(2199, 12, 31))
ENDS = st.integers(1990, 2199).map(lambda y: date(y, 3, 1) - timedelta(days=1))


@pytest.mark.parametrize(
    ("basis", "start", "end", "count"),
    [
        ("ACT/360", date(2025, 6, 20), date(2025, 9, 20), 92),  # LOAN-05
        ("ACT/365", date(2025, 9, 20), date(2025, 12, 20), 91),
        ("ACT/360", date(2024, 2, 28), date(2024, 3, 1), 2),  # 29 February counts
        ("ACT/365", date(2025, 2, 28), date(2025, 3, 1), 1),
        # 30E/360 by ISDA's formula 360·Y + 30·M + min(D, 30)
        ("30/360", date(2025, 6, 20), date(2025, 7, 20), 30),
        ("30/360", date(2024, 1, 31), date(2024, 2, 29), 29),
        ("30/360", date(2024, 2, 29), date(2024, 3, 31), 31),
        ("30/360", date(2025, 8, 30), date(2025, 8, 31), 0),
        ("30/360", date(2025, 2, 28), date(2026, 2, 28), 360),
    ],
)
def test_days_are_counted_by_the_basis(
    basis: Basis, start: date, end: date, count: int
) -> None:
    assert days_between(start, end, basis) == count


@given(start=DAYS, k=st.integers(0, 400))
def test_a_month_of_a_loan_is_a_twelfth_of_a_year_of_360_days(
    start: date, k: int
) -> None:
    a, b = months_later(start, k), months_later(start, k + 1)

    assert days_between(a, b, "30/360", start.day) == 30


@pytest.mark.parametrize("basis", BASES)
@given(
    days=st.lists(DAYS, min_size=3, max_size=3).map(sorted), anchor=st.integers(1, 31)
)
def test_counts_of_adjoining_periods_add_up_and_never_fall(
    basis: Basis, days: list[date], anchor: int
) -> None:
    a, b, c = days

    first, second = (days_between(*d, basis, anchor) for d in ((a, b), (b, c)))

    assert first + second == days_between(a, c, basis, anchor)
    assert min(first, second) >= 0


@settings(max_examples=20, deadline=None)
@given(start=DAYS | ENDS, end=DAYS | ENDS, anchor=st.integers(1, 31))
def test_a_column_of_days_is_counted_like_each_day(
    start: date, end: date, anchor: int
) -> None:
    frame = pl.DataFrame({"a": [start] * 3, "b": [end] * 3, "basis": BASES})
    basis, due = pl.col("basis"), pl.lit(anchor, pl.Int64)

    made = frame.select(
        days=day_numbers(pl.col("b"), basis, due)
        - day_numbers(pl.col("a"), basis, due),
        year=year_days(basis),
    )

    calendar_days = (end - start).days
    assert made["days"][:2].to_list() == [calendar_days, calendar_days]
    assert made["days"][2] == days_between(start, end, "30/360", anchor)
    assert made["year"].to_list() == [360, 365, 360]


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        (date(2025, 9, 28), True),  # Sunday, worked for 1 October
        (date(2025, 10, 8), False),  # Wednesday, off
        (date(2025, 10, 9), True),
        (date(2026, 2, 14), True),  # Saturday, worked for the Spring Festival
        (date(2026, 6, 20), False),  # Dragon Boat Festival
        (date(2025, 6, 21), False),  # a Saturday as any
        (date(2027, 10, 1), True),  # Friday of a year without a notice: a guess
        (date(2027, 10, 2), False),
    ],
)
def test_banks_are_open_as_the_notice_says_and_else_on_weekdays(
    day: date, opened: bool
) -> None:
    assert is_business_day(day, CHINA) is opened


@pytest.mark.parametrize(
    ("due", "pays", "provisional"),
    [
        (date(2025, 6, 20), date(2025, 6, 20), False),
        (date(2025, 9, 20), date(2025, 9, 22), False),  # Saturday
        (date(2025, 10, 1), date(2025, 10, 9), False),
        (date(2026, 2, 20), date(2026, 2, 24), False),  # Spring Festival
        (date(2025, 8, 31), date(2025, 8, 29), False),  # Sunday at the month's end
        (date(2026, 2, 28), date(2026, 2, 28), False),  # Saturday, worked
        (date(2028, 2, 29), date(2028, 2, 29), True),
        (date(2027, 10, 31), date(2027, 10, 29), True),
        (date(2027, 11, 20), date(2027, 11, 22), True),
    ],
)
def test_a_due_day_moves_forward_and_back_only_at_the_months_end(
    due: date, pays: date, provisional: bool
) -> None:
    assert payable(due, CHINA) == (pays, provisional)


@given(due=DAYS)
def test_the_day_to_pay_on_is_a_business_day_of_the_same_month(due: date) -> None:
    day, _ = payable(due, CHINA)

    assert is_business_day(day, CHINA)
    assert (day.year, day.month) == (due.year, due.month)


@pytest.mark.parametrize(
    "changed",
    [
        {"rest": [date(2026, 1, 1)]},
        {"rest": [date(2025, 1, 26)], "work": [date(2025, 1, 26)]},
        {"work": [date(2025, 1, 27)]},
    ],
    ids=["another year", "rest and work", "a Monday worked instead"],
)
def test_a_year_of_rest_days_that_contradicts_itself_is_refused(
    changed: dict[str, Any],
) -> None:
    stated: dict[str, Any] = {"year": 2025, "source": "notice", "rest": []}

    with pytest.raises(ValidationError):
        HolidayYear.model_validate(stated | changed)


def test_a_year_declared_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="twice"):
        BankCalendar(years=(CHINA.years[0], CHINA.years[0]))
