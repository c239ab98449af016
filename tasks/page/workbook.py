"""Write a statement as a workbook: the same bytes for the same statement.

Amounts are numbers of two decimals, written from Decimal and never through a float; a
text is a text, whatever sign it begins with. Nothing in the file tells the clock.
"""

import io
from datetime import datetime
from decimal import Decimal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from schemas.disclosure import Tables
from schemas.errors import ContractError
from tasks.page.statement import Cell, Line, Sheet, sheets_of

CREATED = datetime(2024, 1, 1)  # noqa: DTZ001 - a fixed mark, no moment: 财会〔2023〕11号 begins
MONEY = '#,##0.00;-#,##0.00;"–"'  # nothing is a dash
LONGEST = 32_767  # signs that a cell of a workbook holds
NAMES = {  # at most 31 signs, and no colon
    "statement": "说明 Statement",
    "lines": "其中数据资源 Of which",
    "intangible": "无形资产 Intangible",
    "inventory": "存货 Inventory",
    "development": "开发支出 Development",
    "carried": "各项资产 Assets",
    "research": "研究开发 R&D",
    "restricted": "受限和质押 Restricted",
    "mandatory": "应披露事项 Mandatory",
    "voluntary": "自愿披露 Voluntary",
    "appraised": "评估价值 Appraised",
    "ties": "勾稽关系 Ties",
}


def workbook_of(tables: Tables) -> bytes:
    """Write every sheet; words in Chinese and English stand in columns of their own.

    Raises:
        ContractError: A text is longer than a cell holds.
    """
    file = io.BytesIO()
    book = Workbook(file, {"in_memory": True})
    book.set_properties({"created": CREATED})
    styles = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
        "sum": book.add_format({"bold": True}),
        "money": book.add_format({"num_format": MONEY}),
        "money_sum": book.add_format({"num_format": MONEY, "bold": True}),
        "of": book.add_format({"indent": 1}),
        "plain": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    for sheet in sheets_of(tables):
        fill(book.add_worksheet(NAMES[sheet.name]), sheet, styles)
    book.close()
    return file.getvalue()


def fill(page: Worksheet, sheet: Sheet, styles: dict[str, Format]) -> None:
    """Write one sheet: title, what is said above, head, lines."""
    put(page, 0, 0, " ".join(sheet.title), styles["title"])
    row = 1
    for zh, en in sheet.above:
        put(page, row, 0, f"{zh} {en}", None)
        row += 1
    wide = doubled(sheet)
    at = 0
    for place, (zh, en) in enumerate(sheet.columns):
        put(page, row, at, f"{zh} {en}" if not wide[place] else zh, styles["head"])
        if wide[place]:
            put(page, row, at + 1, en, styles["head"])
        page.set_column(at, at + wide[place], 34 if wide[place] else 22)
        at += 1 + wide[place]
    page.freeze_panes(row + 1, 1 + wide[0])
    for number, line in enumerate(sheet.lines, row + 1):
        written(page, number, line, wide, styles)


def doubled(sheet: Sheet) -> list[bool]:
    """Say which columns hold words in both languages, and so take two."""
    return [
        any(isinstance(line.cells[n], tuple) for line in sheet.lines)
        for n in range(len(sheet.columns))
    ]


def written(
    page: Worksheet,
    row: int,
    line: Line,
    wide: list[bool],
    styles: dict[str, Format],
) -> None:
    """Write one line; a text of one language in a column of two stands in the first."""
    at = 0
    style = styles["sum"] if line.kind in ("sum", "head") else styles[line.kind]
    for cell, two in zip(line.cells, wide, strict=True):
        texts: tuple[Cell, ...] = cell if isinstance(cell, tuple) else (cell,)
        for n, one in enumerate(texts):
            if isinstance(one, Decimal):
                money = styles["money_sum" if line.kind == "sum" else "money"]
                page.write_number(row, at + n, one, money)
            elif isinstance(one, int):
                page.write_number(row, at + n, one, style)
            elif one is not None:
                put(page, row, at + n, str(one), style)
        at += 1 + two


def put(
    page: Worksheet, row: int, column: int, text: str, style: Format | None
) -> None:
    """Write a text as a text.

    Raises:
        ContractError: It is longer than a cell holds.
    """
    if len(text) > LONGEST:
        raise ContractError(
            f"a text of the statement has more than {LONGEST:,} signs, which no cell"
            " holds: shorten it in its document"
        )
    page.write_string(row, column, text, style)
