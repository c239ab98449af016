"""The fourth stage from document to register: three banks, no pledge, or refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.summary import lines
from flows.value_chain import value_chain
from flows.virtual import all_of
from schemas.errors import Refused
from schemas.registers import CollateralRoot, Loan, Pledge, Right
from tasks import store
from tests import leased, shop
from tests.appraisal_case import forecast, rate
from tests.builders import temporary_store
from tests.finance_case import income, sourced

PAYING = [
    {"year": year, "amount": "130000000.00", "evidence": f"FORECAST-{year}"}
    for year in (2026, 2027, 2028, 2029)
]
BORROWER = {"name": leased.HOLDER, "credit_code": "91320400MA0JB0001E"}
# 500,000,000.00 / 1.1 + 300,000,000.00 / 1.1² of income, 10 % a year.
WORTH = income(
    rate=rate("0.04", "0.06"),
    forecast=forecast(
        *("500000000", "300000000"),
        units=sourced(values=["1000000000", "1000000000"], unit="rows"),
    ),
)
FACILITY = {
    "kind": "facility",
    "agreement": "CHANGZHOU-2025-03",
    "tranches": [
        {"tranche": "a", "lender": "Bank A (illustrative)", "amount": "120000000.00"},
        {"tranche": "b", "lender": "Bank B (illustrative)", "amount": "80000000.00"},
        {"tranche": "c", "lender": "Bank C (illustrative)", "amount": "40000000.00"},
    ],
    "months": 36,
    "escrow": {"bank": "Bank A (illustrative)", "account": "6222020200112233"},
}


@contextmanager
def opened(
    home: Path, worth: dict[str, Any] | None = None, **capital: Any
) -> Iterator[None]:
    """Open a store beside the rain with another financing; a None leaves a key out."""
    shop.prepare(home)
    (home / "vouchers.csv").write_text(f"{leased.HEADING}{leased.VOUCHERS}", "utf-8")
    terms = json.loads(leased.document(*([worth] if worth else [])))
    named = terms["capital"] | capital
    terms["capital"] = {n: v for n, v in named.items() if v is not None}
    (home / "factors" / "rain.yaml").write_text(json.dumps(terms), "utf-8")
    with temporary_store(home, **shop.places(home)):
        yield


def test_three_banks_lend_240_million_on_the_operators_right(tmp_path: Path) -> None:
    borrower: dict[str, Any] = {**BORROWER, "cash_flows": PAYING}
    left_out = {"principal": None, "lender": None}

    with opened(tmp_path, WORTH, **FACILITY, **left_out, borrower=borrower):
        chain = value_chain.fn("rain", shop.DAY)
        again = value_chain.fn("rain", shop.DAY)

        loans, (pledge,) = all_of(Loan), all_of(Pledge).to_dicts()
        gates = store.scan(store.current(), chain.frames["capital"]["gates"]).collect()
        roots = all_of(CollateralRoot)
        told = [str(r.publication.terms) for r in store.runs(store.current(), "rain")]
    assert any("····2233" in terms for terms in told)
    assert not any("6222020200112233" in terms for terms in told)
    assert loans["amount_fen"].sum() == pledge["principal_fen"] == 24_000_000_000
    assert loans["tranche"].to_list() == ["a", "b", "c"]
    assert pledge["lender"].count("Bank") == 3
    assert roots["place"].to_list() == ["rain/rain!rain.csv"]
    said = {row["gate"]: row["ground"] for row in gates.to_dicts()}
    assert "authorised-paid" in said["authorisation"]
    assert said["debt_service"].startswith("debt service coverage 2026 ")
    assert again.frames == chain.frames


def test_a_line_without_pledge_is_written_down_and_pledges_nothing(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, kind="unsecured_line"):
        chain = value_chain.fn("rain", shop.DAY)

        said = dict(lines(chain))["capital"]
        assert "loan LOAN-9 of 200,000.00 CNY, new, nothing is pledged" in said
        assert all_of(Loan)["kind"].to_list() == ["unsecured_line"]
        assert all_of(Pledge).is_empty()
        assert all_of(CollateralRoot).is_empty()


def test_a_refused_loan_ends_with_all_its_grounds_and_posts_nothing(
    tmp_path: Path,
) -> None:
    # Nine years outlast the right and the authorisation, to 2031-05-31; 11 is an organ.
    borrower = BORROWER | {"credit_code": "113204000141103003"}

    with opened(tmp_path, borrower=borrower, months=108, principal="300000.00"):
        with pytest.raises(Refused) as told:
            value_chain.fn("rain", shop.DAY)
        assert all_of(Right).height == 3
        assert all_of(Loan).is_empty()
        assert all_of(Pledge).is_empty()

    said = str(told.value)
    for ground in (
        "the authorisation AGREEMENT-9 ends on 2031-05-31; the loan matures on"
        " 2035-06-30",
        "held from 2026-06-01 to 2031-05-31; the loan matures on 2035-06-30",
        "is registered under 11, whose bodies may not pledge",
        "loan to value 0.521552, at most 0.50",
    ):
        assert ground in said
