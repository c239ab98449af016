"""A right over its whole life: what each event moves, and what it leaves alone."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.registers import Dispute, Right
from schemas.rights import RightAct
from tasks.asset.grants import grants
from tasks.asset.register import register_right
from tasks.rights import bundle, disputed, open_disputes, standing, term_of
from tests.finance_case import (
    HOLDER,
    asset_terms,
    failed,
    make_asset,
    make_capital,
    right,
    right_event,
)

Event = dict[str, Any]
DAY0 = date(2025, 1, 1)
OTHER = "Hebei Data (illustrative)"


def day(n: int) -> date:
    return DAY0 + timedelta(days=n)


def told(event: str, number: int, **changed: Any) -> tuple[Any, ...]:
    return right_event("operate", event, number=number, **changed)


def frame(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return frame_of(Right, rows)


GRANT = told("grant", 1, valid_to=date(2026, 12, 31))


def test_a_transfer_ends_a_holders_right_the_day_before_anothers_begins() -> None:
    events = frame(
        GRANT,
        told("transfer", 1, holder=OTHER, effective_on=date(2026, 7, 1), evidence="T"),
    )

    first = standing(events, "operate", date(2026, 6, 30), HOLDER)
    then = standing(events, "operate", date(2026, 7, 1), HOLDER)
    now = standing(events, "operate", date(2026, 7, 1), OTHER)

    assert (first.live, first.last) == (True, date(2026, 6, 30))
    assert not then.live
    assert f"{OTHER} holds it" in then.ground
    assert (now.live, now.last, now.evidence) == (True, date(2026, 12, 31), "T")
    assert not standing(events, "operate", date(2026, 6, 30), OTHER).live


def test_a_renewal_joins_its_term_to_the_one_before() -> None:
    renewed = told(
        "renew", 1, effective_on=date(2027, 1, 1), valid_to=date(2029, 12, 31)
    )

    before = standing(frame(GRANT), "operate", date(2026, 12, 31))
    after = standing(frame(GRANT, renewed), "operate", date(2026, 12, 31))

    assert (before.last, after.last) == (date(2026, 12, 31), date(2029, 12, 31))
    assert not standing(frame(GRANT), "operate", date(2027, 1, 1)).live
    assert standing(frame(GRANT, renewed), "operate", date(2029, 12, 31)).live


def test_a_renewal_after_a_gap_does_not_heal_the_gap() -> None:
    late = told("renew", 1, effective_on=date(2027, 3, 1), valid_to=date(2029, 12, 31))
    events = frame(GRANT, late)

    assert standing(events, "operate", date(2026, 12, 31)).last == date(2026, 12, 31)
    assert not standing(events, "operate", date(2027, 2, 28)).live
    assert standing(events, "operate", date(2027, 3, 1)).live


def test_a_cancellation_ends_renewed_terms_too_and_the_earliest_of_two_holds() -> None:
    events = frame(
        GRANT,
        told("renew", 1, effective_on=date(2027, 1, 1), valid_to=date(2029, 12, 31)),
        told("revoke", 1, effective_on=date(2028, 1, 1), basis="late"),
        told("revoke", 2, effective_on=date(2026, 1, 1), basis="early"),
    )

    assert standing(events, "operate", date(2025, 6, 1)).last == date(2025, 12, 31)
    assert "early" in standing(events, "operate", date(2026, 1, 1)).ground
    assert not standing(events, "operate", date(2027, 6, 1)).live


def test_a_change_that_is_recorded_after_a_transfer_but_holds_before_it_stays() -> None:
    events = frame(
        GRANT,
        told("transfer", 1, holder=OTHER, effective_on=date(2026, 6, 1)),
        told("change", 1, field="J68", effective_on=date(2026, 5, 1)),
    )

    (before,) = bundle(events, date(2026, 4, 30))
    (between,) = bundle(events, date(2026, 5, 1))
    (after,) = bundle(events, date(2026, 6, 1))

    assert (before.field, before.holder) == ("", HOLDER)
    assert (between.field, between.holder) == ("J68", HOLDER)
    assert (after.field, after.holder) == ("J68", OTHER)
    # The change cuts the first holder's time in two; its term is one.
    assert (between.first, between.last) == (date(2026, 5, 1), date(2026, 5, 31))
    assert term_of(events, between) == (date(2025, 1, 1), date(2026, 5, 31))
    assert term_of(events, after) == (date(2026, 6, 1), date(2026, 12, 31))


days = st.integers(0, 40)
later = st.one_of(
    st.tuples(st.just("transfer"), days, st.sampled_from(["A", "B", "C"])),
    st.tuples(st.just("change"), days, st.sampled_from(["J68", "G56", ""])),
    st.tuples(st.just("renew"), days, days),
    st.tuples(st.just("revoke"), days, st.just("")),
)


def written(events: list[tuple[str, int, Any]], first: int, last: int) -> pl.DataFrame:
    """Write events as the register holds them, numbered by kind in their order."""
    term = {"valid_from": day(first), "valid_to": day(last)}
    rows = [told("grant", 1, holder="A", effective_on=day(first), **term)]
    counts: dict[str, int] = {}
    for kind, on, what in events:
        counts[kind] = counts.get(kind, 0) + 1
        more: dict[str, Any] = {"effective_on": day(on), "holder": "A"}
        if kind == "transfer":
            more["holder"] = what
        if kind == "change":
            more["field"] = what
        if kind == "renew":
            more |= {"valid_from": day(on), "valid_to": day(max(on, what))}
        rows.append(told(kind, counts[kind], **more))
    return frame(*rows)


def by_hand(
    events: list[tuple[str, int, Any]], first: int, last: int, asked: int
) -> tuple[str, str] | None:
    """Follow the events day by day: who holds it on one day, in which field."""
    holder, field, until = "A", "", -1
    cancelled = min((on for kind, on, _ in events if kind == "revoke"), default=99)
    for today in range(asked + 1):
        if today == first:
            until = max(until, last)
        for kind, on, what in events:
            if on == today:
                holder = what if kind == "transfer" else holder
                field = what if kind == "change" else field
                until = max(until, on, what) if kind == "renew" else until
    if asked >= cancelled or asked > until:
        return None
    return holder, field


@settings(deadline=None)
@given(
    events=st.lists(later, max_size=6),
    first=st.integers(0, 15),
    length=st.integers(0, 20),
    asked=days,
)
def test_the_state_on_a_day_is_what_following_the_events_day_by_day_gives(
    events: list[tuple[str, int, Any]], first: int, length: int, asked: int
) -> None:
    # A renewal that would begin before its grant is refused by no register; leave out.
    events = [e for e in events if e[0] != "renew" or e[1] >= first]
    rows = written(events, first, first + length)

    found = [(s.holder, s.field) for s in bundle(rows, day(asked))]
    expected = by_hand(events, first, first + length, asked)

    assert found == ([] if expected is None else [expected])
    for holder in "ABC":
        live = standing(rows, "operate", day(asked), holder).live
        assert live == (expected is not None and expected[0] == holder)


@settings(deadline=None)
@given(st.lists(later, max_size=5), st.randoms(use_true_random=False), days)
def test_the_order_in_which_events_were_recorded_changes_no_state(
    events: list[tuple[str, int, Any]], shuffler: Any, asked: int
) -> None:
    rows = written(events, 0, 20)
    order = list(range(rows.height))
    shuffler.shuffle(order)

    assert bundle(rows, day(asked)) == bundle(rows[order], day(asked))


@settings(deadline=None)
@given(st.lists(later, max_size=6), days)
def test_a_right_is_live_on_every_day_up_to_its_last_and_not_on_the_next(
    events: list[tuple[str, int, Any]], asked: int
) -> None:
    rows = written([e for e in events if e[0] != "transfer"], 0, 20)
    found = standing(rows, "operate", day(asked))

    if found.live:
        assert standing(rows, "operate", found.last).live
        assert not standing(rows, "operate", found.last + timedelta(days=1)).live


def act(event: str, **said: Any) -> RightAct:
    known = {
        "factor": "index",
        "entity": "jiangbei",
        "asset": "index-asset",
        "certificate": "C-operate",
        "effective_on": date(2026, 6, 1),
        "basis": "decision",
        "evidence": "DOC-1",
    }
    return RightAct.model_validate(known | {"event": event} | said)


def after(rows: pl.DataFrame, terms: RightAct) -> pl.DataFrame:
    made = register_right(rows.lazy(), terms).collect()
    Right.to_schema().validate(made)
    return pl.concat([rows, made]).unique(maintain_order=True)


def test_the_five_registrations_follow_each_other() -> None:
    rows = after(
        frame_of(Right, []),
        act(
            "grant",
            right="operate",
            holder=HOLDER,
            scope="insurance",
            valid_from=date(2025, 1, 1),
            valid_to=date(2026, 12, 31),
        ),
    )
    rows = after(rows, act("change", field="J68", exclusive=True))
    rows = after(rows, act("transfer", holder=OTHER, effective_on=date(2026, 7, 1)))
    rows = after(
        rows,
        act("renew", effective_on=date(2027, 1, 1), valid_to=date(2029, 12, 31)),
    )
    rows = after(rows, act("revoke", effective_on=date(2028, 1, 1)))

    assert rows["event"].to_list() == ["grant", "change", "transfer", "renew", "revoke"]
    (held,) = bundle(rows, date(2027, 6, 1))
    assert (held.holder, held.field, held.exclusive) == (OTHER, "J68", True)
    assert held.last == date(2027, 12, 31)
    assert bundle(rows, date(2028, 1, 1)) == []


def test_a_registration_without_a_right_moves_all_rights_of_its_certificate() -> None:
    rows = frame(
        *(right_event(k, certificate="C-9") for k in ("hold", "process")),
        right_event("operate"),
    )

    made = register_right(rows.lazy(), act("transfer", certificate="C-9", holder=OTHER))

    assert made.collect()["right"].to_list() == ["hold", "process"]


def test_the_same_registration_again_is_the_same_row() -> None:
    rows = after(frame(GRANT), act("transfer", holder=OTHER))

    assert after(rows, act("transfer", holder=OTHER)).equals(rows)
    back = after(rows, act("transfer", holder=HOLDER, effective_on=date(2026, 7, 1)))
    assert back["number"].to_list() == [1, 1, 2]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (act("revoke", certificate="NONE"), "certificate NONE grants no right"),
        (act("revoke", right="hold"), "grants no right to hold"),
        (act("transfer", holder=HOLDER), "holds it already"),
        (act("change", scope="insurance"), "says so already"),
        (act("renew", valid_to=date(2026, 12, 31)), "lasts to 2026-12-31 already"),
        (
            act("transfer", holder=OTHER, effective_on=date(2027, 1, 1)),
            "not held on 2027-01-01",
        ),
    ],
    ids=["certificate", "right", "holder", "change", "renewal", "day"],
)
def test_a_registration_that_would_change_nothing_is_refused(
    terms: RightAct, said: str
) -> None:
    with pytest.raises(RegisterError, match=said):
        register_right(frame(GRANT).lazy(), terms)


def test_nothing_follows_a_cancellation_but_an_earlier_one() -> None:
    rows = after(frame(GRANT), act("revoke"))

    renewal = act("renew", effective_on=date(2027, 1, 1), valid_to=date(2028, 1, 1))
    with pytest.raises(RegisterError, match="have a new certificate granted"):
        register_right(rows.lazy(), renewal)
    earlier = after(rows, act("revoke", effective_on=date(2026, 5, 1)))
    assert standing(earlier, "operate", date(2026, 4, 30)).last == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("transfer", {}),
        ("renew", {}),
        ("change", {}),
        ("revoke", {"holder": OTHER}),
        ("renew", {"valid_to": date(2026, 5, 31)}),
        ("grant", {"right": "operate", "holder": OTHER, "scope": "any"}),
    ],
)
def test_a_registration_states_what_its_kind_states_and_nothing_else(
    event: str, said: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        act(event, **said)


def dispute(number: str, event: str, on: date, over: str = "rain") -> tuple[Any, ...]:
    return number, "jiangbei", over, event, on, "Town of A", "claims it", "COURT-7"


def test_a_dispute_suspends_earlier_days_too_until_it_is_lifted() -> None:
    opened = dispute("D-1", "open", date(2026, 7, 10))
    lifted = dispute("D-1", "lift", date(2026, 7, 20))
    other = dispute("D-2", "open", date(2026, 7, 1), over="snow")

    for on in (date(2026, 6, 30), date(2026, 7, 15), date(2026, 8, 1)):
        shut = disputed(frame_of(Dispute, [opened, other]), {"rain"}, on)
        free = disputed(frame_of(Dispute, [opened, lifted, other]), {"rain"}, on)
        assert (shut[0], shut[1], free[1]) == ("dispute", False, True)
        assert "D-1" in shut[2]
        assert "Town of A: claims it" in shut[2]
        assert "D-2" not in shut[2]


def test_of_two_disputes_lifting_one_leaves_the_other() -> None:
    events = frame_of(
        Dispute,
        [
            dispute("D-1", "open", date(2026, 7, 1)),
            dispute("D-1", "lift", date(2026, 7, 2)),
            dispute("D-3", "open", date(2026, 7, 1)),
        ],
    )

    _, passed, ground, _ = disputed(events, ["rain"], date(2026, 7, 3))

    assert not passed
    assert ("D-3" in ground, "D-1" in ground) == (True, False)


@pytest.mark.parametrize(
    ("on", "open_"),
    [
        (date(2026, 6, 30), []),
        (date(2026, 7, 1), ["D-1"]),
        (date(2026, 7, 19), ["D-1"]),
        (date(2026, 7, 20), []),
    ],
    ids=["before", "first day", "last day", "lifted"],
)
def test_a_dispute_is_open_from_its_day_to_the_day_before_it_is_lifted(
    on: date, open_: list[str]
) -> None:
    events = frame_of(
        Dispute,
        [
            dispute("D-1", "open", date(2026, 7, 1)),
            dispute("D-1", "lift", date(2026, 7, 20)),
        ],
    )

    assert open_disputes(events, on)["dispute"].to_list() == open_


@pytest.mark.parametrize("over", ["index", "index-asset"])
def test_a_dispute_over_the_factor_or_its_asset_shuts_stages_three_and_four(
    over: str,
) -> None:
    opened = dispute("D-1", "open", date(2030, 1, 1), over)
    lifted = dispute("D-1", "lift", date(2030, 1, 2), over)
    open_ = frame_of(Dispute, [opened]).lazy()
    over_ = frame_of(Dispute, [opened, lifted]).lazy()

    assert [*failed(make_asset(disputes=open_).gates)] == ["dispute"]
    assert [*failed(make_capital(disputes=open_).gates)] == ["dispute"]
    assert failed(make_asset(disputes=over_).gates) == {}
    assert failed(make_capital(disputes=over_).gates) == {}


def test_after_a_transfer_neither_the_asset_nor_the_loan_stands_on_the_right() -> None:
    passed = right_event(
        "operate", "transfer", holder=OTHER, effective_on=date(2025, 4, 1)
    )
    terms = asset_terms(holder=HOLDER)

    assert failed(make_asset(terms).gates) == {}
    asset = failed(make_asset(terms, rights=[passed]).gates)
    loan = failed(make_capital(rights=[right_event("operate"), passed]).gates)

    assert {*asset} == {"right_to_operate", "term_of_right"}
    assert f"{OTHER} holds it" in asset["right_to_operate"]
    assert {*loan} == {"right_to_operate", "disposal"}


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"exclusive": True}, True),
        ({}, False),
        ({"exclusive": True, "holder": HOLDER}, False),
        ({"exclusive": True, "valid_from": date(2027, 1, 1)}, False),
        ({"exclusive": True, "right": "process"}, False),
    ],
    ids=["exclusive", "beside", "the same holder", "afterwards", "another right"],
)
def test_an_exclusive_right_is_held_by_one(said: dict[str, Any], refused: bool) -> None:
    terms = {
        "right": "operate",
        "certificate": "C-2",
        "holder": OTHER,
        "scope": "insurance",
        "valid_from": date(2026, 6, 1),
        "valid_to": date(2028, 1, 1),
    }
    asked = act("grant", **(terms | said))

    if refused:
        with pytest.raises(RegisterError, match="holds the right to operate exclusi"):
            register_right(frame(GRANT).lazy(), asked)
    else:
        assert register_right(frame(GRANT).lazy(), asked).collect().height == 1


def test_a_right_becomes_exclusive_only_where_nobody_else_holds_it() -> None:
    beside = told("grant", 1, certificate="C-2", holder=OTHER)

    alone = register_right(frame(GRANT).lazy(), act("change", exclusive=True))
    assert alone.collect()["exclusive"].to_list() == [True]
    with pytest.raises(RegisterError, match="exclusively"):
        register_right(frame(GRANT, beside).lazy(), act("change", exclusive=True))


def test_a_grant_of_an_older_register_stays_as_it_was() -> None:
    terms = asset_terms(
        rights=[right(k, field="J68", exclusive=True) for k in ("process", "operate")]
    )
    older = frame(right_event("process"), right_event("operate"))

    assert grants(terms, older).equals(older)
    assert grants(terms, older.clear())["field"].to_list() == ["J68", "J68"]


def test_a_document_grants_an_exclusive_right_to_one_holder() -> None:
    two = [
        right("operate", certificate=c, holder=h, exclusive=True)
        for c, h in (("C-1", HOLDER), ("C-2", OTHER))
    ]

    with pytest.raises(ValidationError, match="one of them exclusively"):
        asset_terms(rights=two)
