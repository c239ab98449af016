"""The second stage: a query over tables, its contract, and what opens the gates."""

from datetime import date

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.errors import ContractError, FactorError
from schemas.gates import Gates
from schemas.grade import Finding
from schemas.product import ProductTerms
from tasks.product.derive import derive
from tasks.product.productize import productize

NOTHING = ("origin", "mobile", 3, 0, 0, False, "internal", False, 100)
DECIDED = ("home", "person", 0, 0, 0, False, "sensitive", True, 100)
RESOURCE = pl.LazyFrame({"origin": ["EWR", "JFK", "EWR"], "delay": [3, None, 40]})


def findings(*rows: tuple[object, ...]) -> pl.LazyFrame:
    return frame_of(Finding, rows or [NOTHING]).lazy()


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

    asked = terms(query, disrupted="integer", origin="string", flights="integer")
    product = derive({"resource": RESOURCE}, asked.derivation).derived

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
        derive({"resource": RESOURCE}, terms(query, origin="string").derivation)


def test_a_result_beside_the_contract_is_refused() -> None:
    with pytest.raises(ContractError, match=r"product.query yields \['delay'\]"):
        derive(
            {"resource": RESOURCE},
            terms("SELECT * FROM resource", origin="string").derivation,
        )


def gate(*rows: tuple[object, ...]) -> dict[str, object]:
    made = productize(
        RESOURCE,
        {"resource": frame_of(Finding, rows).lazy()},
        terms("SELECT origin FROM resource", origin="string"),
        date(2026, 6, 30),
    )
    gates = made.gates.collect()
    Gates.validate(gates)
    return gates.filter(pl.col("gate") == "classification").row(0, named=True)


def test_nothing_found_and_everything_decided_open_the_gate_with_evidence() -> None:
    opened = gate(NOTHING, DECIDED)

    assert opened["gate"] == "classification"
    assert opened["passed"]
    assert opened["evidence"] == (
        "2 columns: 1 classified by a person, 1 of text or digits read in the first 100"
        " rows, 0 matches"
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            ("memo", "mobile", 20, 3, 3, False, "personal", False, 100),
            "memo (mobile in 3 of 20)",
        ),
        (
            ("dob", "name:birth", 0, 0, 0, True, "personal", False, 100),
            "dob (its name: birth)",
        ),
        (
            ("id", "resident_id", 9, 9, 9, False, "sensitive", False, 100),
            "id (resident_id in 9 of 9)",
        ),
    ],
)
def test_personal_data_that_nobody_classified_shuts_the_gate(
    row: tuple[object, ...], told: str
) -> None:
    shut = gate(NOTHING, DECIDED, row)

    assert not shut["passed"]
    assert told in str(shut["ground"])
    assert "write classification:" in str(shut["ground"])


def test_a_resource_without_findings_stays_shut() -> None:
    assert not gate()["passed"]
