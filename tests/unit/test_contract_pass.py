"""The pass itself: files, counts, keys, order and bytes."""

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from schemas.contract import Column
from schemas.errors import ContractError
from schemas.resource import Source
from tasks.contract import Contract, Verdict, compile_contract, contract_pass, fit
from tasks.contract import unique as buckets
from tasks.contract import verdict as passing
from tasks.source import open_text
from tasks.source.typed import typed
from tests.unit.test_source import source, text, whole

ROOT = Path(__file__).resolve().parents[2]


def schema(*unique: str, **columns: pa.Column) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, unique=list(unique) or None, strict=True)


NUMBERS = schema("id", id=pa.Column(int), n=pa.Column(int, pa.Check.ge(0)))


def run(plan: pl.LazyFrame, contract: Contract, folder: Path) -> Verdict:
    return contract_pass(plan, contract, folder / "valid", folder / "rejects", folder)


def run_text(raw: bytes, terms: Source, folder: Path) -> Verdict:
    (folder / "raw").write_bytes(raw)
    written = open_text(folder / "raw", terms, folder)
    plan = written.rows.with_columns(*(typed(column) for column in terms.columns))
    contract = compile_contract(terms.contract(), parsed=True)
    out = folder / "valid", folder / "rejects", folder
    return contract_pass(plan, contract, *out, written.places)


def rows(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


def number(name: str) -> Column:
    return whole(name).model_copy(update={"logical_type": "number"})


def test_valid_rows_are_sorted_and_rejects_name_their_rules_by_bit(
    tmp_path: Path,
) -> None:
    given = pl.LazyFrame({"id": [3, 1, 2, None], "n": [0, 5, -1, -2]})
    contract = compile_contract(NUMBERS)

    said = run(given, contract, tmp_path)

    assert rows(tmp_path / "valid").rows() == [(1, 5), (3, 0)]
    rejects = rows(tmp_path / "rejects").sort("id", nulls_last=True)
    assert rejects["id"].to_list() == ["2", None]
    assert rejects["n"].to_list() == ["-1", "-2"]
    required, minimum = contract.reasons.index("id:required"), 2
    assert rejects["_reasons"].to_list() == [1 << minimum, 1 << required | 1 << minimum]
    assert (said.rows_in, said.rows_out, said.rejected) == (4, 2, 2)
    assert list(said.failed) == list(contract.reasons)
    assert list(said.failed.values()) == [1, 0, 2, 0]


def test_rejects_are_for_their_owner_only(tmp_path: Path) -> None:
    given = pl.LazyFrame({"id": [1, 1, 2], "n": [0, 0, -1]})
    os.umask(0o022)

    for plan in (given, given.filter(pl.col("n") < 0), given.clear()):
        run(plan, compile_contract(NUMBERS), tmp_path)
        assert stat.S_IMODE((tmp_path / "rejects").stat().st_mode) == 0o600


def test_every_copy_of_a_repeated_key_is_rejected(tmp_path: Path) -> None:
    both = schema(
        *("a", "b"),
        a=pa.Column(int, nullable=True),
        b=pa.Column(str, nullable=True),
        c=pa.Column(int, unique=True),
    )
    given = pl.LazyFrame(
        {
            "a": [1, 1, 1, None, None, 2, 3],
            "b": ["x", "x", "y", None, None, "z", "z"],
            "c": [1, 2, 3, 4, 5, 6, 6],
        }
    )

    said = run(given, compile_contract(both), tmp_path)

    assert rows(tmp_path / "valid").rows() == [(1, "y", 3)]
    assert said.failed["unique:a,b"] == 4
    assert said.failed["unique:c"] == 2
    assert rows(tmp_path / "rejects")["c"].to_list() == ["4", "5", "1", "2", "6", "6"]


def test_a_row_refused_for_another_reason_repeats_no_key(tmp_path: Path) -> None:
    given = pl.LazyFrame({"id": [1, 1], "n": [0, -1]})

    run(given, compile_contract(NUMBERS), tmp_path)

    assert rows(tmp_path / "valid").rows() == [(1, 0)]


def test_copies_found_in_text_keep_their_raw_text_and_line(tmp_path: Path) -> None:
    numbered = source(text(), whole(), key=("n",))

    said = run_text(b"a,n\nx,007\ny,8\nz,7\nw,x7\nv,+7\n", numbered, tmp_path)

    rejects = rows(tmp_path / "rejects")
    assert rejects["_line"].to_list() == [2, 4, 5, 6]
    assert rejects["n"].to_list() == ["007", "7", "x7", "+7"]
    assert rejects["_member"].to_list() == ["a.zip!given.csv"] * 4
    assert said.failed == {
        **{"*:ragged line": 0, "*:unreadable line": 0, "n:parse": 1, "unique:n": 3}
    }
    assert rows(tmp_path / "valid").rows() == [("y", 8)]


def test_rows_that_read_the_same_are_rejected_each_with_its_own_text(
    tmp_path: Path,
) -> None:
    priced = source(number("x"), whole(), key=("n",))

    said = run_text(b"x,n\n-0,1\n0.0,01\n,3\n00,+1\n,03\n5,5\n", priced, tmp_path)

    rejects = rows(tmp_path / "rejects")
    assert rejects["_line"].to_list() == [2, 3, 4, 5, 6]
    assert rejects["x"].to_list() == ["-0", "0.0", None, "00", None]
    assert said.failed["unique:n"] == 5


def test_a_row_that_does_not_parse_is_no_copy_though_it_is_typed_alike(
    tmp_path: Path,
) -> None:
    priced = source(number("x"), whole(), key=("n",))

    said = run_text(b"x,n\n,1\nfew,1\n,1\n5,5\n", priced, tmp_path)

    rejects = rows(tmp_path / "rejects")
    assert rejects["x"].to_list() == [None, "few", None]
    assert (said.failed["x:parse"], said.failed["unique:n"]) == (1, 2)


def test_a_reject_names_its_member_and_the_line_in_it(tmp_path: Path) -> None:
    lines = pl.LazyFrame(
        {"_line": [1, 2, 7, 8, 20], "_r_n": ["1", "a", "b", "2", "c"]},
        schema_overrides={"_line": pl.UInt32},
    )
    places = pl.DataFrame(
        [(1, "s", "m!a", 2), (5, "s", "m!b", 1), (20, "t", "m!c", 9)],
        schema={
            "_from": pl.UInt32,
            "_source": str,
            "_member": str,
            "_first": pl.UInt32,
        },
        orient="row",
    )
    contract = compile_contract(source(whole()).contract(), parsed=True)
    out = tmp_path / "valid", tmp_path / "rejects", tmp_path

    contract_pass(lines.with_columns(typed(whole())), contract, *out, places)

    origin = rows(tmp_path / "rejects").select("_source", "_member", "_line", "n")
    assert origin.rows() == [
        ("s", "m!a", 3, "a"),
        ("s", "m!b", 3, "b"),
        ("t", "m!c", 9, "c"),
    ]


def test_text_comes_out_in_the_order_of_its_key(tmp_path: Path) -> None:
    run_text(b"a,n\nx,3\ny,1\nz,2\n", source(text(), whole(), key=("n",)), tmp_path)

    assert rows(tmp_path / "valid").rows() == [("y", 1), ("z", 2), ("x", 3)]


def test_negative_zero_and_nan_are_keys_like_their_equals(tmp_path: Path) -> None:
    floats = schema("x", x=pa.Column(float, nullable=True))
    nan = float("nan")

    run(pl.LazyFrame({"x": [nan, -nan, 1.0]}), compile_contract(floats), tmp_path)
    assert rows(tmp_path / "valid").rows() == [(1.0,)]

    run_text(b"x\n0\n-0.0\n1\n", source(number("x"), key=("x",)), tmp_path)
    assert rows(tmp_path / "valid")["x"].to_list() == [1.0]


def test_a_frame_of_which_nothing_is_valid_repeats_no_key(tmp_path: Path) -> None:
    given = pl.LazyFrame({"id": [1, 1], "n": [-1, -1]})

    for plan in (given, given.clear()):
        said = run(plan, compile_contract(NUMBERS), tmp_path)
        assert (said.rows_out, said.failed["unique:id"]) == (0, 0)


def test_equal_hashes_of_unequal_keys_reject_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = pl.LazyFrame({"id": [1, 2, 3, 3], "n": [0, 0, 0, 0]})
    monkeypatch.setattr(pl.Expr, "hash", lambda e, *seed: e.is_null().cast(pl.UInt64))

    said = run(given, compile_contract(NUMBERS, order=("n",)), tmp_path)

    assert said.failed["unique:id"] == 2
    assert rows(tmp_path / "valid")["id"].to_list() == [1, 2]


def test_many_buckets_find_what_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "SLICE_ROWS", 100)
    given = pl.LazyFrame({"id": [*range(5_000), 17, 4_321, 17], "n": [0] * 5_003})

    said = run(given, compile_contract(NUMBERS, order=("n",)), tmp_path)

    assert said.failed["unique:id"] == 5
    assert said.rows_out == 4_998


def test_more_than_63_rules_have_a_second_mask(tmp_path: Path) -> None:
    checks = [pa.Check.ne(n, error=f"not {n}") for n in range(130)]
    many = schema(n=pa.Column(int, checks))
    contract = compile_contract(many)

    said = run(pl.LazyFrame({"n": [0, 62, 63, 129, 500]}), contract, tmp_path)

    rejects = rows(tmp_path / "rejects")
    masks = rejects.select("_reasons", "_reasons_1", "_reasons_2").rows()
    found = {
        n: [
            contract.reasons[63 * i + bit]
            for i, mask in enumerate(row)
            for bit in range(63)
            if mask >> bit & 1
        ]
        for n, row in zip(rejects["n"], masks, strict=True)
    }
    assert found == {n: [f"n:{n}:not {n}"] for n in ("0", "62", "63", "129")}
    assert sum(said.failed.values()) == 4


def test_a_contract_without_rules_lets_every_row_pass(tmp_path: Path) -> None:
    free = schema(n=pa.Column(int, nullable=True))

    said = run(pl.LazyFrame({"n": [2, None, 1]}), compile_contract(free), tmp_path)

    assert rows(tmp_path / "valid")["n"].to_list() == [None, 1, 2]
    assert (said.rows_in, said.rejected, said.failed) == (3, 0, {})


def test_each_source_of_a_plan_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("left", "right"):
        frame = pl.DataFrame({"id": range(1_000), name: range(1_000)})
        frame.write_parquet(tmp_path / name)
    left, right = (pl.scan_parquet(tmp_path / name) for name in ("left", "right"))
    joined = left.join(right, on="id").select("id", n=pl.col("left") + pl.col("right"))
    again = pl.concat([joined, joined.with_columns(pl.col("id") + 1_000)])
    read: list[int] = []
    collect = pl.collect_all

    def counting(queries: list[pl.LazyFrame], **options: object) -> list[pl.DataFrame]:
        read.append(pl.explain_all(queries).count("Parquet SCAN ["))
        return collect(queries, **options)  # type: ignore[call-overload, no-any-return]  # passes options on

    monkeypatch.setattr(pl, "collect_all", counting)

    assert run(joined, compile_contract(NUMBERS), tmp_path).rows_in == 1_000
    assert run(again, compile_contract(NUMBERS), tmp_path).rows_in == 2_000
    assert read[0] == 2
    assert read[1] <= 4


def test_a_plan_that_cannot_be_shared_is_computed_once_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter((3, 1, 1))
    monkeypatch.setattr(passing, "scans", lambda plan: next(counts))
    given = pl.LazyFrame({"id": [3, 1, 2], "n": [0, 5, -1]})

    said = run(given, compile_contract(NUMBERS), tmp_path)

    assert (said.rows_in, said.rows_out, said.rejected) == (3, 2, 1)
    assert next(counts, None) is None


MISFITS: dict[str, tuple[Callable[[pl.LazyFrame], pl.LazyFrame], str]] = {
    "missing": (lambda f: f.drop("n"), "n is missing"),
    "extra": (lambda f: f.with_columns(z=1), "z is not in the contract"),
    "text": (lambda f: f.with_columns(pl.col("n").cast(str)), "n is String, not Int64"),
    "float": (lambda f: f.with_columns(pl.col("n") / 2), "n is Float64, not Int64"),
    "UInt64": (lambda f: f.with_columns(pl.col("n").cast(pl.UInt64)), "n is UInt64"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_frame_that_does_not_fit_is_refused_with_its_columns(
    case: str, tmp_path: Path
) -> None:
    change, said = MISFITS[case]
    plan = change(pl.LazyFrame({"id": [1], "n": [1]}))

    with pytest.raises(ContractError, match=said):
        run(plan, compile_contract(NUMBERS), tmp_path)


WIDENED = [pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32, pl.Null]


@pytest.mark.parametrize("dtype", WIDENED)
def test_integers_widen_where_nothing_is_lost(dtype: type[pl.DataType]) -> None:
    largest = pl.lit(None) if dtype == pl.Null else dtype.max()  # type: ignore[attr-defined]  # integers only
    plan = pl.LazyFrame().select(id=pl.lit(1), n=largest)

    fitted = fit(plan, compile_contract(NUMBERS)).collect()

    assert fitted.dtypes == [pl.Int64, pl.Int64]
    assert fitted["n"].item() == plan.select("n").collect().item()


HASH = """
import sys, hashlib, polars as pl, pandera.polars as pa
from pathlib import Path
from tasks.contract import compile_contract, contract_pass
from tasks.source import open_text
from tasks.source.typed import typed
from tests.unit.test_source import source, text, whole
raw, folder = Path(sys.argv[1]), Path(sys.argv[2])
terms = source(text(), whole(), null_tokens=("",), key=("n",))
parsed = compile_contract(terms.contract(), parsed=True)
out = [folder / name for name in ("valid", "rejects", "sorted", "bad")]
opened = open_text(raw, terms, folder)
text = opened.rows.with_columns(*(typed(c) for c in terms.columns))
contract_pass(text, parsed, *out[:2], folder, opened.places)
starts = pa.Check.str_startswith("a1")
columns = {"a": pa.Column(str, starts, nullable=True), "x": pa.Column(float)}
derived = compile_contract(pa.DataFrameSchema(columns), ("x",))
rows = pl.scan_parquet(out[0]).group_by("n").agg(pl.col("a").first(), x=-0.0)
zeros = pl.when(pl.col("n") % 3 < 1).then("x").otherwise(0.0)
rows = rows.select("a", x=zeros)
contract_pass(rows, derived, *out[2:], folder)
print([hashlib.sha256(path.read_bytes()).hexdigest() for path in out])
"""


@pytest.mark.parametrize("spoil", [b"", b'"q",1\n'])
def test_bytes_are_the_same_for_1_2_and_4_threads(spoil: bytes, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    lines = b"".join(
        b"a%d,%d\n" % (i % 5_000, i - i % 997 // 996) for i in range(300_000)
    )
    raw.write_bytes(b"a,n\n" + spoil + lines + b"x,x7\n")
    said = set()

    for threads in ("1", "2", "4"):
        folder = tmp_path / threads
        folder.mkdir()
        path = ":".join([str(ROOT), *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", HASH, str(raw), str(folder)],
            env={"POLARS_MAX_THREADS": threads, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)

    assert len(said) == 1
    assert rows(tmp_path / "1" / "rejects").height > 500
    digest = hashlib.sha256((tmp_path / "4" / "sorted").read_bytes()).hexdigest()
    assert digest in said.pop()
