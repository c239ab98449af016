"""Questions to a product: read strictly, answered piece by piece, no value repeated."""

import json
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from tasks.product.ask import (
    Licensed,
    Question,
    Wrong,
    answered,
    pieces,
    question,
    written,
)

MAY = Licensed(
    columns={"day": "date", "town": "string", "mm": "integer", "wet": "boolean"},
    filters=("day", "town", "mm", "wet"),
    rows=None,
    max_rows=5_000,
)


def asked(text: str, may: Licensed = MAY) -> Any:
    pairs = [p.partition("=") for p in text.split("&") if p]
    return question([(name, value) for name, _, value in pairs], may)


def test_nothing_asked_is_all_licensed_columns_and_a_thousand_rows() -> None:
    assert asked("") == Question(("day", "town", "mm", "wet"), {}, 1_000, 0, "json")


def test_a_question_is_read_by_the_types_of_the_columns() -> None:
    found = asked("fields=town,mm&day=2026-07-01&mm=-3&wet=true&town=a&town=b&limit=9")

    assert found.fields == ("town", "mm")
    assert found.wanted == {
        "day": [date(2026, 7, 1)],
        "mm": [-3],
        "wet": [True],
        "town": ["a", "b"],
    }
    assert found.limit == 9


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("fields=town,owner", "fields", "owner not licensed: ask for day, town"),
        ("owner=x", "filters", "a parameter that is no column cannot be asked by"),
        ("day=2026-7-1", "value", "day is a column of type date: a date such as"),
        ("day=2026-02-30", "value", "day is a column of type date"),
        ("mm=1.5", "value", "mm is a column of type integer"),
        ("mm=99999999999999999999", "value", "mm is a column of type integer"),
        ("mm=", "value", "mm is a column of type integer"),
        ("wet=yes", "value", "true or false"),
        ("limit=0", "value", "limit is a whole number from 1 to 5,000"),
        ("limit=5001", "value", "limit is a whole number from 1 to 5,000"),
        ("limit=-1", "value", "limit is"),
        ("limit=1&limit=2", "value", "limit is given twice"),
        ("offset=x", "value", "offset is a whole number"),
        ("format=xml", "value", "format is one of json, csv"),
        ("town=" + "x" * 501, "value", "500 signs at most"),
        ("&".join(["town=a"] * 101), "value", "100 values"),
    ],
)
def test_what_does_not_fit_is_said_without_the_value(
    text: str, kind: str, said: str
) -> None:
    found = asked(text)

    assert isinstance(found, Wrong)
    assert (found.kind, said in found.ground) == (kind, True), found.ground


def test_a_field_that_could_be_anything_is_not_repeated() -> None:
    found = asked("fields=32128319990101123X <b>")
    assert "…" in found.ground
    assert "3212" not in found.ground


def test_a_column_that_may_not_be_asked_by_is_named() -> None:
    may = Licensed(MAY.columns, ("town",), None, 10)
    assert asked("mm=1", may).ground == "mm cannot be asked by; columns that can: town"


def frame(rows: int) -> pl.LazyFrame:
    return pl.LazyFrame({"n": range(rows), "town": ["ab"[n % 2] for n in range(rows)]})


COLUMNS = Licensed({"n": "integer", "town": "string"}, ("town",), None, 10_000)


def heights(rows: int, limit: int, size: int, offset: int = 0) -> list[Any]:
    plan = answered(frame(rows), COLUMNS, Question(("n",), {}, limit, offset))
    return [(p.rows.height, p.last, p.more) for p in pieces(plan, limit, size)]


@pytest.mark.parametrize(
    ("rows", "limit", "size", "expected"),
    [
        (12, 12, 5, [(5, False, True), (5, False, True), (2, True, False)]),
        (12, 11, 5, [(5, False, True), (5, False, True), (1, True, True)]),
        (12, 10, 5, [(5, False, True), (5, True, True)]),
        (10, 10, 5, [(5, False, True), (5, True, False)]),
        (5, 10, 5, [(5, True, False)]),
        (6, 10, 5, [(5, False, True), (1, True, False)]),
        (12, 5, 5, [(5, True, True)]),
        (0, 10, 5, [(0, True, False)]),
    ],
)
def test_an_answer_is_cut_into_pieces_and_knows_what_follows(
    rows: int, limit: int, size: int, expected: list[Any]
) -> None:
    assert heights(rows, limit, size) == expected


@pytest.mark.parametrize("size", [3, 7, 1_000])
def test_pieces_put_together_are_one_answer(size: int) -> None:
    asked = Question(("n", "town"), {"town": ["b"]}, 40, 5)
    plan = answered(frame(200), COLUMNS, asked)
    head = {"product": "p"}

    text = b"".join(written(p, asked, head) for p in pieces(plan, 40, size))

    found = json.loads(text)
    wanted = [n for n in range(200) if n % 2][5:45]
    assert found["rows"] == [{"n": n, "town": "b"} for n in wanted]
    assert (found["product"], found["next"]) == ("p", 45)


def test_only_the_rows_that_were_licensed_can_be_asked_for() -> None:
    few = Licensed(COLUMNS.columns, ("town",), 10, 10_000)
    asked = Question(("n",), {"town": ["a"]}, 100)
    assert answered(frame(50), few, asked).collect()["n"].to_list() == [0, 2, 4, 6, 8]


def test_filters_reach_the_scan(tmp_path: Any) -> None:
    """Rows that were not asked for are not read into memory."""
    frame(100).collect().write_parquet(tmp_path / "p")
    asked = Question(("n",), {"town": ["a"]}, 10)
    plan = answered(pl.scan_parquet(tmp_path / "p"), COLUMNS, asked).explain()
    assert "SELECTION" in plan
    assert "FILTER" not in plan


def test_every_type_is_written_alike_in_both_formats() -> None:
    rows = pl.DataFrame(
        {
            "day": [date(2026, 7, 1)],
            "at": [datetime(2026, 7, 1, 12, 30)],  # noqa: DTZ001 - as products keep it
            "x": [float("nan")],
            "t": ['é"\n'],
        }
    )
    (piece,) = pieces(rows.lazy(), 5, 5)

    found = json.loads(written(piece, Question(("day",)), {"a": 1}))["rows"]
    table = written(piece, Question(("day",), format="csv"), {}).decode()

    assert found == [
        {"day": "2026-07-01", "at": "2026-07-01T12:30:00", "x": None, "t": 'é"\n'}
    ]
    assert table == 'day,at,x,t\n2026-07-01,2026-07-01T12:30:00,,"é""\n"\n'
