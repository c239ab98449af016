"""What is bought: price and preparing are cost, tax is a claim, services expense."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.cost import INDIRECT
from tests.finance_case import NO, asset_terms, facts, make_asset, voucher

DAY = date(2025, 2, 3)
SERVICE = {"recognition": facts(origin="purchase", controlled=NO)}


def balances(journal: pl.LazyFrame) -> dict[str, int]:
    by = journal.group_by("account").agg(pl.col("amount_fen").sum()).collect()
    return {account: total for account, total in by.iter_rows() if total}


def served(whom: str) -> dict[str, Any]:
    terms = asset_terms().amortization.model_dump(mode="json")
    return {**SERVICE, "amortization": terms | {"serves": whom}}


def test_a_purchase_is_cost_without_its_input_tax() -> None:
    # domain.md 3.3: purchase 1701 and 2221 input VAT / 1002; 6 % of 1,000,000.00
    bought = voucher("V1", DAY, "development", "price", 100_000_000, tax=6_000_000)

    made = make_asset(asset_terms(recognition=facts(origin="purchase")), [bought])

    assert balances(made.journal) == {
        "1701": 100_000_000,
        "22210101": 6_000_000,
        "1002": -106_000_000,
    }
    assert made.valuation.collect()["book_fen"].item() == 100_000_000


def test_what_makes_a_purchase_ready_is_cost_and_no_conditions_are_asked() -> None:
    # 财会〔2023〕11号 外购: processing, and verifying, evaluating, registering it
    kinds = [
        "masking",
        "cleaning",
        "labelling",
        "ownership verification",
        "registration",
    ]
    rows = [voucher(f"V{k}", DAY, "development", k, 100) for k in kinds]
    told = facts(origin="purchase", conditions=[])

    made = make_asset(asset_terms(recognition=told), rows)

    assert balances(made.journal) == {"1701": 500, "1002": -500}


@pytest.mark.parametrize("kind", [*INDIRECT, "Training ", "OVERHEAD"])
@pytest.mark.parametrize("origin", ["purchase", "internal"])
@pytest.mark.parametrize("purpose", ["use", "sale"])
def test_what_is_not_directly_attributable_is_never_capitalised(
    kind: str, origin: str, purpose: str
) -> None:
    # CAS 6 art. 12 and its guidance: no training, introduction or administration
    row = voucher("V1", DAY, "development", kind, 100)

    made = make_asset(
        asset_terms(recognition=facts(origin=origin, purpose=purpose)), [row]
    )

    account = "530101" if origin == "internal" else "6602"
    assert balances(made.journal) == {account: 100, "1002": -100}
    assert "expensed 1.00 of other cost" in made.recognition.collect()["answer"][-1]


@pytest.mark.parametrize(
    ("whom", "account"),
    [
        ("customers", "6401"),
        ("management", "6602"),
        ("sales", "6601"),
        ("development", "530101"),
    ],
)
def test_a_purchased_service_that_is_no_asset_is_expensed_by_its_use(
    whom: str, account: str
) -> None:
    # 财会〔2023〕11号: 不符合无形资产定义和确认条件的, 根据用途计入当期损益
    row = voucher("V1", DAY, "development", "labelling", 100, tax=6)

    made = make_asset(asset_terms(**served(whom)), [row])

    assert balances(made.journal) == {account: 100, "22210101": 6, "1002": -106}
    assert made.recognition.collect()["outcome"][-1] == "not recognised"
