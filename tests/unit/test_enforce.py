"""Enforcement: stepping in after a default, and every fen of the proceeds."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.enforcement import (
    Claim,
    Overdue,
    RealisationTerms,
    Satisfied,
    StepInTerms,
    SteppedIn,
)
from schemas.errors import ContractError
from schemas.money import yuan
from schemas.registers import CoverState, Dispute, Pledge, PledgeEvent, Right
from schemas.rights import RightAct
from tasks.asset.register import register_right
from tasks.capital.enforce import enforce, step_in
from tasks.rights import bundle
from tests.finance_case import HOLDER, failed, happened, pledged, right_event

LENDER = "Bank (illustrative)"
DAY = date(2026, 7, 1)


def realised(proceeds: str, costs: str = "50.00") -> RealisationTerms:
    """What a sale brought."""
    return RealisationTerms(
        pledgor=HOLDER,
        enforcer="Court (illustrative)",
        proceeds=proceeds,
        costs=costs,
    )


def claims(*rows: tuple[int, int]) -> pl.LazyFrame:
    """Claims of interest and principal, by rank."""
    named = [(f"L-{n}", f"Bank {n}", n, *row) for n, row in enumerate(rows, 1)]
    return frame_of(Claim, reversed(named)).lazy()


def paid(terms: RealisationTerms, *rows: tuple[int, int]) -> list[tuple[Any, ...]]:
    """Part, payee, paid, unpaid."""
    made = enforce(claims(*rows), terms).collect()
    return made.select("part", "payee", "paid_fen", "unpaid_fen").rows()


@pytest.mark.parametrize(
    ("proceeds", "amounts"),
    [
        # costs 50, interest 100, principal 700 by hand
        ("1000.00", [(5_000, 0), (10_000, 0), (70_000, 0), (15_000, 0)]),
        ("850.00", [(5_000, 0), (10_000, 0), (70_000, 0), (0, 0)]),
        ("849.99", [(5_000, 0), (10_000, 0), (69_999, 1), (0, 0)]),
        ("100.00", [(5_000, 0), (5_000, 5_000), (0, 70_000), (0, 0)]),
        ("0.01", [(1, 4_999), (0, 10_000), (0, 70_000), (0, 0)]),
    ],
)
def test_costs_come_before_interest_before_principal_before_the_pledgor(
    proceeds: str, amounts: list[tuple[int, int]]
) -> None:
    rows = paid(realised(proceeds), (10_000, 70_000))

    assert [row[0] for row in rows] == ["costs", "interest", "principal", "surplus"]
    assert [row[1] for row in rows] == [
        *("Court (illustrative)", "Bank 1", "Bank 1", HOLDER)
    ]
    assert [row[2:] for row in rows] == amounts


def test_a_junior_pledge_is_paid_after_all_of_the_senior_one() -> None:
    rows = paid(realised("900.00", "0"), (10_000, 70_000), (5_000, 20_000))

    assert [row[1:] for row in rows[1:]] == [
        ("Bank 1", 10_000, 0),
        ("Bank 1", 70_000, 0),
        ("Bank 2", 5_000, 0),
        ("Bank 2", 5_000, 15_000),
        (HOLDER, 0, 0),
    ]


def test_two_pledges_of_one_rank_or_none_at_all_are_refused() -> None:
    twice = frame_of(Claim, [("A", "B", 1, 0, 1), ("C", "D", 1, 0, 1)]).lazy()

    with pytest.raises(ContractError, match="one rank"):
        enforce(twice, realised("1"))
    with pytest.raises(ContractError, match="no claim"):
        enforce(claims(), realised("1"))


FEN = st.integers(0, 10**12) | st.integers(0, 300)


@settings(max_examples=60, deadline=None)
@given(FEN, FEN, st.lists(st.tuples(FEN, FEN), min_size=1, max_size=4))
def test_every_fen_of_the_proceeds_goes_out_and_nobody_is_skipped(
    proceeds: int, costs: int, owed: list[tuple[int, int]]
) -> None:
    terms = realised(str(yuan(proceeds)), str(yuan(costs)))

    made = enforce(claims(*owed), terms).collect()

    Satisfied.to_schema().validate(made)
    assert made["paid_fen"].sum() == proceeds
    assert made["due_fen"].to_list()[:-1] == [costs, *(p for row in owed for p in row)]
    short = made["unpaid_fen"].to_list()
    first = next((n for n, left in enumerate(short) if left), len(short))
    assert made["paid_fen"][first + 1 :].sum() == 0


def stands_at(*states: str, request: str = "LOAN-1") -> pl.LazyFrame:
    """States of a loan, day by day, the last one on the eve of the step-in."""
    eve = DAY.toordinal() - 1
    rows = [
        (
            *(request, n, date.fromordinal(eve - len(states) + n), "warning", state),
            *(1, None, None, None, None, None, "overdue", "E"),
        )
        for n, state in enumerate(states, 1)
    ]
    return frame_of(CoverState, rows).lazy()


TERMS = StepInTerms(
    factor="index",
    asset="index-asset",
    agreement="LOAN-1",
    pledgor=HOLDER,
    lender=LENDER,
    basis="enforcement of LOAN-1, clause 9",
    evidence="NOTICE-1",
)


def events(*rows: Any) -> pl.LazyFrame:
    """Right events."""
    return frame_of(Right, rows or [right_event("operate"), right_event("hold")]).lazy()


def stepping(
    cover: pl.LazyFrame | None = None,
    rights: pl.LazyFrame | None = None,
    pledges: Any = (),
    what: Any = (),
    on: date = DAY,
    disputes: Any = (),
    stated: StepInTerms = TERMS,
) -> SteppedIn:
    """Step in."""
    return step_in(
        stands_at("default") if cover is None else cover,
        events() if rights is None else rights,
        frame_of(Pledge, pledges or [pledged()]).lazy(),
        frame_of(PledgeEvent, what).lazy(),
        stated,
        on,
        frame_of(Dispute, disputes).lazy(),
    )


def test_after_a_default_the_lender_operates_and_the_pledgor_holds_on() -> None:
    made = stepping()

    assert failed(made.gates) == {}
    after = pl.concat([events().collect(), made.rights.collect()])
    assert {s.right: s.holder for s in bundle(after, DAY)} == {
        "operate": LENDER,
        "hold": HOLDER,
    }
    eve = date(2026, 6, 30)
    assert {s.holder for s in bundle(after, eve)} == {HOLDER}


def test_the_transfer_is_the_one_that_a_registration_by_hand_would_write() -> None:
    moved = right_event(
        "operate", "change", scope="narrow", effective_on=date(2026, 1, 1)
    )
    known = events(right_event("operate"), moved)
    act = RightAct.model_validate(
        {
            "factor": "index",
            "entity": "jiangbei",
            "asset": "index-asset",
            "event": "transfer",
            "certificate": "C-operate",
            "effective_on": DAY,
            "basis": TERMS.basis,
            "evidence": TERMS.evidence,
            "holder": LENDER,
        }
    )

    made = stepping(rights=known).rights.collect()

    assert made.rows() == register_right(known, act).collect().rows()


def test_another_holders_certificate_and_one_that_ran_out_are_left_alone() -> None:
    other = right_event("operate", certificate="C-2", holder="Somebody else")
    over = right_event("operate", certificate="C-3", valid_to=date(2026, 6, 30))
    known = events(right_event("operate"), other, over)

    made = stepping(rights=known).rights.collect()

    assert made["certificate"].to_list() == ["C-operate"]


DISPUTED = ("D-1", "jiangbei", "index", "open", date(2026, 1, 1), "X", "title", "E")


@pytest.mark.parametrize(
    ("changed", "gate", "said"),
    [
        ({"cover": stands_at("margin_call")}, "default", "stands at margin_call"),
        ({"cover": stands_at("default", "normal")}, "default", "stands at normal"),
        ({"cover": stands_at("default", request="L-2")}, "default", "watch it first"),
        ({"on": date(2026, 6, 29)}, "default", "nothing is recorded"),
        (
            {"pledges": [pledged(rank=2), pledged(request="SENIOR")]},
            "pledge",
            "LOAN-1 is of rank 2, behind SENIOR",
        ),
        ({"what": [happened("release")]}, "pledge", "secures nothing of LOAN-1"),
        (
            {"rights": events(right_event("operate", holder="Somebody else"))},
            "right_to_operate",
            f"no right to operate of {HOLDER}",
        ),
        (
            {"rights": events(right_event("operate", valid_to=date(2026, 6, 30)))},
            "right_to_operate",
            "to 2026-06-30",
        ),
        (
            {"disputes": [DISPUTED]},
            "dispute",
            "D-1 over index",
        ),
    ],
    ids=[
        *("no default", "cured", "unknown", "not yet", "junior", "released"),
        *("not his", "expired", "disputed"),
    ],
)
def test_a_step_in_without_its_ground_moves_nothing(
    changed: dict[str, Any], gate: str, said: str
) -> None:
    made = stepping(**changed)

    assert list(failed(made.gates)) == [gate]
    assert said in failed(made.gates)[gate]
    assert made.rights.collect().is_empty()
    assert made.event.collect().is_empty()


@pytest.mark.parametrize(("days", "passes"), [(90, False), (91, True)])
def test_days_past_due_are_a_default_of_their_own(days: int, passes: bool) -> None:
    late = Overdue(days=days, above=90, rule="test-policy/substandard_above_days")
    cover = stands_at("warning")

    made = stepping(cover, stated=TERMS.model_copy(update={"overdue": late}))

    assert ("default" not in failed(made.gates)) == passes
    assert f"{days} days past due" in made.gates.collect()["ground"].item(0)


def test_stepping_in_again_finds_what_stands() -> None:
    made = stepping()
    moved, event = made.rights.collect(), made.event.collect()
    PledgeEvent.to_schema().validate(event)
    sold = right_event(
        "operate", "transfer", holder="Buyer", number=2, effective_on=date(2026, 9, 1)
    )
    known = pl.concat([events().collect(), moved, frame_of(Right, [sold])])

    again = stepping(rights=known.lazy(), what=event.rows())

    assert failed(again.gates) == {}
    assert again.rights.collect().rows() == moved.rows()
    assert again.event.collect().rows() == event.rows()
