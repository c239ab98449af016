"""All live pledges as one portfolio: counted by hand on four pledges."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.portfolio import portfolio
from schemas.artifact import Stage
from schemas.asset import Valuation
from schemas.errors import SourceError
from schemas.registers import CoverState, Loan, Pledge, PledgeEvent
from tasks import store
from tests.builders import temporary_store
from tests.kept import kept
from tests.leased import post
from tests.shop import prepare
from tests.store import build

DAY = date(2026, 9, 30)


def lend(request: str, owed: int, value: int, **loan: Any) -> None:
    """Appraise an asset, agree on a loan and pledge the asset for it; yuan."""
    s, asset = store.current(), f"asset-{request}"
    worth = {
        "entity": "jiangbei",
        "asset": asset,
        "version": "1.0.0",
        "outcome": "intangible",
        "charged": True,
        "book_fen": 100,
        "appraised_fen": value * 100,
        "approach": "income 1",
        "appraiser": "Appraisers",
        "report": "R-1",
        "appraised_on": date(2026, 6, 20),
        "valid_to": loan.pop("valid_to", date(2027, 6, 19)),
    }
    valuation = build.made(s, "valuation", build.frame_of(Valuation, [worth]))
    name = request.lower()
    made = build.run(valuation, task="assetize", stage=Stage.ASSET, factor=name)
    store.publish(s, made)
    amount = {"principal_fen": owed * 100, "cap_fen": owed * 100}
    agreed = build.loan(loan=request, asset=asset, amount_fen=owed * 100, **loan)
    post(Loan, agreed)
    lender = agreed["lender"]
    post(Pledge, build.pledge(request, asset=asset, lender=lender, **amount))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Loans at 0.60 and 0.75, one on an expired appraisal, a released one."""
    folder = tmp_path_factory.mktemp("portfolio")
    prepare(folder)
    with temporary_store(folder, DATAFACTOR_FACTORS=str(folder / "factors")):
        lend("A", 6_000_000, 10_000_000)
        lend("B", 3_000_000, 4_000_000, borrower="other", lender="Second Bank")
        lend("C", 1_000_000, 9_000_000, industry="J68", valid_to=date(2026, 9, 29))
        lend("D", 8_000_000, 9_000_000)
        post(PledgeEvent, build.event("release", request="D"))
        yield folder


def by(what: Any = "industry", file: Path | None = None) -> dict[str, Any]:
    """The portfolio on the day."""
    return portfolio(what, file, "cn-2025", DAY)


def test_live_pledges_stand_on_the_ladder_of_the_policy(home: Path) -> None:
    # 6/10 = 0.60 warns, 3/4 = 0.75 is called: 3,000,000 − 0.50 × 4,000,000. A value
    # that is not valid on the day is none, which warns.
    made = by()

    assert made["pledges"] == 3
    assert made["unknown"] == 1
    assert made["outstanding"] == "10000000.00"
    assert made["value"] == "14000000.00"
    assert made["states"] == {"normal": 0, "warning": 2, "margin_call": 1, "default": 0}
    assert made["margin_calls"] == "1000000.00"


def test_industries_are_held_to_the_limits_of_the_policy(home: Path) -> None:
    # 0.9² + 0.1² = 0.82, above 0.25; 0.9 above 0.40.
    made = by()

    assert made["shares"] == [
        {
            "industry": "I64",
            "pledges": 2,
            "outstanding": "9000000.00",
            "share": "0.900000",
        },
        {
            "industry": "J68",
            "pledges": 1,
            "outstanding": "1000000.00",
            "share": "0.100000",
        },
    ]
    assert made["hhi"] == "0.820000"
    assert [g["passed"] for g in made["limits"]] == [False, False]


@pytest.mark.parametrize(
    ("what", "shares"),
    [
        ("lender", {"Bank of Jiangbei": "0.700000", "Second Bank": "0.300000"}),
        ("borrower", {"jiangbei": "0.700000", "other": "0.300000"}),
    ],
)
def test_what_is_owed_is_shared_out_by_lender_and_borrower(
    home: Path, what: str, shares: dict[str, str]
) -> None:
    # 0.7² + 0.3² = 0.58
    made = by(what)

    assert {row[what]: row["share"] for row in made["shares"]} == shares
    assert made["hhi"] == "0.580000"
    assert made["limits"] == []


def test_scenarios_move_values_and_call_margin(home: Path, tmp_path: Path) -> None:
    # A fifth down: A 6/8 = 0.75 is called for 6 − 0.50 × 8 = 2 million; B 3/3.2 is in
    # default; C has no value, so its million is uncovered. Unmoved: as it stands.
    file = tmp_path / "scenarios.csv"
    file.write_text("scenario,industry,change\nfall,,-0.2\nfall,J68,0\ncalm,,0\n")

    calm, fall = by(file=file)["stress"]

    assert fall == {
        "scenario": "fall",
        "pledges": 3,
        "unknown": 1,
        "outstanding": "10000000.00",
        "value": "11200000.00",
        "warning": 1,
        "margin_call": 1,
        "default": 1,
        "repay": "2000000.00",
        "defaulted": "3000000.00",
        "shortfall": "1000000.00",
    }
    assert (calm["warning"], calm["margin_call"], calm["repay"]) == (2, 1, "1000000.00")


def test_a_recorded_state_goes_on(home: Path) -> None:
    # A at 0.60 would warn; recorded in default it stays there until it is repaid.
    with temporary_store(home / "again", DATAFACTOR_FACTORS=str(home / "factors")):
        lend("A", 6_000_000, 10_000_000)
        post(CoverState, build.cover(request="A", state="default"))

        assert by()["states"]["default"] == 1


def test_looking_keeps_nothing(home: Path) -> None:
    before = kept()

    by()

    assert kept() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario,change\nfall,-0.2\n", "its first line must be"),
        ("scenario,industry,change\nfall,,-1.5\n", "line 2: write scenario"),
        ("scenario,industry,change\nfall,,a fifth\n", "line 2: write scenario"),
        ("scenario,industry,change\nfall\n", "line 2: write scenario"),
        ("scenario,industry,change\nfall,,0\nfall,,-0.1\n", "names an industry twice"),
    ],
    ids=["columns", "range", "words", "short", "twice"],
)
def test_scenarios_that_are_none_are_refused(
    home: Path, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "scenarios.csv"
    file.write_text(text)

    with pytest.raises(SourceError, match=said):
        by(file=file)
