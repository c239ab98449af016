"""What the offer forbids an order: withdrawn, ended, not licensed, out of the term."""

from datetime import date
from typing import Any

import pytest

from schemas.product import ProductTerms
from tasks.product.entitle import withdrawn
from tasks.product.order import (
    forbidden,
    is_licensed,
    is_offered,
    quota_is_sold,
    term_is_open,
)

DAY = date(2026, 7, 1)
YES = {"answer": True, "evidence": "agreement 3"}
PUBLIC = {
    "supply": "authorised-free",
    "authority": "a bureau",
    "agreement": "YY-3",
    "valid_from": "2026-02-01",
    "valid_to": "2026-12-31",
}


def offer(**more: Any) -> ProductTerms:
    return ProductTerms.model_validate(
        {
            "name": "daily-rain",
            "version": "1.2.0",
            "query": "SELECT day FROM resource",
            "columns": [{"name": "day", "logicalType": "integer"}],
            "licence": {"name": "terms", "permissions": ["use"]},
            **more,
        }
    )


def public() -> dict[str, Any]:
    asked = dict.fromkeys(("lawful_source", "undisputed", "third_party_rights"), YES)
    consent = {"basis": "none-personal", "evidence": "no person in it"}
    return {"compliance": asked | {"consent": consent, "public_data": PUBLIC}}


def event(number: int, name: str, on: date) -> dict[str, Any]:
    told = {"product": "daily-rain", "factor": "rain", "reason": "a dispute"}
    return told | {"number": number, "event": name, "effective_on": on}


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([], ""),
        (
            [event(1, "withdraw", DAY)],
            "daily-rain was withdrawn on 2026-07-01: a dispute",
        ),
        ([event(1, "withdraw", date(2026, 7, 2))], ""),
        ([event(2, "restore", DAY), event(1, "withdraw", DAY)], ""),
    ],
)
def test_the_last_event_by_a_day_says_whether_it_is_withdrawn(
    events: list[dict[str, Any]], told: str
) -> None:
    assert withdrawn(events, DAY) == told


@pytest.mark.parametrize(
    ("day", "open_"), [(date(2026, 6, 30), True), (date(2026, 7, 1), False)]
)
def test_a_version_is_offered_until_the_day_of_its_deprecation(
    day: date, open_: bool
) -> None:
    ended = {"on": "2026-06-30", "reason": "follows 2", "successor": "daily-rain 2.0.0"}
    _, found, told = is_offered(offer(deprecated=ended), [], day)
    assert found is open_
    assert ("order daily-rain 2.0.0" in told) is not open_


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"licence": {"name": "terms", "permissions": ["present"]}}, "not permit use"),
        ({"release": "enclave"}, "inside an enclave only"),
    ],
)
def test_what_is_not_licensed_or_must_not_leave_is_not_sold(
    more: dict[str, Any], told: str
) -> None:
    _, open_, ground = is_licensed(offer(**more))
    assert not open_
    assert told in ground
    assert is_licensed(offer())[1]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (date(2026, 2, 1), date(2026, 12, 31), ""),
        (date(2026, 1, 31), date(2026, 12, 31), "YY-3 begins on 2026-02-01"),
        (date(2026, 2, 1), date(2027, 1, 1), "YY-3 ends on 2026-12-31"),
    ],
)
def test_a_term_stays_within_the_operating_agreement(
    first: date, last: date, told: str
) -> None:
    _, open_, ground = term_is_open(offer(**public()), first, last)
    assert open_ is (told == "")
    assert told in ground


def test_a_term_is_as_long_as_the_price_buys_and_no_day_longer() -> None:
    monthly = offer(price={"mode": "flat", "amount": "9.00", "months": 1})
    assert term_is_open(monthly, DAY, date(2026, 7, 31))[1]
    assert not term_is_open(monthly, DAY, date(2026, 8, 1))[1]
    assert not term_is_open(monthly, DAY, date(2026, 6, 30))[1]


@pytest.mark.parametrize(
    ("quota", "open_"), [(100, True), (300, True), (150, False), (None, False)]
)
def test_a_quota_is_sold_in_its_own_units(quota: int | None, open_: bool) -> None:
    price = offer(price={"mode": "quota", "amount": "300", "quota": 100}).price
    assert quota_is_sold(price, quota)[1] is open_
    assert quota_is_sold(offer().price, quota)[1]


USES = {
    "user": "a crop insurer",
    "decision": "which claims to pay",
    "benefit": "fewer visits",
    "metric": "visits a season",
    "uses": {"claims": "Checking claims"},
    "prohibited_uses": {"ads": "Advertising"},
    "region": "CN",
    "industry": "J68 insurance",
}
ORDER = {
    "order": "SO-1",
    "factor": "rain",
    "product": "daily-rain",
    "version": "1.0.0",
    "use": "claims",
    "fields": "day",
}


@pytest.mark.parametrize(
    ("order", "form", "told"),
    [
        ({}, "bundle", []),
        ({"factor": "snow"}, "bundle", ["order SO-1 is for daily-rain of snow only"]),
        ({"product": "rain"}, "bundle", ["order SO-1 is for rain of rain only"]),
        ({"fields": "day,town"}, "bundle", ["no field town: daily-rain has day"]),
        ({"use": "ads"}, "bundle", ["use ads is prohibited: Advertising"]),
        ({}, "service", ["daily-rain is delivered as files only"]),
        ({"version": "0.9.0"}, "bundle", ["daily-rain is at 1.2.0 now, which breaks"]),
    ],
)
def test_what_an_order_opens_is_asked_in_one_place(
    order: dict[str, str], form: str, told: list[str]
) -> None:
    found = forbidden(offer(scenario=USES), "rain", ORDER | order, form)
    assert len(found) == len(told)
    assert all(f.startswith(t) for f, t in zip(found, told, strict=True))
