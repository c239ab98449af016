"""Parquet becomes text that loses nothing, or is refused."""

import io
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from schemas.contract import Column
from schemas.errors import SourceError
from tests.carried import carried, column, read, refused_by, source

A = source("a.parquet", column("a"))


def stored(frame: pl.DataFrame, **options: str) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)  # type: ignore[arg-type]  # names of codecs
    return buffer.getvalue()


def texts(series: pl.Series, *columns: Column) -> list[str | None]:
    """Read one column, as the declared kind."""
    given = source("a.parquet", *(columns or (column("a"),)))
    return [row[0] for row in read(stored(series.alias("a").to_frame()), given)]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series(["000001", "", None]), ["000001", None, None]),
        (pl.Series([2**63 - 1, -1], dtype=pl.Int64), ["9223372036854775807", "-1"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"]),
        (pl.Series([0.1, 1.0, -0.0, 1e22]), ["0.1", "1", "0", "1e+22"]),
        (pl.Series([float("nan"), float("inf")]), ["NaN", "inf"]),
        (pl.Series([0.1], dtype=pl.Float32), ["0.1"]),
        (pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(9, 2)), ["1.50", None]),
        (pl.Series([True, False]), ["true", "false"]),
        (pl.Series(["x", "y"], dtype=pl.Categorical), ["x", "y"]),
        (pl.Series([None], dtype=pl.Null), [None]),
        (
            pl.Series([time(19, 21), time(1, 2, 3, 500)]),
            ["19:21:00", "01:02:03.000500"],
        ),
        (pl.Series([date(9999, 12, 31)]), ["9999-12-31"]),
        (
            pl.Series([datetime(2024, 5, 1, 8, 30)]),  # noqa: DTZ001 - without a zone
            ["2024-05-01T08:30:00"],
        ),
        (
            pl.Series([datetime(2024, 5, 1, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai"))]),
            ["2024-05-01T00:30:00Z"],
        ),
        (
            pl.Series([1], dtype=pl.Datetime("ns")),
            ["1970-01-01T00:00:00.000000001"],
        ),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else "",
)
def test_a_value_is_exact_text(series: pl.Series, expected: list[str | None]) -> None:
    assert texts(series) == expected


def test_a_moment_is_written_as_its_column_declares_it_where_nothing_is_lost() -> None:
    moments = pl.Series(
        [
            datetime(2024, 5, 1),  # noqa: DTZ001 - without a zone
            datetime(2024, 5, 1, 8),  # noqa: DTZ001 - without a zone
            None,
        ]
    )
    day = column("a", "date", format="yyyy/MM/dd")
    minute = column("a", "timestamp", format="yyyyMMddHHmm")

    assert texts(moments, day) == ["2024/05/01", "2024-05-01T08:00:00", None]
    assert texts(moments, minute) == ["202405010000", "202405010800", None]
    assert texts(moments.dt.date(), day) == ["2024/05/01", "2024/05/01", None]


def test_typed_values_come_out_of_the_contract_as_they_went_in() -> None:
    frame = pl.DataFrame(
        {
            "s": ["x", None],
            "n": [1, None],
            "x": [0.5, None],
            "d": [date(2024, 5, 1), None],
            "t": [datetime(2024, 5, 1, 8, tzinfo=UTC), None],
            "b": [True, None],
        }
    )
    kinds = ("string", "integer", "number", "date", "timestamp", "boolean")
    columns = map(column, frame.columns, kinds)

    found = carried(stored(frame), source("a.parquet", *columns))

    assert found.rejects.is_empty()
    expected = frame.with_columns(pl.col("t").dt.replace_time_zone(None))
    assert found.rows == expected.rows()


def test_whole_floats_are_integers_and_others_are_rejected_with_their_row() -> None:
    whole = source("a.parquet", column("a", "integer"))

    found = carried(stored(pl.DataFrame({"a": [1.0, 2.5, float("nan"), None]})), whole)

    assert found.rows == [(1,), (None,)]
    assert found.lines == [2, 3]
    assert found.rejects["a"].to_list() == ["2.5", "NaN"]


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([b"x"]),
        pl.Series([[1]]),
        pl.Series([{"b": 1}]),
        pl.Series([1], dtype=pl.Duration("us")),
    ],
    ids=lambda series: str(series.dtype),
)
def test_a_type_without_exact_text_is_refused_unless_nobody_wants_it(
    series: pl.Series,
) -> None:
    frame = pl.DataFrame({"a": series, "b": "x"})
    other = source("a.parquet", column("b"), undeclared="ignore")

    assert "has no exact text" in refused_by(
        stored(frame), source("a.parquet", column("a"), column("b"))
    )
    assert read(stored(frame), other) == [("x",)]


def test_rows_are_numbered_across_row_groups_and_none_is_lost() -> None:
    buffer = io.BytesIO()
    pl.select(a=pl.int_range(300_000)).write_parquet(buffer, row_group_size=7_000)

    found = read(buffer.getvalue(), A)

    assert found == [(str(number),) for number in range(300_000)]


def test_no_rows_are_no_rows() -> None:
    assert read(stored(pl.DataFrame({"a": []}, schema={"a": pl.Int64})), A) == []


def test_columns_are_found_by_name_and_the_others_are_refused() -> None:
    raw = stored(pl.DataFrame({"b": [1], "a": ["x"]}))

    assert "b" in refused_by(raw, A)
    assert read(raw, A.model_copy(update={"undeclared": "ignore"})) == [("x",)]
    assert "missing: c" in refused_by(raw, source("a.parquet", column("c")))


RAW = stored(pl.DataFrame({"a": range(10)}), compression="uncompressed")
FOOTER = len(RAW) - 8 - struct.unpack("<i", RAW[-8:-4])[0]
# 10 is written 20: zigzag. The file, its group and its chunks say it.
TENS = [at for at in range(FOOTER, len(RAW) - 8) if RAW[at] == 20]


def lying(at: int, said: int) -> bytes:
    """Let a place in the footer say another number than 10."""
    return RAW[:at] + bytes([2 * said]) + RAW[at + 1 :]


@pytest.mark.parametrize("said", [0, 9, 11, 63])
def test_a_lie_in_the_footer_is_refused_or_loses_no_row(said: int) -> None:
    refused = 0
    for at in TENS:
        try:
            assert read(lying(at, said), A) == [(str(n),) for n in range(10)]
        except SourceError:
            refused += 1

    assert len(TENS) >= 3
    assert refused >= 2  # the number of the file, and that of the group


def test_a_lie_about_the_rows_is_refused_in_one_sentence() -> None:
    """Field 3 of the footer, after 0x16 (next field, i64), is the number of rows."""
    at = RAW.index(b"\x16\x14", FOOTER) + 1

    assert "about its number of rows" in refused_by(lying(at, 9), A)


SOUND = stored(pl.DataFrame({"a": ["x" * 100, "y"]}))


def encrypted() -> bytes:
    return b"PARE" + SOUND[4:-4] + b"PARE"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is empty"),
        (b"a\nx\n", "no Parquet file"),
        (b"PAR1", "cut short"),
        (SOUND[:-1], "cut short"),
        (SOUND[: len(SOUND) // 2], "cut short"),
        (encrypted(), "encrypted"),
    ],
)
def test_what_is_no_sound_file_is_refused(raw: bytes, why: str) -> None:
    assert why in refused_by(raw, A)


@pytest.mark.parametrize("start", [FOOTER, FOOTER + 60, FOOTER + 130])
def test_damage_in_the_footer_is_refused_or_loses_no_row(start: int) -> None:
    """Native code may panic on it, which is no Exception: the child lives it down."""
    refused = []
    for at in range(start, start + 60, 20):
        raw = RAW[:at] + bytes(12) + RAW[at + 12 :]
        try:
            assert carried(raw, A).rows == [(str(n),) for n in range(10)]
        except SourceError as error:
            refused.append(str(error))

    assert refused
    assert all(told.startswith("source given, a.parquet: ") for told in refused)
