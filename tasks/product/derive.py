"""Derive a product's rows from the resource and the inputs by its query.

``SELECT origin, COUNT(*) AS flights FROM resource GROUP BY origin`` over 3 flights from
EWR and 1 from JFK -> (EWR, 3), (JFK, 1).
"""

from collections.abc import Mapping

import polars as pl

from schemas.product import Derivation, Derived
from tasks.sql import fit_columns, run_sql


def derive(tables: Mapping[str, pl.LazyFrame], terms: Derivation) -> Derived:
    """Run the product's query, or take what its task has made.

    Args:
        tables: ``resource`` and the inputs by their names in the SQL, with any columns;
            or ``made`` alone, the result of the product's own task.
        terms: Query and contract of the product.

    Returns:
        ``derived``: the contract's columns in its order; rows are ordered where they
        are published.

    Raises:
        FactorError: The query is refused or does not fit the tables.
        ContractError: The columns are not those of the contract.
    """
    where = f"product.{'query' if terms.query else 'task'}"
    rows = run_sql(terms.query, tables, where) if terms.query else tables["made"]
    return Derived(derived=fit_columns(rows, terms.columns, where))
