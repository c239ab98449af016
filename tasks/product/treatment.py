"""Find the columns that the steps of a treatment have really changed.

A step that leaves a column as it was is no treatment: ``{top_code: age, at: 200}``, or
``{generalise: name, prefix: 99}`` of names of 20 signs. Only the published rows are at
hand, so a step counts where its mark is seen in them.

phone 138****5678 under ``mask`` -> phone; age 30, 41 under ``top_code`` at 80 -> none.
"""

import polars as pl

from schemas.privacy import (
    BottomCode,
    Deidentification,
    Generalise,
    Mask,
    Round,
    Step,
    TopCode,
)


def changed(rows: pl.LazyFrame, asked: Deidentification) -> frozenset[str]:
    """Name the columns in whose published values a step is seen, and that of counts."""
    schema = rows.collect_schema()
    steps = [(name, step) for name, step in asked.by_column if name in schema]
    seen = rows.select(
        mark(step, name, schema[name]).any().alias(str(number))
        for number, (name, step) in enumerate(steps)
    ).collect()
    marked = {name for number, (name, _) in enumerate(steps) if any(seen[str(number)])}
    return frozenset(marked) | {table.cells for table in asked.tables}


def mark(step: Step, name: str, dtype: pl.DataType) -> pl.Expr:
    """Say of each value whether the step may have made it what it is.

    A limit that a later step has made text of is not seen; that step is.
    """
    value = pl.col(name)
    if isinstance(step, Mask):
        return value.cast(pl.String).str.contains("*", literal=True)
    if isinstance(step, TopCode | BottomCode):
        if not dtype.is_numeric():
            return pl.lit(False)
        limit = float(step.at)
        return value >= limit if isinstance(step, TopCode) else value <= limit
    if isinstance(step, Round):
        return pl.lit(not dtype.is_integer() or step.to > 1)
    if isinstance(step, Generalise):
        return group_mark(step, value, dtype)
    return pl.lit(True)  # a pseudonym is never the value


def group_mark(step: Generalise, value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Say of each value whether it may stand for others: cut, or named anew."""
    if step.width is not None:
        return pl.lit(not dtype.is_integer() or step.width > 1)
    if step.prefix is not None:
        return value.cast(pl.String).str.len_chars() >= step.prefix
    if step.hierarchy is not None:
        groups = {new for old, new in step.hierarchy.items() if new != old}
        return value.cast(pl.String).is_in(sorted(groups))
    return pl.lit(True)  # a band, a month or a year is never the value
