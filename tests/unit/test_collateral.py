"""The same data secures no more than it may, whatever it is called."""

from typing import Any

import pytest

from tasks.capital.collateral import cap_of, joints, meeting, refusal, unlawful
from tasks.capital.pledging import registration
from tasks.pledged import Held, counters
from tests.store.build import DAY, event, pledge, root, sha


def one(
    request: str = "A",
    events: Any = (),
    roots: Any = None,
    **more: Any,
) -> Held:
    """A pledge of 5,000,000.00 under a cap of 8,000,000.00, on one root."""
    said = pledge(request, **more)
    own = [root(request, asset=said["asset"])] if roots is None else roots
    return Held(said, [e | {"request": request} for e in events], own)


def refused(new: Held, *others: Held) -> str:
    met = meeting(new, others)
    return refusal(new, [o for o in others if o.request in met])


def test_another_name_over_the_same_bytes_is_the_same_collateral() -> None:
    said = refused(one("B", asset="other", exclusive=True), one("A", exclusive=True))

    assert "already pledged under A" in said
    assert meeting(one("B", asset="other"), [one("A")])["A"][0].overlap_ppm == 1_000_000


def test_other_bytes_are_other_collateral() -> None:
    other = one("B", asset="other", roots=[root("B", asset="other", root=sha("x"))])

    assert refused(other, one("A", exclusive=True)) == ""


def test_a_small_table_on_both_sides_joins_nothing_and_on_one_side_it_does() -> None:
    """49,999 of a million is below the 5 % of the pledge, 50,000 is not."""
    small, just = root("B", weight_ppm=49_999), root("B", weight_ppm=50_000)
    reference = one("A", roots=[root("A", weight_ppm=10)])

    assert [*joints([small], reference, 300_000, 50_000)] == []
    assert len([*joints([just], reference, 300_000, 50_000)]) == 1
    assert len([*joints([small], one("A"), 300_000, 50_000)]) == 1


def test_the_group_shares_the_lowest_cap() -> None:
    """8,000,000.00 and 6,000,000.00: 5,000,000.00 leave room for 1,000,000.00."""
    first = one("A")
    rich = one("B", asset="other", cap_fen=600_000_000, principal_fen=100_000_000)
    more = one("B", asset="other", cap_fen=600_000_000, principal_fen=100_000_001)

    assert cap_of([first, rich]) == 600_000_000
    assert refused(rich, first) == ""
    assert "would exceed its cap of 6,000,000.00 CNY by 0.01" in refused(more, first)


def test_the_last_appraisal_of_one_asset_gives_its_cap() -> None:
    assert cap_of([one("A"), one("B", cap_fen=900_000_000)]) == 900_000_000


def test_a_junior_pledge_needs_the_recorded_consent_of_each_senior() -> None:
    senior = one("A", exclusive=True, principal_fen=300_000_000)
    given = event("consent", junior="B", amount_fen=100_000_000)
    willing = one("A", [given], exclusive=True, principal_fen=300_000_000)
    junior = one("B", rank=2, principal_fen=100_000_000)
    greedy = one("B", rank=2, principal_fen=100_000_001)

    assert "lender's consent to 1,000,000.00 CNY" in refused(junior, senior)
    assert refused(junior, willing) == ""
    assert "consent" in refused(greedy, willing)
    assert "consent" in refused(one("C", rank=2, principal_fen=1), willing)
    third = one("C", rank=3, principal_fen=1)
    assert "A ranks before it" in refused(third, willing, junior)


def test_a_rank_is_given_once_and_follows_another() -> None:
    willing = one(
        "A",
        [event("consent", n, junior=j, amount_fen=9) for n, j in ((1, "B"), (2, "C"))],
    )
    second = one("B", rank=2, principal_fen=9)

    assert "rank 2 is taken by B" in refused(
        one("C", rank=2, principal_fen=9), willing, second
    )
    assert "rank 2 follows no pledge" in refused(one("C", rank=2))


def test_what_is_released_holds_nothing() -> None:
    gone = one("A", [event("release")], exclusive=True)

    assert gone.total == 0
    assert meeting(one("B"), [gone]) == {}
    assert counters([gone]) == {("jiangbei", "disruption"): (0, False)}


def test_events_move_what_is_secured_between_assets() -> None:
    """5,000,000.00, of which 1,000,000.00 moved to b and 500,000.00 are let go."""
    moved = event(
        *("add", 1),
        asset="b",
        replaces="disruption",
        amount_fen=100_000_000,
        cap_fen=200_000_000,
    )
    less = event("release_part", asset="disruption", amount_fen=50_000_000)
    found = one("A", [moved, less], exclusive=True)

    assert found.secured == {"disruption": 350_000_000, "b": 100_000_000}
    assert found.caps == {
        ("jiangbei", "disruption"): 800_000_000,
        ("jiangbei", "b"): 200_000_000,
    }
    assert counters([found])["jiangbei", "b"] == (100_000_000, True)


ENTRY = event("perfect", registration="ZD-7", valid_to=DAY.replace(year=2027))


@pytest.mark.parametrize(
    ("before", "then", "why"),
    [
        ([ENTRY], event("release"), "cancel the registration"),
        ([event("release")], event("cancel"), "is released: nothing follows"),
        ([ENTRY, event("cancel")], event("perfect", 2), "was cancelled: release it"),
        ([], event("release_part", asset="disruption", amount_fen=500_000_000), "by a"),
        ([], event("release_part", asset="other", amount_fen=1), "secures 0.00 CNY"),
        ([], event("consent", junior="B"), "needs an amount"),
        (
            [],
            event(
                *("substitute", 1),
                asset="b",
                replaces="disruption",
                amount_fen=1,
                cap_fen=1,
            ),
            "takes all 5,000,000.00 CNY",
        ),
        (
            [],
            event("add", asset="b", replaces="disruption", amount_fen=1),
            "another asset and its cap",
        ),
    ],
)
def test_an_event_follows_what_happened_before(
    before: Any, then: dict[str, Any], why: str
) -> None:
    assert why in unlawful(one("A", before), then)


def test_a_release_follows_the_cancellation_of_the_external_entry() -> None:
    assert unlawful(one("A", [ENTRY, event("cancel")]), event("release")) == ""
    assert unlawful(one("A"), event("release")) == ""


def test_a_pledge_is_unperfected_until_it_is_registered_and_lapses_with_the_entry() -> (
    None
):
    """Registered on 2026-07-01 to 2027-06-30."""
    mine = one("A", [ENTRY])

    assert registration(mine, DAY)[0] == "unperfected"
    assert registration(mine, DAY.replace(month=7, day=1))[0] == "perfected"
    assert registration(mine, DAY.replace(year=2027))[0] == "perfected"
    assert registration(mine, DAY.replace(year=2027, month=7, day=1))[0] == "lapsed"
    gone = one("A", [ENTRY, event("cancel")])
    assert registration(gone, DAY.replace(month=7, day=2))[0] == "cancelled"
