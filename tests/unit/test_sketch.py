"""A sketch knows the same rows again in each disguise, and no others."""

from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.capital.sketch import overlap, sketch
from tests.trips import trips

MEETS = 300_000  # as the policy says: three tenths of the smaller table


TABLE = trips(1)


def alike(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """Compare two tables by their sketches alone."""
    return overlap(sketch(one.lazy()), sketch(other.lazy()))


@pytest.mark.parametrize(
    "disguised",
    [
        TABLE.sample(fraction=1, shuffle=True, seed=5),
        TABLE.select(reversed(TABLE.columns)),
        TABLE.rename(str.upper),
        TABLE.filter(pl.int_range(pl.len()) % 10 > 0),
        TABLE.head(600),
        TABLE.drop("metres"),
        TABLE.drop("day", "hour"),
        TABLE.drop("day", "hour", "month", "kind"),
        TABLE.with_columns(pl.col("seconds") + 1),
        TABLE.with_columns(source=pl.lit("mine"), line=pl.int_range(pl.len())),
        TABLE.cast(pl.String),
        TABLE.cast({"hour": pl.Float64, "metres": pl.Float64}),
        pl.concat([TABLE, *(trips(n) for n in range(20, 40))]),
    ],
    ids=[
        "rows in another order",
        "columns in another order",
        "columns renamed",
        "each tenth row dropped",
        "a fifth of the rows",
        "a column dropped",
        "two columns dropped",
        "half of the columns dropped",
        "a column with another unit",
        "columns added",
        "all values written as text",
        "integers written as fractions",
        "hidden among twenty times as many",
    ],
)
def test_a_disguised_table_is_known_again(disguised: pl.DataFrame) -> None:
    assert alike(TABLE, disguised) >= MEETS
    assert alike(disguised, TABLE) == alike(TABLE, disguised)


@pytest.mark.parametrize(
    "other",
    [
        trips(2),
        trips(2).select("day", "hour", "month", "litres"),
        pl.DataFrame({"kind": ["a", "b", "c"], "name": ["car", "bus", "tram"]}),
        pl.DataFrame({f"q{n}": [(i * n) % 5 for i in range(2_000)] for n in range(9)}),
    ],
    ids=[
        "the same keys, other rows",
        "keys and one column",
        "a table of words",
        "answers from 0 to 4",
    ],
)
def test_another_table_is_not_taken_for_it(other: pl.DataFrame) -> None:
    assert alike(TABLE, other) < MEETS / 10


def test_tables_that_differ_in_their_measure_alone_are_two() -> None:
    """Two of three columns are keys: a third of what any two values say is shared."""
    keys = pl.DataFrame({"number": range(1, 3_001)}).with_columns(
        time=pl.datetime(2024, 1, 1) + pl.duration(hours=pl.col("number"))
    )
    one, other = (keys.with_columns(trips(n)["metres"]) for n in (1, 2))

    assert alike(one, one) == 1_000_000
    assert alike(one, other) < MEETS / 10


SMALL = st.integers(0, 10_000)
ROWS = st.lists(st.tuples(SMALL, SMALL, SMALL, st.text("abc", max_size=3)), max_size=60)


@settings(deadline=None, max_examples=50)
@given(ROWS, st.randoms(use_true_random=False))
def test_a_sketch_is_the_same_in_any_order_and_by_any_names(
    rows: list[tuple[int, int, int, str]], chance: Random
) -> None:
    table = pl.DataFrame(rows, schema=["a", "b", "c", "d"], orient="row")
    table = table.cast({"a": pl.Int64, "b": pl.Int64, "c": pl.Int64, "d": pl.String})
    names, order = list("abcd"), list(range(len(rows)))
    chance.shuffle(names)
    chance.shuffle(order)
    moved = table[order].select(names).rename(str.upper)

    taken = sketch(table.lazy())

    assert sketch(moved.lazy()) == taken
    assert overlap(taken, taken) in (0, 1_000_000)
    assert len(taken) <= 16_000


@settings(deadline=None, max_examples=50)
@given(ROWS, ROWS)
def test_overlap_is_a_share_that_asks_for_no_order(
    one: list[tuple[int, int, int, str]], other: list[tuple[int, int, int, str]]
) -> None:
    a, b = (
        sketch(pl.LazyFrame(rows, schema=list("abcd"), orient="row"))
        for rows in (one, other)
    )
    assert 0 <= overlap(a, b) == overlap(b, a) <= 1_000_000


def test_a_sketch_is_never_too_large() -> None:
    wide = pl.concat([TABLE, trips(2).rename(str.upper)], how="horizontal")
    assert len(sketch(wide.lazy())) == len(sketch(TABLE.lazy())) <= 16_000


def test_a_table_of_one_column_cannot_be_told_from_chance() -> None:
    one = sketch(pl.LazyFrame({"id": range(1_000)}))
    assert overlap(one, one) == 0


def test_nothing_is_compared_with_a_sketch_of_another_version() -> None:
    taken = sketch(TABLE.lazy())
    assert overlap(taken, taken) == 1_000_000
    assert overlap(taken, "02" + taken[2:]) == overlap("", taken) == 0
