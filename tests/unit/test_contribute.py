"""An asset for equity: nothing without an appraisal, and the entry of the standard."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.gates import Gates
from schemas.measurement import Total
from schemas.registers import (
    AssetEvent,
    Dispute,
    PeriodClose,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.trust import Contributed, ContributionTerms
from tasks.asset.derecognise import derecognition_sides
from tasks.capital.contribute import contribute
from tests.finance_case import (
    CARRIED,
    CODE,
    HOLDER,
    failed,
    happened,
    pledged,
    posted,
    right_event,
    valued,
)
from tests.measured import total

DAY = date(2025, 12, 31)


def terms(**changed: Any) -> ContributionTerms:
    """400,000.00 agreed, 24,000.00 of tax."""
    stated = {
        "factor": "index",
        "entity": "jiangbei",
        "asset": "index-asset",
        "decision": "RES-1",
        "contributor": HOLDER,
        "investee": "Data Company (illustrative)",
        "investee_code": CODE,
        "value": "400000.00",
        "tax": "24000.00",
        "evidence": "RESOLUTION-1",
        "accounts": CHART,
    }
    return ContributionTerms.model_validate(stated | changed)


def given(
    valuation: pl.LazyFrame | None = None,
    rights: Any = None,
    pledges: Any = (),
    stated: ContributionTerms | None = None,
    disputes: Any = (),
    events: Any = (),
    journal: pl.DataFrame = CARRIED,
    decided: Any = (),
    closed: Any = (),
    on: date = DAY,
) -> Contributed:
    """Give the asset."""
    return contribute(
        valued() if valuation is None else valuation,
        frame_of(Right, [right_event("operate")] if rights is None else rights).lazy(),
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, events).lazy(),
        journal.lazy(),
        frame_of(AssetEvent, decided).lazy(),
        frame_of(PeriodClose, closed).lazy(),
        stated or terms(),
        on,
        frame_of(Dispute, disputes).lazy(),
    )


def test_the_close_books_the_entry_of_the_standard_by_the_decision() -> None:
    # cost 600,000.00, amortised 210,000.00, impaired 78,000.00: carried at 312,000.00;
    # agreed 400,000.00 -> gain 88,000.00
    made = given()
    books = frame_of(Total, [total("index-asset", 60_000_000, 21_000_000, 7_800_000)])

    sides = derecognition_sides(made.decision.collect(), books)

    assert failed(made.gates) == {}
    booked = dict(sides.select("role", "amount_fen").iter_rows())
    assert {CHART[role]: amount for role, amount in booked.items()} == {
        "1511": 42_400_000,
        "1702": 21_000_000,
        "1703": 7_800_000,
        "22210107": -2_400_000,
        "6115": -8_800_000,
        "1701": -60_000_000,
    }


def test_the_decision_names_whom_by_what_and_stands_in_its_contract() -> None:
    made = given()

    row = made.decision.collect().row(0, named=True)
    AssetEvent.to_schema().validate(made.decision.collect())
    Gates.to_schema().validate(made.gates.collect())
    assert (row["decision"], row["event"], row["decided_on"]) == (
        *("RES-1", "contribute"),
        DAY,
    )
    assert row["counterparty"] == "Data Company (illustrative)"
    assert CODE in row["reason"]


SOLD = (
    *("jiangbei", "index-asset", "SALE-1", "dispose", date(2025, 12, 1)),
    *(None, None, None, 1, 0, "Buyer", "E", "sold"),
)
CLOSED = ("jiangbei", "2025-12", date(2026, 1, 5), 3, "ab" * 32)
DISPUTED = ("D-1", "jiangbei", "index", "open", date(2025, 6, 1), "X", "title", "E")


@pytest.mark.parametrize(
    ("changed", "gate", "said"),
    [
        ({"valuation": valued(report=" ")}, "appraisal", "no appraisal"),
        ({"valuation": valued(valid_to=date(2025, 12, 30))}, "appraisal", "12-30"),
        ({"valuation": valued(appraised_on=None)}, "appraisal", "no appraisal"),
        (
            {"valuation": valued(appraised_fen=39_999_999)},
            "agreed_value",
            "agreed at 400,000.00 CNY, appraised at 399,999.99",
        ),
        ({"valuation": valued(outcome="inventory")}, "recognised_asset", "inventory"),
        ({"journal": posted()}, "recognised_asset", "no line of it as an asset"),
        (
            {"journal": posted(("1701", 60_000_000), ("1703", -60_000_000))},
            "recognised_asset",
            "carried at 0.00 CNY in the ledger",
        ),
        ({"decided": [SOLD]}, "recognised_asset", "leaves by decision SALE-1"),
        ({"closed": [CLOSED]}, "open_month", "closed to 2025-12"),
        ({"rights": []}, "right_to_operate", f"no right to operate of {HOLDER}"),
        ({"pledges": [pledged()]}, "free_of_pledge", "pledged under LOAN-1"),
        ({"disputes": [DISPUTED]}, "dispute", "D-1 over index"),
    ],
)
def test_a_contribution_without_its_ground_is_refused(
    changed: dict[str, Any], gate: str, said: str
) -> None:
    made = given(**changed)

    assert list(failed(made.gates)) == [gate]
    assert said in failed(made.gates)[gate]
    assert made.decision.collect().is_empty()


def test_an_asset_never_appraised_is_refused_on_both_grounds() -> None:
    never = valued(appraised_fen=0, appraised_on=None, valid_to=None, report="")

    assert set(failed(given(never).gates)) == {"appraisal", "agreed_value"}


def test_the_appraised_value_itself_may_be_agreed() -> None:
    assert failed(given(stated=terms(value="8968000.00")).gates) == {}


def test_a_released_pledge_holds_the_asset_no_more() -> None:
    ended = [happened("cancel"), happened("release")]

    assert failed(given(pledges=[pledged()], events=ended).gates) == {}


def test_a_decision_that_stands_is_watched_and_not_made_again() -> None:
    stands = given().decision.collect().rows()

    later = given(
        valuation=valued(report=""),
        decided=stands,
        closed=[CLOSED],
        on=date(2026, 2, 1),
    )
    other = given(decided=stands, stated=terms(value="400000.01"))

    assert failed(later.gates) == {}
    assert later.decision.collect().is_empty()
    assert failed(other.gates) == {
        "as_decided": "decided on 2025-12-31, with another proceeds_fen: put the"
        " document back"
    }
