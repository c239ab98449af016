"""A sketch knows the same rows again in each disguise, and no others."""

import polars as pl
import pytest

from tasks.capital.sketch import overlap, sketch
from tests.trips import trips

MEETS = 500_000  # half of the rows


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
