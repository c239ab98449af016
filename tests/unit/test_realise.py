"""The sale of a pledged asset: junior pledges, tranches, and when nothing is sold."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.enforcement import Realised, SaleTerms
from schemas.entity import CHART
from schemas.gates import Gates
from schemas.money import yuan
from schemas.registers import (
    AssetEvent,
    CoverState,
    Dispute,
    LoanFact,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.capital.loan.keep import digest_of
from tasks.capital.realise import realise
from tests.finance_case import CARRIED, HOLDER, failed, happened, pledged, posted

DRAWN, DAY = date(2025, 6, 20), date(2025, 7, 5)


def part(loan: str, tranche: str, principal: str) -> dict[str, Any]:
    """A tranche of a bullet loan at 3.6 %, 30/360."""
    return {
        "agreement": loan,
        "tranche": tranche,
        "lender": f"Bank {tranche}",
        "terms": {
            "loan": loan if tranche == "1" else f"{loan}/{tranche}",
            "principal": principal,
            "drawdown": DRAWN,
            "months": 12,
            "method": "bullet",
            "basis": "30/360",
            "rate": {"kind": "fixed", "annual_rate": "0.036"},
        },
    }


def claim(loan: str, *parts: tuple[str, str, str]) -> dict[str, Any]:
    """What a loan is owed: tranche, interest, principal."""
    return {
        "agreement": loan,
        "factor": "index",
        "lender": f"Lender of {loan}",
        "parts": [
            {"tranche": part(loan, t, p), "interest": i, "principal": p}
            for t, i, p in parts
        ],
    }


# by hand: 15 days of 30/360 at 3.6 % are 0.0015 of the principal
ALONE = claim("LOAN-1", ("1", "7500.00", "5000000.00"))
JUNIOR = claim("LOAN-2", ("1", "1500.00", "1000000.00"))
SHARED = claim("LOAN-1", ("a", "4500.00", "3000000.00"), ("b", "3000.00", "2000000.00"))


def drawn(*claims: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Record that each tranche was paid out."""
    rows = []
    for one in SaleTerms.model_validate(stated(claims=claims)).claims:
        for number, owed in enumerate(one.parts, 1):
            amount = int(Decimal(owed.principal) * 100)
            terms = digest_of(owed.tranche)
            row = (one.agreement, "draw", number, owed.tranche.tranche, DRAWN, amount)
            rows.append((*row, terms, "SLIP", "", ""))
    return rows


def stated(**changed: Any) -> dict[str, Any]:
    """A sale for 6,000,000.00 that cost 100,000.00."""
    return {
        "factor": "index",
        "entity": "jiangbei",
        "asset": "index-asset",
        "agreement": "LOAN-1",
        "pledgor": HOLDER,
        "enforcer": "Court",
        "buyer": "Buyer",
        "proceeds": "6000000.00",
        "costs": "100000.00",
        "tax": "360000.00",
        "evidence": "SALE-1",
        "claims": (ALONE,),
        "accounts": CHART,
    } | changed


def sold(
    state: str = "default",
    events: Any = (),
    journal: pl.DataFrame = CARRIED,
    decided: Any = (),
    closed: Any = (),
    disputes: Any = (),
    **changed: Any,
) -> Realised:
    """Sell the asset."""
    terms = SaleTerms.model_validate(stated(**changed))
    known = ("LOAN-1", 1, DAY, "warning", state, 1, *(None,) * 5, "overdue", "E")
    ranked = enumerate((one.agreement for one in terms.claims), 1)
    pledges = [pledged(request=loan, rank=rank) for rank, loan in ranked]
    return realise(
        frame_of(CoverState, [known]).lazy(),
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, events).lazy(),
        frame_of(LoanFact, drawn(*stated(**changed)["claims"])).lazy(),
        journal.lazy(),
        frame_of(AssetEvent, decided).lazy(),
        frame_of(PeriodClose, closed).lazy(),
        terms,
        DAY,
        frame_of(Dispute, disputes).lazy(),
    )


def paid(made: Realised) -> list[tuple[Any, ...]]:
    """Loan, tranche and fen of each payment that is recorded."""
    return made.paid.collect().select("loan", "tranche", "amount_fen").rows()


def test_a_sale_is_disposed_of_net_of_costs_and_its_tax_stands_beside() -> None:
    made = sold()

    assert failed(made.gates) == {}
    (row,) = made.disposal.collect().to_dicts()
    assert (row["event"], row["proceeds_fen"], row["tax_fen"]) == (
        *("dispose", 590_000_000),
        36_000_000,
    )
    assert paid(made) == [("LOAN-1", "1", 500_750_000)]
    for frame, contract in (
        (made.gates, Gates),
        (made.paid, LoanFact),
        (made.disposal, AssetEvent),
        (made.ended, PledgeEvent),
    ):
        contract.to_schema().validate(frame.collect())


def test_a_junior_loan_gets_what_the_senior_leaves_and_both_pledges_end() -> None:
    made = sold(claims=(ALONE, JUNIOR))

    # 6,000,000.00 less 100,000.00 and 5,007,500.00: 892,500.00 of 1,001,500.00
    assert paid(made) == [("LOAN-1", "1", 500_750_000), ("LOAN-2", "1", 89_250_000)]
    ended = made.ended.collect().select("request", "event").rows()
    assert ended == [("LOAN-1", "release"), ("LOAN-2", "release")]


def test_nothing_is_paid_out_while_the_external_entry_stands() -> None:
    entry = happened("perfect", registration="ZD-1", valid_to=date(2027, 1, 1))
    gone = happened("cancel", registration="ZD-1")

    made, after = sold(events=[entry]), sold(events=[entry, gone])

    assert "datafactor pledge LOAN-1 cancel" in failed(made.gates)["registration"]
    assert made.ended.collect().is_empty()
    assert after.ended.collect()["event"].to_list() == ["release"]


@settings(max_examples=100, deadline=None)
@given(st.integers(10_000_001, 700_000_000))
def test_tranches_share_to_the_fen_by_what_is_owed_of_each(proceeds: int) -> None:
    made = sold(claims=(SHARED,), proceeds=str(yuan(proceeds)))

    got = min(proceeds - 10_000_000, 500_750_000)
    parts = [fen for _, _, fen in paid(made)]
    numbers = made.paid.collect()["number"].to_list()
    assert numbers == [*range(1, len(parts) + 1)]
    assert (
        sum(parts)
        == got
        == made.satisfied.collect()
        .filter(pl.col("agreement") == "LOAN-1")["paid_fen"]
        .sum()
    )
    for fen, share in zip(parts, (3, 2), strict=False):
        assert abs(fen * 5 - got * share) < 5


DISPUTED = ("D-1", "jiangbei", "index", "open", date(2025, 6, 1), "X", "title", "E")
EXPIRED = (
    *("jiangbei", "index-asset", "EXP-1", "expire", date(2025, 7, 1)),
    *(None, None, None, None, None, "", "E", "the right ran out"),
)
CLOSED = ("jiangbei", "2025-07", date(2025, 8, 3), 3, "ab" * 32)


@pytest.mark.parametrize(
    ("changed", "gate", "said"),
    [
        ({"state": "margin_call"}, "default", "stands at margin_call"),
        ({"disputes": [DISPUTED]}, "dispute", "D-1 over index"),
        ({"closed": [CLOSED]}, "open_month", "closed to 2025-07"),
        ({"decided": [EXPIRED]}, "carried", "leaves by decision EXP-1"),
        ({"journal": posted(("1405", 1))}, "carried", "sold by an invoice"),
    ],
)
def test_a_sale_without_its_ground_records_nothing(
    changed: dict[str, Any], gate: str, said: str
) -> None:
    made = sold(**changed)

    assert list(failed(made.gates)) == [gate]
    assert said in failed(made.gates)[gate]
    for frame in (made.paid, made.disposal, made.ended):
        assert frame.collect().is_empty()


def test_what_no_book_carries_is_sold_without_a_disposal() -> None:
    made = sold(journal=posted())

    assert failed(made.gates) == {}
    assert made.disposal.collect().is_empty()
    assert made.ended.collect()["event"].to_list() == ["release"]
