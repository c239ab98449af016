"""Answers: figures of a picture, and terms that cannot be drawn."""

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.answer import Plot, Reading
from schemas.errors import FactorError
from tasks.product.picture import (
    bars_of,
    cells_of,
    degrees,
    figures,
    shape_of,
    written,
)

ROWS = pl.DataFrame(
    {
        "county": ["cork", "cork", "mayo", "mayo"],
        "hours": ["3-7", "7-10", "3-7", "7-10"],
        "severe": [2, 3, 5, None],
    }
)


def plot(**terms: Any) -> Plot:
    return Plot.model_validate({"kind": "bar", "label": "county", **terms})


def test_rows_of_a_place_are_counted_or_added_up_where_the_document_says() -> None:
    assert figures(ROWS, plot()).rows() == [("cork", 2), ("mayo", 2)]
    assert figures(ROWS, plot(value="severe", total=True)).rows() == [
        ("cork", 5),
        ("mayo", 5),
    ]


def test_two_figures_of_one_place_are_refused_unless_added_up() -> None:
    with pytest.raises(FactorError, match="write total: true"):
        figures(ROWS, plot(value="severe"))


def test_what_is_not_known_stays_unknown_in_a_shaded_table() -> None:
    terms = plot(kind="heat", across="hours", value="severe")

    lines, columns, cells = cells_of(figures(ROWS, terms), terms)

    assert (lines, columns) == (["cork", "mayo"], ["3-7", "7-10"])
    assert cells["mayo", "7-10"].figure == "–"
    assert cells["mayo", "7-10"].shade is None
    assert cells["mayo", "3-7"].shade == 1_000_000
    assert cells["cork", "3-7"].shade == 400_000


def test_bars_of_losses_and_gains_share_one_zero() -> None:
    made = pl.DataFrame({"county": ["a", "b"], "figure": [3.0, -1.0]})

    up, down = bars_of(made, plot(value="severe"))

    assert (up.begin, up.end) == (250_000, 1_000_000)
    assert (down.begin, down.end) == (250_000, 0)


def test_a_degree_of_longitude_is_half_as_wide_at_sixty_north() -> None:
    assert shape_of(59.5, 60.5, 0, 2) == pytest.approx(1_000_000, abs=2)
    assert degrees(119.8, 122.1) == [120.0, 120.5, 121.0, 121.5, 122.0]


def test_cells_are_written_for_people() -> None:
    assert [written(v) for v in (None, True, 12_345, 2013, 1.005, "x")] == [
        *("–", "yes", "12,345", "2013", "1.00", "x")
    ]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"kind": "heat", "label": "a"}, "across names the columns"),
        ({"kind": "bar", "label": "a", "across": "b"}, "across names the columns"),
        ({"kind": "map", "label": "a", "latitude": "b"}, "place the points"),
        ({"kind": "bar", "label": "a", "total": True}, "total adds up a value"),
    ],
)
def test_a_picture_without_its_axes_is_refused(terms: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Plot.model_validate(terms)


def test_a_reading_knows_every_column_that_it_names() -> None:
    reading = Reading.model_validate(
        {
            "where": {"year": "2013"},
            "sort": ["-balance", "province"],
            "columns": ["quota"],
            "plot": {"kind": "bar", "label": "city", "value": "demand"},
        }
    )

    assert reading.named == {
        *("year", "balance", "province", "quota", "city", "demand")
    }
