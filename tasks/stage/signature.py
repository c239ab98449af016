"""Read what a stage function takes and hands over, from its annotations alone."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pandera.polars as pa
import polars as pl

from schemas.artifact import Parts
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.privacy import Keys
from schemas.resource import Source
from schemas.terms import Terms
from tasks.contract import Contract, compile_contract

UNCHECKED = ("raw", "document", "manifest")  # bytes and lists, no frames
COMPARED = "compared"  # frames that results are held against, but do not derive from
TEXT = "text"  # a parameter that takes raw bytes, opened as text
MEMBERS = "members"  # raw bytes by source, opened as the digests of what they hold
# A DataFrameModel, or a method of the terms that yields a schema.
Declaration = Any  # no common type exists: a class or a function
StageFunction = Callable[..., Any]  # any stage function: its annotations say the rest


@dataclass(frozen=True)
class Shape:
    """The parameters and results of one stage function."""

    name: str
    signature: inspect.Signature
    inputs: Mapping[str, Declaration | None]  # frame parameters and their contract
    mappings: frozenset[str]  # those of them that take many frames by name
    parts: frozenset[str]  # parameters that take the refs of many parts, unopened
    outputs: Mapping[str, Declaration]
    single: bool
    compared: frozenset[str] = frozenset()  # parameters that nothing derives from
    keys: str = ""  # the parameter that takes secret keys, which no caller hands over


def frame_declaration(hint: Any) -> tuple[bool, Declaration | None]:  # Any: a type hint
    """Say whether a hint is a frame (or a mapping of frames), and its contract."""
    if get_origin(hint) is Annotated:
        base, first, *_ = get_args(hint)
        if first == COMPARED:
            return True, None
        return base is pl.LazyFrame or first in UNCHECKED, first
    if is_mapping(hint):
        return frame_declaration(get_args(hint)[1])
    return hint is pl.LazyFrame, None


def is_mapping(hint: Any) -> bool:  # Any: a type hint
    """Say whether a parameter takes many frames by name."""
    return get_origin(hint) in (dict, Mapping)


def is_compared(hint: Any) -> bool:  # Any: a type hint
    """Say whether a parameter takes frames that results are only held against."""
    inner = get_args(hint)[1] if is_mapping(hint) else hint
    return get_origin(inner) is Annotated and get_args(inner)[1] == COMPARED


def shape_of(function: StageFunction) -> Shape:
    """Read the annotations of ``function``.

    Raises:
        ContractError: A result is not ``Annotated[pl.LazyFrame, contract]``.
    """
    hints = get_type_hints(function, include_extras=True)
    result = hints.pop("return", None)
    is_frame, declared = frame_declaration(result)
    fields = {function.__name__: result} if is_frame else named_fields(result)
    outputs = {}
    for name, hint in fields.items():
        _, declared = frame_declaration(hint)
        if declared is None:
            raise ContractError(
                f"{function.__name__}: its result {name!r} has no contract; annotate it"
                " as Annotated[pl.LazyFrame, Contract]"
            )
        outputs[name] = declared
    if Gates in list(outputs.values())[1:]:
        raise ContractError(
            f"{function.__name__}: gates come first, or they could withhold nothing"
        )
    frames = {n: frame_declaration(h) for n, h in hints.items()}
    return Shape(
        name=function.__name__,
        signature=inspect.signature(function),
        inputs={n: contract for n, (is_a, contract) in frames.items() if is_a},
        mappings=frozenset(n for n, (is_a, _) in frames.items() if is_a)
        & frozenset(n for n, h in hints.items() if is_mapping(h)),
        parts=frozenset(n for n, h in hints.items() if h == Parts),
        outputs=outputs,
        single=is_frame and "manifest" not in outputs.values(),
        compared=frozenset(n for n, h in hints.items() if is_compared(h)),
        keys=next((n for n, h in hints.items() if h is Keys), ""),
    )


def named_fields(result: Any) -> dict[str, Any]:  # Any: a type hint and its fields
    """List the fields of a NamedTuple of frames."""
    if not (isinstance(result, type) and issubclass(result, tuple)):
        return {"result": result}
    return get_type_hints(result, include_extras=True)


def schema_of(declared: Declaration, terms: Terms) -> pa.DataFrameSchema:
    """Resolve a contract: a DataFrameModel is itself, a method asks the terms."""
    if isinstance(declared, type) and issubclass(declared, pa.DataFrameModel):
        return declared.to_schema()
    schema: pa.DataFrameSchema = declared(terms)
    return schema


def contract_of(declared: Declaration, terms: Terms) -> Contract:
    """Compile a contract; written columns bring their own sort order."""
    if isinstance(declared, type):
        return model_contract(declared)
    return written_contract(declared, Written(terms))


class Written:
    """Terms that are the same when they say the same: a chunk compiles them once."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.text = terms, terms.model_dump_json()

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Written) and self.text == other.text


@lru_cache(maxsize=64)
def written_contract(declared: Declaration, written: Written) -> Contract:
    """Compile the contract that a document writes."""
    terms = written.terms
    order = tuple(getattr(terms, "order", ()))
    return compile_contract(declared(terms), order, parsed=isinstance(terms, Source))


@cache
def model_contract(model: type[pa.DataFrameModel]) -> Contract:
    """Compile a contract that stands in code, once a process."""
    return compile_contract(model.to_schema())
