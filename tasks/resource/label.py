"""Add the columns that judge a row: each label is one SQL expression over the row."""

from collections.abc import Mapping

import polars as pl
from sqlglot import exp

from schemas.errors import FactorError
from tasks.sql import guard, run_sql

BEFORE = "SELECT ("


def with_labels(rows: pl.LazyFrame, labels: Mapping[str, str]) -> pl.LazyFrame:
    """Append one column a label.

    ``{"late": "delay > 15"}`` over delays 3 and 20 -> false, true. A label sees the
    columns of ``rows``, not the other labels. An aggregate needs ``OVER``.

    Raises:
        FactorError: An expression is refused, or a label has the name of a column.
    """
    known = rows.collect_schema()
    for name, expression in labels.items():
        if name in known:
            raise FactorError(
                f"resource.labels.{name}: the SQL yields {name} too; rename one of them"
            )
        _check_expression(f"resource.labels.{name}", name, expression)
    if not labels:
        return rows
    # A new line before ) keeps a comment at the end of an expression to itself.
    added = ", ".join(f'({sql}\n) AS "{name}"' for name, sql in labels.items())
    return run_sql(f"SELECT *, {added} FROM rows", {"rows": rows}, "resource.labels")


def _check_expression(what: str, name: str, expression: str) -> None:
    """Refuse what is more than one expression over one row."""
    sql = f'{BEFORE}{expression}\n) AS "{name}" FROM rows'
    tree = guard(sql, ["rows"], what, len(BEFORE))
    clauses = {key for key, part in tree.args.items() if part}
    single = clauses == {"expressions", "from_"} and len(tree.selects) == 1
    if not single or len(list(tree.find_all(exp.Select))) > 1:
        raise FactorError(f"{what}: is not one expression; write one without SELECT")
    for call in tree.find_all(exp.AggFunc):
        if call.find_ancestor(exp.Window) is None:
            raise FactorError(
                f"{what}: {call.sql_name()} spans rows; add OVER (…) or use the SQL"
            )
