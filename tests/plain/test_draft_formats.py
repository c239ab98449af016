"""What a draft finds in workbooks, JSON, Parquet and archives."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.draft import Table, drafted
from schemas.document import read
from schemas.errors import SourceError
from tests import workbooks
from tests.builders import temporary_store
from tests.workbooks import number, row, text, typed


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(folder)):
        yield folder


def table(data: Path, path: str) -> Table:
    """Draft one path; the document must be YAML that its own loader reads."""
    document = data.parent / "made.yaml"
    (found,) = drafted([path], document).tables
    read(document)
    return found


def types(found: Table) -> dict[str, str]:
    return {d.column.written: d.guess.logical_type for d in found.profile.columns}


def test_parquet_columns_keep_their_names_and_types(data: Path) -> None:
    rows = {"Id": [1, 2], "Day": ["2024-05-01", "2024-05-02"], "x": [0.5, None]}
    pl.DataFrame(rows).write_parquet(data / "a.parquet")

    found = table(data, "a.parquet")

    assert found.source.format == "parquet"
    assert types(found) == {"Id": "integer", "Day": "date", "x": "number"}
    assert found.profile.keys == (("id",), ("day",))


def test_nested_json_gives_dotted_paths_below_its_records(data: Path) -> None:
    records = [{"id": n, "at": {"lat": n / 4, "lng": 1.5}} for n in range(8)]
    content = {"status": "ok", "data": {"rows": records}, "page": [1]}
    (data / "a.json").write_text(json.dumps({**content, "page": 1}), "utf-8")

    found = table(data, "a.json")

    assert found.source.records == "data.rows"
    assert types(found) == {"id": "integer", "at.lat": "number", "at.lng": "number"}
    assert found.profile.rows == 8


def test_an_object_of_records_names_its_keys(data: Path) -> None:
    content = {f"S{n}": {"flow": n} for n in range(3)}
    (data / "a.json").write_text(json.dumps(content), "utf-8")

    assert types(table(data, "a.json")) == {"$key": "string", "flow": "integer"}


def test_json_lines_gather_the_keys_of_all_records(data: Path) -> None:
    lines = ['{"a": 1}', '{"a": 2, "b": {"c": "x"}}', "", '{"a": 3, "b": {}}']
    (data / "a.jsonl").write_text("\n".join(lines), "utf-8")

    found = table(data, "a.jsonl")

    assert types(found) == {"a": "integer", "b.c": "string"}
    assert found.profile.rows == 3


def test_a_sheet_with_a_title_above_its_heading_is_read_from_there(data: Path) -> None:
    rows = [
        workbooks.row(1, workbooks.text("Report of May")),
        workbooks.row(3, *map(workbooks.text, ("day", "shop", "sold"))),
        *(
            workbooks.row(
                4 + n,
                workbooks.number(45413 + n, "date"),
                workbooks.text("a"),
                workbooks.number(n * 2),
            )
            for n in range(5)
        ),
    ]
    sheet = workbooks.sheet_xml("".join(rows))
    (data / "a.xlsx").write_bytes(workbooks.workbook({"May": sheet}))

    found = table(data, "a.xlsx")

    assert (found.source.sheet, found.source.header) == ("May", 3)
    assert types(found) == {"day": "date", "shop": "string", "sold": "integer"}


def month(shops: int, sold: int) -> str:
    """Write a sheet of shops, each of which sold as much, and its totals."""
    rows = [[text(f"shop {n}"), number(n), number(sold)] for n in range(shops)]
    end = [text("合 计"), None, typed("n", str(shops * sold), "SUM(C2:C9)")]
    note = [text("made by the office")]
    return workbooks.sheet_xml(
        workbooks.table(["shop", "no", "sold"], *rows, end, note)
    )


def test_each_sheet_with_a_table_is_a_source_without_its_totals(data: Path) -> None:
    sheets = {"2023": month(7, 10), "五月": month(9, 20)}
    notes = workbooks.sheet_xml(row(1, text("Read me")) + row(2, text("Thank you")))
    content = workbooks.workbook({"Notes": notes, **sheets})
    (data / "sales.xlsx").write_bytes(content)
    document = data.parent / "made.yaml"

    made = drafted(["sales.xlsx"], document)

    told = document.read_text("utf-8")
    assert {t.name: t.profile.rows for t in made.tables} == {
        "sales_2023": 7,
        "sales_2": 9,
    }
    assert [types(t)["sold"] for t in made.tables] == ["integer"] * 2
    assert 'sheet: "五月"  # table 2 of 2 in this workbook; no table: Notes (2' in told
    assert (
        told.count(
            "footer: 2  # lines at the end: 1 of totals (合计, Total), 1 in one cell"
        )
        == 2
    )
    assert "formulas" not in told  # only the totals have some
    assert "Thank" not in told
    read(document)


def test_the_nearest_key_stands_beside_the_question(data: Path) -> None:
    ids = [*range(3_998), 7, 7]
    lines = "".join(f"{n},{n % 9 // 9}\n" for n in ids)
    (data / "a.csv").write_text(f"id,n\n{lines}", "utf-8")

    table(data, "a.csv")

    told = (data.parent / "made.yaml").read_text("utf-8")
    assert "key: [TODO]  # which columns" in told
    assert "; id: unique but for 3 of 4,000 rows; [] if none do" in told


def test_totals_below_a_long_sheet_are_seen_too(data: Path) -> None:
    (data / "a.xlsx").write_bytes(workbooks.workbook({"May": month(20_100, 3)}))

    found = table(data, "a.xlsx")

    assert (found.source.footer, found.profile.rows) == (2, 20_100)


def test_totals_below_delimited_text_are_no_record(data: Path) -> None:
    rows = [f"s{n},{n},3" for n in range(8)]
    lines = ["shop,no,sold", *rows, "总计,,24"]
    (data / "a.csv").write_text("\n".join(lines) + "\n", "utf-8")

    found = table(data, "a.csv")

    assert (found.source.footer, found.profile.rows) == (1, 8)
    assert types(found) == {"shop": "string", "no": "integer", "sold": "integer"}


def test_cells_that_hide_something_are_counted_beside_the_guess(data: Path) -> None:
    numbers = [[number(str(n)), typed("n", str(n * 2), "A2*2")] for n in range(2, 42)]
    rows = workbooks.table(
        ["n", "double"],
        *numbers,
        [number("42"), "><f>A42*2</f>"],
        [number("43"), "><f>A43*2</f>"],
        [number("44"), typed("e", "#DIV/0!")],
        [number("1234567890123456"), number("7")],
    )
    (data / "a.xlsx").write_bytes(workbooks.book(rows))

    found = table(data, "a.xlsx")

    text = (data.parent / "made.yaml").read_text("utf-8")
    assert "formulas: cached  # 42 cells hold formulas; their saved results" in text
    assert "# 2 times a cell holds a formula without a saved result; " in text
    assert "# 1 times a cell holds a number of 16 digits or more, " in text
    assert 'null_tokens: ["", "#DIV/0!"]  # "" 0 times, "#DIV/0!" 1 times' in text
    assert "1234567890123456" not in text
    assert types(found) == {"n": "integer", "double": "integer"}
    assert [(c.filled, c.empty) for c in found.profile.columns] == [(43, 1), (41, 3)]


def packed(**members: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(name.replace("_", "."), text)
    return made.getvalue()


def test_all_members_of_one_kind_are_one_source(data: Path) -> None:
    (data / "a.zip").write_bytes(packed(x_csv="id,n\n1,2\n", y_csv="id,n\n2,3\n3,4\n"))

    found = table(data, "a.zip")

    assert found.source.path == "a.zip!*.csv"
    assert found.profile.rows == 3
    assert found.profile.keys == (("id",), ("n",))


def test_members_of_several_kinds_must_be_chosen(data: Path) -> None:
    (data / "a.zip").write_bytes(packed(x_csv="id,n\n1,2\n", y_txt="hello"))

    with pytest.raises(SourceError, match=r"kinds \.csv, \.txt; add '!'"):
        table(data, "a.zip")


def test_a_packed_text_needs_no_member(data: Path) -> None:
    (data / "a.csv.gz").write_bytes(gzip.compress(b"id,n\n1,2\n2,3\n"))

    found = table(data, "a.csv.gz")

    assert (found.source.path, found.profile.rows) == ("a.csv.gz", 2)


def test_lines_that_are_no_json_are_counted_beside_the_guess(data: Path) -> None:
    lines = [b'{"a": 1}'] * 40 + [b'{"a": 41', b"[1]", b'{"a": "\xff"}', b"a" * 9]
    (data / "a.jsonl").write_bytes(b"\n".join([*lines, b"[" * 9_999]))

    found = table(data, "a.jsonl")

    text = (data.parent / "made.yaml").read_text("utf-8")
    assert "# 4 records are rejected for their form or bytes" in text
    assert "# 1 records are rejected for their keys" in text
    assert types(found) == {"a": "integer"}


ID = "110102199101010078"  # made up, with a right check sign


def test_packed_json_lines_are_read_as_such_and_leave_no_value(data: Path) -> None:
    lines = "".join(f'{{"id": "{ID}", "n": {n}}}\n' for n in range(3))
    (data / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))

    found = table(data, "a.jsonl.gz")

    assert (found.source.format, found.profile.rows) == ("jsonl", 3)
    assert ID not in (data.parent / "made.yaml").read_text("utf-8")


def test_json_under_another_name_is_refused_before_it_becomes_a_heading(
    data: Path,
) -> None:
    (data / "a.txt").write_text(f'{{"id": "{ID}", "n": 1}}\n', "utf-8")

    with pytest.raises(SourceError, match="holds JSON") as refused:
        table(data, "a.txt")

    assert ID not in str(refused.value)


def test_a_record_that_holds_an_identifier_is_no_heading(data: Path) -> None:
    (data / "a.csv").write_text(f"{ID},Ada\n{ID},Bo\n", "utf-8")

    table(data, "a.csv")

    assert ID not in (data.parent / "made.yaml").read_text("utf-8")


def test_a_heading_with_nameless_columns_is_no_heading(data: Path) -> None:
    (data / "a.csv").write_text("id,,\n1,x,2.5\n2,y,3.5\n3,z,4.5\n", "utf-8")

    found = table(data, "a.csv")

    assert found.source.header == 0
    assert types(found)["column_1"] == "string"  # 1 of 4 cells is a word
    assert (
        "some twice or not at all"
        in dict((key, told) for key, _, told in found.sample.guesses)["header"]
    )


def test_binary_content_is_refused(data: Path) -> None:
    (data / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))

    with pytest.raises(SourceError, match="holds zero bytes"):
        table(data, "a.xls")


def test_a_damaged_workbook_is_refused_in_one_sentence(data: Path) -> None:
    (data / "a.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 100)

    with pytest.raises(SourceError, match=r"^source \w+, a\.xlsx: "):
        table(data, "a.xlsx")
