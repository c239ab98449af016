"""Counts of what is held are whole, add up, and grow as a reader would reckon."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.census import Cell, Holding, added, census, growth, lines, sized

EB = 10**18


def test_the_countrys_output_of_2024_is_exact_and_a_quarter_above_2023() -> None:
    """全国数据资源调查报告 (2024): 41.06 ZB, 25 % above 32.85 ZB of 2023."""
    told = [
        Cell(2023, "I65 data", "CN", 1, 32_850 * EB, 0),
        Cell(2024, "I65 data", "CN", 1, 41_060 * EB, 0),
    ]

    before, now = lines(told)

    assert now.bytes == 41_060_000_000_000_000_000_000
    assert (before.bytes_growth, now.bytes_growth) == (None, Decimal("25.0"))
    assert sized(now.bytes) == "41.06 ZB"


def test_a_file_that_two_factors_read_is_counted_once_a_year() -> None:
    shared, own = {"a": 10}, {"a": 10, "b": 5}
    held = [
        Holding(2025, "J68", "CN", "rain", 3, shared),
        Holding(2025, "A01", "CN", "crops", 4, own),
        Holding(2026, "J68", "CN", "rain", 3, shared),
    ]

    assert census(held) == [
        Cell(2025, "A01", "CN", 1, 15, 4),
        Cell(2025, "J68", "CN", 1, 0, 3),
        Cell(2026, "J68", "CN", 1, 10, 3),
    ]


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(41_060, 32_850, "25.0"), (3, 4, "-25.0"), (10_005, 10_000, "0.1"), (1, 1, "0.0")],
)
def test_growth_is_rounded_half_up_to_a_tenth(now: int, before: int, said: str) -> None:
    assert growth(now, before) == Decimal(said)
    assert growth(now, 0) is None


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (999, "999 B"),
        (1_005, "1.01 kB"),
        (33_699_951, "33.70 MB"),
        (999_999_999, "1.00 GB"),
        (10**33 - 1, "1000.00 QB"),  # no prefix is larger
    ],
)
def test_a_size_in_words_has_two_places(count: int, said: str) -> None:
    assert sized(count) == said


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**30)), max_size=9))
def test_sums_by_industry_are_the_sum_of_the_year(told: list[tuple[str, int]]) -> None:
    cells = added([Cell(2026, name, "CN", 1, size, size) for name, size in told])

    assert sum(c.bytes for c in cells) == sum(size for _, size in told)
    assert sum(n.bytes for n in lines(cells, "industry")) == sum(
        n.bytes for n in lines(cells)
    )
