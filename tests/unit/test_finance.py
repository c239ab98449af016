"""Value, schedules and ratios, as the oracles have them; each case has its id."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import exact_fen, fen
from tasks.finance import (
    Instalment,
    discounted,
    equal_instalments,
    equal_principal,
    instalment,
    internal_rate,
    months_later,
    ratio,
)

Plan = Callable[[int, Decimal, int], Iterator[Instalment]]

LOAN_03 = """
 1 416666.67 15000.00 4583333.33
 2 416666.67 13750.00 4166666.66
 3 416666.67 12500.00 3749999.99
 4 416666.67 11250.00 3333333.32
 5 416666.67 10000.00 2916666.65
 6 416666.67  8750.00 2499999.98
 7 416666.67  7500.00 2083333.31
 8 416666.67  6250.00 1666666.64
 9 416666.67  5000.00 1249999.97
10 416666.67  3750.00  833333.30
11 416666.67  2500.00  416666.63
12 416666.63  1250.00       0.00
"""
LOAN_04 = """
 1 409836.29 15000.00 4590163.71
 2 411065.80 13770.49 4179097.91
 3 412299.00 12537.29 3766798.91
 4 413535.89 11300.40 3353263.02
 5 414776.50 10059.79 2938486.52
 6 416020.83  8815.46 2522465.69
 7 417268.89  7567.40 2105196.80
 8 418520.70  6315.59 1686676.10
 9 419776.26  5060.03 1266899.84
10 421035.59  3800.70  845864.25
11 422298.70  2537.59  423565.55
12 423565.55  1270.70       0.00
"""


def rows(printed: str) -> list[Instalment]:
    cells = [line.split() for line in printed.strip().splitlines()]
    return [
        (int(k), *(exact_fen(Decimal(x)) for x in rest))  # type: ignore[misc]  # rest has three amounts
        for k, *rest in cells
    ]


@pytest.mark.parametrize(
    ("plan", "printed", "interest"),
    [
        pytest.param(equal_principal, LOAN_03, 9_750_000, id="LOAN-03"),
        pytest.param(equal_instalments, LOAN_04, 9_803_544, id="LOAN-04"),
    ],
)
def test_a_schedule_is_the_worked_one_to_the_fen(
    plan: Plan, printed: str, interest: int
) -> None:
    made = list(plan(500_000_000, Decimal("0.036"), 12))

    assert made == rows(printed)
    assert sum(row[2] for row in made) == interest


def test_an_instalment_is_that_of_loan_02() -> None:
    assert (
        instalment(20_000_000, Decimal("0.075"), 180) == 185_402
    )  # 1854.0247200054619


@pytest.mark.parametrize("plan", [equal_principal, equal_instalments])
@given(
    principal=st.integers(1, 10**13),
    rate=st.decimals(0, 1, places=4),
    months=st.integers(1, 360),
)
def test_a_schedule_ends_at_nothing_and_sums_to_the_principal(
    plan: Plan, principal: int, rate: Decimal, months: int
) -> None:
    made = list(plan(principal, rate, months))

    assert [row[0] for row in made] == list(range(1, months + 1))
    assert sum(row[1] for row in made) == principal
    assert made[-1][3] == 0
    assert min(min(row) for row in made) >= 0


def test_a_loan_without_interest_is_paid_in_equal_parts() -> None:
    made = list(equal_instalments(100, Decimal(0), 3))

    assert [row[1] for row in made] == [33, 33, 34]


@pytest.mark.parametrize(
    ("flows", "rate", "value"),
    [
        pytest.param(["300000", "320000", "340000"], "0.12", "764964.47", id="VAL-06"),
        pytest.param(["200000", "210000", "220000"], "0.12", "502573.80", id="VAL-07"),
        pytest.param(["250000", "290000"], "0.10", "466942.15", id="VAL-09"),
    ],
)
def test_the_present_value_is_the_worked_one(
    flows: list[str], rate: str, value: str
) -> None:
    found = discounted(at_year_ends([Decimal(f) for f in flows]), Decimal(rate))

    assert fen(found) == exact_fen(Decimal(value))


def test_the_split_profits_of_val_01_are_worth_248_36() -> None:
    share = Decimal(600) / Decimal(3900)
    flows = [Decimal(p) * share for p in (400, 420, 430, 450, 440)]

    assert fen(discounted(at_year_ends(flows), Decimal("0.10"))) == 24_836


def at_year_ends(flows: list[Decimal]) -> list[tuple[Decimal, Decimal]]:
    return [(flow, Decimal(year)) for year, flow in enumerate(flows, 1)]


def timed(*flows: str) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(flow), Decimal(t)) for t, flow in enumerate(flows)]


def test_a_flow_of_today_is_not_discounted_as_fin_01_has_it() -> None:
    flows = timed("-40000", "5000", "8000", "12000", "30000")

    found = discounted(flows, Decimal("0.08"))

    assert abs(found - Decimal("3065.22267")) < Decimal("0.00001")


def test_the_return_of_flows_is_that_of_fin_02() -> None:
    found = internal_rate(timed("-100", "39", "59", "55", "20"))

    assert found is not None
    assert abs(found - Decimal("0.28095")) < Decimal("0.00001")


def test_flows_of_one_sign_have_no_return() -> None:
    assert internal_rate(timed("100", "39")) is None


@pytest.mark.parametrize(
    ("loan", "appraised", "ltv", "coverage"),
    [
        pytest.param("5000000", "8968000", "0.557538", "1.793600", id="COL-01"),
        pytest.param("5000000", "10019400", "0.499032", "2.003880", id="COL-02"),
    ],
)
def test_loan_to_value_is_that_of_the_published_case(
    loan: str, appraised: str, ltv: str, coverage: str
) -> None:
    owed, value = exact_fen(Decimal(loan)), exact_fen(Decimal(appraised))

    assert ratio(owed, value) == ltv
    assert ratio(value, owed) == coverage


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 0, ""), (0, 7, "0.000000"), (1, 2_000_000, "0.000001"), (2, 3, "0.666667")],
)
def test_a_ratio_is_rounded_half_up_to_six_places(
    part: int, whole: int, text: str
) -> None:
    assert ratio(part, whole) == text


@pytest.mark.parametrize(
    ("start", "months", "due"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 6, 30), 12, date(2027, 6, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 1), 0, date(2026, 12, 1)),
    ],
)
def test_a_month_without_the_day_ends_on_its_last(
    start: date, months: int, due: date
) -> None:
    assert months_later(start, months) == due
