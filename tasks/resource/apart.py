"""Refuse what cannot be kept where a resource is made part by part.

A key that two parts may share, a window or a group that spans parts, a LIMIT: each part
would answer for itself, and nobody would see it.
"""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from schemas.contract import Declared
from schemas.errors import FactorError
from schemas.resource import Partition, ResourceTerms, Source

WHOLE = ("rowCount", "volume")  # rules about all rows of a set


def refuse_apart(terms: ResourceTerms, source: Source, own: Partition) -> None:
    """See that parts can be made one by one, and mean the same.

    Args:
        terms: The partitioned resource.
        source: The source whose rows decide.
        own: The partition in that source's words.

    Raises:
        FactorError: One sentence for the first thing that cannot be kept.
    """
    assert terms.partition is not None
    for where, declared, part in (
        (f"sources.{source.name}", source, own),
        ("resource", terms, terms.partition),
    ):
        refuse_column(where, declared, part)
        for key in keys_of(declared):
            if part.column not in key:
                raise FactorError(
                    f"{where}: {', '.join(key)} must be unique, but parts are made one"
                    f" by one; add the partition's column {part.column} to the key"
                )
    if any(rule.metric in WHOLE for rule in source.quality):
        raise FactorError(
            f"sources.{source.name}.quality: rowCount and volume are about the whole,"
            " and this source is read part by part; write them under resource.quality"
        )
    if terms.consolidate.strip():
        refuse_sql(terms.consolidate, source.name, own)
    for name, label in terms.labels.items():
        tree = sqlglot.parse_one(f"SELECT {label}", read="postgres")
        refuse_windows(f"resource.labels.{name}", tree, terms.partition)


def refuse_column(where: str, declared: Declared, part: Partition) -> None:
    """See that each row has a value that names its part."""
    column = next((c for c in declared.columns if c.name == part.column), None)
    if column is None or not column.required:
        raise FactorError(
            f"{where}: the partition's column {part.column} must be declared with"
            " required: true; a row without a value has no part"
        )
    if part.by == "value" and column.classification in ("personal", "sensitive"):
        raise FactorError(
            f"{where}: {part.column} is {column.classification}, and values that divide"
            " a resource stand in names everywhere; partition by another column"
        )
    dated = column.logical_type in ("date", "timestamp")
    if part.by != "value" and not dated:
        raise FactorError(
            f"{where}: {part.column} is {column.logical_type}, which has no {part.by};"
            " partition by value, or by a date or timestamp"
        )
    if part.by == "value" and column.logical_type in ("number", "timestamp"):
        raise FactorError(
            f"{where}: {part.column} is {column.logical_type}, whose values name no"
            " part; partition by a text, an integer, a date, or by day or month"
        )


def keys_of(declared: Declared) -> Iterator[tuple[str, ...]]:
    """List all that may not repeat."""
    if declared.key:
        yield declared.key
    yield from ((c.name,) for c in declared.columns if c.unique)
    rules = [(c.name, r) for c in declared.columns for r in c.quality]
    rules += [(r.column, r) for r in declared.quality]
    for column, rule in rules:
        if rule.metric == "duplicateValues" and column:  # a whole row has every column
            yield (column,)


def refuse_sql(sql: str, source: str, own: Partition) -> None:
    """Refuse clauses that would span parts."""
    what = "resource.consolidate"
    tree = sqlglot.parse_one(sql, read="postgres")
    if sum(table.name == source for table in tree.find_all(exp.Table)) != 1:
        raise FactorError(
            f"{what}: {source} is read part by part, so it may be named only once"
        )
    if tree.args.get("limit") or tree.args.get("offset"):
        raise FactorError(f"{what}: LIMIT would count anew in each part; leave it out")
    refuse_windows(what, tree, own)
    grouped = tree.find(exp.Group)
    alone = [a for a in tree.find_all(exp.AggFunc) if not a.find_ancestor(exp.Window)]
    if alone and not (grouped and names_part(grouped.expressions, own)):
        raise FactorError(
            f"{what}: rows are put together part by part; name {own.column}, which"
            " decides the part, in GROUP BY"
        )


def refuse_windows(what: str, tree: exp.Expr, part: Partition) -> None:
    """Refuse a window that would see the rows of one part only."""
    for window in tree.find_all(exp.Window):
        if not names_part(window.args.get("partition_by") or [], part):
            raise FactorError(
                f"{what}: a window spans parts; add PARTITION BY {part.column}, or make"
                " the resource without partition"
            )


def names_part(expressions: list[exp.Expr], part: Partition) -> bool:
    """Say whether a grouping never puts rows of two parts together.

    Its column itself does; of a moment also its day, as a date.
    """
    for one in expressions:
        dated = part.by != "value" and isinstance(one, exp.Cast | exp.Date)
        column = one.this if dated else one
        if isinstance(column, exp.Column) and column.name == part.column:
            return True
    return False
