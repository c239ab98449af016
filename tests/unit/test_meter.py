"""Usage is sealed where its order bears it; each thing that does not fit is told."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.registers import Entitlement, Order, Usage
from schemas.usage import MeterTerms
from tasks.product.meter import days_of, doubts, meter
from tests.store.build import entitlement, frame_of, order, sha, usage

SERVED = (sha("served"),)
ZONE = "Asia/Shanghai"


def lazy(kind: Any, rows: list[dict[str, Any]]) -> pl.LazyFrame:
    return frame_of(kind, rows).lazy()


def told(**more: Any) -> str:
    rows = [usage(**more)]
    return doubts(rows, [order()], [entitlement()], SERVED, ZONE).get("D-1", "")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"fields": "rate"}, ""),
        ({"period": "2026-08"}, "its month 2026-08 is not that of its moment"),
        ({"at": "2026-07-31T16:00:00.000000Z"}, "its month 2026-07 is not"),
        ({"at": "2026-07-31T16:00:00.000000Z", "period": "2026-08"}, ""),
        ({"at": "2026-06-30T15:59:59.000000Z"}, "outside the term of order SO-1"),
        ({"at": "2026-06-30T16:00:00.000000Z"}, ""),  # the first of July there
        ({"at": "2027-01-01T00:00:00.000000Z", "period": "2027-01"}, "outside the"),
        ({"at": "soon"}, "outside the term"),
        ({"fields": "route,id"}, "its fields were not licensed"),
        ({"served": sha("other")}, "what it served is no product of flights"),
        ({"entitlement": "SO-9"}, "it has no order"),
    ],
)
def test_usage_that_its_order_does_not_bear_is_told(
    more: dict[str, Any], why: str
) -> None:
    assert (why in told(**more)) if why else told(**more) == ""


def test_nothing_is_used_before_it_was_ordered() -> None:
    late = order(ordered_on=date(2026, 7, 2))
    found = doubts([usage()], [late], [entitlement()], SERVED, ZONE)
    assert "outside the term" in found["D-1"]


def test_a_renewed_term_bears_usage_and_an_end_opens_none() -> None:
    at = {"at": "2027-02-01T00:00:00.000000Z", "period": "2027-02"}
    term: dict[str, Any] = {
        "valid_from": date(2027, 1, 1),
        "valid_to": date(2027, 6, 30),
    }
    for event, borne in (("renew", True), ("revoke", False)):
        events = [entitlement(), entitlement(event, **term)]
        found = doubts([usage(**at)], [order()], events, SERVED, ZONE)
        assert (found == {}) is borne


def test_a_moment_without_a_zone_may_be_two_days() -> None:
    days = days_of("2026-07-31T16:30:00.000000Z")
    assert days == (date(2026, 7, 31), date(2026, 8, 1))


def test_only_sound_usage_is_sealed() -> None:
    rows = [usage("D-2"), usage("D-1", period="2026-10"), usage("D-3")]
    given = (
        lazy(Usage, rows),
        lazy(Order, [order()]),
        lazy(Entitlement, [entitlement()]),
    )
    terms = MeterTerms(factor="flights", zone=ZONE, served=SERVED)
    assert meter(*given, terms).collect()["delivery"].to_list() == ["D-2", "D-3"]
