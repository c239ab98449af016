"""A trust: its deed, what may be settled, and every fen to the beneficiaries."""

from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.registers import Dispute, Pledge, PledgeEvent, Right
from schemas.trust import (
    DistributionTerms,
    Interest,
    Receipt,
    Settled,
    TrustPayment,
    TrustTerms,
)
from tasks.capital.trust import distribute, distribute_receipts, settle
from tasks.finance import largest_remainder
from tasks.rights import bundle
from tests.finance_case import (
    HOLDER,
    failed,
    happened,
    make_capital,
    pledged,
    right_event,
    valued,
)

BEGINS = date(2025, 7, 1)
THIRDS = [("A", "0.333334"), ("B", "0.333333"), ("C", "0.333333")]


def deed(**changed: Any) -> TrustTerms:
    """Settled by the holder for three of about a third each."""
    stated: dict[str, Any] = {
        "factor": "index",
        "asset": "index-asset",
        "version": "1.0.0",
        "trust": "T-1",
        "settlor": HOLDER,
        "trustee": "Trust Company (illustrative)",
        "beneficiaries": [{"name": n, "share": s} for n, s in THIRDS],
        "books": "trust-1",
        "evidence": "DEED-1",
        "settled_on": BEGINS,
        "ends_on": date(2028, 6, 30),
    }
    return TrustTerms.model_validate(stated | changed)


def settled(
    valuation: pl.LazyFrame | None = None,
    rights: Any = None,
    pledges: Any = (),
    disputes: Any = (),
    events: Any = (),
    on: date = BEGINS,
) -> Settled:
    """Settle the asset."""
    return settle(
        valued() if valuation is None else valuation,
        frame_of(Right, [right_event("operate")] if rights is None else rights).lazy(),
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, events).lazy(),
        deed(),
        on,
        frame_of(Dispute, disputes).lazy(),
    )


def test_a_settled_asset_benefits_those_of_the_deed() -> None:
    made = settled()

    assert failed(made.gates) == {}
    interests = made.interests.collect()
    assert interests.select("beneficiary", "share_ppm").rows() == [
        *(("A", 333_334), ("B", 333_333), ("C", 333_333))
    ]
    Interest.to_schema().validate(interests)
    Gates.to_schema().validate(made.gates.collect())


def test_the_trustee_holds_the_right_from_the_first_day_and_the_settlor_no_more() -> (
    None
):
    grant = right_event("operate")

    moved = settled().transfers.collect().rows()

    Right.to_schema().validate(frame_of(Right, moved))
    events = frame_of(Right, [grant, *moved])
    held = {on: [s.holder for s in bundle(events, on)] for on in (BEFORE, BEGINS)}
    assert held == {BEFORE: [HOLDER], BEGINS: ["Trust Company (illustrative)"]}
    again = settled(rights=[grant, *moved], valuation=valued(report=""))
    assert (failed(again.gates), again.transfers.collect().rows()) == ({}, moved)
    pledging = failed(make_capital(rights=[grant, *moved], as_of=BEGINS).gates)
    assert "Trust Company (illustrative) holds it on" in pledging["right_to_operate"]
    assert "right_to_operate" not in failed(make_capital(rights=[grant]).gates)


def test_a_released_pledge_may_be_settled() -> None:
    ended = [happened("cancel"), happened("release")]

    assert failed(settled(pledges=[pledged()], events=ended).gates) == {}


BEFORE = date(2025, 6, 30)
DISPUTED = ("D-1", "jiangbei", "index", "open", date(2025, 6, 1), "X", "title", "E")
SHORT = right_event("operate", valid_to=date(2028, 6, 29))


@pytest.mark.parametrize(
    ("changed", "gate", "said"),
    [
        ({"valuation": valued(charged=False)}, "not_free", "free to all"),
        ({"valuation": valued(report="")}, "appraisal", "no appraisal"),
        ({"on": BEFORE}, "begun", "begins on 2025-07-01"),
        ({"rights": [SHORT]}, "right_to_operate", "the trust ends on 2028-06-30"),
        ({"pledges": [pledged()]}, "free_of_pledge", "pledged under LOAN-1"),
        ({"disputes": [DISPUTED]}, "dispute", "D-1 over index"),
    ],
)
def test_what_is_not_the_settlors_to_give_is_not_settled(
    changed: dict[str, Any], gate: str, said: str
) -> None:
    made = settled(**changed)

    assert list(failed(made.gates)) == [gate]
    assert said in failed(made.gates)[gate]
    assert made.interests.collect().is_empty()
    assert made.transfers.collect().is_empty()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"beneficiaries": [{"name": "A", "share": "0.999999"}]}, "sum to 1"),
        ({"beneficiaries": [{"name": "A", "share": "0.5"}] * 2}, "named twice"),
        (
            {"trustee": "A", "beneficiaries": [{"name": "A", "share": "1"}]},
            "only beneficiary",
        ),
        ({"ends_on": BEGINS}, "after settled_on"),
        ({"beneficiaries": []}, "at least 1"),
    ],
)
def test_a_deed_that_is_no_trust_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        deed(**changed)


def receipts(*rows: tuple[str, date, int]) -> pl.LazyFrame:
    """What came in."""
    return frame_of(Receipt, rows).lazy()


def test_a_hundred_over_three_gives_the_odd_fen_to_the_largest_remainder() -> None:
    # 33.3334, 33.3333, 33.3333: 99.99 in whole fen, and one to the largest rest
    made = distribute_receipts(receipts(("R-1", BEGINS, 10_000)), deed()).collect()

    TrustPayment.to_schema().validate(made)
    assert made.select("beneficiary", "amount_fen").rows() == [
        *(("A", 3_334), ("B", 3_333), ("C", 3_333))
    ]


def test_of_equal_remainders_the_first_of_the_deed_is_served() -> None:
    assert largest_remainder(1, {"B": 500_000, "A": 500_000}) == {"B": 1, "A": 0}


def test_what_came_before_the_trust_is_not_distributed() -> None:
    early = receipts(("R-1", date(2025, 6, 30), 1), ("R-2", BEGINS, 1))

    with pytest.raises(ContractError, match=r"^1 receipts lie before"):
        distribute_receipts(early, deed())


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 9_000_000_000_000_000) | st.integers(0, 20),
    st.lists(st.integers(1, 10_000), min_size=1, max_size=6),
)
def test_a_receipt_goes_out_whole_and_nobody_is_a_fen_off(
    amount: int, weights: list[int]
) -> None:
    cut = [w * 1_000_000 // sum(weights) for w in weights[1:]]
    shares = dict(enumerate([1_000_000 - sum(cut), *cut]))
    named = {str(n): share for n, share in shares.items()}

    parts = largest_remainder(amount, named)

    assert sum(parts.values()) == amount
    for name, part in parts.items():
        assert abs(part - Fraction(amount * named[name], 1_000_000)) < 1


def test_a_receipt_before_the_trust_stands_is_passed_on_to_nobody() -> None:
    terms = DistributionTerms(
        factor="index", deed=deed(), receipt="SLIP", amount="1.00", accounts=CHART
    )
    grant = right_event("operate")

    made = distribute(frame_of(Right, [grant]).lazy(), terms, BEGINS)
    stands = [grant, *settled().transfers.collect().rows()]
    early = distribute(frame_of(Right, stands).lazy(), terms, BEFORE)

    assert list(failed(made.gates)) == ["settled"]
    assert list(failed(early.gates)) == ["within_the_trust"]
    assert made.payments.collect().is_empty()
    assert made.journal.collect().is_empty()
    assert early.journal.collect().is_empty()
