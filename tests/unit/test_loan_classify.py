"""Days past due and the five tiers, over many loans at once."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.loan import Arrears, LoanDue, LoanTier, TierRules
from tasks.capital.loan.classify import arrears, classify

DAY = date(2025, 12, 22)


def rules(**changed: int) -> TierRules:
    """商业银行金融资产风险分类办法 (2023, No. 1), arts. 10 to 13."""
    stated: dict[str, Any] = {
        "policy": "test-policy",
        "applies_from": date(2023, 7, 1),
        "special_mention_above_days": 0,
        "substandard_above_days": 90,
        "doubtful_above_days": 270,
        "loss_above_days": 360,
    }
    return TierRules.model_validate(stated | changed)


def due(
    loan: str, number: int, late: int, grace: int = 0, **left: int
) -> tuple[Any, ...]:
    owed = {"principal": 100, "interest": 10} | left
    payable = DAY - timedelta(days=late)
    return loan, number, payable, grace, owed["principal"], owed["interest"]


def found(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return arrears(frame_of(LoanDue, rows), DAY)


def test_days_count_from_the_oldest_row_that_is_unpaid() -> None:
    made = found(
        due("A", 1, 122, principal=0, interest=0),
        due("A", 2, 91, principal=0, interest=4),
        due("A", 3, 61),
        due("A", 4, 0),
        due("A", 5, -30),
        due("B", 1, 10, principal=0, interest=0),
        due("B", 2, -20),
    )

    assert made.rows() == [("A", 91, 100, 14), ("B", 0, 0, 0)]
    Arrears.to_schema().validate(made)


def test_within_the_grace_a_row_is_not_overdue_and_after_it_all_days_count() -> None:
    made = found(due("A", 1, 3, 3), due("B", 1, 4, 3))

    assert made.rows() == [("A", 0, 0, 0), ("B", 4, 100, 10)]


@pytest.mark.parametrize(
    ("days", "tier"),
    [
        (0, "normal"),
        (1, "special_mention"),
        (90, "special_mention"),
        (91, "substandard"),
        (270, "substandard"),
        (271, "doubtful"),
        (360, "doubtful"),
        (361, "loss"),
    ],
)
def test_a_tier_begins_on_the_day_after_its_limit(days: int, tier: str) -> None:
    made = classify(found(due("A", 1, days)), rules())

    assert made.rows() == [("A", days, tier)]
    LoanTier.to_schema().validate(made)


def test_another_policy_puts_the_same_days_in_another_tier() -> None:
    late = found(due("A", 1, 70))

    assert classify(late, rules()).row(0)[2] == "special_mention"
    assert classify(late, rules(substandard_above_days=60)).row(0)[2] == "substandard"


def test_limits_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        rules(doubtful_above_days=90)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("ABC"),
            st.integers(-50, 500),
            st.integers(0, 20),
            st.integers(0, 5),
            st.integers(0, 5),
        ),
        max_size=20,
    )
)
def test_a_frame_of_loans_is_judged_like_each_loan(
    rows: list[tuple[str, int, int, int, int]],
) -> None:
    made = found(
        *(
            due(loan, k, late, grace, principal=p, interest=i)
            for k, (loan, late, grace, p, i) in enumerate(rows, 1)
        )
    )

    expected: dict[str, list[int]] = {}
    for loan, late, grace, p, i in rows:
        sums = expected.setdefault(loan, [0, 0, 0])
        if late > grace and p + i > 0:
            sums[:] = [max(sums[0], late), sums[1] + p, sums[2] + i]
    assert made.rows() == [(loan, *sums) for loan, sums in expected.items()]
