"""Treat rows step by step, so that they say less about a person.

Each step replaces one column by a less telling one of the same name. Null stays null,
and NaN becomes null.

age 37 with ``width: 10`` -> 30; 13812345678 with ``first: 3, last: 4`` -> 138****5678;
2024-05-17 ``to: month`` -> "2024-05".

Source: GB/T 37964-2019, annex A (suppression, pseudonymisation, generalisation); NIST
SP 800-224 for HMAC: the key decides what no table of guessed values can undo.
"""

import hmac
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from itertools import pairwise

import polars as pl

from schemas.errors import FactorError
from schemas.privacy import (
    BottomCode,
    Cells,
    Drop,
    Generalise,
    Keys,
    Mask,
    Pseudonym,
    Round,
    Step,
    TopCode,
    word_of,
)
from tasks.product.cells import withhold


def treat(
    rows: pl.LazyFrame, steps: tuple[Step, ...], keys: Keys, least: int
) -> pl.LazyFrame:
    """Apply the steps in their order.

    Args:
        rows: What the query or the task yields.
        steps: What is done to them.
        keys: Keys of the pseudonyms, by name.
        least: Least count told of a table of counts that names no threshold.

    Raises:
        FactorError: A step names a column that is not there or does not fit its type.
    """
    for number, step in enumerate(steps):
        where = f"product.deidentification.steps.{number}"
        rows = treated(rows, step, keys, least, where)
    return rows


def treated(
    rows: pl.LazyFrame, step: Step, keys: Keys, least: int, where: str
) -> pl.LazyFrame:
    """Apply one step."""
    schema = rows.collect_schema()
    if isinstance(step, Drop):
        for name in step.drop:
            known(schema, name, where)
        return rows.drop(step.drop)
    if isinstance(step, Cells):
        for name in (step.cells, *step.by):
            known(schema, name, where)
        demand(schema[step.cells].is_integer(), step.cells, "whole numbers", where)
        return withhold(rows.collect(), step, step.threshold or least, where).lazy()
    name = getattr(step, str(word_of(step)))
    dtype = known(schema, name, where)
    return rows.with_columns(less(step, pl.col(name), name, dtype, keys, where))


def known(schema: pl.Schema, name: str, where: str) -> pl.DataType:
    """Find a column's type, or say which one may have been meant."""
    if name in schema:
        return schema[name]
    near = get_close_matches(name, schema, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(schema)}"
    raise FactorError(f"{where}: column {name} is not there at this step; {hint}")


def demand(fits: bool, name: str, kind: str, where: str) -> None:
    """Refuse a column of another type than the step works on."""
    if not fits:
        raise FactorError(
            f"{where}: {name} does not hold {kind}; name another column or step"
        )


def less(
    step: Step, value: pl.Expr, name: str, dtype: pl.DataType, keys: Keys, where: str
) -> pl.Expr:
    """Say what stands in the column after the step."""
    plain = dtype.is_integer() or dtype == pl.String
    if isinstance(step, Mask):
        demand(plain, name, "text or whole numbers", where)
        return masked(value.cast(pl.String), step.first, step.last)
    if isinstance(step, Pseudonym):
        demand(plain or dtype.is_temporal(), name, "text, whole numbers, dates", where)
        named = partial(pseudonyms, keys, step.key)
        text = value.cast(pl.String)
        return text.map_batches(named, return_dtype=pl.String, is_elementwise=True)
    if isinstance(step, Generalise):
        return generalised(step, value, name, dtype, where)
    demand(dtype.is_integer() or dtype.is_float(), name, "numbers", where)
    value = value.fill_nan(None) if dtype.is_float() else value
    if isinstance(step, Round):
        return multiples(value, step.to, dtype, half=True)
    assert isinstance(step, TopCode | BottomCode)
    limit = number(step.at, dtype)
    one_side = {"upper_bound" if isinstance(step, TopCode) else "lower_bound": limit}
    return value.clip(**one_side)


def generalised(
    step: Generalise, value: pl.Expr, name: str, dtype: pl.DataType, where: str
) -> pl.Expr:
    """Generalise a column in the one way that the step names."""
    if step.width is not None or step.bands is not None:
        demand(dtype.is_integer() or dtype.is_float(), name, "numbers", where)
        value = value.fill_nan(None) if dtype.is_float() else value
        if step.width is not None:
            return multiples(value, step.width, dtype, half=False)
        return banded(value, step.bands or (), dtype)
    if step.to is not None:
        demand(dtype == pl.Date or dtype == pl.Datetime, name, "dates", where)
        return value.dt.strftime("%Y-%m" if step.to == "month" else "%Y")
    if step.prefix is not None:
        demand(dtype == pl.String, name, "text", where)
        return value.str.slice(0, step.prefix)
    demand(dtype.is_integer() or dtype == pl.String, name, "text", where)
    groups = dict(step.hierarchy or {})
    return value.cast(pl.String).replace_strict(
        groups, default=None, return_dtype=pl.String
    )


def masked(text: pl.Expr, first: int, last: int) -> pl.Expr:
    """Keep the ends; a text no longer than them is hidden whole."""
    hidden = text.str.replace_all(r"(?s).", "*")
    inner = hidden.str.head(text.str.len_chars().cast(pl.Int64) - first - last)
    shown = pl.concat_str(text.str.head(first), inner, text.str.tail(last))
    return pl.when(text.str.len_chars() > first + last).then(shown).otherwise(hidden)


def pseudonyms(keys: Keys, key: str, values: pl.Series) -> pl.Series:
    """Name each value by its HMAC-SHA256 under the key, as 64 hex signs.

    The key is looked up when there is a value: a plan is made without any.
    """
    made = [
        None
        if value is None
        else hmac.digest(keys.values[key], value.encode(), "sha256").hex()
        for value in values
    ]
    return pl.Series(values.name, made, dtype=pl.String)


def number(limit: Decimal, dtype: pl.DataType) -> int | float:
    """Write a limit as the column's type where that loses nothing."""
    whole = limit == limit.to_integral_value() and dtype.is_integer()
    return int(limit) if whole else float(limit)


def multiples(value: pl.Expr, step: Decimal, dtype: pl.DataType, half: bool) -> pl.Expr:
    """Go down to a multiple of ``step``; with ``half`` to the nearest. -5, 10 -> -10.

    In whole numbers where both are whole. Else rounded to the digits of ``step``, for
    3 × 0.1 is 0.30000000000000004.
    """
    width = number(step, dtype)
    if isinstance(width, int):
        return (
            (value * 2 + width) // (2 * width) * width
            if half
            else (value // width * width)
        )
    digits = max(0, -int(step.normalize().as_tuple().exponent))
    return ((value / width + (0.5 if half else 0.0)).floor() * width).round(digits)


def banded(value: pl.Expr, limits: tuple[Decimal, ...], dtype: pl.DataType) -> pl.Expr:
    """Name the band of a number: ``under 18``, ``18 to under 65``, ``65 and over``."""
    said = [f"{limit.normalize():f}" for limit in limits]
    names = [
        f"under {said[0]}",
        *(f"{low} to under {high}" for low, high in pairwise(said)),
        f"{said[-1]} and over",
    ]
    passed = [(value >= number(limit, dtype)).cast(pl.UInt32) for limit in limits]
    band = pl.sum_horizontal(*passed, ignore_nulls=False)
    return band.replace_strict(
        dict(enumerate(names)), default=None, return_dtype=pl.String
    )
