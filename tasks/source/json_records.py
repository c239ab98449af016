"""Read JSON and JSON lines record by record, numbers as they are written.

A record is an object; a column's physicalName is the dotted path to its value (``a.b``
also finds a key that holds the dot itself). Text, numbers (``1e400`` and 18 digits too)
and true or false come as written; a list or object in a declared column as its JSON. A
key that is absent or null is missing. In JSON lines a line that is no object, repeats a
key, writes NaN or a key not declared (unless that is to be ignored) is kept as raw
text, as a ragged line of CSV is. A JSON document is one whole: if it does not parse,
repeats a key or writes NaN, it is refused; a record in it that is no object or has a
key not declared is kept as raw text.

The document is never held whole: it is searched for its records and these are decoded
one by one, so that memory holds one record, at most 1 MiB of text, or one value beside
them, at most 64 MiB. The standard library has no reader that streams.

Source: RFC 8259. ``{"a": {"b": 007}}`` -> refused; ``{"a": {"b": "007"}}`` -> ``007``.
"""

import json
import re
from collections.abc import Callable, Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.source.heading import names
from tasks.source.plain import MAX_LINE
from tasks.source.records import (
    NO_TEXT,
    UTF_16,
    Record,
    as_frame,
    batches,
    open_lines,
)

CHUNK = 1 << 18
MAX_BESIDE = 64 << 20  # signs of a value that stands beside the records
MAX_DEPTH = 32  # as for a document of the house
KEY = "$key"
SPACE = re.compile(r"[ \t\r\n]*")


class Number(str):
    """A number as it is written."""

    __slots__ = ()


Value = str | bool | None | list["Value"] | dict[str, "Value"]


class Unfit(Exception):  # noqa: N818 - becomes a ragged line, or the file's refusal
    """Why something is no record."""


class Node(NamedTuple):
    """Where a key leads: to a column, to further keys, or both."""

    column: int | None
    inner: dict[str, "Node"]


def pairs(found: list[tuple[str, Value]]) -> dict[str, Value]:
    """Make an object, in which no key may stand twice."""
    made = dict(found)
    if len(made) < len(found):
        raise Unfit("a key stands twice in one object")
    return made


def no_number(_: str) -> NoReturn:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise Unfit("NaN or an infinity is no number of JSON")


DECODER = JSONDecoder(
    object_pairs_hook=pairs,
    parse_float=Number,
    parse_int=Number,
    parse_constant=no_number,
)


def jsonl_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give the records of JSON lines; ``_line`` is the line.

    Raises:
        SourceError: The file is empty, a line passes 1 MiB, or no record has only
            declared keys.
    """
    yield from frames(raw, source, lines)


def json_frames(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Give the records of a JSON document; ``_line`` is the number of the record.

    Raises:
        SourceError: As for JSON lines; the document does not parse, or has no records
            where they are declared.
    """
    yield from frames(raw, source, document)


def frames(
    raw: Path, source: Source, found: Callable[[TextIO, "Shape"], Iterator[Record]]
) -> Iterator[pl.LazyFrame]:
    """Put what is found into frames of text."""
    shape = Shape(source)
    with raw.open("rb") as file, open_lines(file, source) as text:
        start = text.read(2)
        if not start:
            raise SourceError("the file is empty; replace it")
        if start.startswith(UTF_16):
            raise SourceError("is UTF-16 text; declare encoding: utf-16")
        text.seek(0)
        for batch in batches(found(text, shape)):
            yield as_frame(batch, source).lazy()
    if shape.strange and not shape.fitting:
        raise SourceError(
            f"no record is without keys that are not declared: {names(shape.strange)};"
            " declare them, or undeclared: ignore"
        )


class Shape:
    """Turns objects into records of the declared columns."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.width = len(source.columns)
        self.known: dict[str, Node] = {}
        self.strange: list[str] = []  # keys of the first record that has such
        self.fitting = False
        for at, column in enumerate(source.columns):
            plant(self.known, column.written.split("."), at)
            self.known.setdefault(column.written, Node(at, {}))

    def record(self, line: int, value: Value, raw: str) -> Record:
        """Make a record of an object, or keep its raw text."""
        texts: list[str | None] = [None] * self.width
        try:
            if not isinstance(value, dict):
                raise Unfit("it is no object")
            strange = fill(value, self.known, texts)
        except Unfit:
            return Record(line, [], raw, False)
        if strange and self.source.undeclared == "refuse":
            self.strange = self.strange or strange
            return Record(line, [], raw, False)
        self.fitting = True
        unreadable = any(map(NO_TEXT.search, (raw, *filter(None, texts))))
        return Record(line, [] if unreadable else texts, raw, unreadable)


def plant(known: dict[str, Node], path: list[str], column: int) -> None:
    """Note the way to a column."""
    first, *rest = path
    node = known.get(first, Node(None, {}))
    known[first] = node if rest else node._replace(column=column)
    if rest:
        plant(node.inner, rest, column)


def fill(
    found: dict[str, Value], known: dict[str, Node], texts: list[str | None]
) -> list[str]:
    """Write the declared values of an object into ``texts``; list the other keys."""
    strange = []
    for key, value in found.items():
        node = known.get(key)
        if node is None:
            strange.append(key)
            continue
        if value is None:
            continue
        if node.column is not None:
            if texts[node.column] is not None:
                raise Unfit("two keys lead to one column")
            texts[node.column] = value if isinstance(value, str) else as_json(value)
        elif not isinstance(value, dict):
            raise Unfit("a value stands where an object is declared")
        if node.inner and isinstance(value, dict):
            inner = fill(value, node.inner, texts)
            strange += [f"{key}.{name}" for name in inner]
    return strange


def as_json(value: Value, depth: int = 1) -> str:
    """Write a value as JSON again, its numbers as they were."""
    if depth > MAX_DEPTH:
        raise Unfit(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return f"[{','.join(as_json(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        items = value.items()
        inner = (f"{json.dumps(k)}:{as_json(v, depth + 1)}" for k, v in items)
        return f"{{{','.join(inner)}}}"
    return json.dumps(value, ensure_ascii=False)


def lines(text: TextIO, shape: Shape) -> Iterator[Record]:
    """Read JSON lines; blank lines are no records."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise SourceError(f"line {number} passes {MAX_LINE:,} signs; split it")
        if line.isspace():
            continue
        try:
            value = DECODER.decode(line)
        except (JSONDecodeError, Unfit, RecursionError):
            yield Record(number, [], line, True)
        else:
            yield shape.record(number, value, line)


class Reading:
    """A JSON text that is held only where it is being read."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.at = file, "", 0
        self.before = 1  # the line in which ``text`` begins
        self.ended = False

    @property
    def line(self) -> int:
        """Number the line that is being read."""
        return self.before + self.text.count("\n", 0, self.at)

    def more(self) -> None:
        """Forget what was read, and double what is at hand."""
        piece = self.file.read(max(CHUNK, len(self.text) - self.at))
        self.before = self.line
        self.text, self.at = self.text[self.at :] + piece, 0
        self.ended = not piece

    def peek(self) -> str:
        """Give the next sign that is no space; nothing at the end."""
        while True:
            found = SPACE.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more()

    def take(self, sign: str) -> bool:
        """Step over a sign if it comes next."""
        found = self.peek() == sign
        self.at += found
        return found

    def expect(self, sign: str) -> None:
        """Step over a sign that must come next."""
        if not self.take(sign):
            raise self.refusal(f"{sign} is missing")

    def value(self, most: int) -> tuple[Value, str]:
        """Decode the next value; give its raw text too.

        A number at the end of what is at hand may go on, and a text that does not
        decode may only be cut: both are tried again with more.
        """
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:
                    raw, self.at = self.text[self.at : end], end
                    return value, raw
            except JSONDecodeError as error:
                if self.ended or len(self.text) - self.at > most:
                    self.at = max(self.at, min(error.pos, len(self.text)))
                    raise self.refusal(f"{error.msg.lower()}, or too long") from None
            except Unfit as error:
                raise self.refusal(str(error)) from None
            except RecursionError:
                raise self.refusal("it is nested too deeply") from None
            self.more()

    def refusal(self, why: str) -> SourceError:
        """Say what is wrong with the text, and where."""
        return SourceError(
            f"line {self.line}: is no JSON that can be read ({why}); mend the file or"
            " fetch it again"
        )

    def items(self) -> Iterator[int]:
        """Stop before each item of a list, and number it; who iterates must read it."""
        self.expect("[")
        number = 0
        while not self.take("]"):
            if number:
                self.expect(",")
            number += 1
            yield number

    def named_values(self) -> Iterator[str]:
        """Stop before each value of an object, and name its key."""
        self.expect("{")
        seen = set[Value]()
        while not self.take("}"):
            if seen:
                self.expect(",")
            key, _ = self.value(MAX_LINE)
            if not isinstance(key, str) or isinstance(key, Number) or key in seen:
                raise self.refusal("a key stands twice, or is none")
            seen.add(key)
            self.expect(":")
            yield key


def document(text: TextIO, shape: Shape) -> Iterator[Record]:
    """Read the records of a JSON document, and the rest of it to its end."""
    reading = Reading(text)
    path = shape.source.records
    yield from under(reading, path.split(".") if path else [], shape)
    if reading.peek():
        raise reading.refusal("something follows its end")


def under(reading: Reading, path: list[str], shape: Shape) -> Iterator[Record]:
    """Follow the path to the records; read over what stands beside them."""
    if not path:
        yield from listed(reading, shape)
        return
    found = False
    if reading.peek() == "{":
        for key in reading.named_values():
            if key == path[0]:
                found = True
                yield from under(reading, path[1:], shape)
            else:
                reading.value(MAX_BESIDE)
    if not found:
        raise SourceError(
            f"there is no object with the key {path[0]}, which records names; correct"
            " records"
        )


def listed(reading: Reading, shape: Shape) -> Iterator[Record]:
    """Read a list of records, or an object of records by their keys."""
    if reading.peek() == "[":
        for number in reading.items():
            value, raw = reading.value(MAX_LINE)
            yield shape.record(number, value, raw)
        return
    if reading.peek() != "{":
        raise SourceError("there is no list or object of records; correct records")
    if KEY not in shape.known and shape.source.undeclared == "refuse":
        raise SourceError(
            f"records are an object by keys; declare a column with physicalName {KEY},"
            " or undeclared: ignore"
        )
    for number, key in enumerate(reading.named_values(), 1):
        value, raw = reading.value(MAX_LINE)
        keyed = {KEY: key, **value} if isinstance(value, dict) else value
        yield shape.record(number, keyed, f"{json.dumps(key)}: {raw}")
