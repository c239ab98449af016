"""Copies: which one stands, which are dropped, which are rejected; all exact.

The oracle is plain Python over lists; the pass is asked derived and parsed, by
neighbours and by buckets.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import Declared
from tasks.contract import Verdict, compile_contract, contract_pass, repeats, unique
from tasks.source.typed import typed

Row = tuple[int | None, str | None, int]
KEPT = "*:superseded, {} by at stands"


def declared(**terms: Any) -> Declared:  # Any: as a document is written
    columns = [
        {"name": "k", "logicalType": "integer"},
        {"name": "v", "logicalType": "string", "unique": terms.pop("unique", False)},
        {"name": "at", "logicalType": "integer", "required": True},
    ]
    return Declared.model_validate({"columns": columns, **terms})


def derived(
    terms: Declared, rows: list[Row], order: tuple[str, ...] = ()
) -> tuple[list[Row], list[Row], Verdict]:
    """Pass rows as a frame: valid rows, rejected rows, counts."""
    types = {"k": pl.Int64, "v": pl.String, "at": pl.Int64}
    frame = pl.LazyFrame(rows, schema=types, orient="row")
    contract = compile_contract(terms.contract(), order)
    with tempfile.TemporaryDirectory() as made:
        valid, rejects = Path(made, "valid"), Path(made, "rejects")
        said = contract_pass(frame, contract, valid, rejects, Path(made))
        texts = pl.read_parquet(rejects).select(
            pl.col(name).cast(dtype) for name, dtype in types.items()
        )
        return pl.read_parquet(valid).rows(), texts.rows(), said


def parsed(terms: Declared, rows: list[Row]) -> tuple[list[Row], list[int], Verdict]:
    """Pass rows as text, each in a line of its own: valid rows, rejected lines."""
    texts = [
        (line, None if k is None else f"{k:+03}", v, f"{at}")
        for line, (k, v, at) in enumerate(rows, 1)
    ]
    names = {"_line": pl.UInt32, "_r_k": pl.String, "_r_v": pl.String}
    frame = pl.LazyFrame(texts, schema={**names, "_r_at": pl.String}, orient="row")
    places = pl.DataFrame(
        [(1, "s", "m", 1)],
        schema={
            "_from": pl.UInt32,
            "_source": str,
            "_member": str,
            "_first": pl.UInt32,
        },
        orient="row",
    )
    contract = compile_contract(terms.contract(), parsed=True)
    with tempfile.TemporaryDirectory() as made:
        valid, rejects = Path(made, "valid"), Path(made, "rejects")
        out = valid, rejects, Path(made)
        plan = frame.with_columns(*(typed(column) for column in terms.columns))
        said = contract_pass(plan, contract, *out, places)
        return (
            pl.read_parquet(valid).rows(),
            pl.read_parquet(rejects)["_line"].to_list(),
            said,
        )


def judged(
    rows: list[Row], keep: str, drop: bool, unique: bool, key: bool = True
) -> tuple[list[int], list[int], dict[str, int]]:
    """Say by plain Python which rows stand and which are rejected, and count drops."""
    at = [*range(len(rows))]
    drops = {}
    if drop:
        first = [i for i in at if rows[i] not in rows[:i]]
        drops["*:repeated row"] = len(at) - len(first)
        at = first
    if keep:
        which = max if keep == "last" else min
        old = set()
        for k in {rows[i][0] for i in at}:
            mine = [i for i in at if rows[i][0] == k]
            best = which(rows[i][2] for i in mine)
            standing = [i for i in mine if rows[i][2] == best]
            old |= {*mine} - {*standing} if len(standing) == 1 else set()
        drops[KEPT.format(keep)] = len(old)
        at = [i for i in at if i not in old]
    keys, values = (Counter(rows[i][part] for i in at) for part in (0, 1))
    bad = {i for i in at if key and keys[rows[i][0]] > 1}
    bad |= {i for i in at if unique and values[rows[i][1]] > 1}
    return [i for i in at if i not in bad], sorted(bad), drops


ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 3)),
        st.one_of(st.none(), st.sampled_from("abcdefgh")),
        st.integers(0, 3),
    ),
    max_size=12,
)
WAYS = st.sampled_from(["", "first", "last"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=ROWS, keep=WAYS, drop=st.booleans(), unique=st.booleans(), by_key=st.booleans()
)
def test_copies_of_a_frame_fare_as_plain_python_says(
    rows: list[Row], keep: str, drop: bool, unique: bool, by_key: bool
) -> None:
    stated = {"keep": f"{keep} by at"} if keep else {}
    terms = declared(key=["k"], drop_repeats=drop, unique=unique, **stated)
    standing, rejected, drops = judged(rows, keep, drop, unique)

    valid, rejects, said = derived(terms, rows, () if by_key else ("at", "v"))

    expected = sorted((rows[i] for i in standing), key=repr)
    assert sorted(valid, key=repr) == expected
    assert sorted(rejects, key=repr) == sorted((rows[i] for i in rejected), key=repr)
    assert said.drops == drops
    assert said.rows_in == said.rows_out + said.rejected + said.dropped == len(rows)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, keep=WAYS, drop=st.booleans(), unique=st.booleans())
def test_copies_in_text_fare_the_same_and_keep_their_lines(
    rows: list[Row], keep: str, drop: bool, unique: bool
) -> None:
    stated = {"keep": f"{keep} by at"} if keep else {}
    terms = declared(key=["k"], drop_repeats=drop, unique=unique, **stated)
    standing, rejected, drops = judged(rows, keep, drop, unique)

    valid, lines, said = parsed(terms, rows)

    assert sorted(valid, key=repr) == sorted((rows[i] for i in standing), key=repr)
    assert [row[0] for row in valid] == sorted(
        (row[0] for row in valid), key=lambda k: (k is not None, k or 0)
    )
    assert lines == [i + 1 for i in rejected]
    assert said.drops == drops


def test_of_three_copies_the_last_stands_and_of_tied_ones_none() -> None:
    terms = declared(key=["k"], keep="last by at")

    valid, rejects, said = derived(
        terms, [(7, "a", 1), (7, "b", 3), (7, "c", 2), (8, "d", 1), (8, "e", 1)]
    )

    assert valid == [(7, "b", 3)]
    assert rejects == [(8, "d", 1), (8, "e", 1)]
    assert said.drops == {"*:superseded, last by at stands": 2}
    assert said.failed["unique:k"] == 2


def test_exact_repeats_are_dropped_and_counted_also_without_a_key() -> None:
    rows: list[Row] = [(1, "a", 1), (2, None, 1), (1, "a", 1), (1, "b", 1), (1, "a", 1)]

    valid, rejects, said = derived(declared(drop_repeats=True), rows)

    assert valid == [(1, "a", 1), (1, "b", 1), (2, None, 1)]
    assert (rejects, said.drops) == ([], {"*:repeated row": 2})


def test_a_rejected_row_is_no_copy_that_could_stand() -> None:
    late = {"metric": "invalidValues", "type": "sql", "expression": "at < 9"}
    terms = declared(key=["k"], keep="last by at", quality=[late])

    valid, rejects, said = derived(terms, [(1, "a", 1), (1, "b", 9)])

    assert (valid, rejects) == ([(1, "a", 1)], [(1, "b", 9)])
    assert said.dropped == 0


@pytest.mark.parametrize("order", [(), ("v",)])
def test_many_rows_fare_as_few_do_slice_by_slice_and_bucket_by_bucket(
    order: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unique, "SLICE_ROWS", 64)
    monkeypatch.setattr(repeats, "SLICE_ROWS", 64)
    rows: list[Row] = [(i * 7919 % 500, f"{i % 4}", i % 500 % 7) for i in range(1_200)]
    rows += [(None, None, i) for i in range(200)] + [
        (9_000 + i, "x", 0) for i in range(99)
    ]
    rows += [(k, "late", 8) for k in range(0, 500, 5)]
    rows += [(k, "tied", 8) for k in range(0, 500, 10)]
    standing, rejected, drops = judged(rows, "last", True, False)

    twice = {"metric": "duplicateValues", "column": "k", "severity": "warning"}
    terms = declared(key=["k"], keep="last by at", drop_repeats=True, quality=[twice])
    valid, rejects, said = derived(terms, rows, order)

    assert sorted(valid, key=repr) == sorted((rows[i] for i in standing), key=repr)
    assert len(rejects) == len(rejected)
    assert said.drops == drops
    assert said.warned == {"k:0:no value twice": len(rejected)}
    assert min(drops.values()) > 0 < len(rejected)


def test_copies_on_both_sides_of_a_slice_are_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unique, "SLICE_ROWS", 10)
    twice = {"metric": "duplicateValues", "column": "k", "severity": "warning"}
    rows: list[Row] = [(i // 2, None, i) for i in range(1, 100)]

    _, _, said = derived(declared(quality=[twice]), rows)

    assert said.warned == {"k:0:no value twice": 98}


def test_a_counted_repeat_is_counted_among_the_rows_that_stand() -> None:
    twice = {"metric": "duplicateValues", "column": "v", "severity": "warning"}
    terms = declared(drop_repeats=True, quality=[twice])

    valid, _, said = derived(
        terms, [(1, "a", 1), (1, "a", 1), (2, "b", 1), (3, "b", 1), (4, "c", 1)]
    )

    assert len(valid) == 4
    assert said.warned == {"v:0:no value twice": 2}


def test_a_rule_that_no_row_repeats_rejects_whole_copies() -> None:
    terms = declared(quality=[{"metric": "duplicateValues", "mustBe": 0}])

    valid, rejects, said = derived(terms, [(1, "a", 1), (1, "a", 1), (1, "a", 2)])

    assert (valid, len(rejects)) == ([(1, "a", 2)], 2)
    assert said.failed == {"at:required": 0, "unique:k,v,at": 2}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({"keep": "last by at"}, "declare the key"),
    "unknown column": ({"keep": "last by att", "key": ["k"]}, "correct its spelling"),
    "column of the key": ({"keep": "last by at", "key": ["at"]}, "in order"),
    "column that may be null": ({"keep": "last by v", "key": ["k"]}, "required"),
    "other words": ({"keep": "newest by at", "key": ["k"]}, "pattern"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_copy_that_could_not_be_chosen_is_refused(case: str) -> None:
    terms, said = REFUSED[case]

    with pytest.raises(ValidationError, match=said):
        declared(**terms)
