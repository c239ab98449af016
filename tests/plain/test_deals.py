"""Deals other than a loan, end to end: an asset for equity, and one in a trust."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from flows.close_period import close_period
from flows.demo import AS_OF, FACTOR
from flows.financing import distribute
from flows.market import rows_of
from flows.rights import rights_of
from flows.summary import lines
from flows.value_chain import value_chain
from schemas.errors import Refused
from schemas.registers import AssetEvent, Pledge, Right
from tasks import store
from tests.builders import temporary_store
from tests.dealt import balances
from tests.june import ENTITY, PERIOD, laid_out

HOLDER = "Jiangbei Data Operations Co., Ltd. (illustrative)"
CODE = "91110000600037341L"
EQUITY = {
    "kind": "contribution",
    "decision": "ILLUSTRATIVE-RES-1",
    "contributor": HOLDER,
    "investee": "River Data Company (illustrative)",
    "investee_code": CODE,
    "value": "2000000.00",
    "tax": "120000.00",
    "evidence": "ILLUSTRATIVE-RESOLUTION-1",
}
TRUSTEE = "Trust Company (illustrative)"
TRUST = {
    "kind": "trust",
    "trust": "T-1",
    "settlor": HOLDER,
    "trustee": TRUSTEE,
    "beneficiaries": [
        {"name": "A (illustrative)", "share": "0.333334"},
        {"name": "B (illustrative)", "share": "0.333333"},
        {"name": "C (illustrative)", "share": "0.333333"},
    ],
    "books": "river-trust",
    "evidence": "ILLUSTRATIVE-DEED-1",
    "settled_on": "2026-06-30",
    "ends_on": "2029-06-29",
}
TRUST_BOOKS = {
    "entity": "river-trust",
    "name": "River Data Trust (illustrative)",
    "credit_code": CODE,
}


def document(home: Path) -> Path:
    """The demo's document."""
    return home / "deployments" / "factors" / f"{FACTOR}.yaml"


def financed_by(home: Path, capital: object) -> None:
    """Write another financing into the demo's document."""
    before = document(home).read_text("utf-8").partition("\ncapital:\n")[0]
    told = yaml.safe_dump({"capital": capital}, allow_unicode=True, sort_keys=False)
    document(home).write_text(f"{before}\n{told}", "utf-8")


def test_an_asset_given_for_equity_leaves_the_books_by_the_close(
    tmp_path: Path,
) -> None:
    with temporary_store(tmp_path, **laid_out(tmp_path)):
        financed_by(tmp_path, EQUITY)

        with pytest.raises(Refused, match="no appraisal is known on 2026-06-25"):
            value_chain.fn(FACTOR, date(2026, 6, 25))
        assert rows_of(AssetEvent, entity=ENTITY) == []
        made = value_chain.fn(FACTOR, AS_OF)
        value_chain.fn(FACTOR, date(2026, 7, 2))
        close_period.fn(ENTITY, PERIOD)
        value_chain.fn(FACTOR, date(2026, 7, 3))

        assert "given for equity" in dict(lines(made))["capital"]
        (row,) = rows_of(AssetEvent, entity=ENTITY)
        assert (row["event"], row["decided_on"]) == ("contribute", AS_OF)
        # by hand: tests/june.py's vouchers, 1,155,500.51; the gain is what is left of
        # 2,000,000.00; equity is the agreed value with its tax
        held = balances(ENTITY)
        assert "1701" not in held
        assert held["1511"] == 212_000_000
        assert held["22210107"] == -12_000_000
        assert held["6115"] == -(200_000_000 - 115_550_051)
        assert rows_of(Pledge, entity=ENTITY) == []
        assert store.verify(store.current()).exit == 0


def operators(on: date) -> list[str]:
    """Who holds the right to operate."""
    held = rights_of(FACTOR, on, None)["rights"]
    return [r["holder"] for r in held if r["right"] == "operate"]


def test_a_settled_asset_is_the_trustees_and_earns_for_the_beneficiaries(
    tmp_path: Path,
) -> None:
    with temporary_store(tmp_path, **laid_out(tmp_path)):
        books = tmp_path / "deployments" / "entities" / "river-trust.yaml"
        books.write_text(yaml.safe_dump(TRUST_BOOKS), "utf-8")
        pledging = document(tmp_path).read_text("utf-8")
        financed_by(tmp_path, TRUST)

        made = value_chain.fn(FACTOR, AS_OF)

        assert "settled in trust T-1 for 3" in dict(lines(made))["capital"]
        assert operators(date(2026, 6, 29)) == [HOLDER]
        assert operators(AS_OF) == [TRUSTEE]

        first, again = (
            distribute(FACTOR, "100.00", date(2026, 7, 15), "SLIP-1") for _ in range(2)
        )
        assert first == again
        assert [p["amount"] for p in first["payments"]] == ["33.34", "33.33", "33.33"]
        assert balances("river-trust") == {"6001": -10_000, "4104": 10_000}
        with pytest.raises(Refused, match="received on 2029-06-30"):
            distribute(FACTOR, "1.00", date(2029, 6, 30), "SLIP-2")

        document(tmp_path).write_text(pledging, "utf-8")
        said = re.escape(f"{TRUSTEE} holds it on 2026-06-30")
        with pytest.raises(Refused, match=said):
            value_chain.fn(FACTOR, AS_OF)
        assert rows_of(Pledge, entity=ENTITY) == []
        events = [row["event"] for row in rows_of(Right, entity=ENTITY)]
        assert events.count("transfer") == 1
        assert store.verify(store.current()).exit == 0
