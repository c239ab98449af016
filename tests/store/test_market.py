"""Registers of what is sold: each counter is the sum of its postings and its usage."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from schemas.errors import RegisterError
from schemas.registers import Entitlement, Invoice, Order, ProductEvent, Usage
from schemas.tables.market import EntitlementEvent, Quota, UsageRow
from tasks import store
from tasks.store import Store, sales, triggers
from tasks.store.database import writing
from tests.store.build import (
    entitlement,
    invoice,
    order,
    sha,
    sold_product,
    usage,
    withdrawal,
)
from tests.store.test_registers import post, rows_in


def sold(s: Store, **more: Any) -> None:
    """Publish a product; post an order of 100 calls and its grant."""
    sold_product(s)
    post(s, Order, order(**more), task="order")
    post(s, Entitlement, entitlement(quota=more.get("quota", 100)), task="order")


def deliver(s: Store, row: dict[str, Any]) -> None:
    """Write one delivery and count it, as a grant does."""
    with writing(s.engine) as c:
        c.execute(insert(UsageRow).values(**row))
        calls, rows = col(Quota.used_calls), col(Quota.used_rows)
        mine = col(Quota.entitlement) == row["entitlement"]
        counted = {"used_calls": calls + row["calls"], "used_rows": rows + row["rows"]}
        c.execute(update(Quota).where(mine).values(**counted))


def force(s: Store, statement: str) -> None:
    """Change what guards forbid, as the owner of a database could."""
    names = [t for t in triggers.triggers() if t.table in statement]
    with writing(s.engine) as c:
        on = "" if c.dialect.name == "sqlite" else " ON {}"
        for t in names:
            c.execute(text(f"DROP TRIGGER {t.name}{on.format(t.table)}"))
        c.execute(text(statement))
        triggers.install(c)


def test_a_grant_opens_a_counter_and_a_renewal_raises_it(s: Store) -> None:
    sold(s)
    post(s, Entitlement, entitlement(), task="again")
    post(s, Entitlement, entitlement("renew", quota=50), task="renew")
    post(s, Entitlement, entitlement("renew", quota=50), task="renew again")
    post(s, Entitlement, entitlement("revoke", quota=None), task="revoke")

    (counter,) = rows_in(s, Quota)
    assert counter == {
        "entitlement": "SO-1",
        "unit": "call",
        "limit_units": 150,
        "used_calls": 0,
        "used_rows": 0,
    }
    assert len(rows_in(s, EntitlementEvent)) == 3
    assert store.verify(s).exit == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "at = '2026-10-01T00:00:00.000000Z'",
            "its month 2026-07 is not that of its moment",
        ),
        (
            "at = '2026-06-01T00:00:00.000000Z', period = '2026-06'",
            "its moment lies outside the term of order SO-1",
        ),
        ("fields = 'route,id'", "its fields were not licensed"),
        ("served = 'a file'", "what it served is no product of flights"),
    ],
)
def test_usage_that_its_order_does_not_bear_is_found_sealed_or_not(
    s: Store, change: str, why: str
) -> None:
    sold(s)
    deliver(s, usage())
    assert store.verify(s).exit == 0
    force(s, f"UPDATE usagerow SET {change}")
    told = f"delivery D-1 is not borne by its order: {why}"
    assert told in [f.sentence for f in store.verify(s).findings]
    (changed,) = rows_in(s, UsageRow)

    post(s, Usage, changed, task="meter")

    assert [f.sentence for f in store.verify(s).findings] == [told]


def test_what_was_not_ordered_entitles_to_nothing(s: Store) -> None:
    with pytest.raises(RegisterError, match="there is no order of this number"):
        post(s, Entitlement, entitlement())
    assert rows_in(s, Quota) == []


@pytest.mark.parametrize(("granted", "renewed"), [(100, None), (None, 100)])
def test_a_renewal_is_of_the_grants_kind(
    s: Store, granted: int | None, renewed: int | None
) -> None:
    sold(s, quota=granted)
    with pytest.raises(RegisterError, match="adds units to a grant with a quota"):
        post(s, Entitlement, entitlement("renew", quota=renewed), task="renew")
    assert len(rows_in(s, EntitlementEvent)) == 1


def test_an_entitlement_without_limit_has_none_after_a_renewal(s: Store) -> None:
    sold(s, quota=None)
    post(s, Entitlement, entitlement("renew", quota=None), task="renew")
    (counter,) = rows_in(s, Quota)
    assert counter["limit_units"] is None
    assert store.verify(s).exit == 0


@pytest.mark.parametrize(("unit", "count"), [("call", "calls"), ("row", "rows")])
def test_the_database_itself_refuses_a_unit_above_the_quota(
    s: Store, unit: str, count: str
) -> None:
    sold(s, unit=unit)
    other = {"call": "rows", "row": "calls"}[unit]
    deliver(s, usage() | {count: 100, other: 5_000})
    with pytest.raises(DBAPIError, match=rf"(?i)check constraint.*ck_quota_{count}"):
        deliver(s, usage("D-2") | {count: 1, other: 0})
    (counter,) = rows_in(s, Quota)
    assert (counter[f"used_{count}"], counter[f"used_{other}"]) == (100, 5_000)
    assert len(rows_in(s, UsageRow)) == 1


def test_usage_without_an_entitlement_is_refused(s: Store) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        deliver(s, usage())


def test_sealed_and_unsealed_usage_verify_and_are_told_apart(s: Store) -> None:
    sold(s)
    deliver(s, usage())
    deliver(s, usage("D-2", at="2026-07-02T01:00:00.000000Z"))
    post(s, Usage, usage(), task="meter")

    found = store.verify(s)

    assert found.exit == 0
    assert any("1 deliveries are not sealed yet" in note for note in found.notes)
    told = [(u["delivery"], u["sealed"]) for u in sales.deliveries(s, ["SO-1"])]
    assert told == [("D-1", True), ("D-2", False)]
    assert sales.counters(s, order="SO-1")["SO-1"]["used_rows"] == 14


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE usagerow SET rows = 1", "a row of UsageRow was changed: D-1"),
        ("DELETE FROM usagerow", "a row of UsageRow was removed: D-1"),
        ("UPDATE sealedusage SET rows = 1", "a row of SealedUsage was changed: D-1"),
        ("UPDATE quota SET used_calls = 0", "a row of Quota was changed: SO-1"),
        ("UPDATE quota SET limit_units = 900", "a row of Quota was changed: SO-1"),
        ("UPDATE orderrow SET amount_fen = 1", "a row of OrderRow was changed: SO-1"),
    ],
)
def test_what_was_changed_after_its_sealing_is_found(
    s: Store, statement: str, told: str
) -> None:
    sold(s)
    deliver(s, usage())
    post(s, Usage, usage(), task="meter")
    assert store.verify(s).exit == 0

    force(s, statement)

    findings = store.verify(s)
    assert findings.exit == 1
    assert told in [f.sentence for f in findings.findings]


def test_an_unsealed_delivery_that_was_changed_differs_from_its_counter(
    s: Store,
) -> None:
    sold(s)
    deliver(s, usage())
    force(s, "UPDATE usagerow SET rows = 1")
    told = [f.sentence for f in store.verify(s).findings]
    assert told == ["a row of Quota was changed: SO-1"]


def test_two_withdrawals_at_once_cannot_both_stand(s: Store) -> None:
    post(s, ProductEvent, withdrawal(), task="one")
    with pytest.raises(RegisterError, match="other content is posted"):
        post(s, ProductEvent, withdrawal(reason="another"), task="two")
    post(s, ProductEvent, withdrawal(2, event="restore"), task="three")


def test_a_line_that_reverses_has_a_negative_quantity(s: Store) -> None:
    post(s, Invoice, invoice(), task="july")
    back: dict[str, Any] = {
        "quantity": -1,
        "amount_fen": -30_000,
        "reverses": "SO-1/2026-07",
    }
    again = {"invoice": "SO-1/2026-07/2", "issued_on": date(2026, 9, 1)}
    post(s, Invoice, invoice() | again | back, task="august")
    for wrong in ({"quantity": 1}, {"reverses": ""}):
        with pytest.raises(RegisterError, match="ck_invoiceline_sign"):
            post(s, Invoice, invoice(2) | again | back | wrong, task=str(wrong))


def test_the_secret_of_a_delivery_is_the_same_each_time(s: Store) -> None:
    one, other = (sales.delivery_secret(s, name) for name in ("D-1", "D-2"))
    assert one == sales.delivery_secret(s, "D-1")
    assert one != other
    assert len(one) == 32
    assert one.hex() != sha("D-1")
