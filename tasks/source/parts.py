"""Take an .xlsx workbook apart: the zip, its relations, sheets, texts and styles.

XML is read piece by piece; of a sheet only one row is held. A DTD is refused, for it
can unfold without end (ECMA-376 Part 2 forbids it). A sheet that claims more than 2^28
cells, by its dimension or by a cell far away, is refused where the claim stands, before
the cells are read.

Source: ECMA-376 Part 1, 12.3 (parts), 18.2 (workbook), 18.3.1.4 (cell), 18.4.8 (text),
18.8.10 (formats of cells); Part 2, 9.3 (relations). A1:XFD1048576 -> 2^34 cells.
"""

import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple, Self
from xml.parsers import expat

from schemas.errors import SourceError

CHUNK = 1 << 18
# As for archives: what is unfolded may be so many times the part, small ones more.
MAX_RATIO, RATIO_FREE = 200, 64 << 20
MAX_PARTS = 10_000
# A full sheet of 256 columns. A reader that lays cells out would need 8 GB for it.
MAX_CELLS = 1 << 28
MAX_ROW, MAX_COLUMN = 1 << 20, 1 << 14  # of any workbook
MAX_FIELD = 1 << 17  # as for delimited text; Excel itself keeps 32,767 signs
OLE = b"\xd0\xcf\x11\xe0"
DAMAGE = (OSError, EOFError, RuntimeError, NotImplementedError, zlib.error)
REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})(?::([A-Z]{1,3})([0-9]{1,7}))?")
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
A = ord("A") - 1

Attributes = dict[str, str]
Area = tuple[int, int, int, int]  # first column, first row, last column, last row


class Cell(NamedTuple):
    """What stands in a cell: type and text as in the file, its style, a formula."""

    kind: str
    text: str | None
    style: int
    formula: bool


Row = tuple[int, dict[int, Cell]]  # its number, and its cells by column, both from 1


def column_of(letters: str) -> int:
    """Number a column: A -> 1, XFD -> 16,384."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - A
    return number


def letters_of(column: int) -> str:
    """Name a column: 28 -> AB."""
    letters = ""
    while column:
        column, last = divmod(column - 1, 26)
        letters = chr(A + 1 + last) + letters
    return letters


def area_of(reference: str) -> Area:
    """Read a reference to a cell or a rectangle: B2:C9 -> 2, 2, 3, 9."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise SourceError("a reference to cells is not written as such; save it anew")
    left, top, right, bottom = found.groups()
    start = column_of(left), int(top)
    return (*start, *((column_of(right), int(bottom)) if right else start))


def refuse_area(column: int, row: int) -> None:
    """Refuse a claim that no sheet of data makes."""
    if not (1 <= column <= MAX_COLUMN and 1 <= row <= MAX_ROW):
        raise SourceError("a cell lies outside of any sheet; save the workbook anew")
    if column * row > MAX_CELLS:
        raise SourceError(
            f"the sheet claims {column * row:,} cells, up to {letters_of(column)}{row};"
            " delete the empty rows and columns around the data and save it anew"
        )


class Parts:
    """An open workbook."""

    def __init__(self, raw: Path) -> None:
        self.bundle = opened(raw)
        try:
            main = self.related("", "officeDocument").values()
            self.main = next(iter(main), "")
            self.targets = {
                kind: self.related(self.main, kind)
                for kind in ("worksheet", "sharedStrings", "styles")
            }
            self.book = elements(self.pieces(self.main))
        except BaseException:
            self.bundle.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bundle.close()

    def pieces(self, name: str) -> Generator[bytes]:
        """Give a part's bytes, and stop a bomb while it unfolds."""
        size = 0
        try:
            entry = self.bundle.getinfo(name)
            most = max(RATIO_FREE, MAX_RATIO * entry.compress_size)
            with self.bundle.open(entry) as content:
                while piece := content.read(CHUNK):
                    size += len(piece)
                    if size > most:
                        raise SourceError(
                            f"{basename(name)} unfolds to over {MAX_RATIO} times its"
                            " size, as a bomb does; save the workbook anew"
                        )
                    yield piece
        except KeyError as error:
            raise SourceError("is no .xlsx workbook; declare its format") from error
        except (zipfile.BadZipFile, *DAMAGE) as error:
            raise SourceError(
                f"{basename(name)} is damaged, cut short or encrypted; fetch it again"
            ) from error

    def related(self, name: str, kind: str) -> dict[str, str]:
        """Find the parts of a kind that a part relates to, by their ids."""
        folder = dirname(name)
        relations = join(folder, "_rels", f"{basename(name)}.rels")
        return {
            found["Id"]: normpath(join("/", folder, found["Target"])).lstrip("/")
            for _, element, found in elements(self.pieces(relations))
            if element == "Relationship" and found["Type"].endswith(f"/{kind}")
        }

    def sheets(self) -> dict[str, str]:
        """Name the worksheets in their order, hidden ones too, each with its part."""
        parts = self.targets["worksheet"]
        found = {}
        for _, element, given in self.book:
            ids = [v for name, v in given.items() if name.endswith(":id")]
            if element == "sheet" and ids and ids[0] in parts:
                found[given["name"]] = parts[ids[0]]
        return found

    @property
    def from_1904(self) -> bool:
        """Say whether day 0 is 1904-01-01."""
        flags = [a.get("date1904") for _, e, a in self.book if e == "workbookPr"]
        return any(flag in ("1", "true") for flag in flags)

    def texts(self) -> list[str]:
        """List the texts that cells share."""
        made: list[str] = []
        for name in self.targets["sharedStrings"].values():
            shared = Texts()
            for _ in read(self.pieces(name), shared):
                pass
            made = shared.made
        return made

    def styles(self) -> list[tuple[int, str | None]]:
        """List the styles of cells: number of their format, and its code if any."""
        codes: dict[str, str] = {}
        styles: list[str] = []
        for name in self.targets["styles"].values():
            for parent, element, given in elements(self.pieces(name)):
                if element == "numFmt":
                    codes[given["numFmtId"]] = given.get("formatCode", "")
                if element == "xf" and parent == "cellXfs":
                    styles.append(given.get("numFmtId", "0"))
        return [(int(number), codes.get(number)) for number in styles]


def opened(raw: Path) -> zipfile.ZipFile:
    """Open the zip that a workbook is."""
    with raw.open("rb") as file:
        head = file.read(4)
    if not head:
        raise SourceError("the file is empty; replace it")
    if head == OLE:
        raise SourceError(
            "is an old .xls or has a password; save it as .xlsx without a password"
        )
    try:
        bundle = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise SourceError(
            "is no .xlsx workbook or is cut short; declare its format or fetch it again"
        ) from error
    found = bundle.namelist()
    if len(found) > MAX_PARTS or len(set(found)) < len(found):
        bundle.close()
        raise SourceError("holds a part twice, or too many parts; save it anew")
    return bundle


class Elements:
    """Collects the elements of a small part: parent, name, attributes."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, Attributes]] = []
        self.open = [""]

    def start(self, name: str, given: Attributes) -> None:
        self.made.append((self.open[-1], name, given))
        self.open.append(name)

    def end(self, name: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        pass


class Texts:
    """Collects shared texts; of a rich text all runs, without the reading aids."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.pieces: list[str] = []
        self.taking = self.aside = False

    def start(self, name: str, given: Attributes) -> None:
        if name == "t":
            self.taking = not self.aside
        elif name == "rPh":
            self.aside = True

    def end(self, name: str) -> None:
        if name == "t":
            self.taking = False
        elif name == "rPh":
            self.aside = False
        elif name == "si":
            self.made.append(text_of(self.pieces))

    def data(self, text: str) -> None:
        if self.taking:
            self.pieces.append(text)


class Sheet(Texts):
    """Collects rows of cells, and the merged areas that stand after them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.merged: list[Area] = []
        self.number = self.column = 0
        self.cells: dict[int, Cell] = {}
        self.given: Attributes = {}
        self.written = ""
        self.formula = self.valued = self.found = False
        self.columns: dict[str, int] = {}

    def start(self, name: str, given: Attributes) -> None:
        if name == "c":
            self.given, self.formula, self.valued = given, False, False
        elif name == "v":
            self.taking = self.valued = True
        elif name == "f":
            self.formula = True
        elif name == "t":
            self.taking, self.valued = not self.aside, True
        elif name == "row":
            self.start_row(given)
        elif name == "mergeCell":
            self.merged.append(area_of(given["ref"]))
        elif name == "dimension":
            refuse_area(*area_of(given["ref"])[2:])
        elif name == "sheetData":
            self.found = True
        elif name == "rPh":
            self.aside = True

    def end(self, name: str) -> None:
        if name == "c":
            self.end_cell()
        elif name in ("v", "t"):
            self.taking = False
        elif name == "row":
            refuse_area(max(self.column, 1), self.number)
            self.rows.append((self.number, self.cells))
        elif name == "rPh":
            self.aside = False

    def start_row(self, given: Attributes) -> None:
        number = int(given.get("r", self.number + 1))
        if number <= self.number:
            raise SourceError(f"row {number} comes late or twice; save it anew")
        self.number, self.cells, self.column = number, {}, 0
        self.written = str(number)

    def end_cell(self) -> None:
        given = self.given
        column = self.place(given["r"]) if "r" in given else self.column + 1
        if column <= self.column:
            raise SourceError(f"a cell of row {self.number} comes twice; save it anew")
        self.column = column
        text = text_of(self.pieces) if self.valued else None
        if text is not None or self.formula:
            style = int(given.get("s", 0))
            self.cells[column] = Cell(given.get("t", "n"), text, style, self.formula)

    def place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        if reference[len(letters) :] != self.written:
            raise SourceError(
                f"a cell of row {self.number} lies elsewhere; save it anew"
            )
        if letters not in self.columns:
            self.columns[letters] = area_of(reference)[0]
        return self.columns[letters]


def text_of(pieces: list[str]) -> str:
    """Join the pieces of a text and forget them; ``_x000D_`` is a sign written out."""
    text = "".join(pieces)
    pieces.clear()
    if len(text) > MAX_FIELD:
        raise SourceError(f"a cell passes {MAX_FIELD:,} signs; shorten it")
    if "_x" in text:
        return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text


def read(pieces: Generator[bytes], into: Elements | Texts) -> Iterator[None]:
    """Parse a part, pausing after each piece; a prefix of all names is left out."""

    def start_all(name: str, given: Attributes) -> None:
        if ":" in name:
            at = name.index(":") + 1
            parser.StartElementHandler = lambda name, given: into.start(
                name[at:], given
            )
            parser.EndElementHandler = lambda n: into.end(n[at:])
        else:
            parser.StartElementHandler, parser.EndElementHandler = into.start, into.end
        parser.StartElementHandler(name, given)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = start_all
    parser.CharacterDataHandler = into.data
    try:
        with closing(pieces):
            for piece in pieces:
                parser.Parse(piece)
                yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, KeyError, ValueError) as error:
        raise SourceError(
            "holds XML that is damaged; save the workbook anew"
        ) from error


def refuse_doctype(*_: object) -> None:
    """Refuse what could unfold without end."""
    raise SourceError("holds a DTD, as a bomb does; save the workbook anew")


def elements(pieces: Generator[bytes]) -> list[tuple[str, str, Attributes]]:
    """List the elements of a small part."""
    into = Elements()
    for _ in read(pieces, into):
        pass
    return into.made


def rows_of(pieces: Generator[bytes], sheet: Sheet) -> Generator[Row]:
    """Give the rows of a sheet while it is read; afterwards it has merged areas."""
    for _ in read(pieces, sheet):
        yield from sheet.rows
        sheet.rows.clear()
    if not sheet.found:
        raise SourceError("the sheet holds no cells that can be read; save it anew")
