"""A product of public rain data, operated for industry: asset, appraisal and loan.

Every figure is small enough to be worked out by hand, as the tests do.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.registers import PledgeEvent
from tasks import store
from tests import shop
from tests.appraisal_case import forecast, rate
from tests.builders import temporary_store
from tests.finance_case import appraisal, facts, income, right, sourced
from tests.store import build

HOLDER = "Jiangbei Data Operations Co., Ltd. (illustrative)"
HEADING = (
    "voucher,line,pool,supplier,incurred_on,project,phase,kind,amount,evidence,"
    "production_factor,file_sha256,reverses,tax"
)
LAST = date(2028, 6, 30)  # of the pledge's registration
VOUCHERS = """
V1,1,making,Cloud,2026-06-01,rain,development,staff,600000.00,E-1,labour,,,
V2,1,making,Cloud,2026-03-31,rain,operation,staff,180000.00,E-2,labour,,,
V3,1,making,Cloud,2025-06-30,rain,operation,staff,50000.00,E-3,labour,,,
"""
PUBLIC = {
    "supply": "authorised-paid",
    "authority": "Bureau of weather",
    "implementing_body": "Jiangbei district",
    "operator": HOLDER,
    "agreement": "AGREEMENT-9",
    "fields": ["J68 insurance"],
    "territory": "CN",
    "fee_rule": "Price order 7",
    "valid_from": "2026-06-01",
    "valid_to": "2031-05-31",
}
HELD = {
    "holder": HOLDER,
    "field": "J68 insurance",
    "territory": "CN",
    "valid_from": "2026-06-01",
    "valid_to": "2031-05-31",
    "sublicensable": True,
}


def asset(*methods: dict[str, Any]) -> dict[str, Any]:
    """An intangible asset, ready in June 2026 and carried over sixty months."""
    income_ = income(
        rate=rate("0.04", "0.06"),
        forecast=forecast(
            *("500000", "300000"),
            units=sourced(values=["600000", "600000"], unit="rows"),
        ),
    )
    return {
        "name": "rain-asset",
        "version": "1.0.0",
        "rights": [right(kind, **HELD) for kind in ("hold", "process", "operate")],
        "costs": {"path": "vouchers.csv", "licence": "own books"},
        "pools": {"making": {"daily-rain": "1"}},
        "recognition": facts(available_from="2026-06-15"),
        "amortization": {
            "method": "straight_line",
            "life_months": 60,
            "life_basis": "peers",
        },
        "appraisal": [
            appraisal(
                *(methods or (income_,)),
                valuation_date="2026-06-20",
                reported_on="2026-06-26",
            )
        ],
    }


CAPITAL = {
    "kind": "pledge_loan",
    "agreement": "LOAN-9",
    "lender": "Bank (illustrative)",
    "borrower": {"name": HOLDER, "credit_code": "91320400MA0JB0001E"},
    "principal": "200000.00",
    "annual_rate": "0.036",
    "months": 12,
    "method": "equal_principal",
    "drawdown": "2026-06-30",
}


def document(*methods: dict[str, Any], **public: Any) -> str:
    """The rain of ``tests/shop.py`` as public data that a company operates."""
    terms: dict[str, Any] = yaml.safe_load(shop.DOCUMENT)
    product = terms["product"]
    product["compliance"]["public_data"] = PUBLIC | public
    product["licence"]["territory"] = "CN"
    ceiling = {"amount": "0.60", "source": "Price order 7"}
    product["price"] = {"mode": "per_row", "amount": "0.50", "ceiling": ceiling}
    terms |= {"asset": asset(*methods), "capital": CAPITAL}
    return json.dumps(terms, ensure_ascii=False)


def post(register: Any, row: dict[str, Any]) -> None:
    """Post one row of a register."""
    s, name = store.current(), register.__name__
    posted = build.made(s, name, build.frame_of(register, [row]), build.sha(f"{row}"))
    made = build.run(posted, task="record", stage=Stage.CAPITAL, register=name)
    store.publish(s, made)


@contextmanager
def leased(
    home: Path, *methods: dict[str, Any], through: Stage = Stage.ASSET, **public: Any
) -> Iterator[None]:
    """Open a store in which the asset was made, pledged too and so registered."""
    shop.prepare(home)
    (home / "vouchers.csv").write_text(f"{HEADING}{VOUCHERS}", "utf-8")
    written = document(*methods, **public)
    (home / "factors" / "rain.yaml").write_text(written, "utf-8")
    with temporary_store(home, **shop.places(home)):
        value_chain.fn("rain", shop.DAY, through)
        if through is Stage.CAPITAL:
            term: dict[str, Any] = {"effective_on": shop.DAY, "valid_to": LAST}
            post(PledgeEvent, build.event("perfect", request="LOAN-9", **term))
        yield
