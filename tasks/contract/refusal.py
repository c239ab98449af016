"""Refuse, when a contract is loaded, what the pass could not keep row by row.

Pandera itself drops some of this in silence (a misspelt column in ``unique``), changes
values (``coerce``, ``default``) or lets rows pass (``raise_warning``). Here each is one
sentence that names the place and the remedy.

``^a|b$`` lets "zb" pass -> refused: write ``^(?:a|b)$``.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NoReturn

import pandera.polars as pa
import polars as pl
from pandera.api.function_dispatch import Dispatcher

from schemas.errors import ContractError

# A class, an escape or a single sign: enough to know which "|" stands in no group. A
# nested class ([a[b|c]]) is read as ending early, so it is refused rather than missed.
TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]])*\]|.", re.S)
# With m, ^ and $ also match inside the text; with x, a comment can swallow the $.
LOOSE_FLAGS = re.compile(r"\(\?[a-zA-Z-]*[mx][a-zA-Z-]*[:)]")
CHECK_OPTIONS = (
    *("element_wise", "groupby", "groups", "raise_warning", "n_failure_cases"),
)
COLUMN_OPTIONS = ("coerce", "regex", "parsers", "drop_invalid_rows")
SCHEMA_OPTIONS = (
    *("coerce", "dtype", "parsers", "index", "drop_invalid_rows"),
    "add_missing_columns",
)


def refuse(where: str, why: str) -> NoReturn:
    """Say what cannot be kept and how to mend it."""
    raise ContractError(f"contract, {where}: {why}")


def refuse_schema(schema: pa.DataFrameSchema) -> None:
    """Refuse what is asked of the whole schema, then of each column."""
    refuse_options(schema.name or "schema", schema, SCHEMA_OPTIONS)
    for name in schema.unique or []:
        if not isinstance(name, str):
            refuse("unique", "only the first of several keys is kept; name one key")
        if name not in schema.columns:
            refuse("unique", f"{name!r} is not a column; correct its spelling")
    for name, column in schema.columns.items():
        refuse_column(name, column)


def refuse_column(name: str, column: pa.Column) -> None:
    """Refuse column options that change values or make the column optional."""
    refuse_options(name, column, COLUMN_OPTIONS)
    if column.default is not None:
        refuse(name, "default is not supported; leave it out")
    if not column.required:
        refuse(name, "required=False is not supported; leave it out")
    if column.report_duplicates != "all":
        refuse(name, "report_duplicates is not supported; leave it out")
    if column.dtype is None:
        refuse(name, "it has no type; give it one")
    if column.dtype.type.is_nested():
        refuse(name, "lists and structs are not supported; give each part a column")


def refuse_options(where: str, asked: object, options: tuple[str, ...]) -> None:
    """Refuse every option that is set."""
    for option in options:
        if getattr(asked, option):
            refuse(where, f"{option} is not supported; leave it out")


def refuse_check(check: pa.Check, key: str, where: str) -> None:
    """Refuse options the pass does not honour and names that promise another rule."""
    refuse_options(where, check, CHECK_OPTIONS)
    built_in = isinstance(check._check_fn, Dispatcher)
    registered = check.name in pa.Check.REGISTERED_CUSTOM_CHECKS
    if not built_in and not registered and hasattr(pa.Check, str(check.name)):
        refuse(where, f"its function only borrows the name {check.name!r}; rename it")
    if built_in and key == "*":
        refuse(where, f"{check.name} is for a column; put it on each column it is for")
    if built_in and check.name == "unique_values_eq":
        refuse(where, "unique_values_eq asks all rows at once; use isin")
    if built_in and check.name == "str_matches":
        refuse_pattern(check._check_kwargs["pattern"], where)


def refuse_moment(schema: pa.DataFrameSchema, column: str) -> None:
    """Refuse freshness of what is no date."""
    if not schema.columns[column].dtype.type.is_temporal():
        refuse(column, "freshness is of dates; name a date or timestamp")


def refuse_reference(
    column: str,
    reference: str,
    dtype: pl.DataType,
    tables: Mapping[str, Mapping[str, pl.DataType]] | None,
) -> None:
    """Refuse a reference that names nothing, or values that could not be equal."""
    if dtype.is_float():
        refuse(column, f"{reference} cannot list numbers with a point; use integers")
    if tables is None:
        return
    table, _, name = reference.partition(".")
    known = [f"{t}.{n}" for t, names in tables.items() for n in names]
    if reference not in known:
        near = get_close_matches(reference, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        refuse(column, f"{reference} is no column of a source; {hint}")
    if (found := tables[table][name]) != dtype:
        refuse(column, f"{reference} is {found}, not {dtype}; declare both alike")


def refuse_pattern(given: str | re.Pattern[str], where: str) -> None:
    """Refuse a pattern that a part of the text can satisfy."""
    if isinstance(given, re.Pattern):
        if given.flags != re.UNICODE:
            refuse(where, "flags of a compiled pattern are lost; write them as (?i)")
        given = given.pattern
    tokens = TOKEN.findall(given)
    anchored = tokens[:1] == ["^"] and tokens[-1:] == ["$"]
    inside = "".join(tokens[1:-1]) if anchored else given
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "|" and depth == 0:
            refuse(where, f"an alternative escapes the anchors; write ^(?:{inside})$")
    if not anchored:
        refuse(where, f"it needs both anchors, ^ and $; write ^(?:{inside})$")
    if LOOSE_FLAGS.search(given):
        refuse(where, "the flags m and x loosen the anchors; leave them out")


def refuse_expressions(
    made: list[pl.Expr], types: dict[str, pl.DataType], where: str, sql: bool = False
) -> None:
    """Refuse what does not give one true or false for each row."""
    if any(e.meta.has_multiple_outputs() for e in made):
        refuse(where, "it selects several columns at once; name each column")
    if not all(row_by_row(e, sql) for e in made):
        refuse(where, "it is not row by row: other rows decide; compare columns")
    try:
        # Run once on no rows: an invalid regex is not found by planning alone.
        answer = pl.DataFrame(schema=types).select(made)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        remedy = "write a date as DATE '2024-01-31'" if sql else "it has no look-around"
        refuse(where, f"the engine cannot run it ({first}); {remedy}")
    if any(dtype != pl.Boolean for dtype in answer.dtypes):
        refuse(where, "it must give true or false for each row; compare with something")


def row_by_row(expression: pl.Expr, sql: bool = False) -> bool:
    """Walk the whole expression, since Polars judges its top node only.

    Some nodes it cannot judge at all. From Python they are a person's functions; from
    ``sql``, which has passed the guard, they are IN lists and the like.
    """
    meta = expression.meta
    if meta.is_literal():
        return True
    try:
        alone = meta.is_row_separable() and meta.is_length_preserving()
        alone = alone and not meta.is_scalar()
    except pl.exceptions.PolarsError:
        alone = sql
    return alone and all(row_by_row(part, sql) for part in meta.pop())
