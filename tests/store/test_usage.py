"""Grants: never over quota, usage = deliveries, and refused in one sentence each."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from flows.meter import meter
from schemas.registers import Entitlement, Order, ProductEvent
from schemas.tables.market import Quota, SealedUsage, UsageRow
from tasks import store
from tasks.store import Store, triggers
from tasks.store.database import reading, writing
from tasks.store.usage import (
    Denied,
    Grant,
    entitled,
    foreseen,
    grant,
    grant_all,
    opened_by,
)
from tests.store.build import (
    entitlement,
    frame_of,
    made,
    order,
    run,
    sha,
    sold_product,
    withdrawal,
)
from tests.store.clients import NOON, asked, take
from tests.store.test_publish import pool


def post(s: Store, contract: Any, **row: Any) -> None:
    """Publish a run that posts one row."""
    frame = made(s, "posted", frame_of(contract, [row]), sha(f"{contract} {row}"))
    store.publish(s, run(frame, task=f"post {row}", register=contract.__name__))


def sold(s: Store, **more: Any) -> None:
    """Publish a product; post its order and the grant of the entitlement."""
    sold_product(s)
    post(s, Order, **order(**more))
    quota = {k: v for k, v in more.items() if k == "quota"}
    post(s, Entitlement, **entitlement(**quota))


def counter(s: Store) -> tuple[int, int]:
    with reading(s.engine) as c:
        row = c.execute(select(col(Quota.used_calls), col(Quota.used_rows))).one()
    return int(row[0]), int(row[1])


def usage(s: Store) -> tuple[int, int, int]:
    sums = func.sum(col(UsageRow.calls)), func.sum(col(UsageRow.rows))
    with reading(s.engine) as c:
        row = c.execute(select(func.count(), *sums).select_from(UsageRow)).one()
    return int(row[0]), int(row[1] or 0), int(row[2] or 0)


def refused(answer: Grant | Denied) -> Denied:
    assert isinstance(answer, Denied)
    return answer


def test_a_granted_delivery_is_counted_once(s: Store) -> None:
    sold(s)

    granted = grant(s, asked(1))

    assert granted == Grant("D-1", 99)
    assert counter(s) == (1, 7)
    with reading(s.engine) as c:
        row = c.execute(select(UsageRow)).mappings().one()
    assert (row["at"], row["period"]) == ("2026-07-01T04:00:00.000000Z", "2026-07")
    assert (row["fields"], row["rows"], row["bytes"]) == ("route,rate", 7, 210)
    assert store.verify(s).exit == 0


def test_the_month_of_usage_is_that_of_the_entity(s: Store) -> None:
    sold(s)
    late = datetime(2026, 7, 31, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai

    grant(s, asked(1, at=late))

    with reading(s.engine) as c:
        assert c.scalar(select(col(UsageRow.period))) == "2026-08"


@pytest.mark.parametrize(
    ("when", "kind", "said"),
    [
        ("2026-06-30T15:59:59", "not_begun", "begins on 2026-07-01"),
        ("2026-06-30T16:00:00", "", ""),  # the first of July in Shanghai
        ("2026-12-31T15:59:59", "", ""),
        ("2026-12-31T16:00:00", "expired", "ended on 2026-12-31: renew"),
    ],
)
def test_a_term_is_the_days_of_the_entity(
    s: Store, when: str, kind: str, said: str
) -> None:
    sold(s)

    answer = grant(s, asked(1, at=datetime.fromisoformat(when).replace(tzinfo=UTC)))

    assert (answer.kind if isinstance(answer, Denied) else "") == kind
    assert said in (answer.ground if isinstance(answer, Denied) else "")
    assert usage(s)[0] == (0 if kind else 1)


def test_what_is_revoked_or_withdrawn_is_refused_from_its_day_on(s: Store) -> None:
    sold(s)
    end: dict[str, Any] = {"effective_on": date(2026, 7, 3), "quota": None}
    post(s, Entitlement, **entitlement("revoke", **end))
    two_days = timedelta(days=2)

    assert isinstance(grant(s, asked(1, at=NOON + timedelta(days=1))), Grant)
    denied = refused(grant(s, asked(2, at=NOON + two_days)))
    assert (denied.kind, "since 2026-07-03" in denied.ground) == ("revoked", True)
    assert entitled(s, "SO-1", date(2026, 7, 2)) is None
    assert entitled(s, "SO-1", date(2026, 7, 3)) == denied


def test_a_product_that_was_offered_again_is_delivered_again(s: Store) -> None:
    sold(s)
    back = {"event": "restore", "effective_on": date(2026, 7, 5)}
    post(s, ProductEvent, **withdrawal(1, effective_on=date(2026, 7, 1)))
    post(s, ProductEvent, **withdrawal(2, **back))
    post(s, ProductEvent, **withdrawal(1, product="another", factor="others"))

    denied = refused(grant(s, asked(1)))

    assert denied.kind == "withdrawn"
    assert "route-risk is withdrawn since 2026-07-01" in denied.ground
    assert isinstance(grant(s, asked(2, at=NOON + timedelta(days=4))), Grant)


def test_fields_that_are_not_licensed_are_named(s: Store) -> None:
    sold(s)

    denied = refused(grant(s, asked(1, fields=("route", "secret"))))

    assert denied.kind == "fields"
    assert "does not license secret: ask for route,rate" in denied.ground


def test_an_order_nobody_placed_is_refused(s: Store) -> None:
    assert refused(grant(s, asked(1))).kind == "unknown"
    assert entitled(s, "SO-1", date(2026, 7, 1)) is not None


def test_the_last_unit_is_granted_and_none_beyond(s: Store) -> None:
    sold(s, quota=2)

    answers = grant_all(s, [asked(n) for n in range(4)])

    assert [type(a) for a in answers] == [Grant, Grant, Denied, Denied]
    assert refused(answers[2]).ground == (
        "the quota of order SO-1: nothing is left, or renew the order"
    )
    assert (counter(s), usage(s)) == ((2, 14), (2, 2, 14))


def test_rows_of_a_quota_must_fit_whole(s: Store) -> None:
    sold(s, unit="row", quota=10)

    assert grant(s, asked(1, rows=6)) == Grant("D-1", 4)
    denied = refused(grant(s, asked(2, rows=5)))
    assert "4 rows are left, this answer has 5: ask for fewer" in denied.ground
    assert isinstance(grant(s, asked(3, rows=2, ahead=3)), Denied)
    assert grant(s, asked(4, rows=4)) == Grant("D-4", 0)
    assert store.verify(s).exit == 0


def test_a_further_piece_counts_rows_and_no_call(s: Store) -> None:
    sold(s, quota=1)

    first = grant(s, asked(1, rows=5, ahead=2))
    second = grant(s, asked(2, rows=2, calls=0))

    assert (first, second) == (Grant("D-1", 0), Grant("D-2", 0))
    assert usage(s) == (2, 1, 7)


def test_a_renewal_adds_to_what_is_left(s: Store) -> None:
    sold(s, quota=2)
    grant_all(s, [asked(n) for n in range(2)])
    post(s, Entitlement, **entitlement("renew", quota=3, key_sha256=""))

    assert grant(s, asked(9)) == Grant("D-9", 2)
    assert store.verify(s).exit == 0


def test_no_more_calls_than_allowed_begin_within_any_minute(s: Store) -> None:
    sold(s)
    first = [
        asked(n, at=NOON + timedelta(seconds=n), calls_per_minute=3) for n in (0, 9, 10)
    ]
    assert all(isinstance(a, Grant) for a in grant_all(s, first))

    soon = asked(
        4, at=NOON + timedelta(seconds=30, milliseconds=500), calls_per_minute=3
    )
    denied = refused(grant(s, soon))

    assert (denied.kind, denied.retry_after) == ("rate", 30)  # 29.5 s, rounded up
    piece = replace(soon, calls=0, delivery="D-5")
    assert isinstance(grant(s, piece), Grant)
    again = asked(6, at=NOON + timedelta(seconds=60), calls_per_minute=3)
    assert isinstance(grant(s, again), Grant)


def test_a_key_opens_its_order_until_another_replaces_it(s: Store) -> None:
    sold(s)
    found = opened_by(s, sha("key"))
    assert (found or {})["order"] == "SO-1"
    assert opened_by(s, sha("another")) is opened_by(s, "") is None
    assert isinstance(grant(s, asked(1, key_sha256=sha("key"))), Grant)

    post(s, Entitlement, **entitlement("renew", key_sha256=sha("new")))

    assert opened_by(s, sha("key")) is None
    assert opened_by(s, sha("new")) == found
    denied = refused(grant(s, asked(2, key_sha256=sha("key"))))
    assert "replaced by another" in denied.ground


def test_what_would_be_denied_is_foreseen_and_counts_nothing(s: Store) -> None:
    sold(s, quota=1)
    assert foreseen(s, asked(1)) is None
    assert foreseen(s, asked(1, fields=("secret",))) is not None
    assert usage(s)[0] == 0

    grant(s, asked(1))

    denied = foreseen(s, asked(2))
    assert denied == grant(s, asked(2))
    assert (denied and denied.kind) == "quota"


def at_once(s: Store, attempts: int, limit: str) -> None:
    """Let 16 clients ask for 50 units; each delivery granted is one usage row."""
    sold(s, quota=50 if limit == "quota" else 10_000)
    s.engine.dispose()
    most = 50 if limit == "rate" else 0
    with pool(16) as workers:
        jobs = [workers.submit(take, s.settings, n, attempts, most) for n in range(16)]
        got = [d for job in jobs for d in job.result()]

    assert len(got) == len(set(got)) == 50
    with reading(s.engine) as c:
        assert sorted(c.scalars(select(col(UsageRow.delivery)))) == sorted(got)
    assert counter(s) == (50, 350)
    assert store.verify(s).exit == 0


def test_sixteen_clients_at_once_never_get_more_than_the_quota(s: Store) -> None:
    at_once(s, 4, "quota")


@pytest.mark.proof
@pytest.mark.parametrize("limit", ["quota", "rate"])
def test_sixteen_clients_never_get_more_than_allowed_however_often_they_ask(
    s: Store, limit: str
) -> None:
    at_once(s, 40, limit)


def test_sealed_usage_is_what_was_delivered_and_sealing_again_is_nothing(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "current", lambda: s)
    sold(s)
    grant_all(s, [asked(n) for n in range(3)])
    assert "3 deliveries are not sealed yet" in str(store.verify(s).notes)

    assert meter() == {"flights": 3}
    assert meter() == {}
    grant(s, asked(7))
    assert meter() == {"flights": 1}

    found = store.verify(s)
    assert (found.exit, "not sealed" in str(found.notes)) == (0, False)
    with reading(s.engine) as c:
        assert c.scalar(select(func.count()).select_from(SealedUsage)) == 4


def test_forged_usage_is_not_sealed_and_sound_usage_is(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trigger is dropped and put back, so that nothing else shows it."""
    monkeypatch.setattr(store, "current", lambda: s)
    sold(s)
    grant_all(s, [asked(n) for n in range(3)])
    on = " ON usagerow" if s.engine.dialect.name == "postgresql" else ""
    at = "at = '2026-10-01T00:00:00.000000Z', period = '2026-10', fields = 'id'"
    with writing(s.engine) as c:
        c.execute(text(f"DROP TRIGGER usagerow_fixed{on}"))
        c.execute(text(f"UPDATE usagerow SET {at} WHERE delivery = 'D-1'"))
        triggers.install(c)

    assert meter() == {"flights": 2}
    assert meter() == {}

    with reading(s.engine) as c:
        assert sorted(c.scalars(select(col(SealedUsage.delivery)))) == ["D-0", "D-2"]
    (finding,) = store.verify(s).findings
    assert "D-1 is not borne by its order: its fields" in finding.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE usagerow SET rows = 1 WHERE delivery = 'D-0'", "was changed: D-0"),
        ("DELETE FROM usagerow WHERE delivery = 'D-0'", "was removed: D-0"),
        ("UPDATE quota SET used_rows = 7", "a row of Quota was changed: SO-1"),
        (
            "UPDATE sealedusage SET rows = 1 WHERE delivery = 'D-0'",
            "SealedUsage was ch",
        ),
    ],
)
def test_usage_that_differs_from_what_was_sealed_is_found(
    s: Store, monkeypatch: pytest.MonkeyPatch, change: str, said: str
) -> None:
    monkeypatch.setattr(store, "current", lambda: s)
    sold(s)
    grant_all(s, [asked(n) for n in range(2)])
    meter()
    kept = change.split()[2 if change.startswith("DELETE") else 1]
    rule = "kept" if change.startswith("DELETE") else "fixed"
    on = f" ON {kept}" if s.engine.dialect.name == "postgresql" else ""
    with writing(s.engine) as c:
        c.execute(text(f"DROP TRIGGER IF EXISTS {kept}_{rule}{on}"))
        c.execute(text(change))
        triggers.install(c)

    found = store.verify(s)

    assert found.exit == 1
    assert any(said in f.sentence for f in found.findings)
