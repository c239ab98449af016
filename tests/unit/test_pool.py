"""A pool of loans: who gets in, the label, and cash in = cash out each period."""

from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.errors import ContractError, FactorError
from schemas.gates import Gates
from schemas.pool import Collected, Distributed, Pool, PoolTerms, Screened
from schemas.registers import CoverState, Pledge, PledgeEvent
from tasks.capital.pool import screen, securitise
from tasks.capital.waterfall import pour, waterfall
from tests.finance_case import failed, happened, pledged
from tests.pool_case import CUT_OFF, loans, month, offered, pool_terms, pools


def pooled(
    offered: pl.LazyFrame,
    terms: PoolTerms,
    pledges: Any = (),
    events: Any = (),
    cover: Any = (),
) -> Pool:
    """Screen loans, those of the store by its registers."""
    return securitise(
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, events).lazy(),
        frame_of(CoverState, cover).lazy(),
        terms,
        CUT_OFF,
        offered,
    )


def test_a_pool_of_sound_loans_with_80_of_130_on_data_is_labelled() -> None:
    other = offered(5_000_000_000, data_pledged=False)

    made = pooled(loans(offered(8_000_000_000), other), pool_terms())

    assert failed(made.gates) == {}
    said = made.gates.collect().filter(gate="data_asset_label")["ground"].item()
    assert "0.615385 of the pool" in said  # 80/130
    Gates.to_schema().validate(made.gates.collect())
    Screened.to_schema().validate(made.loans.collect())


@pytest.mark.parametrize(
    ("data", "passes"), [(6_500_000_000, False), (6_500_000_001, True)]
)
def test_exactly_half_is_no_label(data: int, passes: bool) -> None:
    rest = offered(13_000_000_000 - data, request="rest", data_pledged=False)

    made = pooled(loans(offered(data), rest), pool_terms())

    assert ("data_asset_label" not in failed(made.gates)) == passes
    assert len(failed(made.gates)) == (not passes)


def test_only_what_is_eligible_counts_for_label_and_notes() -> None:
    late = offered(7_000_000_000, overdue_days=1)
    other = offered(6_000_000_000, data_pledged=False)

    grounds = failed(pooled(loans(late, other), pool_terms()).gates)

    assert set(grounds) == {"data_asset_label", "notes"}
    assert "0.000000 of the pool" in grounds["data_asset_label"]
    assert "130,000,000.00 CNY on a pool of 60,000,000.00" in grounds["notes"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"state": "warning"}, ""),
        ({"state": "margin_call"}, "under a margin call or in default"),
        ({"state": "default"}, "under a margin call or in default"),
        ({"overdue_days": 1}, "overdue"),
        ({"balance_fen": 0}, "nothing is owed"),
        ({"matures_on": date(2026, 5, 1)}, "matures after the notes"),
        ({"matures_on": CUT_OFF}, "repaid by the cut-off"),
        ({"overdue_days": 9, "balance_fen": 0}, "nothing is owed; overdue"),
    ],
)
def test_a_loan_stays_out_on_every_ground(changed: dict[str, Any], said: str) -> None:
    row = screen(loans(offered(1, **changed)), pool_terms()).collect().to_dicts()[0]

    assert (row["ground"], row["eligible"]) == (said, not said)


OWN = {
    "request": "LOAN-1",
    "borrower": "Borrower (illustrative)",
    "balance": "130000000.00",
    "overdue_days": 0,
    "matures_on": date(2026, 4, 30),
}
EVE, AFTER = date(2025, 4, 1), date(2025, 5, 1)


def state(number: int, on: date, found: str) -> tuple[Any, ...]:
    """What the watch recorded of LOAN-1."""
    return ("LOAN-1", number, on, "normal", found, 1, *(None,) * 5, "g", "e")


@pytest.mark.parametrize(
    ("known", "gates"),
    [
        ({}, set()),
        ({"pledges": []}, {"data_asset_label"}),
        ({"pledges": [pledged(pledged_on=AFTER)]}, {"data_asset_label"}),
        ({"events": [happened("release", effective_on=EVE)]}, {"data_asset_label"}),
        ({"events": [happened("release", effective_on=AFTER)]}, set()),
        (
            {"cover": [state(1, EVE, "margin_call")]},
            {"eligible_loans", "data_asset_label", "notes"},
        ),
        ({"cover": [state(1, EVE, "default"), state(2, EVE, "normal")]}, set()),
        ({"cover": [state(1, AFTER, "default")]}, set()),
    ],
)
def test_a_loan_of_the_store_counts_as_its_registers_stood_at_the_cut_off(
    known: dict[str, Any], gates: set[str]
) -> None:
    asked = {"pledges": [pledged(pledged_on=EVE)]} | known

    made = pooled(loans(), pool_terms(held=[OWN]), **asked)

    assert set(failed(made.gates)) == gates


def test_a_loan_that_is_offered_twice_is_refused() -> None:
    same = offered(13_000_000_000, request="LOAN-1")
    own = pool_terms(held=[OWN])

    made = pooled(loans(same), own, [pledged(pledged_on=EVE)])

    assert failed(made.gates) == {"offered_once": "LOAN-1 offered twice: leave one out"}
    assert made.loans.collect().height == 1


@pytest.mark.parametrize("written", [" LOAN-1", "Loan- 1", "LOAN-1\u3000"])
def test_blanks_and_small_letters_make_no_other_loan(written: str) -> None:
    same = offered(13_000_000_000, request=written)

    made = pooled(loans(same), pool_terms(held=[OWN]), [pledged(pledged_on=EVE)])

    said = failed(made.gates)["offered_once"]
    assert said == "LOAN-1 offered twice: leave one out"


def test_an_empty_pool_or_one_before_its_policy_is_refused() -> None:
    early = pool_terms(rules={"policy": "p", "applies_from": "2025-05-01"} | LABEL)

    empty = pooled(loans(), early)

    assert set(failed(empty.gates)) == {
        *("policy_in_force", "eligible_loans", "data_asset_label", "notes")
    }
    with pytest.raises(FactorError, match="no policy"):
        pooled(loans(), pool_terms(rules=None))


LABEL = {"label_share": "0.5", "approval_above": "1"}


def test_notes_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValidationError, match="after cut_off"):
        pool_terms(matures_on=CUT_OFF)


def fall(*rows: tuple[Any, ...], **changed: Any) -> list[dict[str, Any]]:
    """What is paid."""
    made = waterfall(frame_of(Collected, rows).lazy(), pool_terms(**changed))
    return made.collect().to_dicts()


def paid(row: dict[str, Any]) -> list[int]:
    """Taxes, fees, senior interest, senior principal, subordinated."""
    names = ["taxes", "fees", "senior_interest", "senior_principal", "subordinated"]
    return [row[f"{name}_fen"] for name in names]


def test_cash_is_poured_in_order() -> None:
    assert pour(100, [50, 30, 40]) == [50, 30, 20, 0]
    assert pour(130, [50, 30, 40]) == [50, 30, 40, 10]
    assert pour(0, []) == [0]


def test_a_quiet_month_pays_act_365_coupon_and_passes_principal_through() -> None:
    # by hand: tax 0.0326 × 500,000.00 = 16,300.00
    # fees 130,000,000 × 0.001 × 31/365 = 11,041.0959 -> 11,041.10
    # interest 100,000,000 × 0.024 × 31/365 = 203,835.6164 -> 203,835.62
    # rest 10,500,000 − 16,300 − 11,041.10 − 203,835.62 − 10,000,000 = 268,823.28
    first = fall(month(1, 50_000_000, 1_000_000_000))[0]

    assert paid(first) == [1_630_000, 1_104_110, 20_383_562, 1_000_000_000, 26_882_328]
    assert (first["days"], first["turbo"]) == (31, False)
    assert first["senior_balance_fen"] == 9_000_000_000
    assert first["pool_balance_fen"] == 12_000_000_000


def test_the_second_month_charges_what_is_left_for_its_own_days() -> None:
    # 90,000,000 × 0.024 × 30/365 = 177,534.2466
    # 120,000,000 × 0.001 × 30/365 = 9,863.0137; 0.0326 × 400,000.00 = 13,040.00
    second = fall(month(1, 50_000_000, 1_000_000_000), month(2, 40_000_000, 0))[1]

    assert paid(second)[:4] == [1_304_000, 986_301, 17_753_425, 0]


def test_defaults_beyond_the_trigger_turn_to_turbo_for_good() -> None:
    # 5 % of 130,000,000.00 is 6,500,000.00: that much is not beyond it
    at = month(1, 50_000_000, 0, defaulted=650_000_000)
    beyond = month(1, 50_000_000, 0, defaulted=650_000_001)

    calm, turbo = fall(at)[0], fall(beyond, month(2, 50_000_000, 0))

    assert (calm["turbo"], paid(calm)[3]) == (False, 0)
    assert [row["turbo"] for row in turbo] == [True, True]
    assert [paid(row)[4] for row in turbo] == [0, 0]
    # 500,000.00 − 16,300.00 − 11,041.10 − 203,835.62
    assert paid(turbo[0])[3] == 26_882_328


def test_turbo_pays_the_subordinated_only_when_the_senior_is_repaid() -> None:
    all_of_it = month(1, 0, 12_000_000_000, defaulted=1_000_000_000)

    row = fall(all_of_it)[0]

    assert paid(row)[3] == 10_000_000_000
    assert paid(row)[4] == 2_000_000_000 - 1_104_110 - 20_383_562
    assert (row["senior_balance_fen"], row["pool_balance_fen"]) == (0, 0)


def test_unpaid_interest_is_carried_without_interest_and_turns_to_turbo() -> None:
    # nothing comes in: fees 11,041.10 and interest 203,835.62 stand over
    poor, rich = fall(month(1, 0, 0), month(2, 100_000_000, 0))

    assert poor["arrears_fen"] == 1_104_110 + 20_383_562
    assert (poor["turbo"], rich["turbo"], rich["arrears_fen"]) == (False, True, 0)
    # 100,000,000 × 0.024 × 30/365 = 197,260.27 on top of it
    assert paid(rich)[2] == 20_383_562 + 19_726_027


def test_principal_that_fees_ate_is_made_up_for_when_there_is_cash() -> None:
    first, second = fall(month(1, 0, 1_000_000_000), month(2, 100_000_000, 0))

    short = 1_104_110 + 20_383_562
    assert paid(first)[3] == 1_000_000_000 - short
    assert (second["turbo"], paid(second)[3]) == (False, short)


def test_what_is_recovered_repays_the_senior_notes() -> None:
    lost = month(1, 50_000_000, 0, defaulted=100_000_000)

    back = fall(lost, month(2, 50_000_000, 0, recovered=60_000_000))[1]

    assert paid(back)[3] == 60_000_000


@pytest.mark.parametrize(
    ("day", "to_the_senior", "to_the_rest"),
    # 500,000.00 less taxes, fees, interest of 31 days as above, or of 30 days:
    # 16,300.00, 10,684.93 and 197,260.27 are taken off
    [(date(2025, 5, 31), 26_882_328, 0), (date(2025, 5, 30), 0, 27_575_480)],
    ids=["at maturity", "the day before"],
)
def test_at_maturity_all_that_is_left_repays_the_senior_notes(
    day: date, to_the_senior: int, to_the_rest: int
) -> None:
    row = fall(month(1, 50_000_000, 0, on=day), matures_on=date(2025, 5, 31))[0]

    assert row["turbo"] is False
    assert paid(row)[3:] == [to_the_senior, to_the_rest]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([month(1, 0, 0, on=CUT_OFF)], "period 1: its payment day is not after"),
        ([month(1, 0, 0), month(2, 0, 0, on=date(2025, 5, 31))], "period 2"),
        ([month(1, 0, 13_000_000_001)], "than was owed"),
        ([month(1, 0, 1, defaulted=13_000_000_000)], "than was owed"),
        ([month(1, 0, 0, recovered=1)], "than was owed"),
        (
            [
                month(1, 0, 0, defaulted=5),
                month(2, 0, 0, recovered=4),
                month(3, 0, 0, recovered=2),
            ],
            "period 3",
        ),
    ],
    ids=["too soon", "same day", "principal", "defaulted", "recovered", "twice"],
)
def test_a_period_that_cannot_be_is_refused(
    rows: list[tuple[Any, ...]], said: str
) -> None:
    with pytest.raises(ContractError, match=said):
        fall(*rows)


# 1,000 pools of up to eight months: a second or two, as nothing but integers is poured.
@settings(max_examples=1_000, deadline=None)
@given(pools())
def test_every_fen_that_comes_in_goes_out_in_its_period(
    pool: tuple[dict[str, Any], list[tuple[Any, ...]]],
) -> None:
    terms, collected = pool

    rows = fall(*collected, **terms)

    senior = int(Fraction(terms["senior"]) * 100)
    tripped = False
    for row, (_, _, interest, principal, recovered, _) in zip(
        rows, collected, strict=True
    ):
        assert sum(paid(row)) == interest + principal + recovered == row["cash_fen"]
        assert min(paid(row)) >= 0
        senior -= paid(row)[3]
        assert row["senior_balance_fen"] == senior >= 0
        if paid(row)[4]:  # nobody is passed over
            assert row["arrears_fen"] == 0
            assert not (row["turbo"] and senior)
        assert row["turbo"] >= tripped
        tripped = row["turbo"]


def test_distributions_are_framed_by_their_contract() -> None:
    made = waterfall(frame_of(Collected, [month(1, 1, 1)]).lazy(), pool_terms())

    Distributed.to_schema().validate(made.collect())
    assert made.collect_schema() == frame_of(Distributed, []).schema
