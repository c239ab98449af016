"""A join that loses or multiplies rows stops the run, unless the factor expects it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.check import examine
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import ContractError, FactorError, StoreError
from tasks import store
from tests.builders import temporary_store
from tests.small import small_factor

# Order 1 meets two prices, order 3 none: LEFT JOIN multiplies, JOIN drops as well.
ORDERS = "order_no,item\n1,tea\n2,salt\n3,rice\n"
PRICES = "item,price\ntea,4\ntea,5\nsalt,1\n"
DOCUMENT = """
factor: people
title: Orders with their prices
entity: jiangbei-data
policy: cn-2025
scenario: {user: clerks, decision: what to bill, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: F52 retail}
sources:
  orders:
    path: orders.csv
    licence: own books
    columns:
      - {name: order_no, logicalType: integer, required: true, classification: internal}
      - {name: item, logicalType: string, required: true, classification: internal}
  prices:
    path: prices.csv
    licence: own books
    columns:
      - {name: item, logicalType: string, required: true, classification: internal}
      - {name: price, logicalType: integer, required: true, classification: internal}
resource:
  consolidate: |
    SELECT o.order_no, p.price FROM orders o
    «JOIN» prices p ON o.item = p.item WHERE o.order_no < 3
  columns:
    - {name: order_no, logicalType: integer, required: true, classification: internal}
    - {name: price, logicalType: integer, classification: internal}
"""  # noqa: E501 - a document as people write it


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    small_factor(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "prices.csv").write_text(PRICES)
    factors = str(tmp_path / "factors")
    with temporary_store(
        tmp_path, DATAFACTOR_DATA=str(tmp_path), DATAFACTOR_FACTORS=factors
    ):
        yield tmp_path


def written(home: Path, join: str, expect: str = "") -> None:
    text = DOCUMENT.replace("«JOIN»", join) + expect
    if join == "SEMI JOIN":  # it has no column of the right table
        text = text.replace("p.price", "3 AS price")
    (home / "factors" / "people.yaml").write_text(text, "utf-8")


def frame(name: str) -> pl.DataFrame:
    s = store.current()
    return store.scan(s, store.resolve(s, f"people/resource/{name}")).collect()


def run() -> None:
    value_chain.fn("people", date(2026, 6, 30), Stage.RESOURCE)


@pytest.mark.parametrize(
    ("join", "expect", "rule"),
    [
        (
            "LEFT JOIN",
            "",
            "is undeclared, but adds 1 of its 3 rows; .* write in resource.expect",
        ),
        (
            "LEFT JOIN",
            "  expect: {p: 'n:1'}\n",
            "is declared n:1, but adds 1 of its 3 rows",
        ),
        ("JOIN", "", "is undeclared, but drops 1 and adds 1 of its 3 rows"),
        (
            "SEMI JOIN",
            "",
            "is undeclared, but drops 1 of its 3 rows; .* in resource.expect",
        ),
    ],
)
def test_a_join_that_was_not_expected_so_stops_the_run(
    home: Path, join: str, expect: str, rule: str
) -> None:
    written(home, join, expect)

    with pytest.raises(ContractError, match=rule):
        run()

    s = store.current()
    said = [r.publication for r in store.runs(s)]
    assert [p.status for p in said if p.task == "transform"] == ["FAIL"]
    with pytest.raises(StoreError, match="nothing in the store"):
        store.resolve(s, "people/resource/resource")
    (row,) = store.rejects(s, "people/resource/joins").to_dicts()
    assert row["join"].startswith(f"{join} prices p ON")


def test_a_declared_join_runs_and_every_loss_is_counted(home: Path) -> None:
    written(home, "JOIN", "  expect: {prices: '1:n'}\n")

    run()

    (join,) = frame("joins").to_dicts()
    assert (join["left_rows"], join["dropped"], join["multiplied"]) == (3, 1, 1)
    steps = frame("steps")
    # order 3 is gone by the JOIN already, so WHERE finds nothing to leave out
    assert steps.select("what", "rows_in", "rows_out", "dropped").rows() == [
        ("WHERE", 3, 3, 0)
    ]
    assert sorted(frame("resource").rows()) == [(1, 4), (1, 5), (2, 1)]


def test_check_names_an_expectation_of_no_join(home: Path) -> None:
    written(home, "JOIN", "  expect: {price: '1:n'}\n")

    with pytest.raises(FactorError, match=r"expect: price .* did you mean prices\?"):
        examine("people")
