"""Make a product of a resource by the query of its document.

``SELECT origin, COUNT(*) AS flights FROM resource GROUP BY origin`` over 3 flights from
EWR and 1 from JFK -> (EWR, 3), (JFK, 1).
"""

from typing import Annotated

import polars as pl

from schemas.grade import Finding
from schemas.product import Product, ProductTerms
from tasks.product.gates import gates
from tasks.sql import fit_columns, run_sql


def productize(
    resource: pl.LazyFrame,
    findings: Annotated[pl.LazyFrame, Finding],
    terms: ProductTerms,
) -> Product:
    """Run the product's query over the table ``resource``.

    Args:
        resource: Any columns; the query names what it needs.
        findings: What was found in columns of the resource that nobody classified.
        terms: Query and contract of the product.

    Returns:
        ``gates`` first: they withhold the product where columns that nobody classified
        look personal. ``product``: the contract's columns in its order; rows are
        ordered where they are published.

    Raises:
        FactorError: The query is refused or does not fit the resource.
        ContractError: The query's columns are not those of the contract.
    """
    rows = run_sql(terms.query, {"resource": resource}, "product.query")
    return Product(
        gates=gates(findings.collect()).lazy(),
        product=fit_columns(rows, terms.columns, "product.query"),
    )
