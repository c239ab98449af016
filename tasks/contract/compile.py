"""Compile a Pandera schema into expressions that are true where a row is bad.

Each check's own function runs once, on a recorder in place of a LazyFrame; what it asks
the recorder to select *is* the check. So the meaning stays Pandera's, and whatever does
more than select is refused by name.

What a value means: **null** breaks only ``required`` (and a check with
``ignore_na=False``). **NaN** breaks ``required`` too; else it is a number above all
others, so ``le(5)`` refuses it and ``gt(5)`` lets it pass. **±inf** are numbers.
**−0.0** equals 0.0, also as a key. In ``unique`` null equals null and NaN equals NaN.

Rules that Pandera has no words for stand beside the schema, in its metadata. A warning,
and a rule about the set, is an expression that is counted and rejects nothing. SQL over
the row passes where it is null, as a CHECK does.

``Column(int, Check.ge(0))`` on [1, null, −1] -> ``n:required`` is true for the second
row, ``n:0:…`` for the third.
"""

import functools
import hashlib
import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pandera.polars as pa
import polars as pl
from pandera.api.function_dispatch import Dispatcher
from pandera.api.polars.types import PolarsData
from sqlglot import exp

from schemas.contract import BESIDE, Beside
from schemas.errors import ContractError, FactorError
from schemas.rule import Quality
from tasks.contract.refusal import (
    refuse,
    refuse_check,
    refuse_expressions,
    refuse_moment,
    refuse_reference,
    refuse_schema,
)
from tasks.sql import guard, plan_schema

SET_ASIDE = "_set_aside"  # true of rows that a stage itself puts into quarantine
RAW = "_r_"  # beside typed ``distance`` stands its raw text ``_r_distance``


@dataclass(frozen=True)
class Contract:
    """A schema as the pass needs it.

    ``bad`` holds the rules one row can break, in bit order; ``uniques`` are the keys,
    whose bits follow. ``counted`` and ``repeats`` are the same of rules that reject
    nothing. ``rules`` tells of each name what the document declared. ``references``
    names the columns that the pass adds: whether a column's value is in another table.
    ``order`` is total: rows equal in it are equal in every column, or one of them
    breaks a key.
    """

    schema: pa.DataFrameSchema
    bad: Mapping[str, pl.Expr]
    uniques: tuple[tuple[str, ...], ...]
    order: tuple[str, ...]
    parsed: bool
    digest: str
    counted: Mapping[str, pl.Expr] = field(default_factory=dict)
    repeats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: Mapping[str, Quality] = field(default_factory=dict)
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The type of each column."""
        return dtypes_of(self.schema)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every rule that rejects rows, in bit order."""
        return (*self.bad, *map(unique_reason, self.uniques))

    @property
    def broken(self) -> pl.Expr:
        """True where a row breaks any rule."""
        return pl.any_horizontal(*self.bad.values()) if self.bad else pl.lit(False)

    @property
    def sets(self) -> dict[str, Quality]:
        """The rules about the whole set, judged when the pass has counted."""
        return {name: rule for name, rule in self.rules.items() if not rule.by_row}

    @property
    def keep(self) -> tuple[str, str] | None:
        """``first`` or ``last``, and the column that decides which copy stands."""
        which, _, column = beside_of(self.schema).keep.partition(" by ")
        return (which, column) if which else None

    @property
    def drops_repeats(self) -> bool:
        """Say whether of rows equal in every column one stands for all."""
        return beside_of(self.schema).drop_repeats


def beside_of(schema: pa.DataFrameSchema) -> Beside:
    """Read what a document asks beside its columns; a model in code asks nothing."""
    found: Beside = (schema.metadata or {}).get(BESIDE) or Beside()
    return found


def unique_reason(key: tuple[str, ...]) -> str:
    """Name the rule that a key repeats: ``unique:a,b``."""
    return f"unique:{','.join(key)}"


class Recorder:
    """Stand in for the frame a check is given, and keep what it selects."""

    def select(self, *asked: Any, **named: Any) -> "Selected":  # Any: as Polars takes
        """Keep the selection instead of making it."""
        flat = [x for a in asked for x in (a if isinstance(a, list | tuple) else [a])]
        columns = [pl.col(x) if isinstance(x, str) else x for x in flat]
        return Selected([*columns, *(x.alias(n) for n, x in named.items())])

    def __getattr__(self, name: str) -> NoReturn:
        raise ContractError(f"it uses LazyFrame.{name}; only select is row by row")


class Selected:
    """What a check returned."""

    def __init__(self, expressions: list[pl.Expr]) -> None:
        self.expressions = expressions

    def __getattr__(self, name: str) -> NoReturn:
        raise ContractError(f"it calls {name} after select; return the selection")


def compile_contract(
    schema: pa.DataFrameSchema,
    order: tuple[str, ...] = (),
    parsed: bool = False,
    tables: Mapping[str, Mapping[str, pl.DataType]] | None = None,
) -> Contract:
    """Turn a schema into row rules, keys, a total sort order and a digest.

    Args:
        schema: Of written columns, or ``DataFrameModel.to_schema()``.
        order: Leading sort order; the key, or every column, is appended.
        parsed: Rows come from text: ``_r_<column>`` beside each column. Adds rules for
            text that does not parse, lines that do not split, bytes that do not decode.
        tables: Tables that a rule may refer to, with the types of their columns; left
            out, only the pass sees whether they are there.

    Returns:
        The contract. 3 columns, one required, one check, one key -> 3 reasons.

    Raises:
        ContractError: Something cannot be kept; the sentence names place and remedy.
    """
    refuse_schema(schema)
    if unknown := [name for name in order if name not in schema.columns]:
        refuse("order", f"{unknown} are not columns; correct their spelling")
    declared = list(declared_rules(schema))
    references = {
        f"_in_{i}": (column, rule.reference)
        for i, (_, column, rule) in enumerate(declared)
        if rule.reference
    }
    for column, reference in references.values():
        refuse_reference(column, reference, dtypes_of(schema)[column], tables)
    beside = {
        name: broken(name, column, rule, schema, parsed, references)
        for name, column, rule in declared
        if not rule.held and rule.metric in ("invalidValues", "nullValues")
    }
    rules = {name: rule for name, _, rule in declared}
    rejects = {n for n, r in rules.items() if r.by_row and r.severity == "error"}
    uniques = keys_of(schema, declared)
    tie = uniques[0] if uniques else tuple(schema.columns)
    return Contract(
        schema=schema,
        bad=dict(row_rules(schema, parsed))
        | {name: e for name, e in beside.items() if name in rejects},
        uniques=uniques,
        order=tuple(dict.fromkeys((*order, *tie))),
        parsed=parsed,
        digest=digest_of(schema, uniques),
        counted={name: e for name, e in beside.items() if name not in rejects},
        repeats={
            name: whole_or(column, schema)
            for name, column, rule in declared
            if rule.metric == "duplicateValues" and name not in rejects
        },
        rules=rules,
        references=references,
    )


def declared_rules(
    schema: pa.DataFrameSchema,
) -> Iterator[tuple[str, str, Quality]]:
    """Name every rule of the document, with its column ("*" for the whole row).

    Those that Pandera holds are its last checks, and bear their names.
    """
    every = beside_of(schema).rules
    for column in (*schema.columns, "*"):
        checks = schema.checks if column == "*" else schema.columns[column].checks
        rules = sorted((r for c, r in every if c == column), key=lambda r: not r.held)
        first = len(checks) - sum(rule.held for rule in rules)
        for i, rule in enumerate(rules, first):
            if rule.metric == "freshness":
                refuse_moment(schema, column)
            stands = rule.by_row and rule.severity == "error"
            if rule.metric == "duplicateValues" and stands:
                yield unique_reason(whole_or(column, schema)), column, rule
            else:
                yield f"{column}:{i}:{rule.words}", column, rule


def whole_or(column: str, schema: pa.DataFrameSchema) -> tuple[str, ...]:
    """Give the column, or of a rule about the whole row every one."""
    return tuple(schema.columns) if column == "*" else (column,)


def keys_of(
    schema: pa.DataFrameSchema, declared: list[tuple[str, str, Quality]]
) -> tuple[tuple[str, ...], ...]:
    """List what may not repeat; the key comes first."""
    composite = [tuple(schema.unique)] if schema.unique else []
    single = [(name,) for name, column in schema.columns.items() if column.unique]
    rules = [
        whole_or(column, schema)
        for _, column, rule in declared
        if rule.metric == "duplicateValues" and rule.by_row and rule.severity == "error"
    ]
    return tuple(dict.fromkeys(composite + single + rules))


def broken(
    where: str,
    column: str,
    rule: Quality,
    schema: pa.DataFrameSchema,
    parsed: bool,
    references: Mapping[str, tuple[str, str]],
) -> pl.Expr:
    """Return the expression that is true where a row breaks a rule beside Pandera."""
    types = dtypes_of(schema)
    if rule.metric == "nullValues":
        return missing(column, types[column], parsed)
    if rule.expression:
        return ~truth(rule.expression, types, where)
    if rule.reference:
        found = next(n for n, r in references.items() if r == (column, rule.reference))
        return pl.col(column).is_not_null() & pl.col(found).is_null()
    check = rule.check()
    assert check is not None
    return ~holds(check, column, types, where)


def truth(expression: str, types: dict[str, pl.DataType], where: str) -> pl.Expr:
    """Compile SQL over the row; where it is null the row passes.

    Raises:
        ContractError: The guard refuses it, it does not fit the columns, or other rows
            decide.
    """
    select = "SELECT "
    query = f"{select}{expression} AS kept FROM row"
    try:
        tree = guard(query, ("row",), where, wrapped=len(select))
        if len(tree.selects) > 1 or tree.args.get("where"):
            refuse(where, "it is more than one expression; keep one")
        if tree.find(exp.AggFunc, exp.Window, exp.Subquery, exp.Exists):
            refuse(where, "it is not row by row: other rows decide; compare columns")
        plan_schema(query, {"row": types}, where)
        kept = pl.sql_expr(expression)
    except FactorError as error:
        raise ContractError(f"contract, {error}") from error
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        refuse(where, f"it is no expression over one row ({first}); mend it")
    refuse_expressions([kept], types, where, sql=True)
    return kept.fill_null(True)


def dtypes_of(schema: pa.DataFrameSchema) -> dict[str, pl.DataType]:
    """Read the engine's type of each column."""
    return {name: column.dtype.type for name, column in schema.columns.items()}


def row_rules(
    schema: pa.DataFrameSchema, parsed: bool
) -> Iterator[tuple[str, pl.Expr]]:
    """Name each rule one row can break, with the expression true where it does."""
    if parsed:
        yield "*:ragged line", pl.col("_ragged").is_not_null() & ~pl.col("_unreadable")
        yield "*:unreadable line", pl.col("_unreadable")
    types = dtypes_of(schema)
    for name, column in schema.columns.items():
        if parsed and types[name] != pl.String:
            unread = pl.col(name).is_null() & pl.col(RAW + name).is_not_null()
            yield f"{name}:parse", unread
        if not column.nullable:
            yield f"{name}:required", missing(name, types[name], parsed)
        for i, check in enumerate(column.checks):
            where = f"{name}:{i}:{check.error or check.name}"
            yield where, ~holds(check, name, types, where)
    for i, check in enumerate(schema.checks):
        where = f"*:{i}:{check.error or check.name}"
        yield where, ~holds(check, "*", types, where)


def missing(name: str, dtype: pl.DataType, parsed: bool) -> pl.Expr:
    """Ask whether a value is missing; parsed text is judged before it is parsed."""
    if parsed:  # no text parses to NaN, and a line that did not split misses nothing
        return pl.col(RAW + name).is_null() & pl.col("_ragged").is_null()
    value = pl.col(name)
    if dtype.is_float():
        return value.is_null() | value.is_nan().fill_null(False)
    return value.is_null()


def holds(
    check: pa.Check, key: str, types: dict[str, pl.DataType], where: str
) -> pl.Expr:
    """Return the expression that is true where a row passes; it is never null."""
    refuse_check(check, key, where)
    expressions = recorded(check, key, where)
    refuse_expressions(expressions, types, where)
    every = functools.reduce(operator.and_, expressions)
    return every.fill_null(bool(check.ignore_na))


def recorded(check: pa.Check, key: str, where: str) -> list[pl.Expr]:
    """Run the check's function on the recorder."""
    data = PolarsData(Recorder(), key)  # type: ignore[arg-type]  # stands in for it
    try:
        # Private names: the exact comparison with Pandera in the tests guards them.
        answer = check._check_fn(data, **check._check_kwargs)
    except ContractError as error:
        refuse(where, str(error))
    except Exception as error:  # a person's function may raise anything
        name = type(error).__name__
        refuse(where, f"its function raised {name}; return data.lazyframe.select(…)")
    if not isinstance(answer, Selected) or not answer.expressions:
        kind = type(answer).__name__
        refuse(where, f"it returns {kind}; return data.lazyframe.select(expression)")
    return answer.expressions


def digest_of(schema: pa.DataFrameSchema, uniques: tuple[tuple[str, ...], ...]) -> str:
    """Hash what the contract asks: columns, types, rules, keys."""
    columns = [
        [name, str(c.dtype.type), c.nullable, [said(check, name) for check in c.checks]]
        for name, c in schema.columns.items()
    ]
    beside = beside_of(schema)
    rules = [[column, rule.model_dump(mode="json")] for column, rule in beside.rules]
    own = [said(check, "*") for check in schema.checks]
    asked: list[object] = [columns, own, uniques]
    if beside != Beside():
        asked += [rules, beside.keep, beside.drop_repeats]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def said(check: pa.Check, key: str) -> list[str]:
    """Write a check down whole; how an expression prints may leave values out."""
    if isinstance(check._check_fn, Dispatcher):
        values = {k: canonical(v) for k, v in sorted(check._check_kwargs.items())}
        return [str(check.name), json.dumps(values), str(check.ignore_na)]
    trees = [e.meta.serialize() for e in recorded(check, key, key)]
    return ["", *(hashlib.sha256(t).hexdigest() for t in trees), str(check.ignore_na)]


def canonical(value: object) -> str | list[str]:
    """Write one value of a check; a set has no order of its own."""
    if isinstance(value, set | frozenset | list | tuple):
        return sorted(f"{type(item).__name__} {item!r}" for item in value)
    return f"{type(value).__name__} {value!r}"
