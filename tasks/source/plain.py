"""Prove that a text can be read as it lies: each line is so many plain fields.

All bytes but separators, line ends, quotes, CR and NUL are dropped, and what is left
must be the same skeleton on every line: ``2013,1,UA\\n`` -> ``,,\\n``. That is exact,
and takes 0.04 s for the 31 MB of the flights.
"""

import io
import shutil
from codecs import BOM_UTF8
from functools import lru_cache
from typing import IO

from schemas.resource import Encoding

CHUNK = 512 << 10  # larger ones are not faster: their pages are fetched anew
# The longest line: a field may have 131,072 characters (csv.field_size_limit).
MAX_LINE = 1 << 20


def transcoded(given: IO[bytes], encoding: Encoding, target: IO[bytes]) -> bool:
    """Write a text in UTF-8; say whether all of its bytes decoded."""
    given.seek(0)
    text = io.TextIOWrapper(given, encoding=encoding, newline="")
    plain = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    try:
        shutil.copyfileobj(text, plain, CHUNK)
    except UnicodeError:
        return False
    finally:
        text.detach()
        plain.detach()
    return True


def plain_lines(text: IO[bytes], delimiter: str, width: int) -> int | None:
    """Count the lines from here on; nothing if one does not split into ``width``."""
    mark = delimiter.encode()
    start = text.tell()
    first = text.readline(MAX_LINE)
    text.seek(start)
    # The engine drops a byte order mark after skipped lines.
    if len(mark) != 1 or first.startswith(BOM_UTF8):
        return None
    end = b"\r\n" if first.endswith(b"\r\n") else b"\n"
    line = mark * (width - 1) + end
    lines = 0
    while chunk := text.read(CHUNK):
        rest = text.readline(MAX_LINE)
        chunk += rest
        if not chunk.endswith(b"\n"):
            if len(rest) == MAX_LINE:
                return None
            chunk += end
        skeleton = chunk.translate(None, dropped(mark))
        here = skeleton.count(b"\n")
        if skeleton != line * here or not is_utf8(chunk):
            return None
        if len(end) == 2 and chunk.count(end) != here:
            return None  # a CR amid a field, where the skeleton cannot tell
        if width == 1 and has_blank(chunk, end):
            return None
        lines += here
    return lines


@lru_cache
def dropped(mark: bytes) -> bytes:
    """List the bytes that do not shape a line."""
    return bytes(set(range(256)) - set(mark + b'\n\r"\0'))


def is_utf8(chunk: bytes) -> bool:
    """Say whether whole lines decode."""
    try:
        return chunk.isascii() or bool(chunk.decode())
    except UnicodeDecodeError:
        return False


def has_blank(chunk: bytes, end: bytes) -> bool:
    """Look for blank lines, which the skeleton of a single column cannot tell."""
    return chunk.startswith(end) or b"\n" + end in chunk
