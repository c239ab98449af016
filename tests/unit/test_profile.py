"""Columns described by counts; the counts here are made by hand."""

from typing import Any

import polars as pl

from schemas.contract import Column
from tasks.resource.profile import Described, Profile, profile


def profiled(**columns: list[str]) -> Profile:
    texts = {f"_r_{n}": v for n, v in columns.items()}
    rows = pl.DataFrame(texts).with_columns(
        _ragged=pl.lit(None, pl.String), _unreadable=pl.lit(False)
    )
    made = [
        Column.model_validate({"name": n, "logicalType": "string"}) for n in columns
    ]
    return profile(rows.lazy(), made)


def described(texts: list[str]) -> Described:
    return profiled(x=texts).columns[0]


def guess(texts: list[str]) -> tuple[Any, ...]:
    return tuple(described(texts).guess)


def test_the_type_is_the_one_that_nearly_all_values_parse_as() -> None:
    assert guess(["2024/05/01"] * 98 + ["soon", "?x"]) == ("date", "yyyy/MM/dd", 98)
    assert guess(["1"] * 50 + ["2.5"] * 50) == ("number", None, 100)
    assert guess(["1", "-2", "3"]) == ("integer", None, 3)
    assert guess(["true", "false"]) == ("boolean", None, 2)
    assert guess(["2024-05-01 08:30"] * 3) == ("timestamp", "yyyy-MM-dd HH:mm", 3)
    assert guess(["2024-05-01T08:30:00Z"] * 3) == ("timestamp", None, 3)


def test_moments_with_an_offset_are_told_from_those_without() -> None:
    offsets = ["2024-05-01T08:30:00+08:00", "2024-05-01T08:30:00Z"]

    assert guess(offsets * 2) == ("timestamp", "yyyy-MM-dd'T'HH:mm:ssXXX", 4)
    assert described(offsets).rivals == ()
    assert described(offsets[1:]).rivals == ()  # Z needs no format
    assert guess(["2024-05-01 08:30:00-03:00"])[1] == "yyyy-MM-dd HH:mm:ssXXX"
    bare = ["2024-05-01T08:30:00"] * 98 + offsets[:1] * 2
    assert guess(bare) == ("timestamp", None, 98)


def test_where_too_many_do_not_parse_it_stays_text_with_the_count() -> None:
    made = described(["1"] * 90 + ["x"] * 10)

    assert made.guess.logical_type == "string"
    assert (made.guesses[0].logical_type, made.guesses[0].parsed) == ("integer", 90)


def test_digits_after_a_leading_zero_stay_text() -> None:
    made = described(["000123", "45"])

    assert (made.guess.logical_type, made.padded) == ("string", 1)


def test_eight_digits_that_are_days_are_days() -> None:
    assert guess(["20240501", "20231231"]) == ("date", "yyyyMMdd", 2)
    assert guess(["20240501", "20249999"])[0] == "integer"
    assert guess(["10240501", "30231231"])[0] == "integer"  # no day of our time


def test_day_before_month_or_after_is_a_rivalry() -> None:
    made = described(["01/02/2024", "03/04/2024"])

    assert made.guess.format == "dd/MM/yyyy"
    assert [g.format for g in made.rivals] == ["MM/dd/yyyy"]
    assert described(["13/02/2024", "03/04/2024"]).rivals == ()


def test_a_mobile_identifies_and_is_no_number() -> None:
    assert guess(["13812345678", "19912345678"])[0] == "string"


def test_tokens_that_mean_missing_are_counted_where_the_others_are_no_text() -> None:
    made = profiled(
        n=["1", "NA", "-", "", "4"] + ["5"] * 40,
        t=["-", "b", "c", "d", "e"] + ["x"] * 40,
    )

    assert made.tokens == {"": 1, "NA": 1, "-": 2}
    assert [(c.filled, c.empty) for c in made.columns] == [(42, 3), (45, 0)]
    assert profiled(t=["-", "b", "None"]).tokens == {}


def test_the_smallest_sets_without_repeats_are_keys() -> None:
    days, shops = ["1", "1", "2", "2"], ["a", "b", "a", "b"]

    assert profiled(day=days, shop=shops, n=["7"] * 4).keys == (("day", "shop"),)
    assert profiled(day=days, id=["w", "x", "y", "z"]).keys == (("id",),)
    assert profiled(day=days, n=["7"] * 4).keys == ()
    assert profiled(x=["1.5", "2.5"]).keys == ()  # a measure identifies nothing
    assert profiled(x=["a", "", "b"], y=["1", "2", "2"]).keys == ()


def test_the_key_that_a_few_rows_break_is_told_with_their_count() -> None:
    twice = [*map(str, range(100)), "7", "7"]  # 7 stands three times
    empty = [*map(str, range(100)), "", "NA"]
    day, shop = ["1"] * 51 + ["2"] * 51, [*map(str, range(51))] * 2
    same = ["x"] * 102

    assert profiled(id=twice, n=same).near == (("id",), 3)
    assert profiled(id=empty, n=same).near == (("id",), 2)
    pair = profiled(day=[*day, "1"], shop=[*shop, "0"], n=[*same, "x"])
    assert (pair.keys, pair.near) == ((), (("day", "shop"), 2))
    assert profiled(day=day, shop=shop).near is None  # a key, and no narrower one
    assert profiled(n=same).near is None
    # Whatever differs makes a key of a number that is nearly one.
    mixed = profiled(id=twice, n=[*same[:-2], "y", "z"])
    assert (mixed.keys, mixed.near) == ((("id", "n"),), (("id",), 3))


def test_the_key_that_a_few_rows_break_has_a_bound() -> None:
    ids = [*map(str, range(95)), *["1"] * 5]  # 6 of 100 rows have the number 1
    fits = [*map(str, range(96)), *["1"] * 4]

    # Beyond the first 20,000 rows, all sound, 1,500 of 21,500 share a number.
    late = [*map(str, range(20_000)), *[f"x{n}" for n in range(750)] * 2]

    assert profiled(id=ids).near is None
    assert profiled(id=late).near is None
    assert profiled(id=fits).near == (("id",), 5)


def test_repeats_and_records_that_are_none_are_counted() -> None:
    rows = pl.LazyFrame(
        {
            "_r_a": ["1", "1", "2", None, None],
            "_ragged": [None, None, None, "1,2,3", "\\xff"],
            "_unreadable": [False, False, False, False, True],
        }
    )
    column = Column.model_validate({"name": "a", "logicalType": "string"})

    made = profile(rows, [column])

    assert (made.rows, made.repeats, made.ragged, made.unreadable) == (5, 1, 1, 1)
