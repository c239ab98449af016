"""Read from a Parquet footer how many rows the file and its groups claim to have.

The engine trusts the file's own number: a footer that says 0 below ten rows gives none,
without a word. So the numbers are compared, with each other and with the rows found.

Source: parquet.thrift, FileMetaData (3: num_rows, 4: row_groups) and RowGroup (3:
num_rows); Thrift compact protocol. The byte 0x16 before 0x14 -> the next field, 10.
"""

import struct
from pathlib import Path

from schemas.errors import SourceError

MAX_FOOTER = 64 << 20
MAX_DEPTH = 32
NUM_ROWS, ROW_GROUPS = 3, 4
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


class Footer:
    """The bytes of a footer, and how far they are read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def byte(self) -> int:
        """Read a byte."""
        self.at += 1
        return self.content[self.at - 1]

    def varint(self) -> int:
        """Read a number in groups of 7 bits."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def number(self) -> int:
        """Read a signed number, zigzag: 0, -1, 1, -2, …"""
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def header(self, before: int) -> tuple[int, int]:
        """Read a field's number and type; type 0 ends the structure."""
        byte = self.byte()
        delta, kind = byte >> 4, byte & 0x0F
        if kind == 0:
            return 0, 0
        return (before + delta if delta else self.number()), kind

    def items(self) -> tuple[int, int]:
        """Read how many items a list has, and their type."""
        byte = self.byte()
        size = byte >> 4
        return (self.varint() if size == 15 else size), byte & 0x0F

    def skip(self, kind: int, depth: int = 0, *, inside: bool = False) -> None:
        """Read over a value; a truth takes a byte in a list, none in a field."""
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if kind in (TRUE, FALSE):
            self.at += inside
        elif kind == BYTE:
            self.at += 1
        elif kind in (I16, I32, I64):
            self.varint()
        elif kind == DOUBLE:
            self.at += 8
        elif kind == BINARY:
            size = self.varint()  # moves on, too: no += around it
            self.at += size
        elif kind in (LIST, SET):
            size, inner = self.items()
            for _ in range(size):
                self.skip(inner, depth + 1, inside=True)
        elif kind == STRUCT:
            field, inner = self.header(0)
            while inner:
                self.skip(inner, depth + 1)
                field, inner = self.header(field)
        else:
            raise ValueError("a type that a footer does not have")

    def rows(self) -> int:
        """Read a row group: how many rows it has."""
        found = 0
        field, kind = self.header(0)
        while kind:
            if (field, kind) == (NUM_ROWS, I64):
                found = self.number()
            else:
                self.skip(kind)
            field, kind = self.header(field)
        return found

    def claims(self) -> tuple[int, int]:
        """Read the rows of the file, and the sum of those of its groups."""
        claimed = grouped = 0
        field, kind = self.header(0)
        while kind:
            if (field, kind) == (NUM_ROWS, I64):
                claimed = self.number()
            elif (field, kind) == (ROW_GROUPS, LIST):
                size, _ = self.items()
                grouped = sum(self.rows() for _ in range(size))
            else:
                self.skip(kind)
            field, kind = self.header(field)
        return claimed, grouped


def claimed_rows(raw: Path) -> int:
    """Read how many rows a file claims.

    Raises:
        SourceError: The footer cannot be read, or its numbers contradict each other.
    """
    try:
        claimed, grouped = Footer(footer_of(raw)).claims()
    except (IndexError, ValueError, struct.error) as error:
        raise SourceError("has a damaged footer; fetch it again") from error
    if claimed != grouped or claimed < 0:
        raise SourceError(
            "contradicts itself about its number of rows; it is damaged, so fetch it"
            " again"
        )
    return claimed


def footer_of(raw: Path) -> bytes:
    """Find the footer: its length stands in four bytes before the last mark."""
    with raw.open("rb") as file:
        size = file.seek(-8, 2)
        (length,) = struct.unpack("<I", file.read(4))
        if length > min(size, MAX_FOOTER):
            raise ValueError("longer than the file")
        file.seek(size - length)
        return file.read(length)
