"""The second stage: a query over the resource, held to the product's contract."""

import polars as pl
import pytest

from schemas.errors import ContractError, FactorError
from schemas.product import ProductTerms
from tasks.product.productize import productize

RESOURCE = pl.LazyFrame({"origin": ["EWR", "JFK", "EWR"], "delay": [3, None, 40]})


def terms(query: str, **columns: str) -> ProductTerms:
    return ProductTerms.model_validate(
        {
            "name": "delays",
            "version": "1.0.0",
            "query": query,
            "licence": {"name": "house", "permissions": ["use"]},
            "columns": [{"name": n, "logicalType": t} for n, t in columns.items()],
        }
    )


def test_a_product_is_the_answer_of_its_query() -> None:
    query = (
        "SELECT origin, COUNT(*) AS flights, COUNT(*) FILTER (WHERE delay IS NULL OR"
        " delay > 15) AS disrupted FROM resource GROUP BY origin"
    )

    product = productize(
        RESOURCE,
        terms(query, disrupted="integer", origin="string", flights="integer"),
    ).product

    assert product.collect().sort("origin").rows() == [(1, "EWR", 2), (1, "JFK", 1)]
    assert product.collect_schema()["flights"] == pl.Int64


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT origin FROM flights", "product.query line 1 column 20: table flights"),
        (
            "SELECT origin FROM read_csv('/etc/passwd')",
            "product.query line 1 column 20",
        ),
        ("SELECT orgin FROM resource", "product.query: column orgin .* mean origin?"),
        ("SELECT COUNT(*) FROM resource", "product.query line 1 column 8: .* add AS"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(query: str, told: str) -> None:
    with pytest.raises(FactorError, match=told):
        productize(RESOURCE, terms(query, origin="string"))


def test_a_result_beside_the_contract_is_refused() -> None:
    with pytest.raises(ContractError, match=r"product.query yields \['delay'\]"):
        productize(RESOURCE, terms("SELECT * FROM resource", origin="string"))
