"""What a watch finds of pledges: the ratio, the signs, and only what changed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from schemas.asset import Valuation
from schemas.contract import frame_of
from schemas.portfolio import CoverageRules
from schemas.quality import Score
from schemas.registers import (
    CollateralRoot,
    CoverState,
    Dispute,
    Invoice,
    LoanFact,
    Order,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.watch import SIGNS, Watch, Watched, WatchRules, WatchTerms
from tasks.capital.watch import secured, watch
from tasks.pledged import held

Row = dict[str, Any]
DAY, MATURES = date(2026, 9, 10), date(2027, 6, 30)
E, A, L = "jiangbei", "index", "L-1"
POLICY = {"policy": "test-policy", "applies_from": date(2025, 1, 1)}
# The ladder of COL-03.
LADDER = CoverageRules.model_validate(
    POLICY
    | {"advance_ltv": "0.60", "warning_ltv": "0.65", "margin_call_ltv": "0.70"}
    | {"default_ltv": "0.80", "haircut": "0"}
)
MEANS = dict.fromkeys((f"alarm_{sign}" for sign in SIGNS), "warning") | {
    "alarm_lapsed": "margin_call",
    "alarm_right_short": "margin_call",
    "alarm_right_lost": "default",
    "alarm_substandard": "default",
}
LIMITS = {"lapse_notice_days": 30, "min_quality": "0.7", "substandard_above_days": 90}
LIMITS |= {"revenue_fall": "0.3", "revenue_months": 3}
RULES = WatchRules.model_validate(POLICY | MEANS | LIMITS)


def pledge(request: str = L, **changed: Any) -> Row:
    return {
        "request": request,
        "entity": E,
        "asset": A,
        "version": "1.0.0",
        "lender": "Bank",
        "principal_fen": 500_000_000,
        "cap_fen": 600_000_000,
        "exclusive": True,
        "pledged_on": date(2026, 6, 30),
        "matures_on": MATURES,
        "rank": 1,
        "meets_ppm": 300_000,
        "minor_ppm": 50_000,
    } | changed


def event(kind: str, on: date = date(2026, 7, 1), **changed: Any) -> Row:
    nothing = dict.fromkeys(
        ("asset", "version", "replaces", "junior", "registration"), ""
    )
    rest = dict.fromkeys(("registered_at", "evidence_sha256", "reason"), "")
    known = {"request": L, "event": kind, "number": 1, "effective_on": on}
    empty = {"amount_fen": None, "cap_fen": None, "valid_to": None}
    return known | nothing | rest | empty | {"evidence": f"PROOF-{kind}"} | changed


def perfect(valid_to: date | None = date(2029, 6, 30), **changed: Any) -> Row:
    return event("perfect", registration="ZD-1", valid_to=valid_to, **changed)


def right(kind: str, on: date, last: date = MATURES, **changed: Any) -> Row:
    known = {"entity": E, "asset": A, "right": "operate", "event": kind, "number": 1}
    texts = dict.fromkeys(("scope", "field", "territory", "evidence_sha256"), "")
    term = {"effective_on": on, "valid_from": date(2026, 1, 15), "valid_to": last}
    who = {"certificate": "C-1", "holder": "Pledgor", "basis": "own product"}
    flags = {"exclusive": True, "sublicensable": False, "evidence": f"PROOF-{kind}"}
    return known | texts | term | who | flags | changed


GRANT = right("grant", date(2026, 1, 15), date(2031, 6, 30))


def valuation(
    fen: int,
    asset: str = A,
    last: date = date(2027, 6, 30),
    entity: str = E,
    version: str = "1.0.0",
) -> Row:
    return {
        "entity": entity,
        "asset": asset,
        "version": version,
        "outcome": "intangible",
        "charged": True,
        "book_fen": 1,
        "appraised_fen": fen,
        "approach": "income 1",
        "appraiser": "LLP",
        "report": f"REPORT-{asset}",
        "appraised_on": date(2026, 6, 20),
        "valid_to": last,
    }


def score(now: int, before: int | None = None) -> pl.LazyFrame:
    """The total alone, with a step of 0.05."""
    on = None if before is None else date(2026, 9, 1)
    row = (A, DAY, "total", 6, 20, now, on, before, 50_000)
    return frame_of(Score, [row]).lazy()


def invoiced(*amounts: tuple[str, int]) -> list[Row]:
    return [
        {"invoice": f"I-{period}", "line": 1, "entity": E, "order": "O-1"}
        | {"period": period, "kind": "flat", "quantity": 1, "unit_price": "1"}
        | {"amount_fen": fen, "issued_on": DAY, "reverses": ""}
        for period, fen in amounts
    ]


ORDER: Row = dict.fromkeys(Order.to_schema().columns, "") | {
    "order": "O-1",
    "factor": A,
    "rows_limit": None,
    "quota": None,
    "unit": "call",
    "price_mode": "flat",
    "amount_fen": 0,
    **dict.fromkeys(("valid_from", "valid_to", "ordered_on"), DAY),
}


def change(state: str, on: date, before: str = "normal", number: int = 1) -> Row:
    nothing = dict.fromkeys(
        ("value_fen", "ltv_ppm", "coverage_ppm", "repay_fen", "top_up_fen")
    )
    known = {"request": L, "number": number, "watched_on": on, "before": before}
    said = {"state": state, "outstanding_fen": 1, "ground": "", "evidence": ""}
    return known | said | nothing


def fact(kind: str, on: date) -> Row:
    known = {"loan": L, "event": kind, "number": 1, "tranche": "1", "effective_on": on}
    texts = dict.fromkeys(("name", "evidence", "evidence_sha256", "reason"), "")
    return known | {"amount_fen": None} | texts


def frame(contract: Any, rows: Sequence[Row]) -> pl.LazyFrame:
    names = [*contract.to_schema().columns]
    return frame_of(contract, [[row[n] for n in names] for row in rows]).lazy()


def watched(
    *values: Row,
    pledges: Sequence[Row] = (pledge(),),
    events: Sequence[Row] = (perfect(),),
    states: Sequence[Row] = (),
    facts: Sequence[Row] = (),
    rights: Sequence[Row] = (GRANT,),
    invoices: Sequence[Row] = (),
    disputes: Sequence[Row] = (),
    scores: Mapping[str, pl.LazyFrame] | None = None,
    owed: Mapping[str, int] | None = None,
    late: int = 0,
    entities: Sequence[str] = (E,),
    on: date = DAY,
    ahead: date | None = None,
    **found: Any,
) -> Watch:
    """Watch pledges; what is not said is sound. ``found`` is of the asset."""
    looked = {"entity": E, "asset": A, "factor": A, "names": (A, "feeder")} | found
    owes = {L: 500_000_000} if owed is None else owed
    terms = {"factor": E, "entities": tuple(entities), "assets": (looked,)}
    debts = tuple(
        {"request": r, "outstanding_fen": fen, "days_past_due": late}
        for r, fen in owes.items()
    )
    rules = {"coverage": LADDER, "rules": RULES, "debts": debts, "ahead": ahead}
    return watch(
        frame(Pledge, pledges),
        frame(PledgeEvent, events),
        frame(CollateralRoot, []),
        frame(CoverState, states),
        frame(LoanFact, facts),
        frame(Right, rights),
        frame(Order, [ORDER]),
        frame(Invoice, invoices),
        {str(n): frame(Valuation, [row]) for n, row in enumerate(values)},
        scores or {A: score(950_000)},
        WatchTerms.model_validate(terms | rules),
        on,
        frame(Dispute, disputes),
    )


def one(*values: Row, **given: Any) -> Row:
    """The one pledge that is watched."""
    (row,) = watched(*(values or (SOUND,)), **given).watched.collect().to_dicts()
    return row


def states_of(*values: Row, **given: Any) -> dict[str, str]:
    made = watched(*(values or (SOUND,)), **given).watched.collect()
    return dict(made.select("request", "state").iter_rows())


SOUND = valuation(896_800_000)


MOVED: Row = {"replaces": A, "version": "2.0.0", "cap_fen": 900_000_000}
MORE = event("add", date(2026, 9, 5), **MOVED | {"asset": "wind", "amount_fen": 80})


def test_a_sound_pledge_is_normal_and_nothing_is_recorded() -> None:
    made = watched(SOUND)

    row = made.watched.collect().to_dicts()[0]
    assert (row["before"], row["state"], row["ltv_ppm"]) == ("normal",) * 2 + (557_538,)
    assert row["releasable_fen"] == 896_800_000 - 833_333_334  # 5,000,000.00 / 0.60
    assert made.changes.collect().is_empty()
    assert made.gates.collect()["passed"].all()
    Watched.to_schema().validate(made.watched.collect())


def test_col_03_a_fall_is_recorded_as_a_margin_call_with_both_cures() -> None:
    made = watched(valuation(700_000_000))

    (row,) = made.changes.collect().to_dicts()
    CoverState.to_schema().validate(made.changes.collect())
    assert (row["request"], row["number"], row["watched_on"]) == (L, 1, DAY)
    assert (row["before"], row["state"]) == ("normal", "margin_call")
    assert (row["ltv_ppm"], row["value_fen"]) == (714_286, 700_000_000)
    assert row["repay_fen"] == 80_000_000
    assert row["top_up_fen"] == 133_333_334  # 1,333,333.33 leaves one fen short
    assert row["ground"].startswith("loan to value 0.714286 (warned from 0.65")


def test_a_repayment_of_the_cure_is_found_by_the_next_watch() -> None:
    called = [change("margin_call", date(2026, 9, 1))]

    short = one(valuation(700_000_000), states=called, owed={L: 420_000_001})
    cured = watched(valuation(700_000_000), states=called, owed={L: 420_000_000})

    assert (short["state"], short["repay_fen"]) == ("margin_call", 1)
    (row,) = cured.changes.collect().to_dicts()
    assert (row["number"], row["before"], row["state"]) == (2, "margin_call", "normal")


def test_an_asset_that_is_added_is_found_by_the_next_watch() -> None:
    called = [change("margin_call", date(2026, 9, 1))]
    wind = valuation(133_333_334, "wind", version="2.0.0")
    granted = [GRANT, GRANT | {"asset": "wind", "certificate": "C-2"}]
    given: Row = {"states": called, "rights": granted}

    before = one(valuation(700_000_000), wind, **given)
    after = one(valuation(700_000_000), wind, events=[perfect(), MORE], **given)

    assert before["state"] == "margin_call"
    assert (after["state"], after["value_fen"]) == ("normal", 833_333_334)


def test_a_state_is_left_at_the_advance_rate_and_not_before() -> None:
    warned = [change("warning", date(2026, 9, 1))]

    held_up = watched(valuation(800_000_000), states=warned)  # 0.625
    eased = one(valuation(833_333_334), states=warned)

    assert held_up.watched.collect()["state"].to_list() == ["warning"]
    assert held_up.changes.collect().is_empty()
    assert eased["state"] == "normal"


def test_a_default_stays_until_it_is_repaid_or_waived_after_it() -> None:
    fell = [change("default", date(2026, 9, 5))]
    early, late = fact("waive", date(2026, 9, 4)), fact("waive", date(2026, 9, 6))

    assert one(states=fell)["state"] == "default"
    assert one(states=fell, facts=[early])["state"] == "default"
    assert one(states=fell, facts=[late])["state"] == "normal"
    assert one(states=fell, owed={L: 0})["state"] == "normal"


def test_the_state_recorded_last_is_the_one_with_the_highest_number() -> None:
    states = [
        change("normal", DAY, "warning", 10),
        change("warning", DAY, "normal", 9),
    ]

    (row,) = watched(valuation(700_000_000), states=states).changes.collect().to_dicts()

    assert (row["number"], row["before"]) == (11, "normal")


CASES: dict[str, tuple[Row, str, str]] = {
    "unperfected": ({"events": []}, "warning", "no registration of the pledge"),
    "cancelled": (
        {"events": [perfect(), event("cancel")]},
        *("warning", "the registration was cancelled"),
    ),
    "lapsed": (
        {"events": [perfect(DAY - timedelta(days=1))]},
        *("margin_call", "registration ZD-1: its last day is 2026-09-09"),
    ),
    "lapsing": (
        {"events": [perfect(DAY + timedelta(days=30))]},
        *("warning", "registration ZD-1: its last day is 2026-10-10"),
    ),
    "its last day": (
        {"events": [perfect(DAY)]},
        *("warning", "registration ZD-1: its last day is 2026-09-10"),
    ),
    "no last day": ({"events": [perfect(None)]}, "margin_call", "no stated day"),
    "right revoked": (
        {"rights": [GRANT, right("revoke", date(2026, 9, 1))]},
        *("default", "revoked from 2026-09-01"),
    ),
    "right moved": (
        {"rights": [GRANT, right("transfer", date(2026, 9, 1), holder="Buyer")]},
        *("default", "Buyer holds it on 2026-09-10"),
    ),
    "right short": (
        {"rights": [right("grant", date(2026, 1, 15), MATURES - timedelta(days=1))]},
        *("margin_call", "the loan matures on 2027-06-30"),
    ),
    "no right": ({"rights": []}, "default", "no right to operate"),
    "dispute": (
        {
            "disputes": [
                {"dispute": "D-1", "entity": "other", "asset": "feeder"}
                | {"event": "open", "effective_on": DAY, "claimant": "Town"}
                | {"ground": "its gauges", "evidence": "COURT-7"}
            ]
        },
        *("warning", "dispute D-1 over feeder is open since 2026-09-10 (Town"),
    ),
    "stale": ({"stale": "the newest day is old"}, "warning", "the newest day is old"),
    "quality fell": (
        {"scores": {A: score(849_999, 900_000)}},
        *("warning", "it may fall by 0.050000"),
    ),
    "quality low": (
        {"scores": {A: score(699_999)}},
        *("warning", "at least 0.700000 is asked"),
    ),
    "revenue fell": (
        {"invoices": invoiced(("2026-02", 60), ("2026-04", 40), ("2026-07", 69))},
        *("warning", "690000 ppm"),
    ),
    "unreadable": ({"unreadable": "bytes are gone"}, "warning", "bytes are gone"),
    "a day late": ({"late": 1}, "warning", "1 days past due 逾期, substandard above"),
    "still 关注": ({"late": 90}, "warning", "90 days past due"),
    "substandard": ({"late": 91}, "default", "91 days past due 逾期"),
}


@pytest.mark.parametrize("sign", CASES)
def test_a_sign_worsens_a_pledge_whatever_its_ratio(sign: str) -> None:
    given, state, ground = CASES[sign]

    made = watched(SOUND, **given)

    (row,) = made.changes.collect().to_dicts()
    assert row["state"] == state
    assert ground in row["ground"]
    assert row["ltv_ppm"] == 557_538
    assert made.watched.collect()["releasable_fen"].to_list() == [0]


@pytest.mark.parametrize(
    "given",
    [
        {"events": [perfect(DAY + timedelta(days=31))]},
        {"events": [perfect(date(2026, 8, 1)), event("extend", valid_to=MATURES)]},
        {"rights": [right("grant", date(2026, 1, 15), MATURES)]},
        {"scores": {A: score(850_000, 900_000)}},
        {"scores": {A: score(700_000)}},
        {"invoices": invoiced(("2026-02", 100), ("2026-07", 70))},
        {"invoices": invoiced(("2026-01", 100), ("2026-08", 1))},
        {"rights": [GRANT, right("transfer", date(2026, 9, 11), holder="Buyer"),
                    right("grant", date(2026, 1, 1), certificate="C-3")]},
    ],
    ids=["notice", "extended", "to maturity", "step", "floor", "fall", "months", "two"],
)  # fmt: skip
def test_what_is_just_within_the_policy_is_no_sign(given: Row) -> None:
    assert one(**given)["state"] == "normal"


def test_after_a_step_in_the_lender_must_hold_the_right() -> None:
    taken = [GRANT, right("transfer", date(2026, 9, 1), holder="Bank")]
    stepped = [perfect(), event("step_in", date(2026, 9, 1))]

    assert one(rights=taken, events=stepped)["state"] == "normal"
    assert one(events=stepped)["state"] == "default"


@pytest.mark.parametrize(
    ("value", "ground"),
    [
        (valuation(9, last=date(2026, 9, 9)), "valid 2026-06-20 to 2026-09-09"),
        (valuation(9, version="1.1.0"), "1.0.0 is pledged, 1.1.0 was appraised"),
        (valuation(896_800_000, "other"), "appraisal of index: none is published"),
        (valuation(0), "appraisal of index: 0.00 CNY"),
    ],
    ids=["expired", "version", "none", "nothing"],
)  # fmt: skip
def test_a_value_that_cannot_be_shown_is_a_warning_at_least(
    value: Row, ground: str
) -> None:
    row = one(value)

    assert (row["state"], row["value_fen"]) == ("warning", None)
    assert row["repay_fen"] is row["top_up_fen"] is row["releasable_fen"] is None
    assert ground in row["ground"]


def test_of_several_assets_one_without_a_value_is_enough_to_know_nothing() -> None:

    assert one(SOUND, events=[perfect(), MORE])["value_fen"] is None


def test_a_loan_that_is_repaid_is_normal_whatever_a_sign_says() -> None:
    row = one(events=[], rights=[], owed={L: 0})

    assert row["state"] == "normal"


def test_what_is_owed_is_all_that_is_secured_where_nobody_tells() -> None:
    assert one(owed={})["outstanding_fen"] == 500_000_000


def test_the_worst_of_ratio_and_signs_holds_and_every_ground_is_told() -> None:
    row = one(valuation(700_000_000), events=[], stale="the newest day is old")

    assert row["state"] == "margin_call"
    assert row["ground"].count("; ") == 2


def test_pledges_of_two_entities_are_told_apart_and_one_released_is_left_out() -> None:
    pledges = [
        pledge(),
        pledge("L-2", entity="other"),
        pledge("L-3", entity="other"),
        pledge("L-4", pledged_on=DAY + timedelta(days=1)),
    ]
    events = [*(perfect(request=r) for r in (L, "L-2", "L-3")),
              event("release", request="L-3")]  # fmt: skip
    rights = [GRANT, GRANT | {"entity": "other", "certificate": "C-2"}]
    owed = dict.fromkeys((L, "L-2"), 500_000_000)
    values = (SOUND, valuation(700_000_000, entity="other"))
    given: Row = {"pledges": pledges, "events": events, "rights": rights}

    both = states_of(*values, owed=owed, entities=(E, "other"), **given)
    alone = states_of(*values, owed=owed, entities=("other",), **given)

    assert both == {L: "normal", "L-2": "margin_call"}
    assert alone == {"L-2": "margin_call"}


def test_a_junior_is_carried_by_what_the_senior_leaves() -> None:
    pledges = [
        pledge(exclusive=False),
        pledge("L-2", exclusive=False, rank=2, principal_fen=100_000_000),
    ]
    events = [perfect(), perfect(request="L-2")]
    owed = {L: 500_000_000, "L-2": 100_000_000}

    made = watched(SOUND, pledges=pledges, events=events, owed=owed).watched.collect()

    values = dict(made.select("request", "value_fen").iter_rows())
    assert values == {L: 896_800_000, "L-2": 396_800_000}


@pytest.mark.parametrize(
    "given",
    [{"states": [change("warning", DAY + timedelta(days=1))]},
     {"ahead": DAY + timedelta(days=1)}],
    ids=["a change", "a watch"],
)  # fmt: skip
def test_a_clock_that_went_back_is_refused(given: Row) -> None:
    gates = watched(SOUND, **given).gates.collect()

    (shut,) = gates.filter(~pl.col("passed")).to_dicts()
    assert shut["gate"] == "clock"
    assert (
        "watched up to 2026-09-11: a watch of 2026-09-10 would go back"
        in shut["ground"]
    )


def test_a_policy_that_does_not_apply_yet_is_refused() -> None:
    gates = watched(SOUND, on=date(2024, 12, 31)).gates.collect()

    assert gates.filter(~pl.col("passed"))["gate"].to_list() == ["policy_in_force"]


def test_what_is_secured_is_the_same_in_one_pass_as_pledge_by_pledge() -> None:
    pledges = [pledge(), pledge("L-2", asset="rain"), pledge("L-3")]
    events = [
        event("add", **MOVED | {"asset": "wind", "amount_fen": 100_000_000}),
        event("add", **MOVED | {"asset": "sun", "amount_fen": 50_000_000, "number": 2}),
        event("substitute", **MOVED | {"asset": "sea", "amount_fen": 350_000_000}),
        event("release_part", asset="sun", amount_fen=20_000_000),
        event("release", request="L-3"),
    ]

    made = secured(
        frame(Pledge, pledges).collect(), frame(PledgeEvent, events).collect()
    )

    by_hand = [
        ("L-1", "wind", 100_000_000), ("L-1", "sun", 30_000_000),
        ("L-1", "sea", 350_000_000), ("L-2", "rain", 500_000_000),
    ]  # fmt: skip
    found = made.select("request", "asset", "secured_fen").rows()
    assert sorted(found) == sorted(by_hand)
    one_by_one = [
        (p.request, asset, fen)
        for p in held(pledges, events, ())
        for asset, fen in p.secured.items()
        if fen > 0
    ]
    assert sorted(found) == sorted(one_by_one)
