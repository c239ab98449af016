"""A sheet gives what stands in its cells, and refuses what it would hide."""

import re
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from tests.carried import carried, column, read, refusal, refused_by, source
from tests.workbooks import (
    book,
    cell,
    number,
    row,
    sheet_xml,
    table,
    text,
    typed,
    workbook,
)

REAL = Path(__file__).parents[3] / "shared/data/highway_rescue_tw"
ACCIDENTS = REAL / "112年1-10月交通事故簡訊通報資料.xlsx"
A = source("a.xlsx", column("a"))
PAIR = source("a.xlsx", column("a"), column("n", "integer"))


def texts(*cells: str | None) -> list[str | None]:
    """Read cells of a column of text."""
    rows = [(content, text("x")) for content in cells]  # no row is blank
    both = source("a.xlsx", column("a"), column("b"))
    return [a for a, _ in read(book(table(["a", "b"], *rows)), both)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text("000001"), "000001"),
        (text(" two  spaces "), " two  spaces "),
        (text("line\nbreak"), "line\nbreak"),
        (text("a_x000D_b_x4F60_"), "a\rb你"),
        (number("1"), "1"),
        (number("1.0"), "1"),
        (number("1.50"), "1.5"),
        (number("-0.0"), "0"),
        (number("1E-7"), "0.0000001"),
        (number("1.5E+3"), "1500"),
        (number("0.80625000000000002"), "0.80625"),
        (number("999999999999999"), "999999999999999"),
        (typed("b", "1"), "true"),
        (typed("b", "0"), "false"),
        (typed("str", "from a formula"), "from a formula"),
        (typed("d", "2024-05-01T08:30:00"), "2024-05-01T08:30:00"),
        (number("2.5", "words"), "2.5"),
        (None, None),
        (text(""), None),
    ],
)
def test_a_cell_is_the_text_that_stands_in_it(
    content: str | None, expected: str | None
) -> None:
    assert texts(content) == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (number("45292", "date"), "2024-01-01"),
        (number("45292", "own"), "2024-01-01"),
        (number("45292.5", "moment"), "2024-01-01T12:00:00"),
        (number("45292.000011574", "moment"), "2024-01-01T00:00:01"),
        (number("45292.0000057", "moment"), "2024-01-01T00:00:00.492"),
        (number("1", "date"), "1900-01-01"),
        (number("59", "date"), "1900-02-28"),
        (number("61", "date"), "1900-03-01"),
        (number("2958465", "date"), "9999-12-31"),
        (number("0.80625", "time"), "19:21:00"),
        (number("0", "time"), "00:00:00"),
        (number("1.5", "elapsed"), "36:00:00"),
        (number("45292.80625", "time"), "2024-01-01T19:21:00"),
        (number("60", "date"), "60"),  # 1900 had no 29 February
        (number("0", "date"), "0"),
        (number("-1", "date"), "-1"),
        (number("2958466", "date"), "2958466"),
    ],
)
def test_a_number_in_a_date_format_is_a_date(content: str, expected: str) -> None:
    assert texts(content) == [expected]


def test_a_workbook_of_1904_counts_from_its_own_epoch() -> None:
    rows = table(["a"], [number("0", "date")], [number("43830", "date")])
    content = workbook({"S": sheet_xml(rows)}, properties='<workbookPr date1904="1"/>')

    assert read(content, A) == [("1904-01-01",), ("2024-01-01",)]


def test_a_date_cell_is_written_as_its_column_declares_dates() -> None:
    days = source("a.xlsx", column("d", "date", format="yyyy/MM/dd"))
    moments = source("a.xlsx", column("d", "timestamp"))
    cells = [[number("45292", "date")], [text("2024/01/02")]]

    assert carried(book(table(["d"], *cells)), days).rows == [
        *((date(2024, 1, 1),), (date(2024, 1, 2),)),
    ]
    assert carried(book(table(["d"], [number("45292", "date")])), moments).rows == [
        (datetime(2024, 1, 1),)  # noqa: DTZ001 - a sheet has no zone
    ]


def test_a_moment_with_an_offset_does_not_lose_it() -> None:
    cells = [[typed("d", "2024-05-01T08:30:00+08:00")], [number("45292.5", "moment")]]
    local = source("a.xlsx", column("d", "timestamp"))
    zoned = source(
        "a.xlsx", column("d", "timestamp", format="yyyy-MM-dd'T'HH:mm:ssXXX")
    )

    assert carried(book(table(["d"], *cells)), local).lines == [2]
    assert carried(book(table(["d"], *cells)), zoned).rows == [
        (datetime(2024, 5, 1, 0, 30),)  # noqa: DTZ001 - the moment in UTC
    ]
    # A number of days has no offset, so what it means is not known.
    assert carried(book(table(["d"], *cells)), zoned).lines == [3]


def test_a_time_of_day_is_not_cut_off_to_make_a_date() -> None:
    days = source("a.xlsx", column("d", "date"))

    found = carried(book(table(["d"], [number("45292.5", "moment")])), days)

    assert found.rows == []
    assert found.rejects["d"].to_list() == ["2024-01-01T12:00:00"]


def test_serial_numbers_are_read_where_they_are_declared() -> None:
    days = source("a.xlsx", column("d", "date", format="excel-1900"))
    cells = [[number("45292")], [number("45293", "date")], [text("45294")]]

    assert [d for (d,) in carried(book(table(["d"], *cells)), days).rows] == [
        *(date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)),
    ]


def test_serial_numbers_declared_from_the_wrong_epoch_are_refused() -> None:
    days = source("a.xlsx", column("d", "date", format="excel-1904"))

    told = refused_by(book(table(["d"], [number("45292")])), days)

    assert "declare excel-1900" in told


def test_shared_and_rich_texts_are_joined_without_reading_aids() -> None:
    shared = [
        "<t>plain</t>",
        "<r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r>",
        "<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>",
    ]
    rows = table(["a"], *([typed("s", str(at))] for at in range(3)))
    content = workbook({"S": sheet_xml(rows)}, shared)

    assert read(content, A) == [("plain",), ("rich",), ("東京",)]


def test_lines_are_rows_of_the_sheet_and_blank_rows_are_no_records() -> None:
    rows = row(1, text("a"), text("n")) + row(4, text("x"), number("1"))
    rows += '<row r="5" hidden="1">' + cell("A5", text("hidden")) + "</row>"
    rows += row(6, text(""), None) + row(9, text("y"), text("bad"))

    found = carried(book(rows), PAIR)

    assert found.rows == [("x", 1), ("hidden", None)]
    assert found.lines == [9]
    assert found.rejects["_member"].to_list() == ["a.xlsx"]


def test_cells_and_rows_without_references_follow_each_other() -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c/><c><v>4</v></c></row>"
    columns = column("a", written="1"), column("b", written="2")

    assert read(book(rows), source("a.xlsx", *columns)) == [(None, "4")]


def test_names_with_a_prefix_are_read_too() -> None:
    xml = sheet_xml(table(["a"], [text("x")])).replace("xmlns=", "xmlns:x=")
    xml = re.sub("<(/?)([a-z])", r"<\1x:\2", xml)

    assert read(workbook({"S": xml}), A) == [("x",)]


def test_header_and_footer_rows_are_no_data_whatever_they_hold() -> None:
    rows = (
        row(1, text("Report of May"), text(""))
        + row(3, text("n"), text("a"))
        + row(4, number("1"), text("x"))
        + row(6, text("total"), typed("n", "1", "SUM(A4:A5)"))
        + row(7, text("source: office"))
    )
    merged = '<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A7:B7"/></mergeCells>'
    framed = PAIR.model_copy(update={"header": 3, "footer": 2})

    assert read(book(rows, after=merged), framed) == [("x", "1")]


def test_without_a_heading_columns_are_taken_by_their_place() -> None:
    bare = PAIR.model_copy(update={"header": 0})

    found = read(book(row(1, text("x"), number("1")) + row(2, text("y"))), bare)

    assert found == [("x", "1"), ("y", None)]


def test_a_cell_beside_the_columns_makes_its_row_ragged() -> None:
    rows = table(["a", "n"], [text("x"), number("1"), text("note")], [text("y")])

    found = carried(book(rows), PAIR)
    ignoring = read(book(rows), PAIR.model_copy(update={"undeclared": "ignore"}))

    assert found.rejects["_ragged"].to_list() == ["x\t1\tnote"]
    assert found.failed == {"*:ragged line": 1}
    assert ignoring == [("x", "1"), ("y", None)]


def test_a_sign_that_is_no_text_makes_its_row_unreadable() -> None:
    found = carried(book(table(["a"], [text("a_x0000_b")], [text("c")])), A)

    assert (found.rows, found.lines) == ([("c",)], [2])
    assert found.failed == {"*:unreadable line": 1}


def test_the_declared_sheet_is_read_and_none_is_guessed() -> None:
    first, second = (sheet_xml(table(["a"], [text(word)])) for word in ("x", "y"))
    two = workbook({"January": first, "二月": second})
    named = A.model_copy(update={"sheet": "二月"})

    assert read(two, named) == [("y",)]
    assert "one of January, 二月" in refused_by(two, A)
    assert "one of January, 二月" in refused_by(
        two, A.model_copy(update={"sheet": "May"})
    )


def test_a_formula_is_refused_unless_its_saved_result_is_declared_good() -> None:
    rows = table(["a", "n"], [text("x"), typed("n", "0", "1/0")])

    told = refused_by(book(rows), PAIR)
    taken = read(book(rows), PAIR.model_copy(update={"formulas": "cached"}))

    assert "sheet Data, cell B2: holds a formula" in told
    assert "formulas: cached" in told
    assert taken == [("x", "0")]


def test_a_formula_that_was_never_calculated_is_refused_in_any_case() -> None:
    rows = table(["a"], ["><f>1+1</f>"])

    told = refused_by(book(rows), A.model_copy(update={"formulas": "cached"}))

    assert "cell A2: holds a formula without a saved result" in told


def test_an_error_cell_is_refused_unless_it_is_declared_to_mean_missing() -> None:
    rows = table(["a", "n"], [text("x"), typed("e", "#DIV/0!")])
    missing = PAIR.model_copy(update={"null_tokens": ("#DIV/0!",)})

    assert "sheet Data, cell B2: holds #DIV/0!" in refused_by(book(rows), PAIR)
    assert read(book(rows), missing) == [("x", None)]


@pytest.mark.parametrize(
    "written", ["1000000000000000", "123456789012345678", "1.2345678901234568E+17"]
)
def test_a_number_of_16_digits_is_refused_where_it_may_be_an_id(written: str) -> None:
    rows = table(["a"], [number(written)])
    measure = source("a.xlsx", column("a", "number"))

    assert "cell A2: holds a number of 16 digits" in refused_by(book(rows), A)
    assert float(read(book(rows), measure)[0][0]) == float(written)


@pytest.mark.parametrize("area", ["A2:A3", "A3:B3", "A1:A2", "A3:C9"])
def test_cells_merged_over_data_are_refused(area: str) -> None:
    rows = table(["a", "n"], [text("x"), number("1")], [text("y"), number("2")])
    merged = f'<mergeCells><mergeCell ref="{area}"/></mergeCells>'

    assert f"cells {area}: are merged" in refused_by(book(rows, after=merged), PAIR)


@pytest.mark.parametrize("area", ["A1:B1", "A4:B5", "C2:D3"])
def test_cells_merged_elsewhere_are_no_harm(area: str) -> None:
    rows = table(["a", "n"], [text("x"), number("1")], [text("y"), number("2")])
    merged = f'<mergeCells><mergeCell ref="{area}"/></mergeCells>'

    assert read(book(rows, after=merged), PAIR) == [("x", "1"), ("y", "2")]


def broken(name: str) -> bytes:
    """Make a workbook whose part of this name is no XML."""
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(book(table(["a"], [text("x")])))) as whole,
        zipfile.ZipFile(buffer, "w") as bundle,
    ):
        for part in whole.namelist():
            bundle.writestr(part, b"<a><b" if part == name else whole.read(part))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "is no .xlsx workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "has a password"),
        (book(table(["a"], [text("x")]))[:-40], "cut short"),
        (broken("xl/worksheets/sheet1.xml"), "XML that is damaged"),
        (broken("xl/workbook.xml"), "XML that is damaged"),
        (broken("xl/styles.xml"), "XML that is damaged"),
        (book("<!DOCTYPE x>"), "XML that is damaged"),
        (workbook({"S": f"<!DOCTYPE x [<!ENTITY y 'z'>]>{sheet_xml('')}"}), "a DTD"),
        (workbook({"S": "<worksheet/>"}), "no cells"),
        (book(""), "there are no column names"),
        (book(row(2, text("a"))), "there are no column names"),
        (book(row(2, text("x")) + row(1, text("y"))), "comes late or twice"),
        (
            book(row(1, text("a")) + '<row r="2"><c r="B3"/></row>'),
            "row 2 lies elsewhere",
        ),
        (book(table(["a"], [typed("s", "7")])), "a text that is not there"),
        (book(table(["a"], [number("1_0")])), "holds no number"),
        (book(table(["a"], [typed("x", "1")])), "unknown type"),
        (book(table(["a"], [text("x" * 140_000)])), "passes 131,072 signs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_what_is_no_sound_workbook_is_refused(content: bytes, why: str) -> None:
    assert why in refused_by(content, A)


@pytest.mark.parametrize(
    ("dimension", "far"),
    [('<dimension ref="A1:XFD1048576"/>', ""), ("", cell("XFD1048576", number(1)))],
)
def test_a_sheet_that_claims_too_many_cells_is_refused(
    dimension: str, far: str
) -> None:
    rows = table(["a"], [text("x")])
    rows += f'<row r="1048576">{far}</row>' if far else ""

    told = refusal(book(rows, before=dimension), A)

    assert "claims 17,179,869,184 cells, up to XFD1048576" in told


def test_a_bomb_inside_a_workbook_is_stopped_while_it_unfolds() -> None:
    rows = table(["a"], [text("x")]) + " " * (80 << 20)
    content = book(rows)

    assert len(content) < 100_000
    assert "unfolds to over 200 times its size" in refusal(content, A)


def test_shared_texts_used_without_end_are_stopped() -> None:
    rows = table(["a"], *([typed("s", "0")] for _ in range(700)))
    content = workbook({"S": sheet_xml(rows)}, [f"<t>{'x' * 100_000}</t>"])

    assert "200 times the file's size" in refusal(content, A)


@pytest.mark.skipif(not ACCIDENTS.exists(), reason=f"{ACCIDENTS.name} is not here")
def test_the_accidents_of_2023_are_read_as_another_reader_reads_them() -> None:
    sheet = "交通事故簡報通報資料"
    other = fastexcel.read_excel(ACCIDENTS).load_sheet(
        sheet, header_row=None, dtypes="string"
    )
    theirs = other.to_polars()
    columns = [
        column(f"c{at}", written=str(name)) for at, name in enumerate(theirs.row(0))
    ]
    # The other reader gives null for errors, and a day to a time of day.
    tokens = ["", "#VALUE!", "#REF!"]
    given = source("a.xlsx", *columns, sheet=sheet, null_tokens=tokens)

    ours = read(ACCIDENTS.read_bytes(), given)

    expected = theirs.slice(1).select(pl.all().str.replace("^1899-12-31 ", ""))
    assert len(ours) == 26_739
    assert ours == expected.rows()
