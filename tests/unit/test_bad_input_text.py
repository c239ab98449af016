"""Bad input, rows 1 to 39 of the catalogue: files, lines, headings and values.

Each test is named after its row. The answers: R the file is refused in one sentence
with file, place and remedy; Q the row goes to quarantine with its reason; N what is
meant is plain, and is read so; D the document must declare it, else R or Q. Every file
takes the whole way, and no row is lost on it: ``tests.carried`` counts them.
"""

import csv
import unicodedata
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from tasks.resource.cells import as_cell
from tests.carried import carried, column, refusal, source
from tests.unit.test_resource_collect import zipped
from tests.workbooks import book, number, table, text, typed

A, N = column("a"), column("n", "integer")
PAIR = source("a.csv", A, N)
WIDE = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}  # full-width forms


def rejected(kind: str, *texts: str, **options: Any) -> list[str]:
    """Carry values of a column between two good rows; list those in quarantine."""
    given = source("a.csv", A, column("n", kind, **options), max_rejected_rate=0.9)
    lines = ["a,n", "first,", *(f'x,"{value}"' for value in texts), "last,"]
    found = carried("\n".join(lines).encode(), given)
    assert [row[0] for row in found.rows if row[0] != "x"] == ["first", "last"]
    assert set(found.failed) <= {"n:parse", f"n:0:at least {options.get('minimum')}"}
    assert sum(found.failed.values()) == found.rejects.height
    return list(found.rejects["n"])


def kept(kind: str, *texts: str, **options: Any) -> list[object]:
    """Carry values of a column that all are good."""
    given = source("a.csv", A, column("n", kind, **options))
    lines = ["a,n", *(f'x,"{value}"' for value in texts)]
    found = carried("\n".join(lines).encode(), given)
    assert found.rejects.is_empty()
    return [row[1] for row in found.rows]


def test_row_1_an_empty_file_is_refused() -> None:
    for path in ("a.csv", "a.xlsx", "a.json", "a.jsonl", "a.parquet"):
        told = refusal(b"", source(path, A))
        assert told.startswith(f"source given, {path}: ")
        assert "the file is empty; replace it" in told


def test_row_2_a_heading_without_rows_must_be_declared() -> None:
    maybe = PAIR.model_copy(update={"allow_empty": True})

    assert "declare allow_empty: true" in refusal(b"a,n\n", PAIR)
    assert carried(b"a,n\n", maybe).rows == []
    for path, raw in (("a.xlsx", book(table(["a"]))), ("a.json", b"[]")):
        assert "declare allow_empty: true" in refusal(raw, source(path, A))


def test_row_3_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert carried(b"\xef\xbb\xbfa,n\nx,1\n", PAIR).rows == [("x", 1)]


def test_row_4_utf_16_that_is_not_declared_is_refused_by_its_name() -> None:
    raw = "a,n\nx,1\n".encode("utf-16")

    assert "declare encoding: utf-16" in refusal(raw, PAIR)
    assert "declare encoding: utf-16" in refusal(
        '{"a": "x"}\n'.encode("utf-16"), source("a.jsonl", A)
    )
    assert carried(raw, PAIR.model_copy(update={"encoding": "utf-16"})).rows == [
        ("x", 1)
    ]


def test_row_5_gb18030_must_be_declared_and_is_never_read_lossily() -> None:
    road = source("a.csv", column("road", written="道路"), N, encoding="gb18030")
    raw = "道路,n\n国道,1\n".encode("gb18030")

    assert carried(raw, road).rows == [("国道", 1)]
    told = refusal(raw, road.model_copy(update={"encoding": "utf-8"}))
    assert "not utf-8 text; declare the encoding" in told
    with pytest.raises(ValidationError, match="encoding"):
        source("a.csv", A, encoding="utf8-lossy")


def test_row_6_of_mixed_encodings_only_the_other_lines_are_quarantined() -> None:
    raw = "a,n\n北,1\n".encode() + "北,2\n".encode("gb18030") + "京,3\n".encode()

    found = carried(raw, PAIR)

    assert found.rows == [("北", 1), ("京", 3)]
    assert found.rejects["_ragged"].to_list() == ["\\xb1\\xb1,2"]
    assert found.failed == {"*:unreadable line": 1}


def test_row_7_a_nul_byte_is_quarantined() -> None:
    found = carried(b"a,n\nx,1\ny\0z,2\n", PAIR)

    assert (found.rows, found.lines) == ([("x", 1)], [3])
    assert found.failed == {"*:unreadable line": 1}


def test_row_8_a_short_row_is_quarantined_not_filled_with_nulls() -> None:
    found = carried(b"a,n\nx,1\ny\nz,3\n", PAIR)

    assert found.rows == [("x", 1), ("z", 3)]
    assert found.rejects["_ragged"].to_list() == ["y"]
    assert found.failed == {"*:ragged line": 1}


def test_row_9_a_long_row_is_quarantined_not_cut_off() -> None:
    found = carried(b"a,n\nx,1\ny,2,lost\nz,3\n", PAIR)

    assert found.rows == [("x", 1), ("z", 3)]
    assert found.rejects["_ragged"].to_list() == ["y,2,lost"]
    assert found.failed == {"*:ragged line": 1}


def test_row_10_ten_thousand_columns_are_refused_as_over_the_limit() -> None:
    names = ",".join(["a", "n", *(f"c{at}" for at in range(9_998))])
    values = ",".join(["x", "1", *("" for _ in range(9_998))])
    some = PAIR.model_copy(update={"undeclared": "ignore"})

    for header in (1, 0):
        told = refusal(
            f"{names}\n{values}\n".encode(), some.model_copy(update={"header": header})
        )
        assert "10,000 columns, over the limit of 4,096" in told


def test_row_11_a_field_of_50_mb_is_refused_as_over_the_limit() -> None:
    large = "y" * (50 << 20)

    told = refusal(f'a,n\nx,1\n"{large}",2\n'.encode(), PAIR)

    assert "line 3" in told
    assert "1,048,576 signs" in told
    assert "line 2 passes" in refusal(
        f'{{"a": "x"}}\n{{"a": "{large}"}}\n'.encode(), source("a.jsonl", A)
    )
    assert "too long" in refusal(f'[{{"a": "{large}"}}]'.encode(), source("a.json", A))


def test_row_12_a_quote_never_closed_is_refused_with_its_line() -> None:
    told = refusal(b'a,n\nx,1\n"y,2\nz,3\n', PAIR)

    assert "line 3: a quote is never closed" in told


def test_row_13_repeated_names_are_refused_not_renamed() -> None:
    assert "repeated: a" in refusal(b"a,n,a\nx,1,y\n", PAIR)
    sheet = book(table(["a", "a"], [text("x"), text("y")]))
    assert "repeated: a" in refusal(sheet, source("a.xlsx", A))


def test_row_14_an_empty_name_is_refused_unless_it_is_the_declared_one() -> None:
    raw = b",n\n7,1\n"
    named = source("a.csv", column("row", written=""), N)

    assert "not declared" in refusal(b"a,n,\nx,1,\n", PAIR)
    assert carried(raw, named).rows == [("7", 1)]


def test_row_15_a_wrong_delimiter_is_refused_by_the_contract() -> None:
    told = refusal(b"a;n\nx;1\n", PAIR)

    assert "none of the declared columns is in line 1" in told
    assert "delimiter" in told


def test_row_16_lines_ended_by_cr_alone_are_refused_not_lost() -> None:
    assert "lines end with CR alone" in refusal(b"a,n\rx,1\ry,2\r", PAIR)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_row_17_the_last_line_needs_no_end(end: bytes) -> None:
    assert carried(b"a,n\nx,1\ny,2" + end, PAIR).rows == [("x", 1), ("y", 2)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_row_18_blank_lines_are_no_rows_but_are_counted(end: str) -> None:
    lines = ["", "a,n", "", "x,1", "", "", "y,bad", ""]

    found = carried("".join(f"{line}{end}" for line in lines).encode(), PAIR)

    assert found.rows == [("x", 1)]
    assert found.lines == [7]
    assert found.notes == {"blank lines passed over": 5}


def test_row_18_a_text_without_blank_lines_notes_nothing() -> None:
    for content in (b"a,n\nx,1\ny,2\n", b'a,n\n"x\n\n",1\ny,2'):
        assert carried(content, PAIR).notes == {}


def test_row_18_blank_lines_of_a_single_column_and_of_members_are_counted() -> None:
    single = source("a.csv", A)
    members = source("a.zip!*.csv", A, N, format="csv")
    content = zipped(("1.csv", b"a,n\nx,1\n\n"), ("2.csv", b"a,n\n\n\ny,2\n"))

    assert carried(b"a\nx\n\ny\n", single).notes == {"blank lines passed over": 1}
    assert carried(content, members).notes == {"blank lines passed over": 3}


def test_row_19_a_line_end_in_quotes_is_text_and_records_are_counted() -> None:
    found = carried(b'a,n\n"x\ny",1\nz,bad\n', PAIR)

    assert found.rows == [("x\ny", 1)]
    assert found.lines == [4]  # physical line; the record is the second
    assert found.valid.height + found.rejects.height == 2


def test_row_20_nan_and_infinity_are_no_numbers() -> None:
    texts = ["NaN", "nan", "inf", "-Infinity", "Inf"]

    assert rejected("number", *texts) == texts


def test_row_21_an_integer_beyond_64_bits_is_quarantined_unless_it_is_text() -> None:
    texts = ["9223372036854775808", "-9223372036854775809", "1" * 30]

    assert rejected("integer", *texts) == texts
    assert kept("string", *texts) == texts


def test_row_22_one_bad_value_late_in_a_file_costs_its_row_only() -> None:
    lines = [f"x,{at}" for at in range(50_000)]
    lines[49_990] = "x,late"

    found = carried("\n".join(["a,n", *lines]).encode(), PAIR)

    assert len(found.rows) == 49_999
    assert found.lines == [49_992]
    assert found.rejects["n"].to_list() == ["late"]


def test_row_23_a_count_below_zero_is_quarantined() -> None:
    assert rejected("integer", "-1", "-5", minimum=0) == ["-1", "-5"]


def test_row_24_a_decimal_comma_must_be_declared() -> None:
    assert rejected("number", "1234,5", "0,5") == ["1234,5", "0,5"]
    assert kept("number", "1234,5", "0,5", format="1234,5") == [1234.5, 0.5]


def test_row_25_separators_of_thousands_must_be_declared() -> None:
    assert rejected("number", "1,234.5", "1.234,5") == ["1,234.5", "1.234,5"]
    assert kept("number", "1,234.5", format="1,234.5") == [1234.5]
    assert kept("number", "1.234,5", format="1.234,5") == [1234.5]
    assert rejected("number", "1.234,5", format="1,234.5") == ["1.234,5"]


def test_row_26_full_width_digits_must_be_declared_and_are_then_read() -> None:
    wide = "123".translate(WIDE)

    assert rejected("integer", wide) == [wide]
    assert kept("integer", wide, normalize="nfkc") == [123]


def test_row_27_leading_zeros_stay() -> None:
    assert kept("string", "000123", "0") == ["000123", "0"]
    sheet = book(table(["a"], [text("000123")]))
    assert carried(sheet, source("a.xlsx", A)).rows == [("000123",)]
    record = carried(b'[{"a": "000123"}]', source("a.json", A))
    assert record.rows == [("000123",)]


def test_row_28_an_id_of_18_digits_is_exact_or_refused() -> None:
    number_18 = "123456789012345678"

    assert kept("string", number_18) == [number_18]
    assert kept("integer", number_18) == [int(number_18)]
    lines = carried(f'{{"a": {number_18}}}\n'.encode(), source("a.jsonl", A))
    assert lines.rows == [(number_18,)]
    sheet = book(table(["a"], [number(number_18)]))
    told = refusal(sheet, source("a.xlsx", A))
    assert "sheet Data, cell A2: holds a number of 16 digits or more" in told


def test_row_29_a_day_that_does_not_exist_is_quarantined() -> None:
    texts = ["2025-02-30", "2025-02-29", "2025-04-31", "2025-13-01"]

    assert rejected("date", *texts) == texts
    assert kept("date", "2024-02-29") == [date(2024, 2, 29)]


def test_row_30_a_year_out_of_range_is_quarantined() -> None:
    rule = {
        "metric": "invalidValues",
        "type": "sql",
        "column": "d",
        "expression": "d <= DATE '2100-12-31'",
        "mustBe": 0,
    }
    day = source("a.csv", column("d", "date"), quality=[rule])
    raw = b"d\n0000-01-01\n9999-12-31\n2024-01-01\n"

    found = carried(raw, day)

    assert found.rows == [(date(2024, 1, 1),)]
    assert found.rejects["d"].to_list() == ["0000-01-01", "9999-12-31"]
    assert sum(found.failed.values()) == 2


def test_row_31_second_60_is_quarantined_not_made_the_next_second() -> None:
    assert rejected("timestamp", "2016-12-31T23:59:60") == ["2016-12-31T23:59:60"]


def test_row_32_which_number_is_the_month_must_be_declared() -> None:
    assert rejected("date", "03/04/2025") == ["03/04/2025"]
    assert kept("date", "03/04/2025", format="dd/MM/yyyy") == [date(2025, 4, 3)]
    assert kept("date", "03/04/2025", format="MM/dd/yyyy") == [date(2025, 3, 4)]


def test_row_33_serial_days_must_be_declared_with_their_epoch() -> None:
    sheet = book(table(["n"], [number("45292")]))
    days = {
        form: source("a.xlsx", column("n", "date", format=form))
        for form in (None, "excel-1900", "excel-1904")
    }

    assert rejected("date", "45292") == ["45292"]
    assert kept("date", "45292", format="excel-1900") == [date(2024, 1, 1)]
    assert kept("date", "45292", format="excel-1904") == [date(2028, 1, 2)]
    assert carried(sheet, days[None]).rejects["n"].to_list() == ["45292"]
    assert carried(sheet, days["excel-1900"]).rows == [(date(2024, 1, 1),)]
    assert "declare excel-1900" in refusal(sheet, days["excel-1904"])


def test_row_34_formulas_and_error_cells_are_refused_unless_declared() -> None:
    sheet = book(table(["n"], [typed("n", "0", "1/0")]))
    error = book(table(["n"], [typed("e", "#DIV/0!")], [number("7")]))
    given = source("a.xlsx", N)
    missing = given.model_copy(update={"null_tokens": ("#DIV/0!",)})

    assert "cell A2: holds a formula" in refusal(sheet, given)
    assert "formulas: cached" in refusal(sheet, given)
    assert "cell A2: holds #DIV/0!" in refusal(error, given)
    assert carried(error, missing).rows == [(None,), (7,)]


def test_row_35_words_for_missing_must_be_declared() -> None:
    words = ["NA", "None", "-"]
    declared = PAIR.model_copy(update={"null_tokens": ("", *words)})
    raw = "\n".join(["a,n", *(f"x,{word}" for word in words)]).encode()

    assert rejected("integer", *words) == words
    assert kept("string", *words) == words
    assert carried(raw, declared).rows == [("x", None)] * 3


def test_row_36_numbers_of_programmers_are_quarantined() -> None:
    texts = ["1e400", "0x10", "1_000"]

    assert rejected("number", *texts) == texts
    assert rejected("integer", *texts) == texts
    lines = carried(b'{"n": 1e400}\n{"n": 1}\n', source("a.jsonl", N))
    assert (lines.rows, lines.lines) == ([(1,)], [1])


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u2060", "\ufeff"])
def test_row_37_a_sign_not_shown_in_a_name_is_refused(sign: str) -> None:
    some = PAIR.model_copy(update={"undeclared": "ignore"})

    assert unicodedata.category(sign) == "Cf"
    for name in (f"n{sign}", f"n,m{sign}"):
        told = refusal(f"a,{name}\nx,1,2\n".encode(), some)
        assert "holds a sign that is not shown" in told
        assert sign not in told


@pytest.mark.parametrize(
    "twin",
    ["\u0430", "\uff41", "\u00aa"],
    ids=["Cyrillic", "full width", "ordinal"],
)
def test_row_38_names_that_look_alike_are_refused(twin: str) -> None:
    some = PAIR.model_copy(update={"undeclared": "ignore"})

    told = refusal(f"a,n,{twin}\nx,1,y\n".encode(), some)

    assert "columns 1 and 3 look alike" in told


def test_row_38_names_composed_in_two_ways_are_refused() -> None:
    two = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    some = PAIR.model_copy(update={"undeclared": "ignore"})

    told = refusal(f"a,n,{','.join(two)}\nx,1,2,3\n".encode(), some)

    assert "columns 3 and 4 look alike" in told


def test_row_39_a_text_that_a_spreadsheet_would_run_leaves_as_text() -> None:
    raw = b"a,n\n=cmd|'/c calc'!A1,1\n@SUM(1),x\n"
    sheet = book(table(["a", "n"], [text("=1+1"), number("1")]))

    found = carried(raw, PAIR)
    cells = found.rejects.select(as_cell(pl.col("a")))["a"].to_list()
    written = found.valid.select(as_cell(pl.col("a"))).write_csv()

    assert found.rows == [("=cmd|'/c calc'!A1", 1)]
    assert cells == ["'@SUM(1)"]
    assert next(csv.DictReader(written.splitlines()))["a"] == "'=cmd|'/c calc'!A1"
    assert carried(sheet, source("a.xlsx", A, N)).rows == [("=1+1", 1)]


def test_a_cp950_file_declared_as_gb18030_is_caught_by_the_contract() -> None:
    """Every byte pair decodes, to other signs: no decoder can tell, only a rule."""
    pattern = "^國道[0-9]號$"
    raw = "a,n\n國道1號,1\n國道3號,2\n".encode("cp950")
    cp950 = source("a.csv", column("a", pattern=pattern), N, encoding="cp950")
    wrong = cp950.model_copy(update={"encoding": "gb18030"})

    assert raw.decode("gb18030") != raw.decode("cp950")
    assert carried(raw, cp950).rows == [("國道1號", 1), ("國道3號", 2)]
    found = carried(raw, wrong)
    assert found.rows == []
    assert found.lines == [2, 3]
    assert list(found.failed) == [f"a:0:matches {pattern}"]


def test_moments_have_no_second_meaning() -> None:
    """The last of the time traps: a final Z is UTC, and an offset is not guessed."""
    assert kept("timestamp", "2024-05-01T08:00:00Z") == [
        datetime(2024, 5, 1, 8)  # noqa: DTZ001 - UTC without its mark
    ]
    assert rejected("timestamp", "2024-05-01T08:00:00+08:00") == [
        "2024-05-01T08:00:00+08:00"
    ]
