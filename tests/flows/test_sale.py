"""Sell where names and numbers meet, and where something breaks in between."""

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from flows import market
from flows.deliver import deliver, whose
from flows.market import Asked, rows_of, take_order
from flows.released import released
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, RegisterError, StoreError
from schemas.registers import Entitlement, Order, ProductEvent
from tasks import store
from tasks.store import steps
from tests import shop
from tests.shop import CODE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store for the whole file."""
    folder = tmp_path_factory.mktemp("shop")
    with shop.shop(folder):
        yield folder


def asked(number: str = "", **more: Any) -> Asked:
    return Asked(**{**vars(Asked("Crop Cover", CODE, "claims", number)), **more})


def test_an_order_without_a_number_takes_the_first_free_one(home: Path) -> None:
    """rain-0003 was taken by hand for another use: neither found again nor refused."""
    first = take_order("rain", asked())
    take_order("rain", asked("rain-0003", use="pricing"))

    same = take_order("rain", asked())
    other = take_order("rain", asked(use="pricing"))

    numbers = [facts["order"] for facts in (first, same, other)]
    assert numbers == ["rain-0001", "rain-0002", "rain-0004"]
    assert all("key" in facts for facts in (first, same, other))


def test_a_bundle_that_may_have_left_is_known(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while it is recorded, no file has appeared that nobody could name."""
    take_order("rain", asked("M-1"))

    def stop(step: str) -> None:
        if step == "publish.begin":
            raise KeyboardInterrupt

    monkeypatch.setattr(steps, "hook", stop)
    with pytest.raises(KeyboardInterrupt):
        deliver("M-1", tmp_path / "out")
    monkeypatch.undo()

    assert list(tmp_path.iterdir()) == []
    deliver("M-1", tmp_path / "out")
    best, *_ = whose(tmp_path / "out" / "daily-rain.parquet", "rain")
    assert (best["order"], best["sure"]) == ("M-1", True)


def test_use_of_more_orders_than_a_statement_takes_values_is_counted(
    home: Path, tmp_path: Path
) -> None:
    """SQLite takes 32,766 values in one statement; here it takes 4."""
    for number in ("N-1", "N-2", "N-3", "N-4", "N-5"):
        take_order("rain", asked(number))
    deliver("N-1", tmp_path / "out")
    engine = store.current().engine

    def narrow(connection: Any, *_: Any) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 4)

    def widen(connection: Any, *_: Any) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)

    event.listen(engine, "checkout", narrow)
    event.listen(engine, "checkin", widen)
    try:
        used = {facts["order"]: facts for facts in market.usage("rain")}
    finally:
        event.remove(engine, "checkout", narrow)
        event.remove(engine, "checkin", widen)

    (month,) = used["N-1"]["months"]
    assert (month["deliveries"], month["calls"], month["rows"]) == (1, 1, 40)
    assert month["unsealed"] == 1
    assert (used["N-1"]["left"], used["N-5"]["left"]) == (60, 100)
    assert used["N-5"]["months"] == []


def test_two_products_of_one_name_are_told_apart_before_one_is_sold(
    tmp_path: Path,
) -> None:
    with shop.shop(tmp_path):
        take_order("rain", asked("O-1"))
        other = shop.DOCUMENT.replace("factor: rain", "factor: snow")
        (tmp_path / "factors" / "snow.yaml").write_text(other, encoding="utf-8")
        value_chain.fn("snow", shop.DAY, Stage.PRODUCT)

        with pytest.raises(Refused, match="snow offers a product daily-rain too"):
            take_order("rain", asked("O-2"))
        with pytest.raises(Refused, match="rain offers a product daily-rain too"):
            take_order("snow", asked("O-3"))
        assert [order["order"] for order in rows_of(Order)] == ["O-1"]

        renamed = other.replace("name: daily-rain", "name: daily-snow")
        renamed = renamed.replace("version: 1.2.0", "version: 2.0.0")
        (tmp_path / "factors" / "snow.yaml").write_text(renamed, encoding="utf-8")
        value_chain.fn("snow", shop.DAY, Stage.PRODUCT)
        assert take_order("snow", asked("O-3"))["product"] == "daily-snow 2.0.0"


def test_a_product_is_sold_under_its_own_name_too(home: Path) -> None:
    sold = take_order("daily-rain", asked("W-1"))

    assert (sold["order"], sold["product"]) == ("W-1", "daily-rain 1.2.0")
    assert [o["factor"] for o in rows_of(Order, order="W-1")] == ["rain"]
    assert take_order("rain", asked("W-1"))["order"] == "W-1"
    assert market.invoice("daily-rain", "2026-06")["product"] == "rain"
    listed = {used["order"] for used in market.usage("daily-rain")}
    assert listed == {used["order"] for used in market.usage("rain")} >= {"W-1"}


def test_a_name_of_a_factor_never_means_the_product_of_another(tmp_path: Path) -> None:
    """Not even where that factor has made nothing yet."""
    with shop.shop(tmp_path):
        other = shop.DOCUMENT.replace("factor: rain", "factor: daily-rain")
        (tmp_path / "factors" / "daily-rain.yaml").write_text(other, encoding="utf-8")
        with pytest.raises(StoreError, match="daily-rain has made no product yet"):
            take_order("daily-rain", asked("Q-1"))


def test_a_product_of_two_factors_is_sold_by_the_factors_name_only(
    tmp_path: Path,
) -> None:
    with shop.shop(tmp_path):
        other = shop.DOCUMENT.replace("factor: rain", "factor: snow")
        (tmp_path / "factors" / "snow.yaml").write_text(other, encoding="utf-8")
        value_chain.fn("snow", shop.DAY, Stage.PRODUCT)

        sentence = "daily-rain is the product of rain and of snow: name the factor"
        with pytest.raises(StoreError, match=sentence):
            market.withdraw("daily-rain", "its source is disputed", "", None, False)
        assert rows_of(ProductEvent) == []


def test_a_key_that_leaked_is_replaced_by_another(home: Path) -> None:
    """Nothing else changes: no term, no units, nothing to pay; a renewal keeps it."""
    leaked = take_order("rain", asked("P-1"))
    counted = len(rows_of(Entitlement, entitlement="P-1"))

    told = market.replace_key("P-1")

    assert counted == 1
    assert told["key"] != leaked["key"]
    assert {**told, "key": leaked["key"]} == leaked
    assert "key" not in take_order("rain", asked("P-1"))
    renewed = market.renew("P-1", date.fromisoformat(told["valid_from"]), None, None)
    assert renewed["quota"] == 200
    assert isinstance(call("P-1", told["key"]), store.Grant)
    refused = call("P-1", leaked["key"])
    assert isinstance(refused, store.Denied)
    assert "replaced by another" in refused.ground
    s = store.current()
    assert store.opened_by(s, hashed(leaked["key"])) is None
    opened = store.opened_by(s, hashed(told["key"]))
    assert opened is not None
    assert opened["order"] == "P-1"
    assert store.verify(s).exit == 0
    market.revoke("P-1", "not paid", None)
    with pytest.raises(RegisterError, match="P-1 was revoked: not paid"):
        market.replace_key("P-1")


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def call(number: str, key: str) -> store.Grant | store.Denied:
    """Ask for one row with a key."""
    now, zone, served = datetime.now(UTC), "Asia/Shanghai", released("rain").ref.id
    asking = store.Request(
        *(number, "service", now, zone, ("day",), 1, 9, served),
        key_sha256=hashed(key),
    )
    return store.grant(store.current(), asking)
