"""Say from which columns each column of a query comes, by reading its SQL.

Three kinds of edges. ``value``: the output may show what a single row held, changed or
not; so do windows, MIN, quantiles, STRING_AGG, and all aggregates but ``OVER_ROWS``. Of
those too, where a FILTER, a CASE or the like lets one column choose the rows whose
other column is added: SUM(pay) FILTER (WHERE id = 7). ``aggregate``: a figure over many
rows, of one column or of sums of columns.
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
CELL = ""  # what stands for a table where a column names a cell of counts


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
Ranks = Mapping[tuple[str, str], int]  # of columns, by table and name
# Aggregates that show no single row of a large group; every other one may hand one on.
OVER_ROWS = (
    exp.Sum, exp.Avg, exp.Count, exp.Stddev, exp.StddevPop, exp.StddevSamp,
    exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp,
)  # fmt: skip
# The same where sqlglot does not know them in PostgreSQL's words.
UNKNOWN = frozenset({"covar", "var"})
# What adds columns and lets none choose among the rows of another.
SUMMING = (exp.Add, exp.Sub, exp.Neg, exp.Paren, exp.Literal)


@dataclass(frozen=True)
class Rows:
    """What a table, a CTE or a query yields: its columns and what chose its rows.

    ``shape``: what the number and the order of the rows tell of persons.
    """

    columns: Mapping[str, Origins]
    filters: Origins = NOTHING
    shape: Origins = NOTHING


@dataclass(frozen=True)
class Scope:
    """What a name may mean inside one SELECT."""

    known: Mapping[str, Rows]
    outer: "Scope | None"
    what: str
    tables: Mapping[str, Rows] = field(default_factory=dict)
    aliases: Mapping[str, Origins] = field(default_factory=dict)
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)
    counts: exp.Expr | None = None  # the SELECT whose figures are asked for
    pairs: bool = True  # whether what only brings rows together chooses them
    ranks: Ranks = field(
        default_factory=dict
    )  # how telling columns about persons are, where that counts
    asked: tuple[exp.Expr, ...] = ()  # conditions that brought its tables together
    shape: Origins = NOTHING

    @property
    def strict(self) -> bool:
        """Say whether what is chosen among others holds what chose it."""
        return self.counts is not None or bool(self.ranks)


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


def choosing(sql: str, schemas: Mapping[str, Sequence[str]], what: str) -> set[Origin]:
    """List the columns whose values choose the rows of a query, as filters.

    Less than the ``*`` of ``column_lineage``: a JOIN of equal columns and GROUP BY only
    bring rows together. ``a JOIN b ON a.id = b.id WHERE b.hiv = 1`` -> b.hiv.
    """
    tree = guard(sql, schemas, what)
    tables = {name.lower(): table(name, names) for name, names in schemas.items()}
    return set(of_query(tree, Scope(tables, None, what, pairs=False)).filters)


def carried(
    sql: str, schemas: Mapping[str, Sequence[str]], ranks: Ranks, what: str
) -> set[Edge]:
    """List what columns hold of persons by what chose their rows among others.

    A JOIN writes what it asks of the one side into the other, UNION writes the WHERE of
    its sides, an outer JOIN what its rows were chosen by. A figure or a window over the
    rows holds what a JOIN asked and how they were ordered. Where equal columns find
    each other and are equally telling, neither side learns more than it holds.

    ``SELECT b.who FROM people p JOIN book b ON b.who = p.name`` -> (who, people, name).

    Args:
        sql: One SELECT, as the guard admits it.
        schemas: The columns of each declared table.
        ranks: How telling the personal columns are, the most telling highest.
        what: Name of the query in messages.
    """
    tree = guard(sql, schemas, what)
    tables = {name.lower(): table(name, names) for name, names in schemas.items()}
    rows = of_query(tree, Scope(tables, None, what, pairs=False, ranks=ranks))
    return {
        Edge(name, *o)
        for name, found in rows.columns.items()
        for o in personal(found, ranks)
    }


def personal(found: Iterable[Origin], ranks: Ranks) -> Origins:
    """Keep the columns about persons."""
    return frozenset(o for o in found if (o.table, o.column) in ranks)


def rank(found: Iterable[Origin], ranks: Ranks) -> int:
    """Say how telling columns are at most; 0 where none is about persons."""
    return max((ranks.get((o.table, o.column), 0) for o in found), default=0)


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
        outer = outer_of(scope)
        fresh = replace(inside, outer=outer, tables={}, aliases={}, asked=())
        return of_select(tree, fresh)
    if isinstance(tree, exp.SetOperation):
        return limited(tree, of_set(tree, inside), inside)
    return limited(tree, of_query(tree.this, inside), inside)


def outer_of(scope: Scope) -> Scope | None:
    """Let a subquery see the tables around it, where there are any."""
    return scope if scope.tables else scope.outer


def limited(tree: exp.Expr, rows: Rows, scope: Scope) -> Rows:
    """Count the ORDER BY of a whole set operation as a filter where it has a LIMIT."""
    seen = replace(scope, aliases=rows.columns)
    shape = rows.shape | of_sort(tree, seen)
    return Rows(rows.columns, rows.filters | of_order(tree, seen), shape)


def of_set(tree: exp.SetOperation, scope: Scope) -> Rows:
    """Bring the two sides of UNION, EXCEPT or INTERSECT together by position."""
    left, right = of_query(tree.left, scope), of_query(tree.right, scope)
    filters = left.filters | right.filters
    if not isinstance(tree, exp.Union):
        everything = frozenset().union(*right.columns.values())
        return Rows(left.columns, filters | weakened(everything, "filter"), left.shape)
    if tree.args.get("by_name"):
        names = dict.fromkeys((*left.columns, *right.columns))
        both = {
            n: left.columns.get(n, NOTHING) | right.columns.get(n, NOTHING)
            for n in names
        }
    else:
        sides = zip(left.columns.items(), right.columns.values(), strict=False)
        both = {name: one | other for (name, one), other in sides}
    shape = left.shape | right.shape | personal(filters, scope.ranks)
    return Rows(picked(both, filters) if scope.strict else both, filters, shape)


def of_select(tree: exp.Select, scope: Scope) -> Rows:
    """Read one SELECT: its tables, then its columns, then what chooses its rows."""
    scope, filters = joined(tree, scope)
    where = tree.args.get("where")
    named = {w.name: w for w in tree.args.get("windows") or ()}
    scope = replace(scope, windows=named)
    if tree is scope.counts:
        scope = of_cells(tree, scope)
    columns = projected(tree, scope)
    if tree is scope.counts:
        columns = {n: as_cell(n, found) for n, found in columns.items()}
    # GROUP BY, HAVING, QUALIFY and ORDER BY may name a column of the result.
    seen = replace(scope, aliases=columns)
    for table in scope.tables.values():
        filters |= table.filters
    filters |= chosen(where, scope) if where else NOTHING
    for clause in ("having", "qualify", "distinct"):
        if part := tree.args.get(clause):
            filters |= chosen(part, seen)
    filters |= of_group(tree.args.get("group"), seen) | of_order(tree, seen)
    return Rows(columns, filters, scope.shape | of_sort(tree, seen))


def conjuncts(condition: exp.Expr | None) -> tuple[exp.Expr, ...]:
    """List what a condition asks, all of which holds."""
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if isinstance(condition, exp.And):
        return (*conjuncts(condition.left), *conjuncts(condition.right))
    return () if condition is None else (condition,)


def together(scope: Scope) -> Scope:
    """Write what conditions ask of some tables into the others that they name.

    As often as there are tables, since one may hand on what another has written in it.
    """
    shape: Origins = frozenset().union(*(t.shape for t in scope.tables.values()))
    for _ in range(len(scope.tables) if len(scope.tables) > 1 else 0):
        for condition in scope.asked:
            scope, told = written(condition, scope)
            shape |= told
    return replace(scope, shape=shape)


def written(condition: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
    """Write what one condition asks into each table that it names; and list it all."""
    inner = [origins(query, scope) for query in nested(condition)]
    by_table = {alias: held_by(alias, condition, scope) for alias in scope.tables}
    named = [alias for alias, found in by_table.items() if found is not None or inner]
    if len(named) < 2:
        return scope, NOTHING
    tables, every = dict(scope.tables), set[Origin]()
    for alias in named:
        others = (by_table[other] or NOTHING for other in named if other != alias)
        told = personal(frozenset().union(*others, *inner), scope.ranks)
        own = rank(by_table[alias] or (), scope.ranks)
        if told and not (is_pair(condition) and own >= rank(told, scope.ranks)):
            rows = tables[alias]
            tables[alias] = replace(rows, columns=picked(rows.columns, told))
            every |= told
    return replace(scope, tables=tables), laid_open(frozenset(every))


def nested(condition: exp.Expr) -> list[exp.Expr]:
    """List the queries inside a condition."""
    return list(condition.find_all(exp.Query))


def held_by(alias: str, condition: exp.Expr, scope: Scope) -> Origins | None:
    """Find what a condition asks of one table; None where it does not name it."""
    columns = scope.tables[alias].columns
    found = [
        columns[name.name]
        for name in condition.find_all(exp.Column)
        if name.table.lower() in ("", alias.lower()) and name.name in columns
    ]
    return frozenset().union(*found) if found else None


def of_sort(tree: exp.Expr, scope: Scope) -> Origins:
    """Find by what of persons the rows are in order, for what numbers them later."""
    order = tree.args.get("order") if scope.ranks else None
    if order is None:
        return NOTHING
    return laid_open(personal(by_place(order, scope), scope.ranks))


def chosen(node: exp.Expr, scope: Scope) -> Origins:
    """Count every column of a condition as a filter."""
    return weakened(origins(node, scope), "filter")


def of_group(group: exp.Expr | None, scope: Scope) -> Origins:
    """Count the keys of the groups as filters: one row each; 2 is the second column."""
    if group is None or not scope.pairs:
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
    outer: list[tuple[Iterable[str], Origins]] = []
    for join in tree.args.get("joins") or ():
        before = scope
        scope, more = source(join.this, before)
        filters |= more | of_join(join, scope)
        if join.kind in ("SEMI", "ANTI"):
            lost = scope.tables.keys() - before.tables.keys()
            filters |= frozenset().union(*(scope.tables[n].filters for n in lost))
            scope = before
            continue
        scope = replace(scope, asked=(*scope.asked, *asked_by(join, scope)))
        if join.side:
            left = join.side == "LEFT"
            filled = (
                scope.tables.keys() - before.tables.keys() if left else scope.tables
            )
            outer.append((tuple(filled), of_join(join, replace(scope, pairs=False))))
    where = tree.args.get("where")
    asked = (*scope.asked, *(conjuncts(where.this) if where else ()))
    scope = together(replace(scope, asked=asked)) if scope.ranks else scope
    for names, on in outer if scope.strict else ():
        scope = of_outer(names, on, scope)
    return scope, filters


def asked_by(join: exp.Join, scope: Scope) -> tuple[exp.Expr, ...]:
    """List what a JOIN asks of both sides; USING (id) asks a.id = b.id."""
    *before, last = scope.tables
    return conjuncts(join.args.get("on")) + tuple(
        exp.EQ(
            this=exp.column(key.name, table=alias),
            expression=exp.column(key.name, table=last),
        )
        for key in join.args.get("using") or ()
        for alias in before
        if key.name in scope.tables[alias].columns
    )


def of_outer(filled: Iterable[str], on: Origins, scope: Scope) -> Scope:
    """Let what an outer JOIN fills with nulls hold by what its rows were chosen."""
    tables = {
        name: replace(rows, columns=picked(rows.columns, rows.filters | on))
        if name in filled
        else rows
        for name, rows in scope.tables.items()
    }
    return replace(scope, tables=tables)


def picked(columns: Mapping[str, Origins], by: Origins) -> dict[str, Origins]:
    """Let each column hold by what its rows were picked among others of the result."""
    return {name: found | laid_open(by) for name, found in columns.items()}


def of_join(join: exp.Join, scope: Scope) -> Origins:
    """Find the columns that decide which rows find each other."""
    on = join.args.get("on")
    parts = list(on.flatten() if isinstance(on, exp.And) else [on]) if on else []
    if not scope.pairs:
        parts = [part for part in parts if not is_pair(part)]
    found = {o for part in parts for o in chosen(part, scope)}
    for key in join.args.get("using") or () if scope.pairs else ():
        found |= weakened(lookup(key, key.name, "", scope), "filter")
    return frozenset(found)


def is_pair(condition: exp.Expr) -> bool:
    """Say whether a condition only brings equal columns together: a.id = b.id."""
    return isinstance(condition, exp.EQ) and all(
        isinstance(side, exp.Column) for side in (condition.left, condition.right)
    )


def source(node: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
    """Bring one table, subquery or parenthesis of joins into scope."""
    if isinstance(node, exp.Table):
        rows = scope.known[node.name.lower()]
        tables = {**scope.tables, node.alias_or_name: rows}
        inner = replace(scope, tables=tables)
        # A parenthesis of joins holds its joins in the first table.
        return joined(node, inner) if node.args.get("joins") else (inner, NOTHING)
    if isinstance(node.this, exp.Table):
        within, filters = source(node.this, replace(scope, tables={}, asked=()))
        if not node.alias:
            tables = {**scope.tables, **within.tables}
            asked = (*scope.asked, *within.asked)
            return replace(scope, tables=tables, asked=asked), filters
        under = {s or n: found for _, n, s, found in starred(within.tables)}
        rows = Rows(under, filters, within.shape)
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
        inner = frozenset().union(*rows.columns.values()) | rows.filters
        return laid_open(inner) if scope.strict else inner
    if isinstance(node, exp.Exists) or (
        isinstance(node, exp.In) and node.args.get("query")
    ):
        return told(node, scope)
    if isinstance(node, exp.Window):
        return of_window(node, scope)
    parts = [origins(n, scope) for n in node.iter_expressions()]
    found: Origins = frozenset().union(*parts)
    if isinstance(node, exp.AggFunc) and scope.shape:
        return laid_open(found | scope.shape)
    if isinstance(node, exp.Filter):  # AVG(x) FILTER (WHERE y)
        plain = frozenset().union(
            *(origins(n, scope) for n in node.this.iter_expressions())
        )
        both = plain | found - parts[0]
        return weakened(both, "aggregate") if of_one_column(both) else both
    known = isinstance(node, OVER_ROWS)
    unknown = isinstance(node, exp.Anonymous) and node.name.lower() in UNKNOWN
    over = (known or unknown) and (of_one_column(found) or is_sum(node, scope))
    return weakened(found, "aggregate") if over else found


def of_one_column(found: Origins) -> bool:
    """Say whether at most one column of single rows is in it: none chooses another."""
    return len({(o.table, o.column) for o in found if o.how == "value"}) <= 1


def is_sum(node: exp.Expr, scope: Scope) -> bool:
    """Say whether an aggregate is one of sums of columns, each of one origin."""
    return all(
        of_one_column(origins(part, scope))
        if isinstance(part, exp.Column)
        else isinstance(part, SUMMING) and is_sum(part, scope)
        for part in node.iter_expressions()
    )


def told(node: exp.Expr, scope: Scope) -> Origins:
    """Count all that a yes or no of EXISTS and IN depends on as its value."""
    parts = (origins(part, scope) for part in node.iter_expressions())
    found: Origins = frozenset().union(*parts)
    if scope.strict:
        return laid_open(found)
    return frozenset(o._replace(how="value") if o.how == "filter" else o for o in found)


def of_window(node: exp.Window, scope: Scope) -> Origins:
    """Find what a window shows, and by what it is divided and ordered.

    Each row has one, and its part may be that row alone: it shows values.
    """
    named = scope.windows.get(node.alias)
    # What stands around the function: OVER, and within it FILTER or IGNORE NULLS.
    shown = node.this
    sides: list[exp.Expr] = [n for n in node.iter_expressions() if n is not shown]
    while isinstance(shown, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        sides += [n for n in shown.iter_expressions() if n is not shown.this]
        shown = shown.this
    around = named.iter_expressions() if named else ()
    parts = (*shown.iter_expressions(), *sides, *around)
    return frozenset().union(scope.shape, *(origins(n, scope) for n in parts))


def figures(
    sql: str,
    count: str,
    by: Iterable[str],
    schemas: Mapping[str, Sequence[str]],
    ranks: Ranks | None = None,
) -> frozenset[str]:
    """Name the columns that are figures over the very rows that a count counts.

    Only the count of its own SELECT says how many rows stand behind a figure, so MAX of
    sums by person is none, nor what a subquery or a JOIN brings. What is made of such
    figures further up, and of the names of cells as ``by`` tells them, is one too.

    ``WITH c AS (SELECT town, COUNT(*) AS n, SUM(pay) AS pay, MAX(age) AS top FROM r
    GROUP BY town) SELECT town, n, pay / n AS mean, top FROM c``, n by town -> n, mean.

    Args:
        sql: One SELECT, as the guard admits it.
        count: The column that counts; where it is no COUNT, nothing is a figure.
        by: The columns that name a cell and are published as the SQL gives them.
        schemas: The columns of each declared table.
        ranks: How telling the personal columns are: what a JOIN asks of them stands
            behind a figure over its rows, which is none then.
    """
    tree = guard(sql, schemas, "SQL")
    way = counting(tree, count, {})
    if not way:
        return frozenset()
    tables = {name.lower(): table(name, names) for name, names in schemas.items()}
    scope = Scope(tables, None, "SQL", counts=way[-1], ranks=ranks or {})
    made = of_query(tree, scope).columns
    keys = {Origin(CELL, key, "value") for name in by if (key := below(way, name))}
    return frozenset(
        name
        for name, found in made.items()
        if {o for o in found if o.how == "value"} <= keys
        and not (found and found <= keys)
    )


def counting(
    tree: exp.Expr, count: str, known: Mapping[str, exp.Expr]
) -> list[exp.Select]:
    """Follow a count by name, past no JOIN and no set: all SELECTs down to its own."""
    with_ = tree.args.get("with_")
    ctes = with_.expressions if with_ else ()
    known = {**known, **{cte.alias.lower(): cte.this for cte in ctes}}
    if not isinstance(tree, exp.Select):
        return []
    value, start = item(tree, count), tree.args.get("from_")
    if isinstance(value, exp.Count):
        return [tree]
    if not isinstance(value, exp.Column) or not start or tree.args.get("joins"):
        return []
    node = start.this
    inner = (
        node.this if isinstance(node, exp.Subquery) else known.get(node.name.lower())
    )
    way = counting(inner, value.name, known) if inner else []
    return [tree, *way] if way and not node.args.get("joins") else []


def below(way: Sequence[exp.Select], name: str) -> str:
    """Follow a column by name alone to the last SELECT; ``""`` where it is changed."""
    for select in way[:-1]:
        value = item(select, name)
        if not isinstance(value, exp.Column):
            return ""
        name = value.name
    return name


def item(select: exp.Select, name: str) -> exp.Expr | None:
    """Find the expression of a column of the result; a plain ``*`` hands it on."""
    for column in select.selects:
        if column.alias_or_name == name:
            return column.unalias()
    plain = [exp.Star()] == select.selects
    return exp.column(name) if plain else None


def of_cells(tree: exp.Select, scope: Scope) -> Scope:
    """Let the keys of the groups stand for themselves, all else for single rows."""
    group = tree.args.get("group")
    grouped = group.expressions if group else []
    keys = {
        (value.table.lower(), value.name): frozenset(
            {Origin(CELL, item.alias_or_name, "value")}
        )
        for item in tree.selects
        if isinstance(value := item.unalias(), exp.Column) and value in grouped
    }
    tables = {
        alias: Rows(
            {
                name: keys.get((alias.lower(), name))
                or keys.get(("", name))
                or laid_open(found)
                for name, found in rows.columns.items()
            },
            shape=rows.shape,
        )
        for alias, rows in scope.tables.items()
    }
    return replace(scope, tables=tables)


def as_cell(name: str, found: Origins) -> Origins:
    """Name what tells of single rows by the column of the counting SELECT it is."""
    told = {o for o in found if o.how == "value" and o.table != CELL}
    return found - told | {Origin(CELL, name, "value")} if told else found


def laid_open(found: Origins) -> Origins:
    """Take all origins for values: of few rows a figure or a choice shows one too."""
    return frozenset(o._replace(how="value") for o in found)


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
