"""Find the source whose rows decide which partition of the resource a row is in."""

import sqlglot
from sqlglot import exp

from schemas.errors import FactorError
from schemas.resource import Partition, ResourceTerms
from tasks.resource.apart import refuse_apart


def driving(terms: ResourceTerms) -> tuple[str, Partition]:
    """Name the partitioned source and its own column.

    Without SQL it is the only source. With SQL the partition's column must be a plain
    column of one source; each partition then sees that source's rows of its value and
    every other source whole. ``SELECT g.at AS moment FROM gantries g`` by day of moment
    -> gantries, by day of at.

    Raises:
        FactorError: The resource is not partitioned, no one source decides, the rules
            of another one refer to it, or something cannot be kept part by part.
    """
    name, part = decided(terms)
    source = next(s for s in terms.sources if s.name == name)
    refuse_apart(terms, source, part)
    if asking := [s.name for s in terms.sources if name in s.refers]:
        raise FactorError(
            f"sources.{asking[0]} refers to {name}, which is read part by part and is"
            " never whole; move the rule to resource.columns"
        )
    return name, part


def decided(terms: ResourceTerms) -> tuple[str, Partition]:
    """Do what ``driving`` does, whatever refers to that source."""
    part = terms.partition
    if part is None:
        raise FactorError("resource.partition is missing")
    if not terms.consolidate.strip():
        return terms.sources[0].name, part
    tree = sqlglot.parse_one(terms.consolidate, read="postgres")
    selected = tree.selects if isinstance(tree, exp.Select) else []
    chosen = next((c for c in selected if c.alias_or_name == part.column), None)
    column = chosen.unalias() if chosen is not None else None
    owner = isinstance(column, exp.Column) and owner_of(tree, column, terms)
    if not isinstance(column, exp.Column) or not owner:
        raise FactorError(
            f"resource.partition: the SQL must select {part.column} as a plain column"
            " of one source (source.column), so that each partition reads its own rows"
        )
    return owner, Partition(column=column.name, by=part.by)


def owner_of(tree: exp.Expr, column: exp.Column, terms: ResourceTerms) -> str:
    """Name the source a column is of; nothing where that is open."""
    if not isinstance(tree, exp.Select):  # a UNION has several
        return ""
    joined = [tree.args["from_"].this, *(j.this for j in tree.args.get("joins", ()))]
    tables = {t.alias_or_name: t.name for t in joined if isinstance(t, exp.Table)}
    name = tables.get(column.table, "") if column.table else ""
    if not column.table and len(tables) == 1:
        (name,) = tables.values()
    known = {s.name: {c.name for c in s.columns} for s in terms.sources}
    return name if column.name in known.get(name, ()) else ""
