"""Propose how the bytes of a text are written: encoding, delimiter, header, footer.

Nothing here decides in silence: each proposal carries the counts it rests on, and where
the counts do not tell (``None``), a person must.

**Encoding.** Many encodings decode the same bytes without an error, so two counts are
kept for each: lines that do not decode, and signs beyond ASCII that are *plausible*,
which is to say common in texts of that encoding: GB 2312 level 1 and signs, Big5 level
1 and signs (ETEN), JIS level 1 and kana, letters of Latin-1. Big5 text read as GB 18030
decodes, but only about a third of its signs are plausible there.

Sources: GB/T 2312-1980 rows 16 to 55; CNS 11643 plane 1 / Big5 A440 to C67E; JIS X 0208
rows 16 to 47. 國道計費 in cp950 -> cp950 4 of 4 plausible, gb18030 1 of 4.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from schemas.resource import Encoding

JUDGED = 4 << 20  # bytes of lines beyond ASCII that are judged
RECORDS = 2_000  # records that delimiter and header are judged by
DELIMITERS = ",;\t|"
CANDIDATES: tuple[Encoding, ...] = (
    "utf-8", "gb18030", "cp950", "shift_jis", "latin-1",
)  # fmt: skip
# An encoding is proposed alone where the next one is less than this share as plausible.
CLEAR = 0.9
STRUCTURED = 0.95


class Reading(NamedTuple):
    """How one encoding reads the bytes."""

    encoding: Encoding
    broken: int  # lines that do not decode
    signs: int  # signs beyond ASCII
    plausible: int

    @property
    def share(self) -> float:
        """Share of the signs beyond ASCII that are plausible."""
        return self.plausible / self.signs if self.signs else 0.0


PAIRED = ("gb18030", "big5", "cp950", "shift_jis")
HALF = 0.5


def readings(content: bytes) -> list[Reading]:
    """Judge each encoding, that of the largest plausible share first."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [judged(content, "utf-16")]
    some = beyond_ascii(content)
    if not some:
        return [Reading("utf-8", 0, 0, 0)]
    made = [judged(b"\n".join(some), encoding) for encoding in CANDIDATES]
    made.sort(key=lambda r: -r.share * (1 - r.broken / len(some)))
    # Latin-1 reads any bytes, place names of uncommon signs included: what reads in
    # pairs of bytes without a fault, and half of it plausibly, is asked about first.
    pairs = [
        r for r in made if r.encoding in PAIRED and not r.broken and r.share > HALF
    ]
    if made[0].encoding == "latin-1" and pairs:
        made.remove(pairs[0])
        made.insert(0, pairs[0])
    return made


def reading(content: bytes, declared: Encoding) -> Reading:
    """Judge the encoding that a person has declared."""
    if declared == "utf-16":
        return judged(content, declared)
    return judged(b"\n".join(beyond_ascii(content)), declared)


def beyond_ascii(content: bytes) -> list[bytes]:
    """Take the first lines that have signs beyond ASCII."""
    some, size = [], 0
    for line in content.split(b"\n"):
        if not line.isascii():
            some.append(line)
            size += len(line)
        if size > JUDGED:
            break
    return some


def proposed(made: Sequence[Reading]) -> Encoding | None:
    """Take the best encoding, or none where the next one is nearly as plausible."""
    best, *others = made
    if best.encoding == "utf-8" and not best.broken:
        return "utf-8"  # other bytes do not have its form by accident
    # Latin-1 reads any bytes; but its texts are not plausible in pairs of bytes.
    paired = best.encoding != "latin-1" and best.share > STRUCTURED and not best.broken
    close = [
        r
        for r in others
        if not r.broken
        and r.share >= best.share * CLEAR
        and not (paired and r.encoding == "latin-1")
    ]
    return None if close or best.share == 0 else best.encoding


def judged(content: bytes, encoding: Encoding) -> Reading:
    """Count lines that do not decode, signs beyond ASCII and plausible ones."""
    try:
        text, broken = content.decode(encoding), 0
    except UnicodeDecodeError:
        # No byte of a sign is a line end in any of the candidates.
        parts = [decoded(line, encoding) for line in content.split(b"\n")]
        text, broken = "".join(p for p in parts if p is not None), parts.count(None)
    counts = Counter(sign for sign in text if not sign.isascii())
    plausible = sum(n for sign, n in counts.items() if is_plausible(sign, encoding))
    return Reading(encoding, broken, counts.total(), plausible)


def decoded(line: bytes, encoding: Encoding) -> str | None:
    """Decode a line, or give nothing."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def is_plausible(sign: str, encoding: Encoding) -> bool:
    """Say whether a sign is common in texts of an encoding."""
    if encoding == "latin-1":
        return sign.isalpha() or sign in "°±²³µ·§«»£©"
    if encoding in ("utf-8", "utf-16"):
        return sign == "\ufeff" or unicodedata.category(sign)[0] not in "C"
    narrow = {"gb18030": "gb2312", "big5": "cp950"}.get(encoding, encoding)
    try:
        code = sign.encode(narrow)
    except UnicodeEncodeError:
        return False
    high, low = {
        "gb2312": ((0xA1, 0xA3), (0xB0, 0xD7)),
        "cp950": ((0xA1, 0xA3), (0xA4, 0xC6)),
        "shift_jis": ((0x81, 0x83), (0x88, 0x97)),
    }[narrow]
    return high[0] <= code[0] <= high[1] or low[0] <= code[0] <= low[1]


class Split(NamedTuple):
    """How one delimiter divides the records."""

    delimiter: str
    fields: int  # of most records
    fitting: int  # records with that many
    records: int


def splits(text: str) -> list[Split]:
    """Judge each delimiter, the best first."""
    made = [split(text, mark) for mark in DELIMITERS]
    return sorted(
        made, key=lambda s: (s.fields > 1, s.fitting / max(s.records, 1), s.fields)
    )[::-1]


def split(text: str, mark: str) -> Split:
    """Count the fields of the first records."""
    widths = Counter(len(record) for _, record in records_of(text, mark))
    if not widths:
        return Split(mark, 0, 0, 0)
    fields, fitting = widths.most_common(1)[0]
    return Split(mark, fields, fitting, widths.total())


def records_of(
    text: str, mark: str, limit: int = RECORDS
) -> list[tuple[int, list[str]]]:
    """Divide a text into records, each with its last line; blank lines are none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    made: list[tuple[int, list[str]]] = []
    try:
        for record in reader:
            if record:
                made.append((reader.line_num, record))
            if len(made) == limit:
                break
    except csv.Error:
        pass  # what can be read until here is judged
    return made


class Header(NamedTuple):
    """Which line names the columns; ``lines`` is None where nothing tells."""

    lines: int | None
    names: list[str]
    evidence: str


# Words that stand in headings and hardly in data.
WORDS = frozenset(
    (
        *("id", "name", "code", "date", "time", "type", "status", "number", "no"),
        *("year", "month", "day", "key", "value", "title", "description", "category"),
        *("region", "city", "address", "price", "amount", "quantity", "count", "total"),
        *("unit", "lat", "lon", "编号", "編號", "名称", "名稱", "姓名", "日期", "时间"),
        *(
            "時間",
            "类型",
            "類型",
            "代码",
            "代碼",
            "备注",
            "備註",
            "地址",
            "状态",
            "狀態",
        ),
        *("单位", "單位", "序号", "序號"),
    )
)
# Texts that always mean missing, and those that do where the others are no text.
NOTHING = ("", "NA", "N/A", "#N/A", "NULL", "null", "NaN", "nan", "\\N", "<NA>")
DASHES = ("-", "--", "---", ".", "None", "none", "无", "無", "?", "/")
MISSING = frozenset((*NOTHING, *DASHES))
NUMBER = re.compile(
    r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)? ?%?"
    r"|(?:[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,4}日?)?"
    r"[ T]?(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def header(text: str, mark: str, fields: int) -> Header:
    """Find the line of a text that names the columns."""
    return heading(records_of(text, mark), fields)


def heading(made: Sequence[tuple[int, list[str]]], fields: int) -> Header:
    """Find the record that names the columns, among records with their last line.

    A heading's cells are words where the column below holds numbers; where no column
    holds numbers, only the words of headings can tell, in most of its cells. Doubt is
    told as doubt: taken for a heading, the first row would enter the document.
    """
    first = next((i for i, (_, r) in enumerate(made) if len(r) == fields), None)
    if first is None:
        return Header(None, [], "no record has that many fields")
    line, names = made[first]
    below = [record for _, record in made[first + 1 :] if len(record) == fields]
    numeric = [
        i
        for i in range(fields)
        if below and sum(is_number(r[i]) for r in below) > len(below) / 2
    ]
    inside = sum(is_number(names[i]) for i in numeric)
    told = f"line {line} has numbers in {inside} of {len(numeric)} columns of numbers"
    if inside:
        data = inside * 5 >= len(numeric) * 4  # an empty cell or two may be among them
        return Header(0 if data else None, [], told)
    if any(names[i].strip() not in MISSING for i in numeric):
        return Header(line, names, told)
    if numeric:
        return Header(None, [], f"line {line} is empty above all columns of numbers")
    known = sum(is_heading(name) for name in names)
    if known * 2 > fields and len(set(names)) == len(names):
        return Header(line, names, f"{known} words of headings in line {line}")
    return Header(None, [], "no column holds numbers, and too few words tell")


def is_number(text: str) -> bool:
    """Say whether a cell is a number, a date or a time."""
    plain = text.strip()
    return plain != "" and NUMBER.fullmatch(plain) is not None


def is_heading(name: str) -> bool:
    """Say whether a cell holds a word of headings."""
    parts = "".join(c.lower() if c.isalnum() else " " for c in name).split()
    return any(part in WORDS for part in parts) or any(
        word in name for word in WORDS if not word.isascii()
    )


# Words that stand before the totals of a table, without spaces and colon.
TOTALS = frozenset(
    (
        *("total", "totals", "grandtotal", "subtotal", "sum"),
        *("合计", "合計", "总计", "總計", "小计", "小計", "共计", "共計"),
    )
)
LONGEST_FOOTER = 100


class Footer(NamedTuple):
    """How many records at the end are no data, and how many of these are totals."""

    lines: int
    totals: int


def footer(tail: str, mark: str, fields: int) -> Footer:
    """Find the records at the end of a text that are no data."""
    return ending([r for _, r in records_of(tail, mark, len(tail) + 1)], fields)


def ending(records: Sequence[Sequence[str]], fields: int) -> Footer:
    """Count the last records that do not have the fields of the others, and totals."""
    lines = totals = 0
    for record in reversed(records[-LONGEST_FOOTER:]):
        total = len(record) == fields and is_total(record)
        if len(record) == fields and not total:
            break
        lines, totals = lines + 1, totals + total
    return Footer(lines, totals)


def is_total(record: Sequence[str]) -> bool:
    """Say whether the first text of a record is a word of totals: 合 计, Total:"""
    texts = (cell for cell in record if cell.strip() and not is_number(cell))
    first = unicodedata.normalize("NFKC", next(texts, ""))
    return "".join(first.split()).rstrip(":").lower() in TOTALS
