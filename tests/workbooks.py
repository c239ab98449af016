"""Write workbooks byte by byte, good ones and such as no program would write.

Source: ECMA-376 Part 1, 12.3 and 18.3.1: the least parts that a workbook may have.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# Styles 1 to 6: the formats that the tests use.
FORMATS = {
    "date": 14,
    "moment": 22,
    "time": 20,
    "elapsed": 46,
    "own": 164,
    "words": 165,
}
STYLES = {"": 0} | {name: at for at, name in enumerate(FORMATS, 1)}
CODES = {164: 'yyyy"年"m"月"d"日"', 165: '0.0 "days"'}


def number(text: object, style: str = "") -> str:
    """Write what follows the reference in a cell with a number."""
    return f' s="{STYLES[style]}"><v>{text}</v>'


def text(words: str) -> str:
    """Write a cell that holds its own text."""
    return f' t="inlineStr"><is><t xml:space="preserve">{escape(words)}</t></is>'


def typed(kind: str, words: str, formula: str = "") -> str:
    """Write a cell of a type: b, d, e, s, str; perhaps with a formula."""
    made = f"<f>{escape(formula)}</f>" if formula else ""
    return f' t="{kind}">{made}<v>{escape(words)}</v>'


def cell(reference: str, content: str) -> str:
    """Write a cell."""
    return f'<c r="{reference}"{content}</c>'


def row(number: int, *contents: str | None) -> str:
    """Write a row: cells from column A on, None where there is no cell."""
    cells = [
        cell(f"{chr(65 + at)}{number}", content)
        for at, content in enumerate(contents)
        if content is not None
    ]
    return f'<row r="{number}">{"".join(cells)}</row>'


def table(names: Sequence[str], *rows: Sequence[str | None]) -> str:
    """Write a heading and rows below it."""
    heading = row(1, *(text(name) for name in names))
    return heading + "".join(row(at, *cells) for at, cells in enumerate(rows, 2))


def sheet_xml(rows: str, before: str = "", after: str = "") -> str:
    """Write a sheet."""
    return (
        f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}'
        "</worksheet>"
    )


def workbook(
    sheets: Mapping[str, str],
    shared: Sequence[str] = (),
    properties: str = "",
) -> bytes:
    """Zip a workbook: the XML of its sheets by their names, and shared texts as XML."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>'
        for at, name in enumerate(sheets, 1)
    )
    related = "".join(
        relation(f"rId{at}", "worksheet", f"worksheets/sheet{at}.xml")
        for at in range(1, len(sheets) + 1)
    )
    related += relation("rIdS", "styles", "styles.xml")
    related += relation("rIdT", "sharedStrings", "/xl/sharedStrings.xml")
    formats = "".join(
        f'<numFmt numFmtId="{n}" formatCode={quoteattr(code)}/>'
        for n, code in CODES.items()
    )
    styles = "".join(f'<xf numFmtId="{n}"/>' for n in (0, *FORMATS.values()))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}"/>',
        "_rels/.rels": relations(relation("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(related),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs>{styles}</cellXfs>'
        "</styleSheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">'
        f"{''.join(f'<si>{item}</si>' for item in shared)}</sst>",
    }
    parts |= {
        f"xl/worksheets/sheet{at}.xml": xml for at, xml in enumerate(sheets.values(), 1)
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in parts.items():
            bundle.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def book(rows: str, before: str = "", after: str = "") -> bytes:
    """Zip a workbook of one sheet."""
    return workbook({"Data": sheet_xml(rows, before, after)})


def relation(name: str, kind: str, target: str) -> str:
    """Write a relation."""
    return f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>'


def relations(content: str) -> str:
    """Write a part of relations."""
    return f'<Relationships xmlns="{RELATED}">{content}</Relationships>'
