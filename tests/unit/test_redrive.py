"""Which cells of a reject count: those a person changed, and no other."""

import polars as pl
import pytest

from schemas.contract import Column
from schemas.resource import Source
from tasks.contract import compile_contract
from tasks.resource.redrive import MENDED, fixed_source, may_move, mended, read_again

Cells = tuple[str, str, str]
SOURCE = Source(
    name="people",
    path="people.csv",
    licence="x",
    null_tokens=("NA",),
    key=("id",),
    columns=(
        Column(name="id", logical_type="integer", required=True),
        Column(name="note", logical_type="string"),
    ),
)
# As the pass writes them: line 2 does not parse, line 3 is ragged, line 4 unreadable.
REJECTS = pl.DataFrame(
    {
        "_source": ["people"] * 3,
        "_member": ["people.csv"] * 3,
        "_line": [2, 3, 4],
        "_reasons": [4, 1, 2],
        "_ragged": [None, "3", "4,\ufffd"],
        "id": ["=x", None, None],
        "note": [None, None, None],
    },
    schema_overrides={"note": pl.String},
)


def fixed(*rows: tuple[str, Cells]) -> pl.LazyFrame:
    """Rows of a mended file: line; ragged text, id and note as cells."""
    columns = [c.name for c in fixed_source(SOURCE).columns]
    made = [("people", "people.csv", line, "", *cells) for line, cells in rows]
    return pl.LazyFrame(made, dict.fromkeys(columns, pl.String), orient="row")


def mend(*rows: tuple[str, Cells]) -> list[tuple[object, ...]]:
    told = mended(REJECTS.lazy(), fixed(*rows), SOURCE)
    return told.select("_line", "_ragged", "id", "note", MENDED).collect().rows()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        # as it was exported: nothing changes, and a missing value stays missing
        (("2", ("", "'=x", "")), (2, None, "=x", None, 0)),
        (("2", ("", "7", "")), (2, None, "7", None, 1)),
        (("2", ("", "'=y", "")), (2, None, "=y", None, 1)),
        (("2", ("", "7", "NA")), (2, None, "7", None, 2)),  # the source's own token
        (("2", ("", "", "")), (2, None, "", None, 1)),  # emptied, and "" is no token
        (("3", ("3", "", "")), (3, "3", None, None, 0)),
        (("3", ("3", "3", "a")), (3, None, "3", "a", 2)),  # its cells count now
        (("3", ("", "", "")), (3, None, None, None, 0)),
    ],
)
def test_a_changed_cell_counts_and_an_unchanged_one_stays_as_it_was(
    row: tuple[str, Cells], told: tuple[object, ...]
) -> None:
    assert told in mend(row)


def test_rows_that_are_not_in_the_file_stay_as_they_were() -> None:
    assert mend() == [
        (2, None, "=x", None, 0),
        (3, "3", None, None, 0),
        (4, "4,\ufffd", None, None, 0),
    ]


def test_an_unreadable_line_stays_unreadable_until_it_is_mended() -> None:
    plain = read_again(REJECTS.lazy(), {}, SOURCE).collect()
    again = read_again(
        REJECTS.lazy(), {"f": fixed(("4", ("4,\ufffd", "4", "ok")))}, SOURCE
    ).collect()

    assert plain["_unreadable"].to_list() == [False, False, True]
    assert again["_unreadable"].to_list() == [False, False, False]
    assert again.filter(_line=4).select("id", "note").rows() == [(4, "ok")]


@pytest.mark.parametrize(
    ("ids", "standing", "moving"),
    [
        (["1", "2"], [], [1, 2]),
        (["1", "x"], [], [1]),
        (["1", "2"], [2], [1]),  # row 2 stands
        (["1", "1"], [], []),  # two of one key
    ],
)
def test_what_may_move_is_known_before_anything_is_written(
    ids: list[str], standing: list[int], moving: list[int]
) -> None:
    count = len(ids)
    rejects = pl.LazyFrame(
        {
            "_source": ["people"] * count,
            "_member": ["people.csv"] * count,
            "_line": range(count),
            "_reasons": [4] * count,
            "_ragged": pl.Series([None] * count, dtype=pl.String),
            "id": ids,
            "note": ["a"] * count,
        }
    )
    again = read_again(rejects, {}, SOURCE)
    stands = pl.LazyFrame({"id": standing, "note": ["b"] * len(standing)},
                          {"id": pl.Int64, "note": pl.String})  # fmt: skip
    contract = compile_contract(SOURCE.contract(), parsed=True)

    assert may_move(stands, again, contract).collect()["id"].to_list() == moving
