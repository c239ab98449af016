"""Follow personal and sensitive columns from the sources into a product.

The way goes through the SQL of the product, and through labels and SQL of the resource
to its sources. A task in Python does not say what it takes, so each of its columns may
come of all it reads.

``SELECT mobile AS contact FROM resource WHERE age > 60``, both personal -> (contact,
resource.mobile, value) and (``*``, resource.age, filter).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlglot import exp

from schemas.product import ProductTerms, Upstream
from tasks.columns import (
    EVERY,
    Edge,
    Ranks,
    Scope,
    carried,
    choosing,
    column_lineage,
    figures,
    label_lineage,
    of_query,
    output_columns,
    personal,
    table,
)
from tasks.sql import guard

RANK = {"undecided": 0, "public": 0, "internal": 1, "personal": 2, "sensitive": 3}
PERSONAL = RANK["personal"]
WHERE = "product.query"


class Held(NamedTuple):
    """A column, under which name it is what it is, and how it is classified."""

    name: str
    label: str

    @property
    def rank(self) -> int:
        """How telling it is; 2 and 3 are about persons."""
        return RANK[self.label]


class Taken(NamedTuple):
    """What a column of the product (``*``: its rows) takes, and how."""

    output: str
    held: Held
    how: str


def taken(terms: ProductTerms) -> tuple[Taken, ...]:
    """List the personal and sensitive columns that the product reads, and how.

    The one place where its SQL is read for persons; ``Case`` keeps the result.
    """
    held = {name: holdings(terms, name) for name in terms.classified}
    own = (Taken(e.output, held[e.table][e.column], e.how) for e in edges(terms))
    chosen = (
        Taken(EVERY, below, "filter")
        for upstream in terms.upstream.values()
        for name, below in sourced(upstream)
        if name == EVERY
    )
    aside = (
        Taken(EVERY, one, "filter")
        for name in terms.upstream
        for one in rejects(terms, name)
    )
    every = dict.fromkeys((*own, *chosen, *aside))
    return tuple(one for one in every if one.held.rank >= PERSONAL)


def rejects(terms: ProductTerms, name: str) -> Iterator[Held]:
    """List the columns by whose values the rows of a resource may have been set aside.

    ``minimum: 1`` of hiv, and many rows may break the contract: all who stay have it.
    """
    upstream, own = terms.upstream[name], holdings(terms, name)
    for source, columns in upstream.rejecting.items():
        labels = upstream.sources.get(source, {})
        yield from (Held(f"{source}.{c}", labels[c]) for c in columns if c in labels)
    yield from (own[c] for c in upstream.rejecting_itself if c in own)


def held_values(terms: ProductTerms) -> tuple[Taken, ...]:
    """List what columns hold of persons, without what only divides a window.

    ``MAX(ill) OVER (PARTITION BY id)`` holds an illness of each person, and no id.
    """
    if not terms.query:
        return taken(terms)
    tree = guard(terms.query, terms.classified, WHERE).copy()
    for window in tree.find_all(exp.Window):
        window.set("partition_by", None)
    ranks = ranks_of(terms)
    tables = {name.lower(): table(name, c) for name, c in terms.classified.items()}
    rows = of_query(tree, Scope(tables, None, WHERE, pairs=False, ranks=ranks))
    held = {name: holdings(terms, name) for name in terms.classified}
    return tuple(
        Taken(output, held[o.table][o.column], o.how)
        for output, found in rows.columns.items()
        for o in sorted(personal(found, ranks))
    )


def showing(terms: ProductTerms, read: Iterable[Taken]) -> list[Taken]:
    """List by what each column may show a single person, of what the product reads.

    A sum, or a count under a condition, may be that of one row; it is a figure over
    many only in a table of counts, beside the count of the very rows it is made of.
    """
    behind = behind_counts(terms)
    return [e for e in read if e.output != EVERY and e.output not in behind]


def behind_counts(terms: ProductTerms) -> frozenset[str]:
    """Name the columns that a step ``cells`` withholds with the count of their rows."""
    table = terms.deidentification.cells
    if table is None or not terms.query:
        return frozenset()
    treated = {name for name, _ in terms.deidentification.by_column}
    tables = {name: tuple(columns) for name, columns in terms.classified.items()}
    as_they_are = [name for name in table.by if name not in treated]
    return figures(terms.query, table.cells, as_they_are, tables, ranks_of(terms))


def ranks_of(terms: ProductTerms) -> Ranks:
    """Say how telling each personal column of the tables at hand is."""
    return {
        (name, column): one.rank
        for name in terms.classified
        for column, one in holdings(terms, name).items()
        if one.rank >= PERSONAL
    }


def edges(terms: ProductTerms) -> tuple[Edge, ...]:
    """List what each column of the product comes from."""
    tables = {name: tuple(columns) for name, columns in terms.classified.items()}
    if terms.query:
        named = {name.lower(): name for name in tables}
        found = {
            *column_lineage(terms.query, tables, WHERE),
            *carried(terms.query, tables, ranks_of(terms), WHERE),
        }
        return tuple(e._replace(table=named[e.table.lower()]) for e in sorted(found))
    return tuple(
        Edge(output.name, table, column, "value")
        for output in terms.columns
        for table, columns in tables.items()
        for column in columns
    )


def holdings(terms: ProductTerms, table: str) -> dict[str, Held]:
    """Classify each column of a table by itself or by the source's column it shows."""
    made = {
        name: Held(f"{table}.{name}", label)
        for name, label in terms.classified[table].items()
    }
    upstream = terms.upstream.get(table)
    for name, below in sourced(upstream) if upstream else ():
        if name in made and below.rank > made[name].rank:
            made[name] = below
    return made


def peopled(terms: ProductTerms) -> tuple[str, ...]:
    """Name the tables at hand whose rows are about persons, whatever is read of them.

    ``SELECT town, COUNT(*) FROM people GROUP BY town`` reads no personal column, and
    counts persons. A table whose key is public lists things that all may name, such as
    sites, and a personal column there is what is known of a thing.
    """
    return tuple(name for name in terms.classified if of_persons(terms, name))


def of_persons(terms: ProductTerms, table: str) -> bool:
    """Say whether the rows of a table are about persons."""
    held = holdings(terms, table)
    top = max((one.rank for one in held.values()), default=0)
    key = terms.keyed.get(table, ())
    things = bool(key) and all(
        name in held and held[name].label == "public" for name in key
    )
    return top >= PERSONAL and not (things and top == PERSONAL)


def sourced(upstream: Upstream) -> Iterator[tuple[str, Held]]:
    """List the source columns that each column of a resource may show of one row.

    A figure counts too: a group of the resource may be one person. ``*`` are those that
    choose its rows: WHERE hiv = 1 makes all its members known to have it.
    """
    sources: Mapping[str, Mapping[str, str]] = upstream.sources
    found: dict[str, dict[Held, None]] = {}
    tables = {name: tuple(columns) for name, columns in sources.items()}
    sql = upstream.consolidate
    if not sql.strip():
        sql = f"SELECT * FROM {next(iter(tables))}"
    choose = choosing(sql, tables, "resource.consolidate")
    ranks = {
        (table, column): RANK[label]
        for table, labels in sources.items()
        for column, label in labels.items()
        if RANK[label] >= PERSONAL
    }
    where = "resource.consolidate"
    edges = {*column_lineage(sql, tables, where), *carried(sql, tables, ranks, where)}
    for edge in sorted(edges):
        below = Held(f"{edge.table}.{edge.column}", sources[edge.table][edge.column])
        # Rows brought together by a name are not chosen by it; by an illness they are.
        if edge.output != EVERY or below.rank > PERSONAL or edge[1:] in choose:
            found.setdefault(edge.output, {})[below] = None
    names = output_columns(sql, tables, "resource.consolidate")
    for edge in label_lineage(upstream.labels, names, "resource"):
        found.setdefault(edge.output, {}).update(found.get(edge.column, {}))
    yield from ((name, held) for name, many in found.items() for held in many)
