"""Value, months and ratios, as the oracles have them; each case has its id."""

from datetime import date
from decimal import Decimal

import pytest

from schemas.money import exact_fen, fen
from tasks.finance import discounted, internal_rate, months_later, ratio


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
