"""Count what each JOIN of the consolidation keeps, loses and multiplies.

The counts run the document's own words: the chain of joins up to step n, as written,
under ``SELECT COUNT(*)``; so no second reading of the SQL can disagree with the first.
WHERE does not enter: the balance says what the joins did, before rows were left out on
purpose. A null key matches nothing. Joins inside CTEs and subqueries are not counted.

3 flights of carriers UA, UA, XX LEFT JOIN airlines UA, UA, DL -> left 3, unmatched 1,
right 3, repeated 1 (UA), out 5.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token
from sqlglot.tokenizer_core import TokenType as T

SIDES = (T.LEFT, T.RIGHT, T.FULL, T.INNER, T.OUTER, T.CROSS, T.SEMI, T.ANTI)
SETS = (T.UNION, T.EXCEPT, T.INTERSECT)
# What ends the FROM clause of a SELECT.
ENDS = (
    *(T.WHERE, T.GROUP_BY, T.HAVING, T.QUALIFY, T.WINDOW, T.ORDER_BY, T.LIMIT),
    *(T.OFFSET, T.SEMICOLON),
)
COUNTS = ("left_rows", "left_unmatched", "right_rows", "right_repeated", "rows_out")


@dataclass(frozen=True)
class Step:
    """One JOIN as it is written."""

    ties: str  # WITH …
    before: str  # FROM flights f LEFT JOIN airlines a ON …
    join: str  # LEFT JOIN airports d ON f.dest = d.faa
    right: str  # airports d
    match: str  # ON f.dest = d.faa

    def queries(self) -> dict[str, str]:
        """Write one query for each count that this join allows."""
        count = f"{self.ties}SELECT COUNT(*) AS n "
        asked = {
            "left_rows": f"{count}{self.before}",
            "right_rows": f"{count}FROM {self.right}",
            "rows_out": f"{count}{self.before} {self.join}",
        }
        if keys := self._keys():
            each, known = ", ".join(keys), " IS NOT NULL AND ".join(keys)
            asked["left_unmatched"] = (
                f"{count}{self.before} LEFT ANTI JOIN {self.right} {self.match}"
            )
            asked["right_repeated"] = (
                f"{count}FROM (SELECT {each} FROM {self.right} WHERE {known}"
                f" IS NOT NULL GROUP BY {each} HAVING COUNT(*) > 1) AS repeated"
            )
        return asked

    def _keys(self) -> list[str]:
        """Name the right side's key columns; none unless all are plain equalities."""
        tree = sqlglot.parse_one(f"SELECT 1 {self.before} {self.join}", read="postgres")
        join = tree.args["joins"][-1]
        if using := join.args.get("using"):
            return [name.sql("postgres") for name in using]
        on = join.args.get("on") or exp.true()
        parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
        keys = [_own_column(part.unnest(), join.alias_or_name) for part in parts]
        return keys if all(keys) else []


def _own_column(part: exp.Expr, right: str) -> str:
    """Give ``right.y`` of ``left.x = right.y``, nothing for any other form."""
    sides = [part.left, part.right] if isinstance(part, exp.EQ) else []
    columns = [c for c in sides if isinstance(c, exp.Column) and c.table]
    own = [c.sql("postgres") for c in columns if c.table == right]
    return own[0] if len(columns) == 2 and len(own) == 1 else ""


def join_balance(sql: str, sources: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Count the joins of the top SELECT of a guarded query, as one lazy frame.

    Returns:
        Contract JoinBalance, key step; empty without a join. ``left_unmatched`` and
        ``right_repeated`` are null where the join is no plain equality of columns.
    """
    steps = [step.queries() | {"join": step.join} for step in _steps(sql)]
    if not steps:
        types = {"step": pl.Int64, "join": pl.String} | dict.fromkeys(COUNTS, pl.Int64)
        return pl.LazyFrame(schema=types)
    context = pl.SQLContext(frames=dict(sources), eager=False)
    # The rows after one join are the rows before the next: asked once.
    asked = sorted({step[count] for step in steps for count in COUNTS if count in step})
    counted = [context.execute(q).select(pl.col("n").alias(q)) for q in asked]
    rows = [
        pl.struct(
            pl.lit(number, pl.Int64).alias("step"),
            pl.lit(" ".join(step["join"].split())).alias("join"),
            *(
                (pl.col(step[count]) if count in step else pl.lit(None, pl.Int64))
                .cast(pl.Int64)
                .alias(count)
                for count in COUNTS
            ),
        )
        for number, step in enumerate(steps, 1)
    ]
    one_row = pl.concat(counted, how="horizontal")
    return (
        one_row.select(pl.concat_list(rows).alias("row")).explode("row").unnest("row")
    )


def _steps(sql: str) -> Iterator[Step]:
    """Cut the FROM clause of the top SELECT, and of each SELECT that UNION adds."""
    top = list(_top(sqlglot.tokenize(sql, dialect="postgres")))
    first = next((t.start for t in top if t.token_type is T.SELECT), 0)
    cuts = [i for i, t in enumerate(top) if t.token_type in SETS]
    for begin, end in zip([0, *cuts], [*cuts, len(top)], strict=True):
        yield from _steps_of(sql, sql[:first], top[begin:end])


def _top(tokens: list[Token]) -> Iterator[Token]:
    """Keep the tokens outside all parentheses."""
    depth = 0
    for token in tokens:
        depth -= token.token_type is T.R_PAREN
        if depth == 0:
            yield token
        depth += token.token_type is T.L_PAREN


def _steps_of(sql: str, ties: str, tokens: list[Token]) -> Iterator[Step]:
    kinds = [t.token_type for t in tokens]
    # IS DISTINCT FROM is no clause.
    froms = [
        i for i, k in enumerate(kinds) if k is T.FROM and kinds[i - 1] is not T.DISTINCT
    ]
    if not froms:
        return
    start = froms[0]
    stop = next((i for i in range(start, len(kinds)) if kinds[i] in ENDS), len(kinds))
    joins = [i for i in range(start, stop) if kinds[i] is T.JOIN]
    begins = [*(_begin(kinds, i) for i in joins), stop]
    before = _text(sql, tokens[start : begins[0]])
    for join, begin, end in zip(joins, begins, begins[1:], strict=False):
        marks = (i for i in range(join, end) if kinds[i] in (T.ON, T.USING))
        match = next(marks, end)
        step = Step(
            ties=ties,
            before=before,
            join=_text(sql, tokens[begin:end]),
            right=_text(sql, tokens[join + 1 : match]),
            match=_text(sql, tokens[match:end]),
        )
        yield step
        before = f"{before} {step.join}"


def _begin(kinds: list[T], join: int) -> int:
    """Step back over LEFT, OUTER, … to the first word of a join."""
    while kinds[join - 1] in SIDES:
        join -= 1
    return join


def _text(sql: str, tokens: list[Token]) -> str:
    return sql[tokens[0].start : tokens[-1].end + 1] if tokens else ""
