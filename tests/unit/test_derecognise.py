"""What leaves the books leaves whole, in a balanced entry (CAS 6 arts. 22, 23)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.errors import ContractError
from schemas.measurement import Side, Total
from schemas.registers import AssetEvent
from tasks.asset.derecognise import derecognise, derecognition_sides
from tests.measured import decided, total

DAY = date(2026, 12, 31)
EVENTS = ["dispose", "contribute", "expire"]


def booked(lines: list[tuple[str, int]]) -> dict[str, int]:
    """The lines by account of the standard chart."""
    return {CHART[role]: amount for role, amount in lines}  # type: ignore[index]  # a role as plain text


def test_a_disposal_above_the_carrying_amount_is_a_gain() -> None:
    # https://51a.net/549266695.html: 80,000 cost, 20,000 amortised, 68,000 received,
    # 3,400 of it tax, 4,600 of gain
    lines = derecognise("dispose", 8_000_000, 2_000_000, 0, 6_460_000, 340_000)

    assert booked(lines) == {
        "1702": 2_000_000,
        "1002": 6_800_000,
        "22210107": -340_000,
        "6115": -460_000,
        "1701": -8_000_000,
    }


def test_a_disposal_below_the_carrying_amount_is_a_loss() -> None:
    # ACC-09 at the end of 2026: 600,000, 210,000, 78,000: carried at 312,000
    lines = derecognise("dispose", 60_000_000, 21_000_000, 7_800_000, 30_000_000)

    assert booked(lines) == {
        "1702": 21_000_000,
        "1703": 7_800_000,
        "1002": 30_000_000,
        "6115": 1_200_000,
        "1701": -60_000_000,
    }


def test_a_contribution_is_an_investment_at_its_agreed_value_and_tax() -> None:
    lines = derecognise(
        "contribute", 60_000_000, 21_000_000, 7_800_000, 40_000_000, 2_400_000
    )

    assert booked(lines) == {
        "1702": 21_000_000,
        "1703": 7_800_000,
        "1511": 42_400_000,
        "22210107": -2_400_000,
        "6115": -8_800_000,
        "1701": -60_000_000,
    }


def test_an_expired_right_is_a_loss_of_what_is_carried() -> None:
    assert booked(derecognise("expire", 60_000_000, 21_000_000, 7_800_000)) == {
        "1702": 21_000_000,
        "1703": 7_800_000,
        "6711": 31_200_000,
        "1701": -60_000_000,
    }


def test_what_is_amortised_whole_leaves_without_gain_or_loss() -> None:
    assert booked(derecognise("expire", 100, 100, 0)) == {"1702": 100, "1701": -100}


fen = st.integers(0, 10**14)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(EVENTS), fen, fen, fen, fen, fen),
        min_size=1,
        max_size=6,
    )
)
def test_many_leave_as_each_alone_and_every_entry_balances(
    rows: list[tuple[str, int, int, int, int, int]],
) -> None:
    totals, decisions = [], []
    alone: dict[tuple[str, str, str], int] = {}
    for i, (event, left, amortised, impaired, price, tax) in enumerate(rows):
        gross = left + amortised + impaired + 1
        figures = {"proceeds_fen": price, "tax_fen": tax} if event != "expire" else {}
        totals.append(total(f"a{i}", gross, amortised, impaired))
        decisions.append(decided(f"a{i}", event, DAY, **figures))
        lines = derecognise(event, gross, amortised, impaired, *figures.values())
        assert sum(amount for _, amount in lines) == 0
        alone |= {(f"a{i}", event, role): amount for role, amount in lines}

    made = derecognition_sides(frame_of(AssetEvent, decisions), frame_of(Total, totals))

    Side.to_schema().validate(made)
    got = made.select("asset", "event", "role", "amount_fen").iter_rows()
    assert {(a, e, role): amount for a, e, role, amount in got} == alone


def test_inventory_that_lapses_leaves_with_its_provision() -> None:
    totals = frame_of(Total, [total("a", 10_000, 0, 1_500, kind="inventory")])

    made = derecognition_sides(
        frame_of(AssetEvent, [decided("a", "expire", DAY)]), totals
    )

    assert booked(made.select("role", "amount_fen").rows()) == {
        "1471": 1_500,
        "6711": 8_500,
        "1405": -10_000,
    }


@pytest.mark.parametrize(
    ("decisions", "kind", "said"),
    [
        ([("dispose", {})], "intangible", "1 decisions lack the proceeds"),
        ([("contribute", {"tax_fen": 1})], "intangible", "1 decisions lack the proc"),
        (
            *([("expire", {"proceeds_fen": 1})], "intangible"),
            "1 decisions let a right expire for proceeds: book a disposal",
        ),
        (
            *([("expire", {}), ("dispose", {"proceeds_fen": 1})], "intangible"),
            "2 decisions let an asset leave the books that another decision lets leave",
        ),
        ([("dispose", {"proceeds_fen": 1})], "inventory", "do not fit the kind"),
        ([("expire", {})], "development expenditure", "do not fit the kind"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused(
    decisions: list[tuple[str, dict[str, Any]]], kind: str, said: str
) -> None:
    totals = frame_of(Total, [total("a", 100, kind=kind)])
    rows = [
        decided("a", event, date(2026, 12, 1 + i), **figures)
        for i, (event, figures) in enumerate(decisions)
    ]

    with pytest.raises(ContractError, match=said):
        derecognition_sides(frame_of(AssetEvent, rows), totals)
