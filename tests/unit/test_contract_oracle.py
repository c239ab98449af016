"""The pass says of every row and every check what Pandera says of the collected frame.

Pandera validates the whole frame, eagerly and lazily-collecting; ours is compiled. The
comparison is then shown to notice a compiler that is wrong.
"""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.contract import compile as compiler
from tasks.contract import compile_contract, contract_pass, verdict

NAN, INF = float("nan"), float("inf")
FLOATS = [None, NAN, INF, -INF, -0.0, 0.0, 1.0, 1.5, 5.0]
TEXTS = [None, "", "a", "b", "ab", "ab\n", "a|b", "é", "zb"]
WHOLES = [None, -1, 0, 1, 2, 2**62]

Bad = set[tuple[int, str]]  # row, rule


def cross(data: Any) -> pl.LazyFrame:  # Any: Pandera's data, or our recorder in it
    frame: pl.LazyFrame = data.lazyframe
    return frame.select(pl.col("x") >= pl.col("n"), pl.col("t") != "zb")


ANCHORED = "^(?:a|b|é)$"
X_CHECKS = [
    *(pa.Check.gt(0.0), pa.Check.le(1.5), pa.Check.ne(1.0), pa.Check.eq(-0.0)),
    *(pa.Check.in_range(-1, 5, include_max=False), pa.Check.lt(5, ignore_na=False)),
    *(pa.Check.isin([0.0, 1.5, NAN, INF]), pa.Check.notin([1.0, -INF])),
]
T_CHECKS = [
    *(pa.Check.str_matches(ANCHORED), pa.Check.str_matches(ANCHORED, ignore_na=False)),
    *(pa.Check.str_length(1, 2), pa.Check.str_contains("b"), pa.Check.isin(["a", "b"])),
    *(pa.Check.str_startswith("a"), pa.Check.str_endswith("b"), pa.Check.ne("")),
]
N_CHECKS = [
    *(pa.Check.ge(0), pa.Check.isin([0, 1]), pa.Check.isin([1, 2], ignore_na=False)),
    *(pa.Check.lt(2**61), pa.Check(lambda d: d.lazyframe.select(pl.col("n") % 2 == 0))),
]


def schema(nullable: bool = True, unique: bool = False) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        {
            "x": pa.Column(pl.Float64, X_CHECKS, nullable=nullable),
            "t": pa.Column(pl.String, T_CHECKS, nullable=nullable),
            "n": pa.Column(pl.Int64, N_CHECKS, nullable=nullable, unique=unique),
        },
        checks=[pa.Check(cross), pa.Check(cross, ignore_na=False)],
        unique=["x", "t"] if unique else None,
        strict=True,
    )


def frame(rows: list[tuple[float | None, str | None, int | None]]) -> pl.DataFrame:
    types = {"x": pl.Float64, "t": pl.String, "n": pl.Int64}
    return pl.DataFrame(rows, schema=types, orient="row")


def by_pandera(asked: pa.DataFrameSchema, rows: pl.DataFrame) -> Bad:
    """List what Pandera refuses, with rules named as ours but without their words."""
    try:
        asked.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.to_dicts()
        return {(case["index"], rule_of(case)) for case in cases}
    return set()


def rule_of(case: dict[str, Any]) -> str:  # Any: a failure case of Pandera
    if case["check"] == "not_nullable":
        return f"{case['column']}:required"
    if case["check"] == "multiple_fields_uniqueness":
        return "unique:x,t"
    if case["check"] == "field_uniqueness":
        return f"unique:{case['column']}"
    return f"{case['column'] or '*'}:{case['check_number']}"


def by_us(asked: pa.DataFrameSchema, rows: pl.DataFrame) -> Bad:
    """Ask each compiled rule of each row."""
    bad = compile_contract(asked).bad
    answers = rows.select(**bad)
    return {
        (row, ":".join(name.split(":")[:2]))
        for name in bad
        for row, is_bad in enumerate(answers[name])
        if is_bad
    }


EVERY = [*itertools.product(FLOATS, TEXTS, WHOLES)]
ROWS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(FLOATS), st.floats()),
        st.one_of(st.sampled_from(TEXTS), st.text(max_size=3)),
        st.one_of(st.sampled_from(WHOLES), st.integers(-(2**63), 2**63 - 1)),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, nullable=st.booleans())
@example(rows=EVERY, nullable=True)
@example(rows=EVERY, nullable=False)
@example(rows=[], nullable=False)
def test_every_rule_says_of_every_row_what_pandera_says(
    rows: list[tuple[float | None, str | None, int | None]], nullable: bool
) -> None:
    asked, given_rows = schema(nullable), frame(rows)

    assert by_us(asked, given_rows) == by_pandera(asked, given_rows)


def passed(
    asked: pa.DataFrameSchema, rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, verdict.Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        valid, rejects = Path(folder, "valid"), Path(folder, "rejects")
        said = contract_pass(
            rows.lazy(), compile_contract(asked), valid, rejects, Path(folder)
        )
        return pl.read_parquet(valid), pl.read_parquet(rejects), said


def simple(unique: bool) -> pa.DataFrameSchema:
    """Fewer rules, so that rows are left to be unique."""
    return pa.DataFrameSchema(
        {
            "x": pa.Column(pl.Float64, pa.Check.le(1.5), nullable=True),
            "t": pa.Column(pl.String, pa.Check.ne("zb"), nullable=True),
            "n": pa.Column(pl.Int64, pa.Check.ge(0), nullable=True, unique=unique),
        },
        unique=["x", "t"] if unique else None,
        strict=True,
    )


FEW = st.lists(
    st.tuples(
        st.sampled_from([None, NAN, -0.0, 0.0, 1.0, INF]),
        st.sampled_from([None, "", "a", "zb"]),
        st.one_of(st.none(), st.integers(-1, 30)),
    ),
    max_size=16,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=FEW)
def test_the_pass_divides_as_pandera_does_and_loses_nothing(
    rows: list[tuple[float | None, str | None, int | None]],
) -> None:
    given_rows = frame(rows)
    broken = {row for row, _ in by_pandera(simple(unique=False), given_rows)}
    whole = given_rows.with_row_index("at").filter(~pl.col("at").is_in(broken))
    twice = by_pandera(simple(unique=True), whole.drop("at"))

    valid, rejects, said = passed(simple(unique=True), given_rows)

    copies = {row for row, _ in twice}
    expected = [row for i, row in enumerate(whole.drop("at").rows()) if i not in copies]
    assert sorted(map(repr, valid.rows())) == sorted(
        repr((None if x is None else x + 0.0, t, n)) for x, t, n in expected
    )
    assert said.rows_in == len(rows) == valid.height + rejects.height
    for key in ("unique:x,t", "unique:n"):
        assert said.failed[key] == sum(rule == key for _, rule in twice)


def never_null(check: pa.Check, *rest: Any) -> pl.Expr:
    kept = pa.Check.__new__(pa.Check)
    kept.__dict__ |= {**check.__dict__, "ignore_na": not check.ignore_na}
    return HOLDS(kept, *rest)


HOLDS, RECORDED, MISSING = compiler.holds, compiler.recorded, compiler.missing
MUTANTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "null is judged the wrong way round": ("holds", never_null),
    "the answer is turned round": ("holds", lambda *given: ~HOLDS(*given)),
    "an unknown answer stays unknown": (
        *("holds", lambda c, k, t, w: RECORDED(c, k, w)[0]),
    ),
    "only the first column of a check counts": (
        *("recorded", lambda *given: RECORDED(*given)[:1]),
    ),
    "one column of a check is enough": (
        "recorded",
        lambda *given: [pl.any_horizontal(*RECORDED(*given))],
    ),
    "NaN is not missing": ("missing", lambda name, *rest: pl.col(name).is_null()),
    "null is not missing": (
        *("missing", lambda name, *rest: pl.lit(None, pl.Float64) == pl.col(name)),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_comparison_notices_a_wrong_compiler(
    mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, function = MUTANTS[mutant]
    asked, rows = schema(nullable=False), frame(EVERY)
    before = by_us(asked, rows)

    monkeypatch.setattr(compiler, name, function)

    assert before == by_pandera(asked, rows)
    assert by_us(asked, rows) != by_pandera(asked, rows)
