"""A text is read as its column declares it is written, or it is nothing."""

from datetime import date, datetime

import polars as pl
import pytest

from schemas.errors import SourceError
from tasks.source.typed import typed
from tests.carried import column

WIDE = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}  # full-width forms


def values(
    kind: str, texts: list[str], form: str | None = None, normalize: str | None = None
) -> list[object]:
    given = column("a", kind, format=form, normalize=normalize)
    rows = pl.LazyFrame({"_r_a": texts}).select(typed(given))
    return list(rows.collect(engine="streaming")["a"])


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            "1,234.5",
            {"1,234.5": 1234.5, "1234.5": 1234.5, "-12,345,678": -12345678, "7": 7},
            ["1,23", "1,2345", "1234,567", ",234", "1.234,5", "1,234.", "1e3", "1 234"],
        ),
        (
            "1.234,5",
            {"1.234,5": 1234.5, "1234,5": 1234.5, "-12.345.678": -12345678, "7": 7},
            ["1.23", "1.2345", "1,234.5", ".5", "1.234,", "12.34,5"],
        ),
        (
            "1234,5",
            {"1234,5": 1234.5, "+7": 7, "0,05": 0.05},
            ["1.5", "1.234,5", "1,234,5", ",5", "5,"],
        ),
    ],
)
def test_numbers_are_read_in_the_declared_form_only(
    form: str, good: dict[str, float], bad: list[str]
) -> None:
    assert values("number", list(good), form) == list(good.values())
    assert values("number", bad, form) == [None] * len(bad)


def test_integers_take_separators_of_thousands_but_no_decimals() -> None:
    texts = ["1,234", "1234", "1,234.0", "9,223,372,036,854,775,808"]

    assert values("integer", texts, "1,234.5") == [1234, 1234, None, None]


def test_full_width_signs_are_read_where_that_is_declared() -> None:
    assert values("integer", ["123".translate(WIDE)], normalize="nfkc") == [123]
    assert values("integer", ["-1".translate(WIDE)], normalize="nfkc") == [-1]
    assert values("number", ["1,234.5".translate(WIDE)], "1,234.5", "nfkc") == [1234.5]
    assert values("date", ["2024-05-01".translate(WIDE)], normalize="nfkc") == [
        date(2024, 5, 1)
    ]
    assert values("string", ["ABC".translate(WIDE)], normalize="nfkc") == ["ABC"]
    assert values("integer", ["123".translate(WIDE)]) == [None]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1", date(1900, 1, 1)),
        ("59", date(1900, 2, 28)),
        ("60", None),  # the 29 February that 1900 did not have
        ("61", date(1900, 3, 1)),
        ("45292", date(2024, 1, 1)),
        ("2958465", date(9999, 12, 31)),
        *((t, None) for t in ("0", "2958466", "-1", "45292.5", "45,292", "x", "")),
    ],
)
def test_days_of_a_spreadsheet_count_from_1900(text: str, day: date | None) -> None:
    assert values("date", [text], "excel-1900") == [day]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("0", date(1904, 1, 1)),
        ("43830", date(2024, 1, 1)),
        ("2957003", date(9999, 12, 31)),
        ("2957004", None),
    ],
)
def test_days_of_an_old_spreadsheet_count_from_1904(
    text: str, day: date | None
) -> None:
    assert values("date", [text], "excel-1904") == [day]


def test_a_part_of_a_day_is_a_time_to_the_millisecond() -> None:
    texts = ["45292", "45292.5", "45292.80625", "45292.0000057", "60.5", "0.5"]

    assert values("timestamp", texts, "excel-1900") == [
        datetime(2024, 1, 1),  # noqa: DTZ001 - a sheet has no zone
        datetime(2024, 1, 1, 12),  # noqa: DTZ001 - a sheet has no zone
        datetime(2024, 1, 1, 19, 21),  # noqa: DTZ001 - a sheet has no zone
        datetime(2024, 1, 1, 0, 0, 0, 492_000),  # noqa: DTZ001 - a sheet has no zone
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("kind", "form"),
    [("number", "yuan"), ("string", "1,234.5"), ("date", "1,234.5"), ("number", "0.0")],
)
def test_a_form_that_a_type_does_not_know_is_refused(kind: str, form: str) -> None:
    with pytest.raises(SourceError, match=r"column a: the format .* is not understood"):
        typed(column("a", kind, format=form))


OFFSETS = "yyyy-MM-dd'T'HH:mm:ssXXX"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        # RFC 3339, 5.8: these three are examples of the standard.
        ("1996-12-19T16:39:57-08:00", datetime.fromisoformat("1996-12-20T00:39:57")),
        ("1985-04-12T23:20:50Z", datetime.fromisoformat("1985-04-12T23:20:50")),
        ("1937-01-01T12:00:27+00:20", datetime.fromisoformat("1937-01-01T11:40:27")),
        ("2024-05-01T08:00:00+08:00", datetime.fromisoformat("2024-05-01T00:00:00")),
        ("2024-03-01T00:30:00+05:45", datetime.fromisoformat("2024-02-29T18:45:00")),
        ("2024-05-01T08:00:00+18:00", datetime.fromisoformat("2024-04-30T14:00:00")),
        ("2024-05-01T08:00:00", None),
        ("2024-05-01T08:00:00+18:01", None),
        ("2024-05-01T08:00:00+25:00", None),
        ("2024-05-01T08:00:00+14:60", None),
        ("2024-05-01T08:00:00+0800", None),
        ("2024-05-01T08:00:00+08", None),
        ("2024-05-01T08:00:00 +08:00", None),
        ("2024-05-01T08:00:00z", None),
        ("2024-05-01T08:00:00Z+08:00", None),
        ("2024-02-30T08:00:00+08:00", None),
        ("2024-05-01T23:59:60+08:00", None),
        ("2024-05-01 08:00:00+08:00", None),
        ("0001-01-01T00:00:00+08:00", None),  # the year 0 of UTC
        ("9999-12-31T23:00:00-08:00", None),  # the year 10000 of UTC
    ],
)
def test_a_moment_with_its_offset_is_given_in_utc(
    text: str, utc: datetime | None
) -> None:
    assert values("timestamp", [text], OFFSETS) == [utc]


def test_an_offset_also_follows_minutes_fractions_and_a_space() -> None:
    assert [
        *values("timestamp", ["2024-05-01T08:30+08:00"], "yyyy-MM-dd'T'HH:mmXXX"),
        *values(
            "timestamp",
            ["2024-05-01 08:30:00.250 -01:00"],
            "yyyy-MM-dd HH:mm:ss.SSS XXX",
        ),
    ] == [
        datetime(2024, 5, 1, 0, 30),  # noqa: DTZ001 - the moment in UTC
        datetime(2024, 5, 1, 9, 30, 0, 250_000),  # noqa: DTZ001 - the moment in UTC
    ]


def test_without_a_format_an_offset_other_than_z_is_none() -> None:
    texts = ["2024-05-01T08:00:00+08:00", "2024-05-01T08:00:00Z"]

    assert values("timestamp", texts) == [
        None,
        datetime.fromisoformat("2024-05-01T08:00:00"),
    ]


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("date", "yyyy-MM-ddXXX"),
        ("timestamp", "yyyy-MM-ddXXX"),
        ("timestamp", "XXXyyyy-MM-dd'T'HH:mm"),
        ("timestamp", "yyyy-MM-dd'T'HH:mmXXXXXX"),
        ("timestamp", "yyyy-MM-dd'T'HH:mmXX"),
    ],
)
def test_an_offset_stands_once_and_after_a_time(kind: str, form: str) -> None:
    with pytest.raises(SourceError, match="XXX after the time of a timestamp"):
        typed(column("a", kind, format=form))
