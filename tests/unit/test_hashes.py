"""Values hash by what they say, and to the same bits for ever."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.capital.hashes import hashes

MASK = (1 << 64) - 1
SEED = 0xE7037ED1A0B428DB
OF_WHOLE, OF_PARTS = 0xD6E8FEB86659FD93, 0xA0761D6478BD642F


def stirred(bits: int) -> int:
    bits = (bits ^ bits >> 32) * 0x9E3779B97F4A7C15 & MASK
    bits = (bits ^ bits >> 29) * 0xBF58476D1CE4E5B9 & MASK
    return bits ^ bits >> 32


def of_number(whole: int, millionths: int = 0) -> int:
    return stirred(whole * OF_WHOLE + millionths * OF_PARTS + SEED & MASK)


def of_text(text: str) -> int:
    content = text.encode()
    found = stirred(len(content) + SEED & MASK)
    for at in range(0, min(len(content), 64), 8):
        piece = content[at : at + 8].ljust(8, b"\0")
        found = stirred(found ^ int.from_bytes(piece, "little"))
    return found


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_hash_as_plain_arithmetic_says(values: list[int]) -> None:
    assert hashes(pl.Series(values)).to_list() == [of_number(v) for v in values]


@given(st.lists(st.text("aé数b-", min_size=1, max_size=40), min_size=1))
def test_texts_hash_by_their_bytes_whatever_stands_beside(values: list[str]) -> None:
    texts = [f"x{v}" for v in values]
    assert hashes(pl.Series(texts)).to_list() == [of_text(t) for t in texts]


MIDNIGHT = datetime(2013, 1, 1)  # noqa: DTZ001 - a frame's own
FIVE = datetime(2013, 1, 1, 5)  # noqa: DTZ001 - a frame's own


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([7, -3], [7.0, -3.0]),
        ([7, -3], ["7", " -3.00"]),
        ([0.25, 39.02], ["0.25", "39.020"]),
        ([date(2013, 1, 1)], ["2013-01-01"]),
        ([date(2013, 1, 1)], [MIDNIGHT]),
        ([FIVE], ["2013-01-01T05:00:00Z"]),
        ([FIVE], ["2013-01-01 05:00:00.000"]),
        ([FIVE], [FIVE.replace(tzinfo=UTC)]),
        (["Main Street"], [" main street "]),
        ([True, False], ["true", "FALSE"]),
        ([None], [float("nan")]),
        ([None], [""]),
    ],
)
def test_what_says_the_same_hashes_the_same(
    one: list[object], other: list[object]
) -> None:
    assert hashes(pl.Series(one)).to_list() == hashes(pl.Series(other)).to_list()


def test_what_says_something_else_hashes_to_something_else() -> None:
    numbers = hashes(pl.Series([0, 1, -1, 10, 2013])).to_list()
    fractions = hashes(pl.Series([0.1, 0.01, 1.5, -1.5])).to_list()
    texts = hashes(pl.Series(["a", "b", "aa", "a" * 64, "a" * 65, "P1D", "1-"]))

    found = {*numbers, *fractions, *texts}
    assert len(found) == 16
    assert None not in found


def test_a_text_that_comes_again_and_again_hashes_as_it_does_alone() -> None:
    alone = hashes(pl.Series(["JFK", "LGA", None, "EWR"])).to_list()
    assert hashes(pl.Series(["JFK", "LGA", None, "EWR"] * 50)).to_list() == alone * 50
