"""A cell never runs in a spreadsheet, and reads back as the text it was."""

import polars as pl
import pytest

from tasks.resource.cells import as_cell, of_cell


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
        ("+86", "'+86"),
        ("-5", "'-5"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("'=1", "''=1"),
        ("''-", "'''-"),
        ("'tis", "'tis"),
        ("O'Hara", "O'Hara"),
        ("7", "7"),
        ("", ""),
    ],
)
def test_a_cell_is_never_a_formula_and_can_be_read_back(
    text: str, written: str
) -> None:
    frame = pl.DataFrame({"text": [text]}).select(cell=as_cell(pl.col("text")))

    assert frame["cell"].to_list() == [written]
    assert frame.select(of_cell(pl.col("cell"))).item() == text


def test_a_missing_text_is_an_empty_cell() -> None:
    frame = pl.DataFrame({"text": [None]}, {"text": pl.String})

    assert frame.select(as_cell(pl.col("text"))).item() == ""
