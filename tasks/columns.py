"""Say from which columns each column of a query comes, by reading its SQL.

Three kinds of edges. ``value``: the output shows what a single row held, changed or
not; MIN, MAX, LAG, QUANTILE_DISC and STRING_AGG belong here, since they hand on a
value that some row holds. ``aggregate``: the output is a figure over many rows.
``filter``: the column decides which rows there are: WHERE, JOIN, GROUP BY, HAVING,
QUALIFY, DISTINCT ON, ORDER BY before LIMIT, the right side of EXCEPT and INTERSECT. A
filter of the whole query has the output ``*``, one inside a scalar subquery its column.

Names resolve as Polars does it: tables without case, columns with case, the columns of
a joined table that exist already as ``name:alias`` under ``*``.

``SELECT origin, AVG(delay) AS d FROM flights WHERE year = 2013 GROUP BY origin`` ->
(d, flights, delay, aggregate), (origin, flights, origin, value) and, of ``*``, the
filters origin and year.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal, NamedTuple

from sqlglot import exp

from schemas.errors import FactorError
from tasks.sql import guard

How = Literal["value", "aggregate", "filter"]
WEAKER: tuple[How, ...] = ("value", "aggregate", "filter")
EVERY = "*"  # the output of a filter: every row of the result


class Edge(NamedTuple):
    """One column of the result and one column that it depends on."""

    output: str
    table: str
    column: str
    how: How


class Origin(NamedTuple):
    """A column of a declared table, and what it is used for."""

    table: str
    column: str
    how: How


Origins = frozenset[Origin]
NOTHING: Origins = frozenset()
# Aggregates and windows that hand on the value of one row.
ONE_ROW = (
    exp.Min, exp.Max, exp.GroupConcat, exp.FirstValue, exp.LastValue, exp.NthValue,
    exp.Lag, exp.Lead,
)  # fmt: skip
# Aggregates that sqlglot does not know in PostgreSQL's words.
UNKNOWN = frozenset({"covar", "var", "quantile_cont"})


@dataclass(frozen=True)
class Rows:
    """What a table, a CTE or a query yields: its columns and what chose its rows."""

    columns: Mapping[str, Origins]
    filters: Origins = NOTHING


@dataclass(frozen=True)
class Scope:
    """What a name may mean inside one SELECT."""

    known: Mapping[str, Rows]
    outer: "Scope | None"
    what: str
    tables: Mapping[str, Rows] = field(default_factory=dict)
    aliases: Mapping[str, Origins] = field(default_factory=dict)
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)


def column_lineage(
    sql: str, schemas: Mapping[str, Sequence[str]], what: str = "SQL"
) -> tuple[Edge, ...]:
    """List the edges of a query, sorted.

    Args:
        sql: One SELECT, as the guard admits it.
        schemas: The columns of each declared table.
        what: Name of the query in messages.

    Raises:
        FactorError: The guard refuses the query, or a column or table does not exist.
    """
    tree = guard(sql, schemas, what)
    tables = {name.lower(): table(name, names) for name, names in schemas.items()}
    rows = of_query(tree, Scope(tables, None, what))
    own = [Edge(n, *o) for n, origins in rows.columns.items() for o in origins]
    return tuple(sorted({*own, *(Edge(EVERY, *o) for o in rows.filters)}))


def label_lineage(
    labels: Mapping[str, str], columns: Sequence[str], table: str
) -> tuple[Edge, ...]:
    """List the edges of labels: each is one expression over the rows of ``table``."""
    found: set[Edge] = set()
    for name, expression in labels.items():
        sql = f'SELECT ({expression}\n) AS "{name}" FROM {table}'
        found |= set(column_lineage(sql, {table: columns}, f"resource.labels.{name}"))
    return tuple(sorted(found))


def through(
    edges: Iterable[Edge], below: Mapping[str, Iterable[Edge]]
) -> tuple[Edge, ...]:
    """Follow edges one step further back, to what the tables themselves come from.

    A figure of a figure stays a figure; what chose the rows of a table chose these too.
    (late, rows, delay, value) through (delay, flights, arr_delay, value) ->
    (late, flights, arr_delay, value).
    """
    found = {
        Edge(EVERY, b.table, b.column, "filter")
        for further in below.values()
        for b in further
        if b.output == EVERY
    }
    for edge in edges:
        found |= {
            Edge(edge.output, b.table, b.column, weaker(edge.how, b.how))
            for b in below[edge.table]
            if b.output == edge.column
        }
    return tuple(sorted(found))


def output_columns(
    sql: str, schemas: Mapping[str, Sequence[str]], what: str = "SQL"
) -> tuple[str, ...]:
    """Name the columns that a query yields, in their order; ``*`` is expanded."""
    tree = guard(sql, schemas, what)
    tables = {name.lower(): table(name, names) for name, names in schemas.items()}
    return tuple(of_query(tree, Scope(tables, None, what)).columns)


def table(name: str, columns: Iterable[str]) -> Rows:
    """Let each column of a declared table come from itself."""
    return Rows({c: frozenset({Origin(name, c, "value")}) for c in columns})


def weakened(origins: Iterable[Origin], how: How) -> Origins:
    """Use origins as ``how``; what is weaker already stays as it is."""
    return frozenset(o._replace(how=weaker(o.how, how)) for o in origins)


def weaker(one: How, other: How) -> How:
    """Take the use that shows less of a single row."""
    return max(one, other, key=WEAKER.index)


def of_query(tree: exp.Expr, scope: Scope) -> Rows:
    """Read a SELECT, a set operation, or either in parentheses."""
    known = dict(scope.known)
    with_ = tree.args.get("with_")
    for cte in with_.expressions if with_ else ():
        known[cte.alias.lower()] = of_query(cte.this, replace(scope, known=known))
    inside = replace(scope, known=known)
    if isinstance(tree, exp.Select):
        return of_select(tree, Scope(known, outer_of(scope), scope.what))
    if isinstance(tree, exp.SetOperation):
        return limited(tree, of_set(tree, inside), inside)
    return limited(tree, of_query(tree.this, inside), inside)


def outer_of(scope: Scope) -> Scope | None:
    """Let a subquery see the tables around it, where there are any."""
    return scope if scope.tables else scope.outer


def limited(tree: exp.Expr, rows: Rows, scope: Scope) -> Rows:
    """Count the ORDER BY of a whole set operation as a filter where it has a LIMIT."""
    seen = replace(scope, aliases=rows.columns)
    return Rows(rows.columns, rows.filters | of_order(tree, seen))


def of_set(tree: exp.SetOperation, scope: Scope) -> Rows:
    """Bring the two sides of UNION, EXCEPT or INTERSECT together by position."""
    left, right = of_query(tree.left, scope), of_query(tree.right, scope)
    filters = left.filters | right.filters
    if not isinstance(tree, exp.Union):
        everything = frozenset().union(*right.columns.values())
        return Rows(left.columns, filters | weakened(everything, "filter"))
    if tree.args.get("by_name"):
        names = dict.fromkeys((*left.columns, *right.columns))
        both = {
            n: left.columns.get(n, NOTHING) | right.columns.get(n, NOTHING)
            for n in names
        }
        return Rows(both, filters)
    sides = zip(left.columns.items(), right.columns.values(), strict=False)
    return Rows({name: one | other for (name, one), other in sides}, filters)


def of_select(tree: exp.Select, scope: Scope) -> Rows:
    """Read one SELECT: its tables, then its columns, then what chooses its rows."""
    scope, filters = joined(tree, scope)
    named = {w.name: w for w in tree.args.get("windows") or ()}
    scope = replace(scope, windows=named)
    columns = projected(tree, scope)
    # GROUP BY, HAVING, QUALIFY and ORDER BY may name a column of the result.
    seen = replace(scope, aliases=columns)
    for table in scope.tables.values():
        filters |= table.filters
    where = tree.args.get("where")
    filters |= chosen(where, scope) if where else NOTHING
    for clause in ("having", "qualify", "distinct"):
        if part := tree.args.get(clause):
            filters |= chosen(part, seen)
    filters |= of_group(tree.args.get("group"), seen) | of_order(tree, seen)
    return Rows(columns, filters)


def chosen(node: exp.Expr, scope: Scope) -> Origins:
    """Count every column of a condition as a filter."""
    return weakened(origins(node, scope), "filter")


def of_group(group: exp.Expr | None, scope: Scope) -> Origins:
    """Count the keys of the groups as filters: one row each; 2 is the second column."""
    if group is None:
        return NOTHING
    return weakened(by_place(group, scope), "filter")


def of_order(tree: exp.Expr, scope: Scope) -> Origins:
    """Count the order as a filter where LIMIT or OFFSET cuts by it."""
    order = tree.args.get("order")
    cut = tree.args.get("limit") or tree.args.get("offset")
    if order is None or not cut:
        return NOTHING
    return weakened(by_place(order, scope), "filter")


def by_place(clause: exp.Expr, scope: Scope) -> Origins:
    """Find the columns of GROUP BY or ORDER BY, which may give places instead."""
    found = set(origins(clause, scope))
    places = list(scope.aliases.values())
    for part in clause.expressions:
        key = part.this if isinstance(part, exp.Ordered) else part
        if isinstance(key, exp.Literal) and key.is_int:
            found |= places[int(key.name) - 1]
    return frozenset(found)


def joined(tree: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
    """Bring the tables of FROM and JOIN into scope, with the columns that join them."""
    start = tree.args.get("from_")
    scope, filters = source(start.this, scope) if start else (scope, NOTHING)
    for join in tree.args.get("joins") or ():
        before = scope
        scope, more = source(join.this, before)
        filters |= more | of_join(join, scope)
        if join.kind in ("SEMI", "ANTI"):
            lost = scope.tables.keys() - before.tables.keys()
            filters |= frozenset().union(*(scope.tables[n].filters for n in lost))
            scope = before
    return scope, filters


def of_join(join: exp.Join, scope: Scope) -> Origins:
    """Find the columns that decide which rows find each other."""
    on = join.args.get("on")
    found = set(chosen(on, scope)) if on else set()
    for key in join.args.get("using") or ():
        found |= weakened(lookup(key, key.name, "", scope), "filter")
    return frozenset(found)


def source(node: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
    """Bring one table, subquery or parenthesis of joins into scope."""
    if isinstance(node, exp.Table):
        rows = scope.known[node.name.lower()]
        tables = {**scope.tables, node.alias_or_name: rows}
        inner = replace(scope, tables=tables)
        # A parenthesis of joins holds its joins in the first table.
        return joined(node, inner) if node.args.get("joins") else (inner, NOTHING)
    if isinstance(node.this, exp.Table):
        within, filters = source(node.this, replace(scope, tables={}))
        if not node.alias:
            return replace(scope, tables={**scope.tables, **within.tables}), filters
        under = {s or n: found for _, n, s, found in starred(within.tables)}
        rows = Rows(under, filters)
    else:
        rows, filters = of_query(node, replace(scope, tables={})), NOTHING
    name = node.alias or f"({len(scope.tables)})"
    return replace(scope, tables={**scope.tables, name: rows}), filters


def projected(tree: exp.Select, scope: Scope) -> dict[str, Origins]:
    """Find the columns of the result, ``*`` expanded."""
    parts = [selected(column, scope) for column in tree.selects]
    names = Counter(found.name for part in parts for found in part)
    return {
        found.second if found.second and names[found.name] > 1 else found.name: (
            found.origins
        )
        for part in parts
        for found in part
    }


class Found(NamedTuple):
    """A column of the result, and its name where another one has the first name."""

    name: str
    second: str
    origins: Origins


def selected(column: exp.Expr, scope: Scope) -> list[Found]:
    """Read one item of the SELECT: an expression, or all columns of a ``*``."""
    star = column.this if isinstance(column, exp.Column) else column
    if isinstance(star, exp.Star):
        owner = column.table if isinstance(column, exp.Column) else ""
        return of_star(star, owner, scope)
    value = column.this if isinstance(column, exp.Alias) else column
    return [Found(column.alias_or_name, "", origins(value, scope))]


def of_star(star: exp.Star, owner: str, scope: Scope) -> list[Found]:
    """Expand ``*`` or ``table.*`` with EXCLUDE, REPLACE and RENAME."""
    dropped = {e.name for e in star.args.get("except_") or ()}
    renamed = {a.this.name: a.alias for a in star.args.get("rename") or ()}
    changed = {a.alias: origins(a.this, scope) for a in star.args.get("replace") or ()}
    made = [
        Found(renamed.get(name, name), second, changed.get(name, found))
        for alias, name, second, found in starred(scope.tables)
        if owner.lower() in ("", alias.lower()) and name not in dropped
    ]
    return [f for f in made if f.second not in dropped]


def starred(tables: Mapping[str, Rows]) -> Iterator[tuple[str, str, str, Origins]]:
    """List all columns of joined tables: alias, name, second name where it is taken."""
    taken: set[str] = set()
    for alias, rows in tables.items():
        for name, found in rows.columns.items():
            yield alias, name, f"{name}:{alias}" if name in taken else "", found
        taken |= rows.columns.keys()


def origins(node: exp.Expr, scope: Scope) -> Origins:
    """Find the columns that an expression depends on, and how."""
    if isinstance(node, exp.Column):
        return lookup(node, node.name, node.table, scope)
    if isinstance(node, exp.Query):
        rows = of_query(node, scope)
        return frozenset().union(*rows.columns.values()) | rows.filters
    if isinstance(node, exp.Exists) or (
        isinstance(node, exp.In) and node.args.get("query")
    ):
        return told(node, scope)
    if isinstance(node, exp.Window):
        return of_window(node, scope)
    parts = [origins(n, scope) for n in node.iter_expressions()]
    found: Origins = frozenset().union(*parts)
    if isinstance(node, exp.Filter):  # AVG(x) FILTER (WHERE y)
        return parts[0] | weakened(found - parts[0], "aggregate")
    known = isinstance(node, exp.AggFunc) and not isinstance(node, ONE_ROW)
    unknown = isinstance(node, exp.Anonymous) and node.name.lower() in UNKNOWN
    return weakened(found, "aggregate") if known or unknown else found


def told(node: exp.Expr, scope: Scope) -> Origins:
    """Count all that a yes or no of EXISTS and IN depends on as its value."""
    found = [origins(part, scope) for part in node.iter_expressions()]
    return frozenset(
        o._replace(how="value") if o.how == "filter" else o
        for o in frozenset().union(*found)
    )


def of_window(node: exp.Window, scope: Scope) -> Origins:
    """Find what a window shows, and by what it is divided and ordered."""
    shown = origins(node.this, scope)
    named = scope.windows.get(node.alias)
    sides = [*node.iter_expressions(), *(named.iter_expressions() if named else ())]
    around = (origins(n, scope) for n in sides if n is not node.this)
    return shown | weakened(frozenset().union(*around), "aggregate")


def lookup(node: exp.Expr, name: str, owner: str, scope: Scope) -> Origins:
    """Find what a name means: in the tables, in the result, or in the query around.

    Raises:
        FactorError: It means nothing; the sentence lists what is there.
    """
    at: Scope | None = scope
    while at is not None:
        tables = {
            n: t for n, t in at.tables.items() if owner.lower() in ("", n.lower())
        }
        found = [t.columns[name] for t in tables.values() if name in t.columns]
        if not owner and name in at.aliases:
            found.append(at.aliases[name])
        column, _, alias = name.rpartition(":")
        if not found and column and alias in tables:
            found = [tables[alias].columns.get(column, NOTHING)]
        if found:
            return frozenset().union(*found)
        at = at.outer
    raise unknown(name, owner, scope)


def unknown(name: str, owner: str, scope: Scope) -> FactorError:
    """Say which column there is not, and which one may have been meant."""
    called = f"{owner}.{name}" if owner else name
    known = list(dict.fromkeys(c for t in scope.tables.values() for c in t.columns))
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return FactorError(f"{scope.what}: column {called} does not exist; {hint}")
