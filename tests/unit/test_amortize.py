"""One asset is amortised by each method to exactly its residual (CAS 6 arts. 16-20)."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.asset import AmortizationTerms
from tasks.asset.amortize import (
    Carried,
    Estimate,
    Happened,
    amortize,
    carry,
    useful_life,
    whole_months,
)
from tasks.asset.impair import impairment, recoverable_amount

METHODS = ["straight_line", "sum_of_years", "declining_balance"]
READY = date(2025, 4, 18)
TEST = Happened(impairment=0)
EVEN = [40_000_000, 24_000_000, 14_400_000, 8_800_000, 8_800_000]


def carried(
    cost: int,
    ready: date,
    life: int,
    count: int,
    happened: Mapping[date, Happened] | None = None,
) -> list[Carried]:
    """The months of an asset on straight line."""
    start = Estimate("straight_line", life)
    return list(carry(cost, ready, start, happened or {}, count))


def by_year(cost: int, method: str, life: int, residual: int) -> list[int]:
    """What a plan charges in each twelve months."""
    plan = amortize(cost, life, date(2026, 1, 5), method, residual)
    charges = plan["charge_fen"].to_list()
    return [sum(charges[i : i + 12]) for i in range(0, life, 12)]


def test_acc_01_half_the_life_then_105_lost_then_54_a_year() -> None:
    # 7,500,000.00 over 10 years from 2006-01; recoverable 2,700,000.00 at 2010's end
    ready, tested = date(2006, 1, 1), date(2010, 12, 1)
    last = carried(750_000_000, ready, 120, 60, {tested: TEST})[-1]
    loss = impairment(last.carrying, recoverable_amount(None, None, 270_000_000))
    lost = {tested: Happened(impairment=loss)}
    after = carried(750_000_000, ready, 120, 120, lost)

    assert (last.month, last.carrying) == (tested, 375_000_000)
    assert loss == 105_000_000
    assert {at.charge for at in after[60:]} == {54_000_000 // 12}
    assert after[71].carrying == 216_000_000
    assert after[-1].carrying == 0


def test_acc_03_three_of_ten_years_then_120_is_lost() -> None:
    last = carried(1_600_000_000, date(2021, 1, 1), 120, 36, {date(2023, 12, 1): TEST})

    assert last[-1].carrying == 1_120_000_000
    loss = impairment(last[-1].carrying, 1_000_000_000)
    assert (loss, last[-1].carrying - loss) == (120_000_000, 1_000_000_000)


def test_acc_04_attributable_cost_is_amortised_with_the_price() -> None:
    last = carried(1_170_000_000 + 11_250_000, date(2024, 1, 1), 60, 24)[-1]

    assert last.gross == 1_181_250_000
    assert (last.amortised, last.carrying) == (472_500_000, 708_750_000)


def test_acc_06_starts_in_the_month_available_and_ends_at_nothing() -> None:
    # the source starts in December; CAS 6 art. 17 starts with the month available
    plan = amortize(6_500_000 + 6_000_000 + 6_000_000, 60, date(2026, 11, 12))

    assert (plan["period"][0], plan["period"][-1]) == ("2026-11", "2031-10")
    assert plan["charge_fen"].to_list() == [308_333] * 59 + [308_353]
    assert plan["carrying_fen"][-1] == 0


def test_acc_07_a_higher_recoverable_amount_next_year_brings_nothing_back() -> None:
    # the source takes 35,000.00 back; CAS 8 art. 17 forbids it
    ready, tested, again = date(2020, 1, 1), date(2023, 12, 1), date(2024, 12, 1)
    before = carried(80_000_000, ready, 96, 48, {tested: TEST})[-1]
    loss = impairment(before.carrying, 30_000_000)
    lost = {tested: Happened(impairment=loss), again: TEST}
    year_later = carried(80_000_000, ready, 96, 60, lost)[-1]

    assert (before.carrying, loss) == (40_000_000, 10_000_000)
    assert (year_later.month, year_later.carrying) == (again, 22_500_000)
    assert impairment(year_later.carrying, 26_000_000) == 0


def test_acc_09_and_10_a_whole_life_with_an_impairment() -> None:
    tested = date(2026, 12, 1)
    before = carried(60_000_000, READY, 60, 21, {tested: TEST})
    loss = impairment(before[-1].carrying, 31_200_000)
    life = carried(60_000_000, READY, 60, 60, {tested: Happened(impairment=loss)})
    of_year = {
        year: [at for at in life if at.month.year == year] for year in range(2025, 2031)
    }

    assert {at.charge for at in before} == {1_000_000}
    assert sum(at.charge for at in of_year[2025]) == 9_000_000
    assert sum(at.charge for at in of_year[2026]) == 12_000_000
    assert (before[-1].carrying, loss) == (39_000_000, 7_800_000)
    assert [at.charge for at in life[21:]] == [800_000] * 39
    assert sum(at.charge for at in of_year[2027]) == 9_600_000
    assert of_year[2027][-1].carrying == 21_600_000
    opening, closing = of_year[2025][-1], of_year[2026][-1]
    assert opening[2:] == (60_000_000, 9_000_000, 0)
    assert closing[2:] == (60_000_000, 21_000_000, 7_800_000)
    assert (opening.carrying, closing.carrying) == (51_000_000, 31_200_000)
    assert life[-1].carrying == 0


def test_the_sum_of_years_weighs_the_first_year_most() -> None:
    # https://g230.com/126713044.html: 1,200,000.00, residual 4 %, 5 years
    years = by_year(120_000_000, "sum_of_years", 60, 4_800_000)

    assert years == [38_400_000, 30_720_000, 23_040_000, 15_360_000, 7_680_000]


def test_a_part_of_a_year_weighs_like_a_year_begun() -> None:
    # 30 months: 12 × 3 + 12 × 2 + 6 × 1 = 66 parts of 6,600.00
    assert by_year(660_000, "sum_of_years", 30, 0) == [360_000, 240_000, 60_000]


def test_the_declining_balance_ends_on_two_even_years() -> None:
    # https://www.chinaacc.com/wenda/detail/xt/6921423: 1,000,000.00, residual 4 %
    years = by_year(100_000_000, "declining_balance", 60, 4_000_000)

    # twelve months, each rounded down, are less than 12 fen short of a year
    off = [a - b for a, b in zip(years, EVEN, strict=True)]
    assert sum(years) == 96_000_000
    assert max(map(abs, off)) < 12


def test_a_residual_is_not_charged_below_by_a_declining_balance() -> None:
    assert by_year(10_000, "declining_balance", 60, 9_000) == [1_000, 0, 0, 0, 0]


def test_a_month_is_charged_by_its_units_and_the_last_unit_takes_the_rest() -> None:
    # 1,000.00 over 300 calls: 3.33 a call, rounded down to the fen each month
    used = dict(enumerate([100, 0, 150, 49, 1, 7]))
    happened = {date(2026, 1 + i, 1): Happened(used=u) for i, u in used.items()}
    by_calls = Estimate("units_of_use", 60, 0, units=300)

    months = list(carry(100_000, date(2026, 1, 31), by_calls, happened, 6))

    assert [at.charge for at in months] == [33_333, 0, 50_000, 16_333, 334, 0]


def test_units_that_are_not_used_up_are_charged_with_the_last_month() -> None:
    by_calls = Estimate("units_of_use", 3, 10_000, units=300)

    months = list(carry(100_000, date(2026, 1, 31), by_calls, {}, 4))

    assert [at.charge for at in months] == [0, 0, 90_000, 0]


def test_an_indefinite_life_is_not_amortised() -> None:
    forever = Estimate("straight_line", None)

    assert {at.charge for at in carry(100, READY, forever, {}, 1_200)} == {0}


def test_a_change_of_estimate_works_forward_only() -> None:
    # 120,000.00 over 60 months; from month 25 on, 48 months in all: 72,000.00 over 24
    shorter = Happened(estimate=Estimate("straight_line", 48))

    months = carried(12_000_000, date(2024, 1, 1), 60, 49, {date(2026, 1, 1): shorter})

    assert [at.charge for at in months] == [200_000] * 24 + [300_000] * 24 + [0]


def test_a_late_addition_is_spread_over_the_life_that_is_left() -> None:
    late = Happened(addition=600_000)

    months = carried(6_000_000, date(2024, 1, 1), 60, 60, {date(2026, 1, 1): late})

    assert [months[i].charge for i in (23, 24, 59)] == [100_000, 116_666, 116_690]
    assert (months[-1].gross, months[-1].carrying) == (6_600_000, 0)


def test_a_life_that_is_over_when_it_is_changed_is_charged_at_once() -> None:
    over = Happened(estimate=Estimate("straight_line", 12))

    months = carried(6_000_000, date(2024, 1, 1), 60, 26, {date(2026, 1, 1): over})

    assert [months[i].charge for i in (23, 24, 25)] == [100_000, 3_600_000, 0]


@settings(deadline=None)
@given(
    cost=st.integers(0, 10**15),
    residual=st.integers(0, 10**6),
    life=st.integers(1, 240),
    method=st.sampled_from(METHODS),
)
def test_amortisation_ends_at_exactly_the_residual_and_never_goes_below(
    cost: int, residual: int, life: int, method: str
) -> None:
    plan = amortize(cost, life, date(2026, 1, 31), method, residual)

    assert plan.height == life
    assert plan["carrying_fen"][-1] == min(cost, residual)
    assert plan["charge_fen"].min() >= 0  # type: ignore[operator]  # any Python value
    assert (plan["accumulated_fen"] + plan["carrying_fen"] == cost).all()


@settings(deadline=None)
@given(cost=st.integers(0, 10**15), life=st.integers(2, 240))
def test_straight_line_is_constant_until_the_last_month(cost: int, life: int) -> None:
    charges = amortize(cost, life, date(2026, 1, 31))["charge_fen"]

    assert charges.head(life - 1).n_unique() == 1
    assert 0 <= charges[-1] - charges[0] < life


LIFE = {"method": "straight_line", "life_months": 60, "life_basis": "peers"}


@pytest.mark.parametrize(
    ("right", "contract", "months", "said"),
    [
        (None, None, 60, "useful life of 60 months to 2030-03-31"),
        ("2030-04-17", None, 60, "useful life of 60 months to 2030-03-31"),
        (
            *("2030-03-30", None, 59),
            "useful life of 59 months to 2030-02-28, shortened from 60 months by the"
            " right, which ends on 2030-03-30",
        ),
        (
            *("2030-03-30", "2027-03-31", 24),
            "useful life of 24 months to 2027-03-31, shortened from 60 months by the"
            " contract, which ends on 2027-03-31",
        ),
        (
            *("2025-04-29", None, 0),
            "useful life of 0 months to 2025-03-31, shortened from 60 months by the"
            " right, which ends on 2025-04-29",
        ),
    ],
)
def test_the_shortest_life_counts_and_what_shortened_it_is_said(
    right: str | None, contract: str | None, months: int, said: str
) -> None:
    terms = AmortizationTerms.model_validate(LIFE | {"contract_ends": contract})

    life = useful_life(terms, READY, date.fromisoformat(right) if right else None)

    assert (life.months, life.said) == (months, said)


@settings(deadline=None)
@given(first=st.dates(date(2024, 1, 1), date(2030, 12, 31)), life=st.integers(1, 240))
def test_a_right_for_whole_years_is_a_life_of_whole_years(
    first: date, life: int
) -> None:
    # the last charged month is the one before the month without the right
    last = date(first.year + life, first.month, 1)

    assert whole_months(first, last) == 12 * life
    assert whole_months(first, date(first.year - 1, 12, 31)) == 0
