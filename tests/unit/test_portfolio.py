"""How loans are spread over industries, and what scenarios do to all of them."""

from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.portfolio import (
    STATES,
    Concentration,
    ConcentrationRules,
    CoverageRules,
    Held,
    Shock,
    Stressed,
)
from tasks.capital.portfolio import concentration
from tasks.capital.stress import stress
from tests.finance_case import failed

DAY = date(2026, 6, 30)
LADDER = CoverageRules.model_validate(
    {
        "policy": "test-policy",
        "applies_from": date(2024, 1, 1),
        "advance_ltv": "0.60",
        "warning_ltv": "0.65",
        "margin_call_ltv": "0.70",
        "default_ltv": "0.80",
        "haircut": "0.2",
    }
)


def limits(share: str = "0.6", hhi: str = "0.46") -> ConcentrationRules:
    """A lender's limits."""
    stated = {"policy": "test-policy", "applies_from": date(2024, 1, 1)}
    return ConcentrationRules.model_validate(
        stated | {"max_industry_share": share, "max_hhi": hhi}
    )


def pledges(*rows: tuple[str, int, int | None, str]) -> pl.LazyFrame:
    """Pledges by industry, owed, value, state before."""
    named = [
        (f"L-{n}", industry, owed, 0, value, before)
        for n, (industry, owed, value, before) in enumerate(rows)
    ]
    return frame_of(Held, named).lazy()


def owing(*rows: tuple[str, int]) -> pl.LazyFrame:
    """Pledges of which only what is owed matters."""
    return pledges(*((industry, owed, None, "normal") for industry, owed in rows))


def test_shares_and_hhi_of_three_industries() -> None:
    # 0.6² + 0.3² + 0.1² = 0.46
    made = concentration(
        owing(("I", 30), ("G", 10), ("I", 30), ("A", 30)), limits(), DAY
    )

    assert made.industries.collect().rows() == [
        ("I", 2, 60, 600_000),
        ("A", 1, 30, 300_000),
        ("G", 1, 10, 100_000),
    ]
    assert failed(made.gates) == {}
    assert "HHI 0.460000 over 3" in made.gates.collect()["ground"][1]


@pytest.mark.parametrize(
    ("rules", "gate", "said"),
    [
        (limits(share="0.599999"), "industry_share", "I owes 0.600000 of all"),
        (limits(hhi="0.459999"), "industry_hhi", "HHI 0.460000"),
    ],
    ids=["share", "hhi"],
)
def test_a_limit_is_exceeded_by_a_millionth(
    rules: ConcentrationRules, gate: str, said: str
) -> None:
    made = concentration(owing(("I", 60), ("A", 30), ("G", 10)), rules, DAY)

    assert list(failed(made.gates)) == [gate]
    assert said in failed(made.gates)[gate]


def test_a_portfolio_without_debt_is_not_concentrated() -> None:
    empty = concentration(owing(), limits(), DAY)
    repaid = concentration(owing(("I", 0)), limits(), DAY)

    assert failed(empty.gates) == failed(repaid.gates) == {}
    assert repaid.industries.collect().rows() == [("I", 1, 0, None)]


def test_concentration_is_framed_by_its_contracts() -> None:
    made = concentration(owing(("I", 1)), limits(), DAY)

    Gates.to_schema().validate(made.gates.collect())
    Concentration.to_schema().validate(made.industries.collect())
    assert made.industries.collect_schema() == frame_of(Concentration, []).schema


def shocks(*rows: tuple[str, str, int]) -> pl.LazyFrame:
    """Scenarios."""
    return frame_of(Shock, rows).lazy()


def under(held: pl.LazyFrame, moved: pl.LazyFrame) -> dict[str, dict[str, Any]]:
    """The outcome by scenario."""
    made = stress(held, moved, LADDER).collect()
    return {row["scenario"]: row for row in made.iter_rows(named=True)}


def test_a_fifth_down_calls_what_the_example_says() -> None:
    # 12,800.00 of value is left; 10,000.00 − 0.60 × 12,800.00 = 2,320.00
    held = pledges(("I", 1_000_000, 1_600_000, "warning"))

    made = under(held, shocks(("down", "", -200_000), ("still", "", 0)))

    assert made["down"] == {
        "scenario": "down",
        "pledges": 1,
        "unknown": 0,
        "outstanding_fen": 1_000_000,
        "value_fen": 1_280_000,
        "warning": 0,
        "margin_call": 1,
        "default": 0,
        "repay_fen": 232_000,
        "defaulted_fen": 0,
        "shortfall_fen": 0,
    }
    assert made["still"]["warning"] == 1  # 0.625: not cured, though below the step


def test_an_industry_takes_its_own_shock_and_all_others_the_general_one() -> None:
    held = pledges(("I", 100, 1_000, "normal"), ("A", 100, 1_000, "normal"))

    made = under(held, shocks(("s", "", -100_000), ("s", "I", -950_000)))

    assert made["s"]["value_fen"] == 900 + 50
    assert (made["s"]["default"], made["s"]["defaulted_fen"]) == (1, 100)
    assert made["s"]["shortfall_fen"] == 50


def test_a_value_that_cannot_be_shown_counts_as_nothing_and_is_told() -> None:
    made = under(pledges(("I", 100, None, "normal")), shocks(("s", "", 0)))["s"]

    assert (made["unknown"], made["value_fen"], made["warning"]) == (1, 0, 1)
    assert made["shortfall_fen"] == 100


def test_a_scenario_silent_on_other_industries_is_refused() -> None:
    with pytest.raises(ContractError, match=r"^1 scenarios lack a row"):
        stress(pledges(), shocks(("s", "", 0), ("t", "I", 0)), LADDER)


ROW = st.tuples(
    st.sampled_from("AIG"),
    st.integers(0, 10_000) | st.integers(0, 9_000_000_000_000_000),
    st.none() | st.integers(0, 20_000) | st.integers(0, 9_000_000_000_000_000),
    st.sampled_from(STATES),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30), st.integers(-1_000_000, 9_000_000))
def test_one_pass_adds_up_what_a_row_by_row_count_in_fractions_does(
    rows: list[tuple[str, int, int | None, str]], change: int
) -> None:
    moved = shocks(("s", "", change), ("s", "I", -300_000), ("t", "", 0))

    made = under(pledges(*rows), moved)["s"]

    wanted = dict.fromkeys([*STATES, "repay", "owed", "short", "worth"], 0)
    for industry, owed, value, before in rows:
        factor = Fraction(-300_000 if industry == "I" else change, 1_000_000) + 1
        worth = 0 if value is None else floor(value * factor)
        state = count(owed, None if value is None else worth, before)
        wanted[state] += 1
        wanted["worth"] += worth
        wanted["short"] += max(0, owed - worth)
        wanted["owed"] += owed if state == "default" else 0
        if state == "margin_call":
            wanted["repay"] += max(0, ceil(owed - worth * Fraction(6, 10)))
    assert {name: made[name] for name in STATES[1:]} == {
        name: wanted[name] for name in STATES[1:]
    }
    assert made["value_fen"] == wanted["worth"]
    assert made["shortfall_fen"] == wanted["short"]
    assert made["defaulted_fen"] == wanted["owed"]
    assert made["repay_fen"] == wanted["repay"]


def count(owed: int, value: int | None, before: str) -> str:
    """The state of one pledge, in fractions."""
    if owed == 0 or before == "default":
        return "normal" if owed == 0 else "default"
    if value is None:
        return max(before, "warning", key=STATES.index)
    if 10 * owed <= 6 * value:
        return "normal"
    steps = [Fraction(65, 100), Fraction(70, 100), Fraction(80, 100)]
    reached = STATES[sum(owed >= value * step for step in steps)]
    return max(before, reached, key=STATES.index)


def test_many_pledges_under_many_scenarios_are_added_up_whole() -> None:
    held = pledges(*[("I", 100, 1_000, "normal")] * 2_500)  # more than one block
    names = [f"{n:03}" for n in range(500)]

    made = under(held, shocks(*((name, "", -1_000 * int(name)) for name in names)))

    assert sorted(made) == names
    for name, row in made.items():
        assert (row["pledges"], row["outstanding_fen"]) == (2_500, 250_000)
        assert row["value_fen"] == 2_500 * (1_000 - int(name))


def test_an_empty_portfolio_stands_in_every_scenario() -> None:
    made = under(pledges(), shocks(("s", "", 0), ("t", "", -1)))

    assert [row["pledges"] for row in made.values()] == [0, 0]


def test_stress_is_framed_by_its_contract() -> None:
    made = stress(pledges(("I", 1, 2, "normal")), shocks(("s", "", 0)), LADDER)

    Stressed.to_schema().validate(made.collect())
    assert made.collect_schema() == frame_of(Stressed, []).schema
