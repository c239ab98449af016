"""Cut a guarded query into its SELECTs, and each SELECT into its clauses, as written.

The cuts are made in the text, by the tokens outside all parentheses, so that a count
can run the document's own words and no second reading of the SQL can disagree with the
first. ``WITH``, tables in parentheses and what UNION joins are cut in the same way;
subqueries inside an expression are not: they neither drop nor add a row by themselves.

``SELECT a FROM t JOIN u USING (k) WHERE a > 1`` -> columns ``a``, source ``FROM t``,
one join ``JOIN u USING (k)``, where ``WHERE a > 1``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sqlglot
from sqlglot.tokenizer_core import Token
from sqlglot.tokenizer_core import TokenType as T

from schemas.errors import FactorError

SIDES = (T.LEFT, T.RIGHT, T.FULL, T.INNER, T.OUTER, T.CROSS, T.SEMI, T.ANTI)
SETS = (T.UNION, T.EXCEPT, T.INTERSECT)
LIMITS = (T.LIMIT, T.OFFSET, T.FETCH)
TAIL = (T.ORDER_BY, *LIMITS)
CLAUSES = (T.FROM, T.WHERE, T.GROUP_BY, T.HAVING, T.WINDOW, T.QUALIFY)
# After one of these a word such as "offset" or "window" is the name of a column.
BEFORE_A_NAME = (
    *(T.DOT, T.ALIAS, T.COMMA, T.SELECT, T.DISTINCT, T.ON, T.AND, T.OR, T.NOT),
    *(T.WHERE, T.GROUP_BY, T.HAVING, T.QUALIFY, T.ORDER_BY),
)


@dataclass(frozen=True)
class Join:
    """One JOIN: ``LEFT JOIN airports d ON f.dest = d.faa``."""

    text: str
    kind: str  # LEFT JOIN
    right: str  # airports d
    match: str  # ON f.dest = d.faa


@dataclass(frozen=True)
class Select:
    """One SELECT, cut at its clauses; a clause that is not there is empty."""

    text: str
    columns: str
    distinct: str  # DISTINCT, or DISTINCT ON (…)
    source: str  # FROM flights f
    joins: tuple[Join, ...]
    where: str
    group: str
    having: str
    window: str
    qualify: str
    tables: tuple["Named", ...]  # tables in parentheses


@dataclass(frozen=True)
class Query:
    """SELECTs that UNION, EXCEPT or INTERSECT join, and what follows them."""

    text: str
    ties: tuple["Named", ...]  # the tables of WITH
    parts: tuple["Select | Query", ...]
    operators: tuple[str, ...]  # UNION ALL, …: one less than parts
    upto: tuple[str, ...]  # the text from the first part to each part
    tail: str  # ORDER BY … LIMIT …
    limit: str  # LIMIT …


@dataclass(frozen=True)
class Named:
    """A query that stands as a table: ``late AS (SELECT …)``."""

    name: str
    text: str
    query: Query


@dataclass(frozen=True)
class Words:
    """A run of tokens of one text."""

    sql: str
    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The text as written, from the first token to the last."""
        if not self.tokens:
            return ""
        return self.sql[self.tokens[0].start : self.tokens[-1].end + 1]

    def cut(self, start: int, stop: int | None = None) -> "Words":
        """Take the tokens from ``start`` to before ``stop``."""
        return Words(self.sql, self.tokens[start:stop])

    def kind(self, at: int) -> T | None:
        """Say what the token at a place is, nothing past the end."""
        return self.tokens[at].token_type if 0 <= at < len(self.tokens) else None

    def places(self, *kinds: T) -> list[int]:
        """Find the tokens of some kinds outside all parentheses; none is a name."""
        return [
            i
            for i in self._top()
            if self.kind(i) in kinds
            and (i == 0 or self.kind(i - 1) not in BEFORE_A_NAME)
        ]

    def first(self, *kinds: T) -> int:
        """Find the first such token, else the end."""
        return next(iter(self.places(*kinds)), len(self.tokens))

    def closing(self, at: int) -> int:
        """Find the parenthesis that closes the one at ``at``."""
        return at + 1 + next(i for i in self.cut(at + 1)._closed())

    def _top(self) -> Iterator[int]:
        depth = 0
        for i in range(len(self.tokens)):
            depth -= self.kind(i) is T.R_PAREN
            if depth == 0:
                yield i
            depth += self.kind(i) is T.L_PAREN

    def _closed(self) -> Iterator[int]:
        depth = 0
        for i in range(len(self.tokens)):
            depth += {T.L_PAREN: 1, T.R_PAREN: -1}.get(self.kind(i) or T.VAR, 0)
            if depth < 0:
                yield i


def cut_query(sql: str) -> Query:
    """Cut a query that the guard let pass.

    Raises:
        FactorError: It is written in a form whose rows cannot be counted.
    """
    tokens = tuple(sqlglot.tokenize(sql, dialect="postgres"))
    words = Words(sql, tokens)
    return _query(words.cut(0, words.first(T.SEMICOLON)))


def _query(words: Words) -> Query:
    ties, body = _ties(words)
    end = body.first(*TAIL)
    tail, body = body.cut(end), body.cut(0, end)
    sets = body.places(*SETS)
    begins = [0, *(_after(body, at) for at in sets)]
    ends = [*sets, len(body.tokens)]
    return Query(
        text=words.text,
        ties=ties,
        parts=tuple(_part(body.cut(a, b)) for a, b in zip(begins, ends, strict=True)),
        operators=tuple(
            body.cut(a, b).text for a, b in zip(sets, begins[1:], strict=True)
        ),
        upto=tuple(body.cut(0, b).text for b in ends),
        tail=tail.text,
        limit=tail.cut(tail.first(*LIMITS)).text,
    )


def _after(body: Words, at: int) -> int:
    """Step over UNION ALL BY NAME to the query that follows."""
    starts = (T.SELECT, T.L_PAREN, T.WITH, T.FROM)
    end = len(body.tokens)
    return next((i for i in range(at, end) if body.kind(i) in starts), end)


def _ties(words: Words) -> tuple[tuple[Named, ...], Words]:
    """Read ``WITH a AS (…), b AS (…)``, and what follows."""
    found, at = [], 0
    while words.kind(at) in ((T.WITH,) if at == 0 else (T.COMMA,)):
        opening = next(
            i for i in range(at, len(words.tokens)) if words.kind(i) is T.L_PAREN
        )
        end = words.closing(opening)
        name = words.tokens[at + 1].text
        inner = _query(words.cut(opening + 1, end))
        found.append(Named(name, words.cut(at + 1, end + 1).text, inner))
        at = end + 1
    return tuple(found), words.cut(at)


def _part(words: Words) -> Select | Query:
    if words.kind(0) is T.L_PAREN and words.closing(0) == len(words.tokens) - 1:
        return _query(words.cut(1, -1))
    if words.kind(0) is not T.SELECT:
        raise FactorError(
            "resource.consolidate: a part of the query does not begin with SELECT;"
            " write SELECT first, then FROM"
        )
    return _select(words)


def _select(words: Words) -> Select:
    starts = words.places(*CLAUSES)  # not the FROM of IS DISTINCT FROM
    clauses = {
        words.kind(a): words.cut(a, b)
        for a, b in pairwise([*starts, len(words.tokens)])
    }
    distinct = _distinct(words)
    of = {kind: clauses.get(kind, words.cut(0, 0)) for kind in CLAUSES}
    source, joins, tables = _source(of[T.FROM])
    return Select(
        text=words.text,
        columns=words.cut(1 + distinct, min(starts, default=None)).text,
        distinct=words.cut(1, 1 + distinct).text,
        source=source,
        joins=joins,
        where=of[T.WHERE].text,
        group=of[T.GROUP_BY].text,
        having=of[T.HAVING].text,
        window=of[T.WINDOW].text,
        qualify=of[T.QUALIFY].text,
        tables=tables,
    )


def _distinct(words: Words) -> int:
    """Count the tokens of DISTINCT or DISTINCT ON (…) after SELECT."""
    if words.kind(1) is not T.DISTINCT:
        return 0
    on = words.kind(2) is T.ON and words.kind(3) is T.L_PAREN
    return words.closing(3) if on else 1


def _source(words: Words) -> tuple[str, tuple[Join, ...], tuple[Named, ...]]:
    """Cut FROM into its first table and its joins."""
    marks = words.places(T.JOIN)
    begins = [*(_begin(words, at) for at in marks), len(words.tokens)]
    first = words.cut(0, begins[0])
    tables, joins = list(_table(first.cut(1))), []
    for join, begin, end in zip(marks, begins, begins[1:], strict=False):
        match = next((i for i in words.places(T.ON, T.USING) if join < i < end), end)
        right = words.cut(join + 1, match)
        tables += _table(right)
        kind = " ".join(words.cut(begin, join + 1).text.upper().split())
        text, matched = words.cut(begin, end).text, words.cut(match, end).text
        joins.append(Join(text=text, kind=kind, right=right.text, match=matched))
    return first.text, tuple(joins), tuple(tables)


def _begin(words: Words, join: int) -> int:
    """Step back over LEFT, OUTER, … to the first word of a join."""
    while words.kind(join - 1) in SIDES:
        join -= 1
    return join


def _table(words: Words) -> Iterator[Named]:
    """Give a query that stands in parentheses as a table."""
    if words.kind(0) is not T.L_PAREN:
        return
    end = words.closing(0)
    if words.kind(1) not in (T.SELECT, T.WITH, T.L_PAREN):
        raise FactorError(
            "resource.consolidate: joins in parentheses cannot be counted; write them"
            " one after the other, without parentheses"
        )
    name = words.tokens[-1].text if end + 1 < len(words.tokens) else ""
    yield Named(name, words.text, _query(words.cut(1, end)))
