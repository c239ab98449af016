"""What value carries a pledge: all of it, what is left, or a share; counted by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks.capital.hold import Owed, hold
from tasks.pledged import Held

DAY = date(2026, 6, 30)


def pledge(request: str, asset: str = "rain", **changed: Any) -> dict[str, Any]:
    """One row of the register Pledge."""
    return {
        "request": request,
        "entity": "jiangbei",
        "asset": asset,
        "version": "1.0.0",
        "lender": "Bank",
        "principal_fen": 100,
        "cap_fen": 10_000,
        "exclusive": False,
        "pledged_on": DAY,
        "matures_on": date(2027, 6, 30),
        "rank": 1,
        "meets_ppm": 300_000,
        "minor_ppm": 50_000,
    } | changed


def event(request: str, kind: str, amount: int | None = None, **more: Any) -> Any:
    """One row of the register PledgeEvent, as far as it moves what is secured."""
    known = {"request": request, "event": kind, "number": 1, "amount_fen": amount}
    return known | {"asset": "", "replaces": "", "cap_fen": None} | more


def value_of(
    *pledges: Held, values: Mapping[str, int | None], **owed: int
) -> dict[str, int | None]:
    """The value that carries each pledge."""
    at = {("jiangbei", asset): value for asset, value in values.items()}
    debts = {request: Owed(fen, 0, "J68") for request, fen in owed.items()}
    made = hold(pledges, debts, at, {}).collect()
    return dict(made.select("request", "value_fen").iter_rows())


def test_a_pledge_alone_is_carried_by_all_of_its_assets() -> None:
    moved = event("A", "add", 40, asset="wind", replaces="rain", cap_fen=500)
    one = Held(pledge("A", exclusive=True), [moved])

    assert value_of(one, values={"rain": 900, "wind": 70}, A=100) == {"A": 970}


def test_a_junior_has_what_the_senior_leaves() -> None:
    senior, junior = Held(pledge("A")), Held(pledge("B", rank=2))

    left = value_of(senior, junior, values={"rain": 1_000}, A=400, B=100)

    assert left == {"A": 1_000, "B": 600}
    none = value_of(senior, junior, values={"rain": 300}, A=400, B=100)
    assert none == {"A": 300, "B": 0}


def test_pledges_of_one_rank_share_by_what_they_secure() -> None:
    # 1,001 by 300 and 100: 750.75 and 250.25, rounded down.
    one, other = Held(pledge("A", principal_fen=300)), Held(pledge("B"))

    assert value_of(one, other, values={"rain": 1_001}, A=1, B=1) == {
        "A": 750,
        "B": 250,
    }


def test_a_pledge_on_other_data_leaves_all() -> None:
    one, other = Held(pledge("A")), Held(pledge("B", "wind", rank=2))

    values = {"rain": 10, "wind": 20}
    assert value_of(one, other, values=values, A=5, B=5) == {"A": 10, "B": 20}


def test_a_value_that_cannot_be_shown_of_one_asset_is_none_at_all() -> None:
    moved = event("A", "add", 40, asset="wind", replaces="rain", cap_fen=500)

    assert value_of(
        Held(pledge("A"), [moved]), values={"rain": 900, "wind": None}, A=1
    ) == {"A": None}


def test_what_is_released_is_held_no_more() -> None:
    gone = Held(pledge("A"), [event("A", "release")])

    assert value_of(gone, values={"rain": 900}) == {}


def test_state_and_debt_are_those_recorded() -> None:
    made = hold(
        [Held(pledge("A")), Held(pledge("B", "wind"))],
        {"A": Owed(7, 3, "J68 insurance"), "B": Owed(8, 4, "I65")},
        {},
        {"B": "warning"},
    ).collect()

    assert made.rows() == [
        ("A", "J68 insurance", 7, 3, None, "normal"),
        ("B", "I65", 8, 4, None, "warning"),
    ]
