"""A statement as workbook and as page: every figure as a figure, every text a text."""

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fastexcel
import pytest

from schemas.disclosure import ROWS, Tables
from schemas.errors import ContractError
from schemas.money import yuan
from schemas.registers import ORIGINS, SERVES
from tasks.page.statement import page_of, sheets_of
from tasks.page.statement_words import ROW_WORDS, STATEMENT_WORDS
from tasks.page.workbook import NAMES, workbook_of
from tests.disclosed import rows_of, stated

ROOT = Path(__file__).resolve().parents[2]
FORMULA = '=HYPERLINK("http://x","y")'
HARD = '<script>alert("1")</script> & 数据 =1+1'


def told(said: str = FORMULA, **changed: Any) -> Tables:
    text = {"asset": "index-asset", "item": "user", "said": said, "source": "doc"}
    report = {
        "asset": "index-asset",
        "report": "R-2026-7",
        "appraiser": "A",
        "valuation_date": "2026-06-20",
        "valid_to": "2027-06-19",
        "value": "8968000.00",
    }
    return stated(told=[text], reports=[report], **changed)


def cells(content: bytes, sheet: str) -> list[tuple[Any, ...]]:
    read = fastexcel.read_excel(content).load_sheet(sheet, header_row=None)
    return read.to_polars().rows()


def test_the_workbook_says_what_the_frames_say_cell_by_cell() -> None:
    made = told()

    rows = cells(workbook_of(made), NAMES["intangible"])[2:]

    assert len(rows) == 27
    for row, name in zip(rows, ROWS["intangible"], strict=True):
        zh, en = ROW_WORDS["intangible"][name]
        fen = rows_of(made, "intangible")[name]
        amount = None if fen is None else yuan(fen)
        said = None if row[5] in (None, "") else Decimal(str(row[5]))
        assert (row[0], row[1], said) == (zh, en, amount)
    assert len(cells(workbook_of(made), NAMES["inventory"])[2:]) == 21
    assert len(cells(workbook_of(made), NAMES["ties"])[3:]) == made.ties.height


def test_the_same_statement_is_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.disclosed import stated;"
        "from tasks.page.workbook import workbook_of;"
        "from tasks.page.statement import page_of;"
        "made = stated();"
        "print(hashlib.sha256(workbook_of(made) + page_of(made)).hexdigest())"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={"PYTHONHASHSEED": "7", "TZ": "America/New_York", "PATH": ""},
    )  # fmt: skip

    both = workbook_of(stated()) + page_of(stated())
    assert done.stdout.strip() == hashlib.sha256(both).hexdigest()


def test_the_file_tells_no_clock_and_holds_no_formula_and_no_link() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook_of(told()))) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        texts = {n: parts.read(n).decode() for n in parts.namelist()}
    core = ElementTree.fromstring(texts["docProps/core.xml"])
    assert {e.text for e in core if e.tag.endswith(("created", "modified"))} == {
        "2024-01-01T00:00:00Z"
    }
    sheets = "".join(text for n, text in texts.items() if "worksheets/" in n)
    assert "<f>" not in sheets
    assert "hyperlink" not in sheets.lower()
    assert "=HYPERLINK" in texts["xl/sharedStrings.xml"]


def test_an_amount_is_written_to_the_fen_beyond_what_a_float_shows() -> None:
    """90 trillion less a fen has 16 digits; a float prints it as 89999999999999.98."""
    made = told(total={"intangible": "89999999999999.99"})

    with zipfile.ZipFile(io.BytesIO(workbook_of(made))) as parts:
        sheets = [parts.read(n).decode() for n in parts.namelist() if "sheet2" in n]

    assert any("<v>89999999999999.99</v>" in text for text in sheets)


def test_a_text_no_cell_can_hold_is_refused_and_not_left_out() -> None:
    from tasks.page.workbook import put

    with pytest.raises(ContractError, match="more than 32,767 signs"):
        put(None, 0, 0, "x" * 32_768, None)


def test_the_page_escapes_what_documents_say_and_fetches_nothing() -> None:
    page = page_of(told(HARD)).decode()

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "default-src 'none'" in page
    root = ElementTree.fromstring(page.replace("<!DOCTYPE html>\n", ""))
    assert root.tag.endswith("html")


def test_the_page_says_each_table_in_both_languages_and_the_appraised_value_apart() -> (
    None
):
    page = page_of(told()).decode()

    for sheet in sheets_of(told()):
        for text in sheet.title:
            assert f">{text}</span>" in page
    assert page.count("8,968,000.00") == 1
    _, _, after = page.partition('id="appraised"')
    assert "8,968,000.00" in after
    assert "R-2026-7" in after
    assert "312,000.00" in page.partition('id="intangible"')[2]
    assert "148 条勾稽关系全部成立" in page


def test_a_reader_is_told_what_is_open_made_up_above_its_whole_or_replaced() -> None:
    plain, warned = page_of(told()).decode(), page_of(
        told(
            last="2027-01",
            illustrative=True,
            total={"intangible": "1.00"},
            supersedes="ab" * 32,
            reason="the auditor withdrew it",
        )
    ).decode()  # fmt: skip

    for text in ("ILLUSTRATIVE", "not closed yet", "Warning: data resources of"):
        assert text not in plain
        assert text in warned
    assert "the auditor withdrew it" in warned
    assert "ab" * 32 in warned


def test_every_word_the_frames_can_hold_is_in_the_table() -> None:
    for table, rows in ROWS.items():
        assert set(rows) <= set(ROW_WORDS[table])
        assert f"sheet_{table}" in STATEMENT_WORDS
    assert all(f"value_{name}" in STATEMENT_WORDS for name in (*ORIGINS, *SERVES))
    assert all(zh and en for zh, en in STATEMENT_WORDS.values())
    assert all(len(name) <= 31 for name in NAMES.values())


def test_a_page_shows_500_lines_of_a_sheet_and_says_that_the_workbook_has_all() -> None:
    texts = [
        {"asset": "index-asset", "item": "use", "said": f"use {n}", "source": "doc"}
        for n in range(501)
    ]
    made = stated(told=texts)

    page = page_of(made).decode()

    assert "1 more lines stand in the workbook" in page
    assert ">use 499<" in page
    assert ">use 500<" not in page
    assert len(cells(workbook_of(made), NAMES["voluntary"])[2:]) == 501
