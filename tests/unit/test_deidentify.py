"""Steps that make rows say less, small cells, and small classes set aside.

Expected values: RFC 4231 case 2 for HMAC-SHA256; the rest by hand or by an independent
count in plain Python.
"""

import hmac
from collections import Counter
from datetime import date, datetime
from fractions import Fraction
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import FactorError
from schemas.privacy import Cells, Deidentification, Keys
from schemas.product import Derivation
from tasks.contract.compile import SET_ASIDE
from tasks.product.cells import recoverable, withhold
from tasks.product.deidentify import treat
from tasks.product.derive import derive

KEYS = Keys({"jefe": b"Jefe"})
WHERE = "product.deidentification.steps.0"


def steps(*asked: dict[str, Any]) -> Deidentification:
    return Deidentification.model_validate({"steps": asked})


def after(values: list[Any], *asked: dict[str, Any]) -> list[Any]:
    """Treat one column ``x``."""
    rows = pl.LazyFrame({"x": values, "y": 0}, strict=False)
    return treat(rows, steps(*asked).steps, KEYS, 5).collect()["x"].to_list()


@pytest.mark.parametrize(
    ("step", "before", "expected"),
    [
        ({"mask": "x", "first": 3, "last": 4}, "13812345678", "138****5678"),
        ({"mask": "x", "first": 3, "last": 4}, "1234567", "*******"),
        ({"mask": "x", "first": 1}, "欧阳修", "欧**"),
        ({"mask": "x"}, 12, "**"),
        ({"generalise": "x", "width": 10}, 37, 30),
        ({"generalise": "x", "width": 10}, -5, -10),
        ({"generalise": "x", "width": "0.1"}, 0.37, 0.3),
        ({"generalise": "x", "bands": [18, 65]}, 17, "under 18"),
        ({"generalise": "x", "bands": [18, 65]}, 18, "18 to under 65"),
        ({"generalise": "x", "bands": [18, 65]}, 65.0, "65 and over"),
        ({"generalise": "x", "bands": [18, 65]}, float("nan"), None),
        ({"generalise": "x", "to": "month"}, date(2024, 5, 17), "2024-05"),
        ({"generalise": "x", "to": "year"}, datetime(2024, 5, 17, 8), "2024"),  # noqa: DTZ001 - as in a frame
        ({"generalise": "x", "prefix": 3}, "430102", "430"),
        ({"generalise": "x", "hierarchy": {"E11": "diabetes"}}, "E11", "diabetes"),
        ({"generalise": "x", "hierarchy": {"E11": "diabetes"}}, "B20", None),
        ({"round": "x", "to": 5}, 12, 10),
        ({"round": "x", "to": 5}, 13, 15),
        ({"round": "x", "to": 10}, 15, 20),
        ({"round": "x", "to": 10}, -15, -10),
        ({"round": "x", "to": "0.5"}, 1.26, 1.5),
        ({"top_code": "x", "at": 90}, 97, 90),
        ({"bottom_code": "x", "at": 18}, 3, 18),
    ],
)
def test_a_step_says_less(step: dict[str, Any], before: Any, expected: Any) -> None:
    assert after([before, None], step) == [expected, None]


def test_a_pseudonym_is_the_hmac_of_rfc_4231() -> None:
    """Case 2: key "Jefe", data "what do ya want for nothing?"."""
    made = after(
        ["what do ya want for nothing?", None], {"pseudonym": "x", "key": "jefe"}
    )

    assert made == [
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        None,
    ]


def test_a_number_and_its_text_bear_the_same_pseudonym_so_that_tables_join() -> None:
    step = {"pseudonym": "x", "key": "jefe"}

    assert after([7], step) == after(["7"], step)
    assert after([""], step) == [hmac.new(b"Jefe", b"", "sha256").hexdigest()]


def test_steps_follow_each_other_and_a_dropped_column_is_gone() -> None:
    asked = steps(
        {"generalise": "x", "width": 10}, {"top_code": "x", "at": 40}, {"drop": ["y"]}
    )
    rows = pl.LazyFrame({"x": [37, 58], "y": [1, 2]})

    assert treat(rows, asked.steps, KEYS, 5).collect().to_dict(as_series=False) == {
        "x": [30, 40]
    }


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"mask": "mobil"}, r"mobil is not there at this step; did you mean mobile"),
        ({"drop": ["mobile", "age"]}, r"steps\.0: column age is not there"),
        ({"generalise": "mobile", "width": 10}, "mobile does not hold numbers"),
        ({"round": "mobile", "to": 10}, "mobile does not hold numbers"),
        ({"generalise": "mobile", "to": "year"}, "mobile does not hold dates"),
        ({"pseudonym": "weight", "key": "jefe"}, "weight does not hold text, whole"),
    ],
)  # fmt: skip
def test_a_step_that_does_not_fit_is_refused_by_its_number(
    step: dict[str, Any], told: str
) -> None:
    rows = pl.LazyFrame({"mobile": ["1"], "weight": [70.5]})

    with pytest.raises(FactorError, match=told):
        treat(rows, steps(step).steps, KEYS, 5)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"encrypt": "x"}, "begin a step with one of drop, mask, pseudonym"),
        ({"generalise": "x"}, "generalise in one way"),
        ({"generalise": "x", "width": 5, "prefix": 2}, "generalise in one way"),
        ({"generalise": "x", "bands": [65, 18]}, "bands must rise"),
        ({"mask": "x", "key": "a"}, "Extra inputs are not permitted"),
        ({"pseudonym": "x", "key": "a secret in the clear!"}, "should match pattern"),
    ],
)
def test_a_step_is_one_word_with_its_arguments(step: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        steps(step)


def test_terms_read_back_are_the_terms_that_were_written() -> None:
    asked = steps(
        {"generalise": "x", "width": "0.5"},
        {"pseudonym": "y", "key": "k"},
        {"drop": ["z"]},
    )

    assert Deidentification.model_validate(asked.model_dump(mode="json")) == asked
    assert asked.key_names == ("k",)
    assert asked.treated == {"x", "y"}


# --- cells ---------------------------------------------------------------------------


def table(*rows: tuple[int, ...]) -> pl.DataFrame:
    """Write counts as a table with the columns r, c, n, and a measure beside each."""
    cells = [
        (r, c, n, n * 1.5) for r, row in enumerate(rows) for c, n in enumerate(row)
    ]
    return pl.DataFrame(cells, schema=["r", "c", "n", "mean"], orient="row")


CELLS = Cells(cells="n", by=("r", "c"))


def holes(frame: pl.DataFrame) -> set[tuple[int, int]]:
    return {(r, c) for r, c, n in frame.select("r", "c", "n").rows() if n is None}


def test_a_small_cell_takes_three_others_with_it() -> None:
    """The example of the module: 3 alone would be what its row leaves over."""
    made = withhold(table((3, 20, 30), (9, 25, 40)), CELLS, 5, WHERE)

    assert holes(made) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    # The measures beside the holes go too.
    assert made["mean"].is_null().to_list() == made["n"].is_null().to_list()
    assert made.filter(c=2)["n"].to_list() == [30, 40]


def test_a_count_that_is_its_own_column_hides_nothing_and_is_told() -> None:
    """6 is the least of its row, but it is the sum of its column too."""
    made = withhold(table((3, 6, 30), (9, 0, 40)), CELLS, 5, WHERE)

    assert holes(made) == {(0, 0), (0, 2), (1, 0), (1, 2)}


def test_a_table_without_small_cells_is_told_whole() -> None:
    whole = table((5, 6), (7, 0))

    assert withhold(whole, CELLS, 5, WHERE).equals(whole)


def test_two_small_cells_in_a_line_do_not_hide_each_other_when_their_sum_is_small() -> (
    None
):
    made = withhold(
        pl.DataFrame({"r": [1, 2, 3], "n": [1, 2, 50]}),
        Cells(cells="n", by=("r",)),
        5,
        WHERE,
    )

    assert made["n"].to_list() == [None, None, None]


def test_what_nothing_can_protect_is_refused_without_a_number_of_it() -> None:
    with pytest.raises(
        FactorError, match=r"steps\.0: a count below 5 follows from sums .* merge"
    ):
        withhold(
            pl.DataFrame({"r": ["a", "b"], "c": ["x", "y"], "n": [3, 20]}),
            CELLS,
            5,
            WHERE,
        )


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            pl.DataFrame({"r": [1, 1], "c": [1, 1], "n": [9, 9]}),
            "a cell is there twice",
        ),
        (pl.DataFrame({"r": [1, 2], "c": [1, 1], "n": [9, None]}), "n is no count"),
        (pl.DataFrame({"r": [1, 2], "c": [1, 1], "n": [9, -1]}), "n is no count"),
    ],
)
def test_what_is_no_table_of_counts_is_refused(frame: pl.DataFrame, told: str) -> None:
    with pytest.raises(FactorError, match=told):
        withhold(frame, CELLS, 5, WHERE)


def consistent(
    frame: pl.DataFrame, truth: pl.DataFrame, threshold: int
) -> dict[tuple[int, int], set[int]]:
    """Try every filling of the holes that keeps all sums which may be known.

    An attacker's view, by brute force: rows, columns and the whole, where each sum is
    at least the threshold. What values can each hole have?
    """
    counts = dict(zip(truth.select("r", "c").rows(), truth["n"].to_list(), strict=True))
    open_ = sorted(holes(frame))
    lines = [
        [k for k in counts if k[axis] == at]
        for axis in (0, 1)
        for at in {k[axis] for k in counts}
    ]
    known = [
        line
        for line in [*lines, list(counts)]
        if sum(counts[k] for k in line) >= threshold
    ]
    sums = [
        (set(line) & set(open_), sum(counts[k] for k in line if k in open_))
        for line in known
    ]
    top = max((s for _, s in sums), default=3)  # nothing is known: anything fits
    found: dict[tuple[int, int], set[int]] = {k: set() for k in open_}
    for filling in product(range(max(top, 3) + 1), repeat=len(open_)):
        guess = dict(zip(open_, filling, strict=True))
        if all(sum(guess[k] for k in line) == total for line, total in sums):
            for k, n in guess.items():
                found[k].add(n)
    return found


SMALL = st.lists(
    st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=2
)


@settings(max_examples=60, deadline=None)
@given(SMALL)
def test_no_filling_of_the_holes_is_the_only_one(counts: list[list[int]]) -> None:
    truth = table(*map(tuple, counts))
    try:
        made = withhold(truth, CELLS, 3, WHERE)
    except FactorError:
        return  # refused: nothing leaves

    assert all(len(values) > 1 for values in consistent(made, truth, 3).values())
    told = made.filter(pl.col("n").is_not_null())
    assert not told.filter(pl.col("n").is_between(1, 2)).height


def solvable(frame: pl.DataFrame) -> set[int]:
    """Solve the sums in fractions: a hole is known when its unit row adds no rank."""
    cells = frame.select("r", "c").rows()
    open_ = [i for i, n in enumerate(frame["n"].to_list()) if n is None]
    groups: dict[tuple[str, Any], list[int]] = {("all", 0): list(range(len(cells)))}
    for i, (r, c) in enumerate(cells):
        groups.setdefault(("r", r), []).append(i)
        groups.setdefault(("c", c), []).append(i)
    told = frame["n"].to_list()
    rows = [
        [int(i in line) for i in open_]
        for line in groups.values()
        if any(told[i] for i in line)
    ]
    rank = rank_of(rows)
    return {
        i
        for at, i in enumerate(open_)
        if rank_of([*rows, [int(at == k) for k in range(len(open_))]]) == rank
    }


def rank_of(rows: list[list[int]]) -> int:
    left = [[Fraction(x) for x in row] for row in rows]
    rank = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        rank += 1
        left = [
            [
                x - p * row[column] / pivot[column]
                for x, p in zip(row, pivot, strict=True)
            ]
            for row in left
        ]
    return rank


def test_a_hole_between_two_blocks_is_solved_though_no_line_has_one_hole() -> None:
    """Rows 0 and 1 less columns 0 and 1 leave (1, 2): another hole must be made."""
    small = table((4, 4, 20, 20), (4, 4, 4, 20), (20, 20, 4, 4), (20, 20, 4, 4))
    naive = small.with_columns(n=pl.when(pl.col("n") >= 5).then("n"))

    made = withhold(small, CELLS, 5, WHERE)

    assert solvable(naive) == {6}
    assert recoverable(naive, CELLS) == 1
    assert solvable(made) == set()
    assert holes(naive) < holes(made)


TABLES = st.integers(2, 6).flatmap(
    lambda wide: st.lists(
        st.lists(st.integers(0, 30), min_size=wide, max_size=wide),
        min_size=2,
        max_size=6,
    )
)


@settings(max_examples=80, deadline=None)
@given(TABLES)
def test_no_hole_follows_from_the_sums_of_its_lines(counts: list[list[int]]) -> None:
    try:
        made = withhold(table(*map(tuple, counts)), CELLS, 5, WHERE)
    except FactorError:
        return

    assert solvable(made) == set()
    assert recoverable(made, CELLS) == 0


@settings(max_examples=80, deadline=None)
@given(TABLES, st.data())
def test_the_audit_of_a_published_table_agrees_with_ranks(
    counts: list[list[int]], data: st.DataObject
) -> None:
    whole = table(*map(tuple, counts))
    hidden = data.draw(st.sets(st.integers(0, whole.height - 1)))
    made = whole.with_columns(
        n=pl.Series(
            [None if i in hidden else n for i, n in enumerate(whole["n"])],
            dtype=pl.Int64,
        )
    )

    assert recoverable(made, CELLS) == len(solvable(made))


# --- small classes -------------------------------------------------------------------


def derivation(k: int, **asked: Any) -> Derivation:
    return Derivation.model_validate(
        {
            "name": "cohort",
            "query": "SELECT band, sex, ill, who FROM resource",
            "columns": [
                {"name": n, "logicalType": "string"}
                for n in ("band", "sex", "ill", "who")
            ],
            "smallest_class": k,
            "deidentification": {
                "quasi_identifiers": ["band", "sex"],
                "suppress": True,
                **asked,
            },
        }
    )


def aside(rows: list[tuple[Any, ...]], terms: Derivation) -> list[bool]:
    frame = pl.LazyFrame(
        rows,
        schema=dict.fromkeys(("band", "sex", "ill", "who"), pl.String),
        orient="row",
    )
    return derive({"resource": frame}, terms).derived.collect()[SET_ASIDE].to_list()


def test_rows_of_small_classes_are_marked_and_stay_for_the_balance() -> None:
    rows = [
        ("30", "m", "a", "1"),
        ("30", "m", "b", "2"),
        ("40", "f", "a", "3"),
        (None, "f", "a", "4"),
        (None, "f", "b", "5"),
    ]

    assert aside(rows, derivation(2)) == [False, False, True, False, False]


def test_k_counts_persons_where_a_subject_is_named_and_nobody_is_no_person() -> None:
    rows = [
        ("30", "m", "a", "1"),
        ("30", "m", "b", "1"),
        ("40", "f", "a", "3"),
        ("40", "f", "b", None),
    ]

    assert aside(rows, derivation(2)) == [False] * 4
    assert aside(rows, derivation(2, subject="who")) == [True] * 4


def test_a_class_that_is_alike_in_a_sensitive_column_goes_too() -> None:
    rows = [
        ("30", "m", "a", "1"),
        ("30", "m", "a", "2"),
        ("40", "f", "a", "3"),
        ("40", "f", "b", "4"),
    ]

    assert aside(rows, derivation(2, sensitive=["ill"], diversity=2)) == [
        True,
        True,
        False,
        False,
    ]


ROWS = st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", None])] * 4), max_size=30)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 4))
def test_what_is_set_aside_is_what_a_plain_count_finds(
    rows: list[tuple[Any, ...]], k: int
) -> None:
    sizes = Counter((band, sex) for band, sex, *_ in rows)

    assert aside(rows, derivation(k)) == [
        sizes[band, sex] < k for band, sex, *_ in rows
    ]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"quasi_identifiers": ["age"], "suppress": True},
            "names age, which the product has not",
        ),
        ({"quasi_identifiers": [], "suppress": True}, "suppress needs classes"),
        ({"sensitive": ["sex"]}, "cannot be quasi-identifier and sensitive"),
        (
            {"steps": [{"cells": "who", "by": ["band"]}]},
            "cells makes a table of counts",
        ),
        (
            {
                "steps": [{"cells": "who", "by": ["band"]}],
                "quasi_identifiers": [],
                "suppress": False,
                "sensitive": ["ill"],
            },
            "once and without quasi_identifiers and sensitive",
        ),
    ],
)
def test_terms_that_do_not_agree_are_refused(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        derivation(2, **asked)
