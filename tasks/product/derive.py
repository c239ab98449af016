"""Derive a product's rows from the resource and the inputs, and treat them.

``SELECT origin, COUNT(*) AS flights FROM resource GROUP BY origin`` over 3 flights from
EWR and 1 from JFK -> (EWR, 3), (JFK, 1).
"""

from collections.abc import Mapping

import polars as pl

from schemas.privacy import NO_KEYS, Deidentification, Keys
from schemas.product import Derivation, Derived
from tasks.contract.compile import SET_ASIDE
from tasks.product.deidentify import treat
from tasks.sql import fit_columns, run_sql


def derive(
    tables: Mapping[str, pl.LazyFrame], terms: Derivation, keys: Keys = NO_KEYS
) -> Derived:
    """Run the product's query, or take what its task has made, and treat the rows.

    Args:
        tables: ``resource`` and the inputs by their names in the SQL, with any columns;
            or ``made`` alone, the result of the product's own task.
        terms: Query, treatment and contract of the product.
        keys: Keys of its pseudonyms; the seam reads them from the environment.

    Returns:
        ``derived``: the contract's columns in its order, and where small classes are
        suppressed a mark on their rows, which the seam puts into quarantine; rows are
        ordered where they are published.

    Raises:
        FactorError: The query is refused or does not fit the tables, or a step of the
            treatment does not fit the rows.
        ContractError: The columns are not those of the contract.
    """
    where = f"product.{'query' if terms.query else 'task'}"
    rows = run_sql(terms.query, tables, where) if terms.query else tables["made"]
    asked, least = terms.deidentification, terms.smallest_class
    treated = fit_columns(treat(rows, asked.steps, keys, least), terms.columns, where)
    if not asked.suppress:
        return Derived(derived=treated)
    return Derived(derived=treated.with_columns(small(asked, least).alias(SET_ASIDE)))


def small(asked: Deidentification, least: int) -> pl.Expr:
    """Say of each row whether its class is below k or l; null is a value of its own.

    The class goes whole, so that those that stay are what they were.
    """
    classes = asked.quasi_identifiers
    few = persons(asked).over(classes) < least
    alike = (distinct(name).over(classes) < asked.diversity for name in asked.sensitive)
    return pl.any_horizontal(few, *alike)


def persons(asked: Deidentification) -> pl.Expr:
    """Count the persons that a class surely has: its rows, or its known subjects.

    Rows without a subject may all be of one person, so they add nobody to k; but a
    class of nothing else is that of one person, and at risk.
    """
    if asked.subject is None:
        return pl.len().cast(pl.Int64)
    who = pl.col(asked.subject)
    known = (who.n_unique() - who.is_null().any().cast(pl.UInt32)).cast(pl.Int64)
    return pl.max_horizontal(known, pl.lit(1, pl.Int64))


def distinct(name: str) -> pl.Expr:
    """Count the values of a sensitive column in a class; null tells nothing, but 1."""
    value = pl.col(name)
    found = value.n_unique() - value.is_null().any().cast(pl.UInt32)
    return pl.max_horizontal(found.cast(pl.Int64), pl.lit(1, pl.Int64))
