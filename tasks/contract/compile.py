"""Compile a Pandera schema into expressions that are true where a row is bad.

Each check's own function is run on a recorder in place of a LazyFrame; what it asks to
select is the check. So Pandera's meaning is kept, and what cannot be kept is refused by
name when the contract is loaded, never skipped.
"""

import functools
import hashlib
import json
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pandera.polars as pa
import polars as pl
from pandera.api.function_dispatch import Dispatcher
from pandera.api.polars.types import PolarsData
from pandera.backends.polars.register import register_polars_backends

from schemas.errors import ContractError

register_polars_backends()  # or the first look at a built-in check finds none

RAGGED = "*:ragged line"
Schema = pa.DataFrameSchema
# Alternation or end outside one group: "^a|b$" means "starts with a, or ends with b".
ANCHORED = re.compile(r"^\^.*\$$", re.S)


@dataclass(frozen=True)
class Contract:
    """A schema as the pass needs it.

    ``bad`` holds the rules asked of one row, in bit order; those of ``uniques`` follow.
    """

    schema: Schema
    bad: Mapping[str, pl.Expr]
    uniques: tuple[tuple[str, ...], ...]
    order: tuple[str, ...]
    parsed: bool
    digest: str

    @property
    def columns(self) -> list[str]:
        """The contract's columns, in order."""
        return list(self.schema.columns)

    @property
    def dtypes(self) -> dict[str, Any]:  # Any: Polars types, classes or instances
        """The type of each column."""
        return {n: c.dtype.type for n, c in self.schema.columns.items()}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every rule in bit order."""
        return (*self.bad, *(f"unique:{','.join(key)}" for key in self.uniques))


class Recorder:
    """Stands in for the frame a check is given, and keeps what it selects."""

    def select(self, *asked: Any) -> "Selected":  # Any: names, expressions, lists
        """Keep the selection instead of making it."""
        flat = [x for a in asked for x in (a if isinstance(a, list | tuple) else [a])]
        return Selected([pl.col(x) if isinstance(x, str) else x for x in flat])

    def __getattr__(self, name: str) -> NoReturn:
        raise ContractError(f"uses LazyFrame.{name}; return data.lazyframe.select(…)")


@dataclass(frozen=True)
class Selected:
    """What a check returned."""

    expressions: list[pl.Expr]


def compile_contract(
    schema: Schema, order: tuple[str, ...] = (), parsed: bool = False
) -> Contract:
    """Turn a schema into row rules, unique keys, a total sort order and a digest.

    Args:
        schema: From written columns or ``DataFrameModel.to_schema()``.
        order: Sort order of the rows; key columns, or all columns, are appended.
        parsed: The rows carry raw text ``_r_<column>``; adds a rule for text that does
            not parse, and one for ragged lines.

    Raises:
        ContractError: Something in it cannot be kept row by row; the sentence names it.
    """
    refuse_what_cannot_be_kept(schema)
    keys = ([tuple(schema.unique)] if schema.unique else []) + [
        (n,) for n, c in schema.columns.items() if c.unique
    ]
    uniques = tuple(dict.fromkeys(keys))
    tie = uniques[0] if uniques else tuple(schema.columns)
    bad = dict(row_rules(schema, parsed))
    return Contract(
        schema=schema,
        bad=bad,
        uniques=uniques,
        order=tuple(dict.fromkeys((*order, *tie))),
        parsed=parsed,
        digest=digest_of(schema, bad, uniques),
    )


def refuse_what_cannot_be_kept(schema: Schema) -> None:
    """Look for what Pandera would change or drop in silence."""
    named: dict[str, object] = {
        "coerce": schema.coerce,
        "add_missing_columns": schema.add_missing_columns,
        "drop_invalid_rows": schema.drop_invalid_rows,
        "parsers": schema.parsers,
        "index": schema.index,
    }
    for option, value in named.items():
        if value:
            refuse(schema.name or "the schema", f"{option} is set; leave it out")
    for key in schema.unique or []:
        if not isinstance(key, str):
            refuse("unique", "lists of lists stop at the first; name one key")
        if key not in schema.columns:
            refuse("unique", f"{key!r} is no column; Pandera would drop it silently")
    for name, column in schema.columns.items():
        refuse_column(name, column)


def refuse_column(name: str, column: pa.Column) -> None:
    """Refuse column options that change values or need the whole column."""
    named: dict[str, object] = {
        "coerce": column.coerce,
        "default": column.default is not None,
        "regex": column.regex,
        "parsers": column.parsers,
        "drop_invalid_rows": column.drop_invalid_rows,
        "required=False": not column.required,
    }
    for option, value in named.items():
        if value:
            refuse(name, f"{option} is set; leave it out")
    if column.dtype is None:
        refuse(name, "it has no type; give it one")


def refuse(where: str, why: str) -> NoReturn:
    """Say what cannot be kept, and the remedy."""
    raise ContractError(f"contract, {where}: {why}")


def row_rules(schema: Schema, parsed: bool) -> Iterator[tuple[str, pl.Expr]]:
    """Name every rule that one row can break, and the expression true where it does.

    ``required`` refuses null, and NaN in a float; every other rule lets null pass when
    ``ignore_na`` is set (Pandera's default). NaN and ±inf are values: NaN compares
    above every number, −0.0 equals 0.0.
    """
    types = {n: c.dtype.type for n, c in schema.columns.items()}
    whole = pl.col("_ragged").is_null() if parsed else pl.lit(True)
    if parsed:
        yield RAGGED, ~whole
    for name, column in schema.columns.items():
        value, raw = pl.col(name), pl.col(f"_r_{name}")
        if parsed and types[name] != pl.String:
            yield f"{name}:parse", value.is_null() & raw.is_not_null()
        if not column.nullable:
            missing = raw.is_null() if parsed else value.is_null()
            if types[name] in (pl.Float32, pl.Float64):
                missing |= value.is_nan().fill_null(False)
            yield f"{name}:required", missing & whole
        for i, check in enumerate(column.checks):
            where = f"{name}:{i}:{check.error or check.name}"
            yield where, ~holds(check, name, types, where)
    for i, check in enumerate(schema.checks):
        where = f"*:{i}:{check.error or check.name}"
        yield where, ~holds(check, "*", types, where)


def holds(check: pa.Check, key: str, types: Mapping[str, Any], where: str) -> pl.Expr:
    """Return the expression that is true where a row passes; it is never null."""
    refuse_check(check, key, where)
    data = PolarsData(Recorder(), key)  # type: ignore[arg-type]  # stands in for it
    try:
        # Private in Pandera: the pinned version and the comparison test guard it.
        answer = check._check_fn(data, **check._check_kwargs)
    except ContractError as error:
        refuse(where, str(error))
    if not isinstance(answer, Selected):
        refuse(where, f"returns {type(answer).__name__}, not a selection of columns")
    for expression in answer.expressions:
        refuse_expression(expression, types, where)
    both = functools.reduce(operator.and_, answer.expressions)
    return both.fill_null(bool(check.ignore_na))


def refuse_check(check: pa.Check, key: str, where: str) -> None:
    """Refuse options the pass would not honour, and names that promise another rule."""
    options = ("element_wise", "groupby", "raise_warning", "n_failure_cases")
    for option in options:
        if getattr(check, option, None):
            refuse(where, f"{option} is set; leave it out")
    built_in = isinstance(check._check_fn, Dispatcher)
    if pa.Check.is_builtin_check(str(check.name)) and not built_in:
        refuse(where, f"a function of your own carries the built-in's name {check.name}")
    if built_in and key == "*":
        refuse(where, "a built-in check of the whole frame; put it on each column")
    if built_in and check.name in ("unique_values_eq",):
        refuse(where, "needs the whole column; it cannot be kept row by row")
    if check.name == "str_matches" and built_in:
        refuse_pattern(str(check.statistics["pattern"]), where)


def refuse_pattern(pattern: str, where: str) -> None:
    """Refuse a pattern that would match only a part of the text."""
    inside = pattern.removeprefix("^").removesuffix("$")
    depth = 0
    for part in re.findall(r"\\.|\[(?:\\.|[^\]])*\]|[()|]|.", inside, re.S):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "|" and depth == 0:
            refuse(where, f"write ^(?:{inside})$: an alternative escapes the anchors")
    if not ANCHORED.match(pattern) or pattern.endswith("\\$"):
        refuse(where, f"write ^(?:{inside})$: without both anchors a part is enough")


def refuse_expression(
    expression: pl.Expr, types: Mapping[str, Any], where: str
) -> None:
    """Refuse what is not one Boolean a row, or what the engine cannot run at all."""
    if not row_by_row(expression):
        refuse(where, "it is not row by row: an aggregate or a neighbour decides")
    try:
        # Run once on no rows: an invalid or look-around regex shows only here.
        made = pl.DataFrame(schema=dict(types)).select(expression)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        refuse(where, f"cannot run ({first}); look-around is not supported")
    if made.dtypes != [pl.Boolean]:
        refuse(where, f"gives {made.dtypes}, not one true or false a row")


def row_by_row(expression: pl.Expr) -> bool:
    """Walk the whole expression: Polars itself judges the top node only."""
    meta = expression.meta
    if meta.is_literal():
        return True
    alone = meta.is_row_separable() and meta.is_length_preserving()
    return alone and not meta.is_scalar() and all(row_by_row(e) for e in meta.pop())


def digest_of(
    schema: Schema, bad: Mapping[str, pl.Expr], uniques: tuple[tuple[str, ...], ...]
) -> str:
    """Hash what the contract asks: columns, types, rules, keys."""
    said = {
        "columns": [(n, str(c.dtype.type)) for n, c in schema.columns.items()],
        "rules": list(bad),
        "unique": uniques,
    }
    state = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for expression in bad.values():
        # Not its text, which leaves out the values of a long list.
        state.update(expression.meta.serialize())
    return state.hexdigest()
