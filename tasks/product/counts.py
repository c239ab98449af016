"""Prove from its SQL that a table of counts counts persons, and in which cells.

A count that is told is believed to be of so many persons, so it is followed by name
from the result down to the SELECT that makes it. There it is ``COUNT(DISTINCT
subject)``, or ``COUNT(*)`` of rows that are one for each subject, or it is what an
input has counted already; nothing is added to it, chosen or joined after it. A cell may
show a personal column only in groups that the query writes out as words, or as a step
has treated it.

``SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward``, subject patient, key visit ->
refused, since a patient may have several visits; ``COUNT(DISTINCT patient)`` passes.

Source: Hundepool and others, Statistical Disclosure Control (2012), chapter 4: the
threshold rule counts contributors, not records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from schemas.privacy import Cells
from schemas.product import ProductTerms, Upstream
from tasks.columns import Scope, of_query, table
from tasks.product.lineage import (
    PERSONAL,
    RANK,
    Held,
    Taken,
    holdings,
    peopled,
    sourced,
)
from tasks.sql import guard

WHERE, ABOVE = "product.query", "resource"
LABELLED = ("resource",)  # the only table that a label reads


class Base(NamedTuple):
    """A column of a table that the query reads, as it stands there."""

    table: str
    column: str


class Made(NamedTuple):
    """An expression that makes a column, and the SELECT in which it stands."""

    value: exp.Expr
    select: exp.Expr


Source = Base | Made | None  # None: there is no such column


class Persons(NamedTuple):
    """Who is counted: a column, and the tables in which it names a person.

    ``rows`` are the tables of which a row is a person; ``keyed`` the keys of all.
    """

    subject: str
    tables: frozenset[str]
    rows: frozenset[str]
    keyed: Mapping[str, tuple[str, ...]]

    def are(self, found: Source) -> bool:
        """Say whether a column is theirs, unchanged."""
        if not isinstance(found, Base):
            return False
        return found.column == self.subject and found.table in self.tables


@dataclass(frozen=True)
class Query:
    """A product's query, its CTEs by name, and the tables that it may read."""

    tree: exp.Expr
    ctes: Mapping[str, exp.Expr]
    tables: Mapping[str, tuple[str, tuple[str, ...]]]  # by name in small letters
    keyed: Mapping[str, tuple[str, ...]]
    upstream: Mapping[str, Upstream]


def query_of(terms: ProductTerms) -> Query:
    """Read the SQL of a product; the guard has seen to it that names are unique."""
    tree = guard(terms.query, terms.classified, WHERE)
    ctes = {cte.alias.lower(): cte.this for cte in tree.find_all(exp.CTE)}
    tables = {n.lower(): (n, tuple(c)) for n, c in terms.classified.items()}
    return Query(tree, ctes, tables, terms.keyed, terms.upstream)


def miscounted(terms: ProductTerms, asked: Cells) -> Iterator[str]:
    """Say why the count of a table of counts is not proven to be of persons.

    Args:
        terms: The product's terms, with what was filled in about the tables it reads.
        asked: Its step ``cells``.

    Returns:
        Sentences without values; none where the count is proven, or where no table at
        hand holds a personal column: ``COUNT(*)`` reads none, but counts whose rows
        they are.
    """
    name = asked.cells
    if not any(one.rank >= PERSONAL for one in every_column(terms)):
        return
    if not terms.query:
        yield f"a task does not say how it counts {name}; write the counts in SQL"
        return
    query = query_of(terms)
    found = counted(query, query.tree, name)
    if isinstance(found, Base):
        if terms.counts.get(found.table) != found.column:
            yield f"{name} is what {found.table} holds, not a count; {as_count(terms)}"
    else:
        yield from unproven(query, found, name, terms)
    if chosen := sensitive_filters(query, terms):
        told = ", ".join(sorted({held.name for held in chosen}))
        yield (
            f"the query leaves rows out by {told} (sensitive), so a cell that is not"
            " there tells of its persons; make it a column of `by`, in words"
        )
    if named_ones := choosing_persons(query, terms):
        told = ", ".join(dict.fromkeys(held.name for held in named_ones))
        yield (
            f"the query chooses single persons, or cells by them, by {told} (personal);"
            " choose in WHERE, and by groups such as age >= 18"
        )


def every_column(terms: ProductTerms) -> Iterator[Held]:
    """List the columns of all tables at hand, classified with their sources."""
    for name in terms.classified:
        yield from holdings(terms, name).values()


def as_count(terms: ProductTerms) -> str:
    """Say how a count is written."""
    subject = terms.deidentification.subject
    who = subject or "the column that names the person"
    return f"write COUNT(DISTINCT {who}), and compute nothing with it"


def unproven(
    query: Query, found: Made | None, name: str, terms: ProductTerms
) -> Iterator[str]:
    """Hold a count against the subject that the document names."""
    subject = terms.deidentification.subject
    persons = named(terms, subject or "")
    kind = kind_of(found)
    if found is None or kind is None:
        yield f"{name} is not COUNT(*) or COUNT(DISTINCT …) alone; {as_count(terms)}"
    elif subject is None:
        whom = f": {kind.name}" if isinstance(kind, exp.Column) else ""
        yield (
            f"nothing says whom {name} counts; write deidentification.subject{whom},"
            " the column of the tables read that names the person"
        )
    elif told := mixed(terms, persons):
        yield (
            f"whom {name} counts depends on {told} (sensitive), of which {subject} is"
            " made too; take the subject from its source as it is"
        )
    elif isinstance(kind, exp.Column):
        if not persons.are(looked_up(query, kind, found.select)):
            own = kind.name == subject
            what = f"a {subject} that the query makes itself" if own else kind.name
            told = what if own else f"{what}, not {subject}"
            yield f"{name} counts {told}; {as_count(terms)}"
    elif not one_each(query, found.select, persons):
        yield (
            f"{name} counts rows, and one {subject} may have several; {as_count(terms)}"
        )


def kind_of(found: Made | None) -> exp.Star | exp.Column | None:
    """Find what a plain COUNT counts: rows, or the distinct values of one column."""
    if found is None or not isinstance(found.value, exp.Count):
        return None
    what = found.value.this
    if isinstance(what, exp.Distinct) and len(what.expressions) == 1:
        what = what.expressions[0]
        return what if isinstance(what, exp.Column) else None
    return what if isinstance(what, exp.Star) else None


def named(terms: ProductTerms, subject: str) -> Persons:
    """Find the persons whom a column names."""
    tables = tables_of(terms, subject)
    rows = frozenset(n for n in tables if terms.keyed.get(n) == (subject,))
    return Persons(subject, tables, rows, terms.keyed)


def repeated(terms: ProductTerms) -> Iterator[str]:
    """Say why the rows of a product are not proven to be persons, each once.

    k counts rows where the document names no subject, and a patient with 20 visits, or
    one whom UNION ALL repeats, would be 20 persons. So a row is proven to be one of a
    table whose whole key is personal, or of the subject; or k counts the subject: a
    personal column of a table that the query reads, as it stands there.

    ``SELECT town, diag FROM visits``, key visit, patient personal -> refused; with
    ``subject: patient`` and patient among the columns it passes.
    """
    asked = terms.deidentification
    if asked.cells or not asked.quasi_identifiers or not peopled(terms):
        return
    if not terms.query:
        if asked.subject is None:
            yield f"a task does not say how often a person is in it; {A_SUBJECT}"
        return
    query = query_of(terms)
    if asked.subject is None:
        if not any(each_once(query, query.tree, one) for one in keyed_by(terms)):
            yield f"k counts rows, and one person may have several; {A_SUBJECT}"
        return
    found = traced(query, query.tree, asked.subject)
    if isinstance(found, Base) and rank_of(terms, found) >= PERSONAL:
        return
    if not each_once(query, query.tree, named(terms, asked.subject)):
        yield (
            f"{asked.subject} is no personal column of a table that the query reads, so"
            f" k may count a person twice; {A_SUBJECT}"
        )


A_SUBJECT = (
    "write deidentification.subject: the personal column, as it stands in a table that"
    " is read, that names the person"
)


def keyed_by(terms: ProductTerms) -> Iterator[Persons]:
    """List the persons whom the whole key of a table names."""
    for name, key in terms.keyed.items():
        if key and all(rank_of(terms, Base(name, c)) >= PERSONAL for c in key):
            subject, own = key[0] if len(key) == 1 else "", frozenset({name})
            yield Persons(subject, own, own, terms.keyed)


def rank_of(terms: ProductTerms, found: Base) -> int:
    """Say how telling a column of a table is; a key may name what is not there."""
    one = holdings(terms, found.table).get(found.column)
    return one.rank if one else 0


def each_once(query: Query, tree: exp.Expr, persons: Persons) -> bool:
    """Say whether the rows that a query yields are one for each person."""
    select = bare(tree)
    if not isinstance(select, exp.Select):
        return False
    group = select.args.get("group")
    if group is None:
        return one_each(query, select, persons)
    return grouped_by(query, group, select, persons)


def tables_of(terms: ProductTerms, subject: str) -> frozenset[str]:
    """Name the tables whose column of that name is most telling: where the persons are.

    A town's public ``id`` counts nobody where a patient's personal ``id`` is read too.
    """
    ranks = {
        name: holdings(terms, name)[subject].rank
        for name, columns in terms.classified.items()
        if subject in columns
    }
    top = max(ranks.values(), default=0)
    return frozenset(name for name, rank in ranks.items() if rank == top)


def mixed(terms: ProductTerms, persons: Persons) -> str:
    """Name the sensitive source columns that the resource's SQL mixes into a subject.

    ``CASE WHEN hiv = 1 THEN patient END AS patient`` -> people.hiv; a plain name -> "".
    """
    found: set[Held] = set()
    for name in persons.tables & terms.upstream.keys():
        made = {h for n, h in sourced(terms.upstream[name]) if n == persons.subject}
        found |= made if len(made) > 1 else set()
    return ", ".join(sorted(one.name for one in found if one.rank > PERSONAL))


def counted(query: Query, tree: exp.Expr, name: str) -> Source:
    """Follow a count down, by name alone: past no JOIN, no group and no set."""
    select = bare(tree)
    value = item(select, name)
    if not isinstance(value, exp.Column):
        return None if value is None else Made(value, select)
    alone = not select.args.get("joins") and not select.args.get("group")
    below = (select.args["from_"].this,) if alone and select.args.get("from_") else ()
    for source in below:
        inner = inside(query, source)
        if isinstance(inner, exp.Expr):
            return counted(query, inner, value.name)
        return inner and base(inner, value.name)
    return Made(value, select)


def one_each(query: Query, tree: exp.Expr, persons: Persons) -> bool:
    """Say whether the rows that a SELECT reads are one for each person."""
    start = tree.args.get("from_")
    joins = tree.args.get("joins") or ()
    if start is None or not all(looks_up(query, join, persons.keyed) for join in joins):
        return False
    inner = inside(query, start.this)
    if inner is None:
        return False
    if not isinstance(inner, exp.Expr):
        return inner[0] in persons.rows
    return each_once(query, inner, persons)


def looks_up(
    query: Query, join: exp.Join, keyed: Mapping[str, tuple[str, ...]]
) -> bool:
    """Say whether a JOIN only looks rows up by the whole key of a table: none twice.

    ``JOIN towns AS t ON r.town = t.town``, key town, does.
    """
    inner = inside(query, join.this)
    if not isinstance(inner, tuple) or join.side not in ("", "LEFT") or join.method:
        return False
    if join.kind not in ("", "INNER", "SEMI", "ANTI"):
        return False
    on, owner = join.args.get("on"), join.this.alias_or_name.lower()
    found = {key.name for key in join.args.get("using") or ()}
    for part in on.flatten() if isinstance(on, exp.And) else [on]:
        if isinstance(part, exp.EQ):
            found |= held_to(part.left, part.right, owner)
            found |= held_to(part.right, part.left, owner)
    key = keyed.get(inner[0], ())
    return bool(key) and set(key) <= found


def held_to(side: exp.Expr, other: exp.Expr, owner: str) -> set[str]:
    """Name a column of a table that equals what stands in other tables."""
    theirs = list(other.find_all(exp.Column))
    if not isinstance(side, exp.Column) or side.table.lower() != owner:
        return set()
    apart = theirs and all(c.table and c.table.lower() != owner for c in theirs)
    return {side.name} if apart else set()


def grouped_by(
    query: Query, group: exp.Expr, select: exp.Expr, persons: Persons
) -> bool:
    """Say whether the person makes the groups: alone, or of rows that are persons.

    ``GROUP BY id, town`` of a table whose key is id makes one group a person.
    """
    sets = any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets"))
    keys = group.expressions
    if sets or not any(is_person(query, key, select, persons) for key in keys):
        return False
    return len(keys) == 1 or one_each(query, select, persons)


def is_person(query: Query, key: exp.Expr, select: exp.Expr, persons: Persons) -> bool:
    """Say whether a key of groups is the person."""
    if not isinstance(key, exp.Column):
        return False
    meant = (traced(query, select, key.name), looked_up(query, key, select))
    known = [found for found in meant if found is not None]
    return bool(known) and all(map(persons.are, known))


def sensitive_filters(query: Query, terms: ProductTerms) -> list[Held]:
    """List the sensitive columns that choose rows otherwise than as groups."""
    return [one for one in filters_of(query, query.tree, terms) if one.rank > PERSONAL]


def choosing_persons(query: Query, terms: ProductTerms) -> tuple[Held, ...]:
    """List the personal columns that choose single persons, or cells by a person.

    ``WHERE age >= 18`` chooses a group; ``WHERE id IN (7, 23)`` names persons, and
    HAVING, QUALIFY, LIMIT and INTERSECT show a cell by what one in it is. How many
    persons there are may choose cells, and which row of a person stands for them.
    """
    tree = plainly(query, terms)
    named = {column for key in terms.keyed.values() for column in key}
    named.add(terms.deidentification.subject or "")
    found = [
        one
        for one in filters_of(query, tree, terms)
        if one.name.partition(".")[2] in named
    ]
    for select in tree.find_all(exp.Select):
        select.set("where", None)
        for join in select.args.get("joins") or ():
            join.set("on", None)
    every = dict.fromkeys((*found, *filters_of(query, tree, terms)))
    return tuple(one for one in every if one.rank == PERSONAL)


def plainly(query: Query, terms: ProductTerms) -> exp.Expr:
    """Take out of a query what chooses nobody: counts, one row a person, null or not.

    ``id IN (SELECT id …)`` only brings persons together; what chose those stays.
    """
    persons, one = (
        named(terms, terms.deidentification.subject or ""),
        exp.Literal.number(1),
    )
    tree = query.tree.copy()
    for window in list(tree.find_all(exp.Window)):
        select = window.find_ancestor(exp.Select)
        by = window.args.get("partition_by") or ()
        if select and any(is_person(query, key, select, persons) for key in by):
            window.replace(one.copy())
    for count in list(tree.find_all(exp.Count)):
        if kind_of(Made(count, tree)) and not isinstance(count.parent, exp.Filter):
            count.replace(one.copy())
    for null in list(tree.find_all(exp.Is)):
        if isinstance(null.this, exp.Column):
            null.replace(exp.true())
    for inside_ in list(tree.find_all(exp.In)):
        below = bare(inside_.args.get("query") or inside_)
        if isinstance(inside_.this, exp.Column) and isinstance(below, exp.Select):
            below.set("expressions", [one.copy()])
            inside_.replace(exp.Exists(this=below.copy()))
    return tree


def filters_of(query: Query, tree: exp.Expr, terms: ProductTerms) -> list[Held]:
    """List what chooses the rows of a query otherwise than as groups and pairs."""
    tree = tree.copy()
    for select in tree.find_all(exp.Select):
        select.set("group", None)
    tables = {low: table(name, names) for low, (name, names) in query.tables.items()}
    filters = of_query(tree, Scope(tables, None, WHERE, pairs=False)).filters
    held = {name: holdings(terms, name) for name in terms.classified}
    return [held[origin.table][origin.column] for origin in sorted(filters)]


def telling_groups(
    terms: ProductTerms, read: tuple[Taken, ...], asked: Cells
) -> list[str]:
    """List the columns of a cell that show a personal column otherwise than in words.

    ``CASE WHEN age < 40 THEN 'under 40' ELSE 'from 40' END`` is; ``age`` is not.
    """
    shows = {edge.output for edge in read if edge.how == "value"}
    shows |= {
        c.name
        for c in terms.columns
        if RANK[c.classification or "undecided"] >= PERSONAL
    }
    return [n for n in asked.by if n in shows and n not in in_words(terms)]


def in_words(terms: ProductTerms) -> frozenset[str]:
    """Name the columns of a cell that hold nothing but words of the query."""
    asked = terms.deidentification.cells
    if asked is None or not terms.query or not terms.classified:
        return frozenset()
    query = query_of(terms)
    found = ((name, traced(query, query.tree, name)) for name in asked.by)
    return frozenset(name for name, made in found if of_words(query, made))


def of_words(query: Query, made: Source) -> bool:
    """Say whether a column can only be one of some words: of the query, or above it.

    A label, or the SQL of the resource, may write the groups out as well.
    """
    if isinstance(made, Made):
        return is_words(query, made.value, made.select)
    upstream = query.upstream.get(made.table) if made else None
    if made is None or upstream is None:
        return False
    above = above_of(upstream, made.column)
    return above is not None and of_words(above, traced(above, above.tree, made.column))


def above_of(upstream: Upstream, column: str) -> Query | None:
    """Read the SQL of a resource, or the label that makes a column, if there is any."""
    label = upstream.labels.get(column)
    if label is not None:
        tree = guard(f'SELECT ({label}\n) AS "{column}" FROM resource', LABELLED, ABOVE)
        return Query(tree, {}, {}, {}, {})
    if not upstream.consolidate.strip():
        return None
    tree = guard(upstream.consolidate, upstream.sources, ABOVE)
    ctes = {cte.alias.lower(): cte.this for cte in tree.find_all(exp.CTE)}
    tables = {n.lower(): (n, tuple(c)) for n, c in upstream.sources.items()}
    return Query(tree, ctes, tables, {}, {})


def is_words(query: Query, value: exp.Expr, select: exp.Expr) -> bool:
    """Say whether an expression can only be one of some words of the query.

    A query inside it could tell of anybody: CASE WHEN EXISTS (… name = 'Zhao Ming').
    """
    if value.find(exp.Query):
        return False
    if isinstance(value, exp.Literal | exp.Boolean | exp.Null):
        return True
    if isinstance(value, exp.Paren | exp.Cast | exp.Neg):
        return is_words(query, value.this, select)
    if isinstance(value, exp.Case):
        told = [branch.args["true"] for branch in value.args["ifs"]]
        told += [last] if (last := value.args.get("default")) else []
        return all(is_words(query, one, select) for one in told)
    if isinstance(value, exp.Coalesce):
        return all(
            is_words(query, one, select) for one in (value.this, *value.expressions)
        )
    if isinstance(value, exp.Column):
        return of_words(query, looked_up(query, value, select))
    return False


def traced(query: Query, tree: exp.Expr, name: str) -> Source:
    """Follow a column of the result through plain names to what makes it."""
    select = bare(tree)
    value = item(select, name)
    if isinstance(value, exp.Column):
        return looked_up(query, value, select)
    return None if value is None else Made(value, select)


def looked_up(query: Query, column: exp.Column, select: exp.Expr) -> Source:
    """Find what a name means in a SELECT; what two of its tables hold is no one's."""
    start = select.args.get("from_")
    sources = [start.this] if start else []
    sources += [join.this for join in select.args.get("joins") or ()]
    owner = column.table.lower()
    found = [
        source
        for node in sources
        if owner in ("", node.alias_or_name.lower())
        and (source := in_table(query, node, column.name)) is not None
    ]
    if len(set(map(repr, found))) > 1:
        return Made(exp.Anonymous(this="several"), select)
    if found and isinstance(found[0], Made) and not kept(query, column, select):
        # Whether a row has found a word tells what the JOIN asked of it.
        return Made(exp.Anonymous(this="joined"), select)
    return found[0] if found else None


def kept(query: Query, column: exp.Column, select: exp.Expr) -> bool:
    """Say whether a column is of the first table, beside which others are looked up."""
    joins = select.args.get("joins") or ()
    first = select.args["from_"].this.alias_or_name.lower()
    looked = all(looks_up(query, join, query.keyed) for join in joins)
    return not joins or (looked and column.table.lower() == first)


def in_table(query: Query, node: exp.Expr, name: str) -> Source:
    """Find a column in one table, CTE or subquery of FROM."""
    inner = inside(query, node)
    if isinstance(inner, exp.Expr):
        return traced(query, inner, name)
    return inner and base(inner, name)


def base(of: tuple[str, tuple[str, ...]], name: str) -> Base | None:
    """Find a column in a declared table."""
    return Base(of[0], name) if name in of[1] else None


def inside(
    query: Query, node: exp.Expr
) -> exp.Expr | tuple[str, tuple[str, ...]] | None:
    """Open a CTE or subquery, or name a declared table and its columns."""
    if isinstance(node, exp.Table) and not node.args.get("joins"):
        name = node.name.lower()
        cte = query.ctes.get(name)
        return query.tables.get(name) if cte is None else cte
    return node.this if isinstance(node, exp.Subquery) else node


def bare(tree: exp.Expr) -> exp.Expr:
    """Take the parentheses off a query."""
    while isinstance(tree, exp.Subquery | exp.Paren):
        tree = tree.this
    return tree


def item(select: exp.Expr, name: str) -> exp.Expr | None:
    """Find the expression of a column of the result; ``*`` hands a name on.

    Of a set, and of a ``*`` that is changed or not alone, a node that is no column.
    """
    if not isinstance(select, exp.Select):
        return select
    for column in select.selects:
        if not column.is_star and column.alias_or_name == name:
            return column.this if isinstance(column, exp.Alias) else column
    stars = [column for column in select.selects if column.is_star]
    if len(stars) != 1:
        return exp.Star() if stars else None
    star, owner = stars[0], None
    if isinstance(star, exp.Column):
        star, owner = star.this, star.args.get("table")
    changed = any(star.args.get(kind) for kind in ("except_", "replace", "rename"))
    return star if changed else exp.column(name, table=owner)
