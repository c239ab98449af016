"""A fall of the score beyond the step shuts stages 3 and 4."""

from collections.abc import Callable

import polars as pl
import pytest

from tests.finance_case import failed, make_asset, make_capital, scored

Stage = Callable[[pl.LazyFrame], pl.LazyFrame]
STAGES: list[Stage] = [
    lambda score: make_asset(score=score).gates,
    lambda score: make_capital(score=score).gates,
]


@pytest.fixture(params=STAGES, ids=["assetize", "capitalize"])
def gates(request: pytest.FixtureRequest) -> Stage:
    stage: Stage = request.param
    return stage


@pytest.mark.parametrize(
    ("now", "before"),
    [(850_000, 900_000), (900_000, 900_000), (1_000_000, 0), (100_000, None)],
    ids=["falls by the step", "holds", "rises", "first"],
)
def test_a_score_that_holds_opens_the_gate_with_its_ground(
    gates: Stage, now: int, before: int | None
) -> None:
    score = scored(now, before)

    row = gates(score).collect().filter(gate="quality").row(0, named=True)

    assert row["passed"]
    assert row["evidence"] == "assessment of index on 2025-04-30"
    assert f"quality score {now / 1_000_000:.6f}" in row["ground"]


def test_a_fall_beyond_the_step_shuts_the_gate_and_says_both_scores(
    gates: Stage,
) -> None:
    assert failed(gates(scored(849_999, 900_000))) == {
        "quality": "quality score 0.849999 after 0.900000 on 2025-03-31; it may fall"
        " by 0.050000"
    }


@pytest.mark.parametrize(
    "score",
    [scored(None, 900_000), scored(None, None), scored().filter(pl.lit(False))],
    ids=["not scored", "never scored", "no score"],
)
def test_without_a_score_the_gate_is_shut(gates: Stage, score: pl.LazyFrame) -> None:
    said = "nothing of the resource was scored"

    shut = failed(gates(score))
    assert shut.pop("quality_floor", said) == shut.pop("quality") == said
    assert shut == {}
