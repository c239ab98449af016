"""Count what WHERE, GROUP BY, HAVING, QUALIFY, DISTINCT, LIMIT and UNION drop or add.

The steps are those of the query, of its WITH tables and of its tables in parentheses,
numbered together with the joins in the order in which they are done. Each number is a
``COUNT(*)`` over the document's own words up to that step, so rows out = rows in −
dropped + multiplied. Labels and sorting change no number of rows and are no step.

4 flights, 3 of them to ORD, WHERE dest = 'ORD' -> in 4, out 3, dropped 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import sqlglot
from sqlglot import exp

from schemas.contract import frame_of
from schemas.resource import ClauseBalance
from tasks.resource.clauses import Join, Query, Select, cut_query

ZERO = pl.lit(0, pl.Int64)
UNKNOWN = pl.lit(None, pl.Int64)
Sources = Mapping[str, pl.LazyFrame]
Ties = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One clause, and the queries that count the rows before and after it."""

    part: str
    what: str
    text: str
    rows_in: str
    rows_out: str
    added: str = ""  # rows that UNION adds
    join: Join | None = None
    ties: Ties = ()
    before: str = ""  # of a join: FROM and the joins before it

    @property
    def reason(self) -> str:
        """The clause on one line."""
        return " ".join(self.text.split())

    def row(self) -> dict[str, pl.Expr]:
        """Compute the step from counts, each a column named by its query."""
        rows_in, rows_out = number(self.rows_in), number(self.rows_out)
        added = number(self.added) if self.added else ZERO
        change = rows_in + added - rows_out
        return {
            "part": pl.lit(self.part),
            "what": pl.lit(self.what),
            "rows_in": rows_in,
            "rows_out": rows_out,
            "dropped": pl.max_horizontal(ZERO, change),
            "multiplied": added + pl.max_horizontal(ZERO, -change),
            "reason": pl.lit(self.reason),
        }

    def queries(self) -> set[str]:
        """List what must be counted."""
        return {self.rows_in, self.rows_out, self.added} - {""}


def number(query: str) -> pl.Expr:
    """Take a count by its query; null where there is none."""
    return pl.col(query).cast(pl.Int64) if query else UNKNOWN


def step_balance(sql: str, sources: Sources) -> pl.LazyFrame:
    """Count every step of a guarded query that is no join, as one lazy frame.

    Args:
        sql: The query; empty where the only source is the resource.
        sources: One frame a source, by name.

    Returns:
        Contract ClauseBalance, key step; empty where nothing drops or adds a row.

    Raises:
        FactorError: The query is written in a form whose rows cannot be counted.
    """
    found = {n: s for n, s in enumerate(steps_of(sql), 1) if s.join is None}
    if not found:
        return frame_of(ClauseBalance, []).lazy()
    rows = [{"step": pl.lit(n, pl.Int64)} | s.row() for n, s in found.items()]
    return counted(set().union(*(s.queries() for s in found.values())), rows, sources)


def counted(
    queries: set[str], rows: Sequence[Mapping[str, pl.Expr]], sources: Sources
) -> pl.LazyFrame:
    """Count each query once, then compute one row after the other from the counts."""
    context = pl.SQLContext(frames=dict(sources), eager=False)
    counts = [context.execute(q).select(pl.col("n").alias(q)) for q in sorted(queries)]
    made = pl.concat_list(
        pl.struct(value.alias(name) for name, value in row.items()) for row in rows
    )
    one_row = pl.concat(counts, how="horizontal")
    return one_row.select(row=made).explode("row").unnest("row")


def steps_of(sql: str) -> Iterator[Step]:
    """List all steps, joins among them, in the order in which they are done.

    Raises:
        FactorError: As ``step_balance``.
    """
    if sql.strip():
        yield from _of_query(cut_query(sql), (), "")


def _of_query(query: Query, ties: Ties, part: str) -> Iterator[Step]:
    for tie in query.ties:
        yield from _of_query(tie.query, ties, tie.name)
        ties = (*ties, tie.text)
    for i, one in enumerate(query.parts):
        name = f"{part}[{i + 1}]" if len(query.parts) > 1 else part
        yield from _of_part(one, ties, name)
        if i:
            yield _union(query, i, ties, part)
    if query.limit:
        yield Step(
            *(part, "LIMIT", query.limit),
            rows_in=_rows(query, len(query.parts) - 1, ties),
            rows_out=_wrapped(ties, f"{query.upto[-1]} {query.tail}"),
        )


def _of_part(part: Select | Query, ties: Ties, name: str) -> Iterator[Step]:
    if isinstance(part, Query):
        yield from _of_query(part, ties, name)
    else:
        yield from _of_select(part, ties, name)


def _union(query: Query, i: int, ties: Ties, part: str) -> Step:
    """Bring the first ``i`` parts of a UNION, EXCEPT or INTERSECT to the next."""
    what = " ".join(query.operators[i - 1].upper().split())
    return Step(
        *(part, what, query.operators[i - 1]),
        rows_in=_rows(query, i - 1, ties),
        rows_out=_rows(query, i, ties),
        added=_rows_of_part(query.parts[i], ties) if "UNION" in what else "",
    )


def _rows(query: Query, upto: int, ties: Ties) -> str:
    if upto == 0:
        return _rows_of_part(query.parts[0], ties)
    return _wrapped(ties, query.upto[upto])


def _rows_of_part(part: Select | Query, ties: Ties) -> str:
    """Count the rows of a part by the words of its last step, which is asked anyway."""
    if isinstance(part, Query) or not part.source:
        return _wrapped(ties, part.text)
    own = [s for s in _of_select(part, ties, "") if s.part == ""]
    return own[-1].rows_out if own else f"{_count(ties)}{part.source}"


def _of_select(select: Select, ties: Ties, part: str) -> Iterator[Step]:
    for table in select.tables:
        yield from _of_query(table.query, ties, table.name)
    count, before = _count(ties), select.source
    for join in select.joins:
        after = f"{before} {join.text}"
        yield Step(
            *(part, join.kind, join.text, f"{count}{before}", f"{count}{after}"),
            join=join,
            ties=ties,
            before=before,
        )
        before = after
    rows = f"{count}{before}"
    if select.where:
        yield Step(part, "WHERE", select.where, rows, f"{rows} {select.where}")
        rows = f"{rows} {select.where}"
    yield from _after_where(select, ties, part, before, rows)


def _after_where(
    select: Select, ties: Ties, part: str, before: str, rows: str
) -> Iterator[Step]:
    """Add one clause after the other to the whole SELECT, and count each form."""
    clauses = {
        "GROUP BY": select.group or ("one total" if _aggregates(select) else ""),
        "HAVING": select.having,
        "QUALIFY": select.qualify,
        "DISTINCT": select.distinct,
    }
    said: dict[str, str] = {}
    for what, text in clauses.items():
        if text:
            said[what] = text
            form = _wrapped(ties, _written(select, before, said))
            yield Step(part, what, text, rows, form)
            rows = form


def _written(select: Select, before: str, said: Mapping[str, str]) -> str:
    """Write a SELECT with some of its clauses."""
    words = (
        *("SELECT", said.get("DISTINCT"), select.columns, before, select.where),
        *(select.group, said.get("HAVING"), select.window, said.get("QUALIFY")),
    )
    return " ".join(word for word in words if word)


def _aggregates(select: Select) -> bool:
    """Tell whether columns are totals of all rows: ``SELECT SUM(x) AS s FROM t``."""
    tree = sqlglot.parse_one(f"SELECT {select.columns}", read="postgres")
    return any(
        call.parent_select is tree and call.find_ancestor(exp.Window) is None
        for call in tree.find_all(exp.AggFunc)
    )


def _count(ties: Ties) -> str:
    return f"{with_clause(ties)}SELECT COUNT(*) AS n "


def _wrapped(ties: Ties, text: str) -> str:
    return f"{_count(ties)}FROM ({text}) AS counted"


def with_clause(ties: Ties) -> str:
    """Write ``WITH a AS (…), b AS (…) ``, nothing without tables."""
    return f"WITH {', '.join(ties)} " if ties else ""
