"""Count what each JOIN of the consolidation keeps, loses and multiplies.

The counts run the document's own words: the chain of joins up to step n, as written,
under ``SELECT COUNT(*)``; so no second reading of the SQL can disagree with the first.
Written as a LEFT JOIN the step would keep every left row once or more: what exceeds the
left rows is multiplied, what an INNER JOIN has less is unmatched. As a RIGHT JOIN the
same is said of the right rows: what exceeds them was used again. A null key matches
nothing. WHERE does not enter: it is a step of its own.

3 flights of carriers UA, UA, XX LEFT JOIN airlines UA, UA, DL -> left 3, unmatched 1,
right 3, repeated 1 (UA), out 5, multiplied 2, dropped 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl
import sqlglot
from sqlglot import exp

from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.resource import UNDECLARED, JoinBalance
from tasks.resource.steps import (
    ZERO,
    Sources,
    Step,
    counted,
    number,
    steps_of,
    with_clause,
)

Expect = Mapping[str, str]


@dataclass(frozen=True)
class Counts:
    """One query for each count of a join; an empty one cannot or need not be asked."""

    left_rows: str
    rows_out: str
    right_rows: str
    right_repeated: str
    as_left: str
    as_inner: str
    as_right: str


@dataclass(frozen=True)
class Joined:
    """One JOIN with what the document expects of it."""

    step: Step
    kind: str
    right: str
    match: str
    tree: exp.Join

    def names(self) -> tuple[str, ...]:
        """Name the right table: by its alias first, then as what it is."""
        named = (self.tree.alias_or_name, self.tree.this.name)
        return tuple(dict.fromkeys(name.lower() for name in named if name))

    def expected(self, expect: Expect) -> str:
        """Say what the document lets this join do."""
        return next((expect[n] for n in self.names() if n in expect), UNDECLARED)

    def counts(self, expected: str) -> Counts:
        """Write the queries; how often a right row is used is asked for 1:1 only."""
        count = f"{with_clause(self.step.ties)}SELECT COUNT(*) AS n "
        as_left, as_inner, as_right = (
            f"{count}{self.step.before} {kind} JOIN {self.right} {self.match}"
            for kind in ("LEFT", "INNER", "RIGHT")
        )
        return Counts(
            left_rows=self.step.rows_in,
            rows_out=self.step.rows_out,
            right_rows=f"{count}FROM {self.right}",
            right_repeated=self._repeated(count),
            as_left=as_left,
            as_inner=as_inner,
            as_right=as_right if expected == "1:1" else "",
        )

    def _repeated(self, count: str) -> str:
        if not (keys := self._keys()):
            return ""
        each, known = ", ".join(keys), " IS NOT NULL AND ".join(keys)
        return (
            f"{count}FROM (SELECT {each} FROM {self.right} WHERE {known} IS NOT NULL"
            f" GROUP BY {each} HAVING COUNT(*) > 1) AS repeated"
        )

    def _keys(self) -> list[str]:
        """Name the right side's key columns; none unless all are plain equalities."""
        if using := self.tree.args.get("using"):
            return [name.sql("postgres") for name in using]
        on = self.tree.args.get("on") or exp.true()
        parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
        keys = [_own_column(part.unnest(), self.tree.alias_or_name) for part in parts]
        return keys if all(keys) else []

    def row(self, expected: str) -> dict[str, pl.Expr]:
        """Compute the join from its counts, each a column named by its query."""
        asked = self.counts(expected)
        left, out = number(asked.left_rows), number(asked.rows_out)
        unmatched = number(asked.as_left) - number(asked.as_inner)
        dropped = unmatched
        if "SEMI" in self.kind or "ANTI" in self.kind:
            dropped = left - out
        elif "LEFT" in self.kind or "FULL" in self.kind:
            dropped = ZERO
        return {
            "part": pl.lit(self.step.part),
            "join": pl.lit(self.step.reason),
            "expected": pl.lit(expected),
            "left_rows": left,
            "left_unmatched": unmatched,
            "right_rows": number(asked.right_rows),
            "right_repeated": number(asked.right_repeated),
            "right_reused": number(asked.as_right) - number(asked.right_rows),
            "rows_out": out,
            "dropped": dropped,
            "multiplied": out - left + dropped,
        }


def _own_column(part: exp.Expr, right: str) -> str:
    """Give ``right.y`` of ``left.x = right.y``, nothing for any other form."""
    sides = [part.left, part.right] if isinstance(part, exp.EQ) else []
    columns = [c for c in sides if isinstance(c, exp.Column) and c.table]
    own = [c.sql("postgres") for c in columns if c.table == right]
    return own[0] if len(columns) == 2 and len(own) == 1 else ""


def join_balance(sql: str, sources: Sources, expect: Expect) -> pl.LazyFrame:
    """Count the joins of a guarded query, as one lazy frame.

    Args:
        sql: The query; empty where the only source is the resource.
        sources: One frame a source, by name.
        expect: What a join may do, by its right table's alias or name.

    Returns:
        Contract JoinBalance, key step; empty without a join. ``right_repeated`` is null
        where the join is no plain equality of columns, ``right_reused`` unless the join
        is expected to be 1:1.

    Raises:
        FactorError: ``expect`` names no join, or the query is written in a form whose
            rows cannot be counted.
    """
    found = dict(_joins(sql))
    _refuse_unknown(expect, {name for join in found.values() for name in join.names()})
    if not found:
        return frame_of(JoinBalance, []).lazy()
    queries: set[str] = set()
    rows = []
    for position, join in found.items():
        expected = join.expected(expect)
        queries |= set(vars(join.counts(expected)).values())
        rows.append({"step": pl.lit(position, pl.Int64)} | join.row(expected))
    return counted(queries - {""}, rows, sources)


def _joins(sql: str) -> Iterator[tuple[int, Joined]]:
    """Pick the joins among the steps of a query."""
    for position, step in enumerate(steps_of(sql), 1):
        if (join := step.join) is None:
            continue
        words = f"SELECT 1 {step.before} {join.text}"
        tree = sqlglot.parse_one(words, read="postgres").args["joins"][-1]
        match = join.match or "ON TRUE"  # CROSS JOIN
        yield position, Joined(step, join.kind, join.right, match, tree)


def _refuse_unknown(expect: Expect, known: set[str]) -> None:
    """Refuse an expectation of a join that the query does not have."""
    for name in expect:
        if name in known:
            continue
        near = get_close_matches(name, known, n=1)
        listed = ", ".join(sorted(known)) or "no join"
        hint = f"did you mean {near[0]}?" if near else f"there is {listed}"
        raise FactorError(
            f"resource.expect: {name} is the right table of no join in"
            f" resource.consolidate; {hint}"
        )
