"""Make a product of a resource by the query of its document.

``SELECT origin, COUNT(*) AS flights FROM resource GROUP BY origin`` over 3 flights from
EWR and 1 from JFK -> (EWR, 3), (JFK, 1).
"""

import polars as pl

from schemas.product import Product, ProductTerms
from tasks.sql import fit_columns, run_sql


def productize(resource: pl.LazyFrame, terms: ProductTerms) -> Product:
    """Run the product's query over the table ``resource``.

    Args:
        resource: Any columns; the query names what it needs.
        terms: Query and contract of the product.

    Returns:
        ``product``: the contract's columns in its order; rows are ordered where they
        are published.

    Raises:
        FactorError: The query is refused or does not fit the resource.
        ContractError: The query's columns are not those of the contract.
    """
    rows = run_sql(terms.query, {"resource": resource}, "product.query")
    return Product(product=fit_columns(rows, terms.columns, "product.query"))
