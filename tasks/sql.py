"""Guard a person's SQL, then let Polars run it as written.

Polars SQL can read any file of the machine (``FROM read_csv('/etc/passwd')``), so
every query passes a guard first, and only what is known to be harmless passes: one
SELECT over declared tables with functions of a list. The text is read with sqlglot as
PostgreSQL, since no dialect of Polars exists, and the guard is stricter than both
readers where they could differ: quoting by ``E''``, ``$$`` or backtick and odd white
space are refused.

What would give a wrong number in silence is refused as well: NATURAL and comma joins,
LIMIT without ORDER BY, text compared with a number, a column named twice. What remains
for a person to know: SUM of integers wraps beyond 9.2e18; ``CAST(2.5 AS INT)`` is 2;
``a % 0`` is null; MAX leaves NaN out; ``ORDER BY … DESC`` puts nulls first; names are
case-sensitive; ``LEFT JOIN … USING (k)`` adds a column ``k:right`` to ``*``; ROW_NUMBER
over ties is decided by the order of the rows.

``SELECT origin, COUNT(*) AS n FROM flights GROUP BY origin`` passes;
``SELECT * FROM read_csv('x')`` -> FactorError at line 1 column 15.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from schemas.contract import Column
from schemas.errors import ContractError, FactorError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions of Polars 2.1 SQL that read nothing but their arguments: no clock, no file,
# no chance; one value for a row or for a group. Left out on purpose: FIRST, LAST and
# ARRAY_AGG (they tell the order of rows, which a query does not fix), COLUMNS (a
# pattern of names), UNNEST and GENERATE_SERIES (tables).
FUNCTIONS = _words(
    """abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees div exp floor greatest
    least ln log log10 log1p log2 mod pi pow power radians round sign sin sqrt tan trunc
    date date_part date_trunc day dayofmonth dayofweek dayofyear extract hour minute
    month quarter second strftime strptime timestamp week year
    bit_and bit_count bit_length bit_or bit_xor char_length character_length concat
    concat_ws ends_with initcap left length lower lpad ltrim normalize octet_length
    regexp_like regexp_replace replace reverse right rpad rtrim split_part starts_with
    strpos substr substring trim upper coalesce if ifnull nullif cast try_cast
    avg corr count covar covar_pop covar_samp max median min quantile_cont quantile_disc
    stddev stddev_samp string_agg sum var var_samp variance
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank
    rank row_number"""
)
# What people write elsewhere, and what says it here.
INSTEAD = {
    "to_char": "STRFTIME(moment, '%Y-%m')",
    "to_date": "STRPTIME(text, '%Y-%m-%d')",
    "date_diff": "EXTRACT(EPOCH FROM later) - EXTRACT(EPOCH FROM earlier)",
    "percentile_cont": "QUANTILE_CONT(column, 0.5)",
    "mean": "AVG(column)",
    "mode": "COUNT(*) with GROUP BY and a RANK window",
    "approx_count_distinct": "COUNT(DISTINCT column)",
    "stddev_pop": "SQRT(AVG(x * x) - AVG(x) * AVG(x))",
    "any_value": "MIN(column)",
    "first": "FIRST_VALUE(column) OVER (… ORDER BY …)",
    "last": "LAST_VALUE(column) OVER (… ORDER BY …)",
    "arg_max": "a ROW_NUMBER window with QUALIFY",
    "bool_or": "MAX(CASE WHEN condition THEN 1 ELSE 0 END)",
    "count_if": "COUNT(*) FILTER (WHERE condition)",
    "regexp_matches": "REGEXP_LIKE(text, pattern)",
    "regexp_extract": "REGEXP_REPLACE(text, pattern, '$1')",
    "isnan": "column = CAST('NaN' AS DOUBLE)",
    "nvl": "COALESCE(column, other)",
    "position": "STRPOS(text, part)",
    "width_bucket": "FLOOR((x - low) / width)",
    "pivot": "SUM(CASE WHEN … THEN … END) for each column",
    "now": "as_of: a query has no clock",
    "columns": "the names of the columns",
    "random": "an expression of the data: a query has no dice",
}
# Words of the grammar that may stand before a parenthesis; none is a function.
WORDS = _words(
    """select from join where on and or not in as over by having qualify filter exists
    any all some union except intersect distinct case when then else between like ilike
    is exclude rename replace rollup cube sets using limit offset interval decimal
    numeric varchar char"""
)
# Everything a query may be made of; a node of any other class is refused by name.
NODES = (
    exp.Alias, exp.All, exp.Any, exp.Between, exp.Binary, exp.Boolean, exp.Case,
    exp.Column, exp.CTE, exp.Cube, exp.DataType, exp.DataTypeParam, exp.Distinct,
    exp.Exists, exp.Filter, exp.From, exp.Func, exp.Group, exp.GroupingSets,
    exp.Having, exp.Identifier, exp.In, exp.Interval, exp.Join, exp.Limit,
    exp.Literal, exp.Neg, exp.Not, exp.Null, exp.Offset, exp.Order, exp.Ordered,
    exp.Paren, exp.Qualify, exp.Rollup, exp.Select, exp.SetOperation, exp.Star,
    exp.Subquery, exp.Table, exp.TableAlias, exp.Tuple, exp.Var, exp.Where,
    exp.Window, exp.WindowSpec, exp.With,
)  # fmt: skip
# A longer text fills the memory by the row: LPAD(x, 9000000000, ' ') takes 9 GB each.
MAX_PAD = 1_000
COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)

Schema = Mapping[str, pl.DataType]


class _At:
    """Says where: the name of the query, line and column."""

    def __init__(self, what: str, sql: str, wrapped: int = 0) -> None:
        self.what, self.sql, self.wrapped = what, sql, wrapped

    def error(self, message: str, start: int | None = None) -> FactorError:
        if start is None:
            return FactorError(f"{self.what}: {message}")
        line = self.sql.count("\n", 0, start) + 1
        column = start - self.sql.rfind("\n", 0, start)
        column -= self.wrapped if line == 1 else 0
        return FactorError(f"{self.what} line {line} column {column}: {message}")

    def node(self, message: str, node: exp.Expr) -> FactorError:
        starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
        return self.error(message, min(starts, default=None))


def guard(
    sql: str, tables: Collection[str], what: str = "SQL", wrapped: int = 0
) -> exp.Query:
    """Let one harmless SELECT pass and return its tree.

    Args:
        sql: The query as written.
        tables: Names a query may read; compared without case, as Polars does.
        what: Name of the query in messages, such as ``resource.consolidate``.
        wrapped: Characters of line 1 that the person did not write.

    Raises:
        FactorError: One sentence with line and column for whatever else it is.
    """
    at = _At(what, sql, wrapped)
    _check_characters(at)
    tokens = _tokens(at)
    _check_tokens(at, tokens)
    tree = _parse(at)
    _check_nodes(at, tree)
    _check_tables(at, tree, {t.lower() for t in tables})
    _check_names(at, tree)
    return tree


def _check_characters(at: _At) -> None:
    for start, sign in enumerate(at.sql):
        odd = unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs")
        crlf = at.sql[start : start + 2] == "\r\n"
        if odd and sign not in " \n\t" and not crlf:
            raise at.error(
                f"sign U+{ord(sign):04X} is not allowed; write a plain space", start
            )


def _tokens(at: _At) -> list[Token]:
    try:
        return sqlglot.tokenize(at.sql, dialect="postgres")
    except SqlglotError as error:
        raise at.error("a quote or comment is not closed; close it") from error


def _check_tokens(at: _At, tokens: list[Token]) -> None:
    if not tokens or tokens[0].text.upper() not in ("SELECT", "WITH", "("):
        raise at.error("begin the query with SELECT or WITH", 0)
    for token in tokens[:-1]:
        if token.token_type is TokenType.SEMICOLON:
            raise at.error("holds a second statement; keep one SELECT", token.start)
    for token in tokens:
        written = at.sql[token.start : token.end + 1]
        plain = written[:1] in ("'", '"') or token.token_type is TokenType.NUMBER
        if "STRING" in token.token_type.name and not plain:
            raise at.error("write text as 'text', without prefix or $$", token.start)
        if "`" in written and not plain:
            raise at.error('quote a name as "name", without backticks', token.start)
    for token, following in pairwise(tokens):
        if following.token_type is TokenType.L_PAREN:
            _check_call(at, token)


def _check_call(at: _At, token: Token) -> None:
    """Refuse a name before a parenthesis that is no function of the list."""
    name = token.text.lower()
    named = token.token_type is TokenType.IDENTIFIER  # "select"(…) is a name
    if token.token_type is TokenType.STRING or not (named or re.match("[a-z_]", name)):
        return
    word = name if named else name.split()[-1]  # the last of GROUP BY
    if not named and word in WORDS:
        return
    if word not in FUNCTIONS:
        raise at.error(
            f"{name.upper()}(…) is not a function that a query may use;"
            f" {_replacement(word)}",
            token.start,
        )


def _replacement(name: str) -> str:
    near = get_close_matches(name, FUNCTIONS, n=1, cutoff=0.75)
    if name.startswith(("read_", "scan_")):
        return "name a source of the factor instead of a file"
    if name in INSTEAD or not near:
        return f"write {INSTEAD.get(name, 'it with the functions of Polars SQL')}"
    return f"did you mean {near[0].upper()}?"


def _parse(at: _At) -> exp.Query:
    try:
        statements = sqlglot.parse(at.sql, dialect="postgres")
    except SqlglotError as error:
        # A ParseError lists places, the other kinds of SqlglotError do not.
        first = (getattr(error, "errors", None) or [{}])[0]
        place = f" line {first['line']}" if first.get("line") else ""
        raise FactorError(
            f"{at.what}{place}: the SQL cannot be read; look for a missing name, comma"
            " or parenthesis, or a word that Polars SQL does not have"
        ) from error
    except RecursionError as error:
        raise at.error("is nested too deeply; use CTEs") from error
    found = [s for s in statements if s is not None]
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise at.error("is not one SELECT; keep one SELECT")
    return found[0]


def _check_nodes(at: _At, tree: exp.Query) -> None:
    for node in tree.walk():
        if not isinstance(node, NODES):
            raise at.node(f"{node.key.upper()} is not allowed in a query", node)
        if isinstance(node, exp.Func) and not _is_listed(at, node):
            name = node.sql_name() if not isinstance(node, exp.Anonymous) else node.name
            raise at.node(
                f"{name} is not allowed in a query; {_replacement(name.lower())}", node
            )
        if isinstance(node, exp.Pad):
            _check_pad(at, node)
        if isinstance(node, exp.Join):
            _check_join(at, node)
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise at.error("WITH RECURSIVE may never end; write the steps as CTEs")
        if isinstance(node, exp.Star) and node.args.get("ilike"):
            raise at.error("* ILIKE picks columns by a pattern; name the columns")
        if isinstance(node, exp.TableAlias) and node.args.get("columns"):
            raise at.node("name columns inside the SELECT, not after an alias", node)
        query = node.parent
        if isinstance(node, exp.Limit) and query and not query.args.get("order"):
            raise at.error("LIMIT takes any rows without ORDER BY; add ORDER BY")


def _is_listed(at: _At, node: exp.Func) -> bool:
    """Tell whether a function stands in the text by a name of the list."""
    if isinstance(node, exp.Case | exp.If | exp.Cast | exp.Extract | exp.Exists):
        return True
    if isinstance(node, exp.And | exp.Or | exp.RegexpLike | exp.RegexpILike):
        return True
    if isinstance(node, exp.GroupConcat):  # STRING_AGG, by which the tokens passed
        return True
    if "start" in node.meta:
        return at.sql[node.meta["start"] : node.meta["end"] + 1].lower() in FUNCTIONS
    return node.sql_name().lower() in FUNCTIONS


def _check_pad(at: _At, pad: exp.Pad) -> None:
    """Refuse to fill a text up to a length that is long, or that the data decide."""
    length = pad.expression
    if not (length.is_int and 0 <= int(length.to_py()) <= MAX_PAD):
        raise at.node(
            f"LPAD and RPAD take a length written as a number from 0 to {MAX_PAD:,};"
            " write such a number",
            pad,
        )


def _check_join(at: _At, join: exp.Join) -> None:
    stated = join.args.get("on") or join.args.get("using") or join.kind == "CROSS"
    if join.method or not stated:
        raise at.node("a join must state its condition; write JOIN … ON", join)


def _check_tables(at: _At, tree: exp.Query, tables: set[str]) -> None:
    ctes = [cte.alias.lower() for cte in tree.find_all(exp.CTE)]
    for name in ctes:
        if name in tables or ctes.count(name) > 1:
            raise at.error(f"WITH {name} hides another table; choose another name")
    known = tables | set(ctes)
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.db or table.catalog:
            raise at.node("FROM may name a source only; declare the file as one", table)
        if table.name.lower() not in known:
            near = get_close_matches(table.name.lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {sorted(known)}"
            raise at.node(f"table {table.name} is not declared; {hint}", table)


def _check_names(at: _At, tree: exp.Query) -> None:
    """Demand one name for each column of the result."""
    names: list[str] = []
    for column in tree.selects:
        if not isinstance(column, exp.Alias | exp.Column | exp.Star):
            raise at.node("an expression has no name; add AS name", column)
        names.append(column.alias_or_name)
    twice = sorted({n for n in names if n != "*" and names.count(n) > 1})
    if twice:
        raise at.error(f"column {twice[0]} is selected twice; name one of them anew")


def run_sql(
    sql: str, frames: Mapping[str, pl.LazyFrame], what: str = "SQL"
) -> pl.LazyFrame:
    """Guard a query and plan it over ``frames``; of them only the schemas are read.

    Raises:
        FactorError: As ``plan_schema``.
    """
    plan_schema(sql, {n: frame.collect_schema() for n, frame in frames.items()}, what)
    return pl.SQLContext(frames=dict(frames), eager=False).execute(sql)


def plan_schema(
    sql: str, schemas: Mapping[str, Schema], what: str = "SQL"
) -> dict[str, pl.DataType]:
    """Say what columns and types a query yields, by running it on empty tables.

    Raises:
        FactorError: The guard refuses the query, or it does not fit the tables: unknown
            column, wrong type (which planning alone would not find).
    """
    tree = guard(sql, schemas, what)
    _check_types(_At(what, sql), tree, schemas)
    empty = {name: pl.LazyFrame(schema=dict(s)) for name, s in schemas.items()}
    try:
        return dict(pl.SQLContext(frames=empty, eager=True).execute(sql).schema)
    # A bad argument makes some functions of Polars panic instead of raising.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise FactorError(f"{what}: {_reason(str(error))}") from error


def _reason(message: str) -> str:
    """Make one sentence of Polars' many lines."""
    unknown = re.match(r'unable to find column "(.*?)"; valid [^[]*\[(.*?)\]', message)
    if unknown is None:
        return f"{message.splitlines()[0].rstrip('. ')}; mend the query"
    name, known = unknown[1], re.findall(r'"(.*?)"', unknown[2])
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"column {name} does not exist; {hint}"


def _check_types(at: _At, tree: exp.Query, schemas: Mapping[str, Schema]) -> None:
    """Refuse text compared with a number: Polars calls it false, without a word."""
    for node in tree.find_all(*COMPARED):
        sides = list(node.iter_expressions())
        numbers = [s for s in sides if isinstance(s, exp.Literal) and s.is_number]
        for column in (s for s in sides if isinstance(s, exp.Column)):
            if numbers and pl.String in set(_types(tree, column, schemas)):
                raise at.node(
                    f"column {column.name} is text and is compared with a number; write"
                    f" the number in quotes or"
                    f" TRY_CAST({column.name} AS BIGINT)",
                    node,
                )


def _types(
    tree: exp.Query, column: exp.Column, schemas: Mapping[str, Schema]
) -> Iterator[pl.DataType]:
    for table in tree.find_all(exp.Table):
        schema = schemas.get(table.name.lower(), {})
        if column.table in ("", table.alias_or_name) and column.name in schema:
            yield schema[column.name]


def fit_columns(
    rows: pl.LazyFrame, columns: tuple[Column, ...], what: str = "SQL"
) -> pl.LazyFrame:
    """Select a contract's columns in its order; their types are the seam's to judge.

    Raises:
        ContractError: A column is missing, or is not in the contract.
    """
    found, declared = rows.collect_schema(), [c.name for c in columns]
    if extra := [n for n in found if n not in declared]:
        raise ContractError(
            f"{what} yields {extra}, not among the columns; declare or drop them"
        )
    if missing := [n for n in declared if n not in found]:
        raise ContractError(f"{what} does not yield the columns {missing}; select them")
    return rows.select(declared)
