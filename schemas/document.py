"""Load a YAML document strictly: text stays text, and every error has its line.

YAML's traps are refused before anything expands: alias, anchor, tag, duplicate key, a
key that is not text, nesting below 32 levels, more than 1 MB. Of plain scalars only
``true``, ``false``, ``null``, ``~`` and integers of at most 18 digits are more than
text. ``0.10``, ``no``, ``012``, ``1_000``, ``12:30`` and dates stay text, and the model
decides: a Decimal field makes Decimal("0.10") of it, never a float in between. Messages
name keys, never a value, since it may be a secret.

A plain ``TODO`` stands for what only a person can say; the comment beside it is the
question. A document with one is not loaded, and all its questions are told at once.

Source: YAML 1.2.2, 10.3 (core schema), narrowed. ``{rate: 0.10}`` -> {"rate": "0.10"}.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.events import AliasEvent, Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.errors import FactorError

MAX_BYTES = 1_000_000  # the longest document in the house has 20 kB
MAX_DEPTH = 32  # the deepest path of the models is 9 levels

T = TypeVar("T", bound=BaseModel)
Loc = tuple[str | int, ...]
Scalar = str | int | bool | None
Value = Scalar | dict[str, "Value"] | list["Value"]
Lines = dict[Loc, int]

FILLED = re.compile("[Ff]illed in from")
TEXT = "tag:yaml.org,2002:str"
OPEN = "TODO"  # plain: in quotes it is text
# What a plain scalar may be other than text; first letters narrow the search.
FORMS: tuple[tuple[str, str, list[str]], ...] = (
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,17})$", list("-0123456789")),
)


class _Refusal(Exception):  # noqa: N818 - becomes a FactorError once the file is known
    def __init__(self, line: int, message: str, loc: Loc = ()) -> None:
        super().__init__(message)
        self.line, self.message, self.loc = line, message, loc


class Todo(str):
    """A place that a person has yet to fill; ``question`` is the comment beside it."""

    question = "write what it asks for"


class _Loader(yaml.SafeLoader):
    """Composes plain trees only."""

    yaml_implicit_resolvers = {}  # PyYAML keeps them on the class
    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs
        _refuse_event(event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refusal(_line(event), f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _kind, _pattern, _first in FORMS:
    _tag = f"tag:yaml.org,2002:{_kind}"
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _line(where: Event | Node) -> int:
    return where.start_mark.line + 1 if where.start_mark else 1


def _refuse_event(event: Event) -> None:
    alias = isinstance(event, AliasEvent)
    if alias or getattr(event, "anchor", None) is not None:
        name = "an alias (*)" if alias else "an anchor (&)"
        raise _Refusal(_line(event), f"{name} is not allowed; write the value out")
    if getattr(event, "tag", None) is not None:
        raise _Refusal(_line(event), "a tag (!) is not allowed; remove it")


def _scalar(node: ScalarNode) -> Scalar:
    text = str(node.value)
    if text == OPEN and node.style is None:
        return _todo(node)
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    return text == "true" if kind == "bool" else int(text) if kind == "int" else text


def _todo(node: ScalarNode) -> Todo:
    made, mark = Todo(OPEN), node.end_mark
    if mark is not None and mark.buffer is not None:
        rest = mark.buffer[mark.pointer :].partition("\n")[0]
        made.question = rest.partition("#")[2].strip() or made.question
    return made


def _build(node: Node, loc: Loc, lines: Lines) -> Value:
    """Turn a node into plain values and note the line of each place."""
    lines.setdefault(loc, _line(node))
    if isinstance(node, SequenceNode):
        return [_build(item, (*loc, i), lines) for i, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        made: dict[str, Value] = {}
        for key, value in node.value:
            name = _key(key, loc)
            if name in made:
                first = lines[(*loc, name)]
                raise _Refusal(
                    _line(key), f"written twice, first in line {first}", (*loc, name)
                )
            lines[(*loc, name)] = _line(key)
            made[name] = _build(value, (*loc, name), lines)
        return made
    assert isinstance(node, ScalarNode)
    return _scalar(node)


def _key(key: Node, loc: Loc) -> str:
    if not isinstance(key, ScalarNode) or key.tag != TEXT:
        raise _Refusal(_line(key), "a key is not text; quote it", loc)
    return str(key.value)


def read(path: Path) -> tuple[Value, Lines]:
    """Read a document as plain values with the line of each place.

    Raises:
        FactorError: The file cannot be read or uses what this module refuses.
    """
    try:
        return _parse(_text(path))
    except _Refusal as refusal:
        told = _sentence(path, refusal.line, refusal.loc, refusal.message)
        raise FactorError(told) from None  # its cause quotes the document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            limit = f"longer than {MAX_BYTES:,} bytes"
            raise _Refusal(1, f"{limit}; move data into a source file")
        return content.decode("utf-8")
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check the path"
        raise FactorError(f"{path.name}: {reason}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Refusal(line, "not UTF-8; save the file as UTF-8") from error


@lru_cache(maxsize=64)
def _composed(text: str) -> Node | None:
    """Compose a text once: one question reads a policy or a factor many times.

    Nobody changes nodes; values are built of them anew each time.
    """
    return _Loader(text).get_single_node()


def _parse(text: str) -> tuple[Value, Lines]:
    lines: Lines = {}
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _Refusal(line, f"not YAML: {error.problem}; mend it here") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Refusal(line, "holds a control character; remove it") from error
    if node is None:
        raise _Refusal(1, "the document is empty; write its keys")
    return _build(node, (), lines), lines


def _sentence(path: Path, line: int, loc: Loc, message: str) -> str:
    place = f", {'.'.join(map(str, loc))}" if loc else ""
    return f"{path.name} line {line}{place}: {message}"


def load(path: Path, model: type[T]) -> T:
    """Read a document and validate it: all problems at once, one a line.

    Raises:
        FactorError: ``FILE line N, LOC: MESSAGE`` for each TODO, then for each problem;
            ``uniqe`` in a column -> ``line 4, columns.0.uniqe: unknown key; did you
            mean unique?``
    """
    value, lines = read(path)
    todos = dict(_todos(value, ()))
    problems = [
        _sentence(path, lines[loc], loc, f"{OPEN} {todo.question}")
        for loc, todo in todos.items()
    ]
    answered = _answered(value)
    try:
        made = model.model_validate(answered)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        for e in found:
            e["loc"] = _as_written(answered, e["loc"], e["type"] == "missing")
        # Pydantic counts a list without its bad items: that echo helps nobody.
        inner = {e["loc"][:n] for e in found for n in range(len(e["loc"]))}
        problems += [
            _sentence(path, _nearest(lines, e["loc"]), e["loc"], _message(e, model))
            for e in found
            if not (e["type"] == "too_short" and e["loc"] in inner)
            and not _is_open(e["loc"], todos)
        ]
    if problems:
        # Pydantic's own text would print the values: they may be secrets.
        raise FactorError("\n".join(problems)) from None
    return made


def _todos(value: Value, loc: Loc) -> Iterator[tuple[Loc, Todo]]:
    """List the open places, in the order of the document."""
    if isinstance(value, Todo):
        yield loc, value
    items = value.items() if isinstance(value, dict) else ()
    for part, inner in enumerate(value) if isinstance(value, list) else items:
        yield from _todos(inner, (*loc, part))


def _answered(value: Value) -> Value:
    """Leave the open places out."""
    if isinstance(value, dict):
        return {k: _answered(v) for k, v in value.items() if not isinstance(v, Todo)}
    if isinstance(value, list):
        return [_answered(item) for item in value if not isinstance(item, Todo)]
    return value


def _as_written(value: Value, loc: Loc, missing: bool) -> Loc:
    """Leave out the tags by which Pydantic tells the models of a union apart.

    ``capital.pledge_loan.months`` is written ``capital.months``. The last part of what
    is ``missing`` is a key, not a tag.
    """
    kept: list[str | int] = []
    for n, part in enumerate(loc, 1):
        keys = value if isinstance(value, dict) else {}
        named = missing and n == len(loc)
        if not named and part not in keys and part in keys.values():
            continue
        kept.append(part)
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            value = keys.get(str(part))
    return tuple(kept)


def _is_open(loc: Loc, todos: Mapping[Loc, Todo]) -> bool:
    """Say whether an error may come of an open place at, in or around its own."""
    return any(todo[: len(loc)] == loc for todo in todos)


def _nearest(lines: Lines, loc: Loc) -> int:
    while loc not in lines:
        loc = loc[:-1]
    return lines[loc]


def _message(error: ErrorDetails, model: type[BaseModel]) -> str:
    loc, kind = error["loc"], error["type"]
    if kind.startswith("union_tag"):  # Pydantic's own text quotes the document
        context = error.get("ctx", {})
        known = context.get("expected_tags", "one of its kinds")
        return f"write {context['discriminator'].strip(chr(39))}: {known}"
    if kind != "extra_forbidden":
        return error["msg"].removeprefix("Value error, ")
    names = _names_at([model], loc[:-1])
    near = get_close_matches(str(loc[-1]), names, n=1)
    return "unknown key; " + (
        f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    )


def _names_at(models: list[type[BaseModel]], loc: Loc) -> list[str]:
    """List the keys that the models at ``loc`` know."""
    for part in loc:
        inner = [
            found
            for model in models
            for name, field in model.model_fields.items()
            if part in (name, field.alias)
            for found in _models_in(field.annotation)
        ]
        models = inner or models  # an index, or a key of a mapping, changes no model
    fields = [item for model in models for item in model.model_fields.items()]
    return [field.alias or name for name, field in fields]


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:  # Any: JSON Schema
    """Export a document's schema for editors: what a person writes, described.

    Fields that are filled in from elsewhere are left out, and so are titles, which only
    repeat the names.
    """
    made = model.model_json_schema()
    for part in (made, *made.get("$defs", {}).values()):
        fields = part.get("properties", {})
        for name in [n for n, f in fields.items() if FILLED.search(f["description"])]:
            del fields[name]
            part["required"] = [r for r in part.get("required", []) if r != name]
        for field in (part, *fields.values()):
            field.pop("title", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
