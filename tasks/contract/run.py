"""Run a contract inside the pass that writes the artifact: one scan, nothing vanishes.

Valid rows and rejects are sunk, and rows are counted by the mask of rules they break,
in one streaming query. ``rows_in`` comes from those counts, ``rows_out`` and
``rejected`` from the two files' own footers: three independent numbers.
"""

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from schemas.errors import ContractError
from tasks.contract.compile import Contract
from tasks.contract.unique import repeated_rows

BITS = 63  # an Int64 mask without its sign
# Left to itself the streaming sink cuts row groups by timing: other bytes each run.
VALID_GROUP, REJECT_GROUP = 122_880, 8_192
PLACE = {"_source": pl.String, "_member": pl.String, "_line": pl.Int64}
WIDER = {
    pl.Int64: (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32),
    pl.Float64: (pl.Float32,),
}


@dataclass(frozen=True)
class Verdict:
    """What one pass counted; ``failed`` has every rule of the contract."""

    rows_in: int
    rows_out: int
    rejected: int
    failed: Mapping[str, int]


def contract_pass(
    plan: pl.LazyFrame, contract: Contract, valid: Path, rejects: Path, scratch: Path
) -> Verdict:
    """Write valid rows and rejects of ``plan``, and count every rule.

    Args:
        plan: The contract's columns; when ``contract.parsed`` also ``_source``,
            ``_member``, ``_line`` and the raw text ``_r_<column>`` of each column.
        valid: Written with the contract's columns (and ``_line`` when parsed).
        rejects: Written, mode 0600, with ``_source, _member, _line``, the mask
            ``_reasons`` (then ``_reasons_1`` …, 63 rules each) and every column as text.
        scratch: Folder for the buckets of the uniqueness check.

    Raises:
        ContractError: Columns are missing or have another type.

    Of 10 rows, 2 without a key and 2 that repeat one: 10 in, 6 out, 4 rejected.
    """
    judged = fit(plan, contract).with_columns(masks(contract))
    if not contract.parsed:
        judged = judged.sort(contract.order, maintain_order=True)
    mask_names = [f"_m{i}" for i in range(mask_count(contract))]
    sound = functools.reduce(operator.and_, [pl.col(m) == 0 for m in mask_names])
    kept = [*contract.columns, *(["_line"] if contract.parsed else [])]
    queries = [
        judged.filter(sound)
        .select(kept)
        .sink_parquet(valid, lazy=True, row_group_size=VALID_GROUP),
        judged.filter(~sound)
        .select(reject_columns(contract, mask_names))
        .sink_parquet(rejects, lazy=True, row_group_size=REJECT_GROUP),
        judged.group_by(mask_names).agg(pl.len().cast(pl.Int64).alias("_n")),
    ]
    counts = pl.collect_all(queries, engine="streaming")[2]
    rejects.chmod(0o600)
    failed = failures(counts, contract, mask_names)
    if contract.uniques:
        failed |= move_repeated(contract, valid, rejects, scratch)
    return Verdict(
        rows_in=int(counts["_n"].sum()),
        rows_out=rows_of(valid),
        rejected=rows_of(rejects),
        failed={reason: failed.get(reason, 0) for reason in contract.reasons},
    )


def fit(plan: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Take the contract's columns, widening integers; refuse any other difference.

    Raises:
        ContractError: Names the columns that are missing, too many, or of another type.
    """
    have, want = plan.collect_schema(), contract.dtypes
    missing = [n for n in want if n not in have]
    extra = [n for n in have if n not in want and not n.startswith("_")]
    wrong = [n for n in want if n in have and not fits(have[n], want[n])]
    if missing or extra or wrong:
        types = ", ".join(f"{n} is {have[n]}, not {want[n]}" for n in wrong)
        raise ContractError(
            "the result does not have the contract's columns:"
            f" missing {missing}, not in the contract {extra}, wrong type [{types}]"
        )
    wide = [pl.col(n).cast(t) for n, t in want.items() if have[n] != t]
    return plan.with_columns(wide) if wide else plan


def fits(have: pl.DataType, want: Any) -> bool:  # Any: a Polars type
    """Say whether a type is the wanted one or widens to it without loss."""
    return have == want or have in WIDER.get(want, ()) or have == pl.Null


def mask_count(contract: Contract) -> int:
    """Say how many mask columns the rules need, uniqueness included."""
    return max(1, -(-len(contract.reasons) // BITS))


def masks(contract: Contract) -> list[pl.Expr]:
    """Write which rules a row breaks as bits, in the order of ``reasons``."""
    made = []
    rules = list(contract.bad.values())
    for i in range(mask_count(contract)):
        bits = [
            pl.when(rule).then(pl.lit(1 << bit, pl.Int64)).otherwise(pl.lit(0, pl.Int64))
            for bit, rule in enumerate(rules[i * BITS : (i + 1) * BITS])
        ]
        zero = pl.lit(0, pl.Int64)
        made.append(functools.reduce(operator.or_, bits, zero).alias(f"_m{i}"))
    return made


def reasons_name(i: int) -> str:
    """Name the i-th mask column of the rejects."""
    return "_reasons" if i == 0 else f"_reasons_{i}"


def reject_columns(contract: Contract, mask_names: list[str]) -> list[pl.Expr]:
    """Describe a reject: where it stood, what it broke, what it said, as text.

    A string that merely points into the reader's buffer would keep all of it alive
    while few rows fail, so each is copied.
    """
    own = pl.lit("")
    if contract.parsed:
        place = [pl.col(n) for n in PLACE]
        first = contract.columns[0]
        raw = [
            pl.concat_str(
                pl.col("_ragged").fill_null(pl.col(f"_r_{n}"))
                if n == first
                else pl.col(f"_r_{n}"),
                own,
            ).alias(n)
            for n in contract.columns
        ]
    else:
        place = [pl.lit(None, t).alias(n) for n, t in PLACE.items()]
        raw = [
            pl.concat_str(pl.col(n).cast(pl.String), own).alias(n)
            for n in contract.columns
        ]
    masks_out = [pl.col(m).alias(reasons_name(i)) for i, m in enumerate(mask_names)]
    return [*place, *masks_out, *raw]


def failures(
    counts: pl.DataFrame, contract: Contract, mask_names: list[str]
) -> dict[str, int]:
    """Add up, for each row rule, the rows whose mask has its bit."""
    failed = dict.fromkeys(contract.bad, 0)
    names = list(contract.bad)
    for row in counts.iter_rows(named=True):
        for bit, name in enumerate(names):
            if row[mask_names[bit // BITS]] >> bit % BITS & 1:
                failed[name] += row["_n"]
    return failed


def rows_of(file: Path) -> int:
    """Read the number of rows from a file's footer."""
    return int(pl.scan_parquet(file).select(pl.len()).collect().item())


def move_repeated(
    contract: Contract, valid: Path, rejects: Path, scratch: Path
) -> dict[str, int]:
    """Move every row that repeats a key, all copies, from valid rows to rejects."""
    first_bit = len(contract.bad)
    flags, failed = [], {}
    for i, key in enumerate(contract.uniques):
        repeated = repeated_rows(valid, key, scratch / f"{valid.name}.buckets{i}")
        failed[f"unique:{','.join(key)}"] = len(repeated)
        if len(repeated):
            flags.append((repeated, first_bit + i))
    if flags:
        rewrite(contract, valid, rejects, flags)
    return failed


def rewrite(
    contract: Contract,
    valid: Path,
    rejects: Path,
    flags: list[tuple[pl.Series, int]],
) -> None:
    """Write both files again, with the repeated rows on the other side."""
    numbered = pl.scan_parquet(valid, row_index_name="_at")
    masks_now = [
        functools.reduce(
            operator.or_,
            [
                pl.when(pl.col("_at").is_in(at.implode()))
                .then(pl.lit(1 << bit % BITS, pl.Int64))
                .otherwise(pl.lit(0, pl.Int64))
                for at, bit in flags
                if bit // BITS == i
            ],
            pl.lit(0, pl.Int64),
        ).alias(reasons_name(i))
        for i in range(mask_count(contract))
    ]
    judged = numbered.with_columns(masks_now)
    names = [reasons_name(i) for i in range(mask_count(contract))]
    bad = functools.reduce(operator.or_, [pl.col(n) != 0 for n in names])
    kept = judged.filter(~bad).drop("_at", *names)
    old = pl.scan_parquet(rejects)
    place = [
        pl.col("_line") if contract.parsed and n == "_line" else pl.lit(None, t).alias(n)
        for n, t in PLACE.items()
    ]
    text = [pl.col(n).cast(pl.String) for n in contract.columns]
    # Copies of one key come in the engine's order; a full sort makes the bytes stable.
    moved = judged.filter(bad).select(*place, *names, *text).sort(pl.all())
    new_valid, new_rejects = valid.with_suffix(".kept"), rejects.with_suffix(".all")
    pl.concat([old, moved.select(old.collect_schema().names())]).sink_parquet(
        new_rejects, row_group_size=REJECT_GROUP
    )
    kept.sink_parquet(new_valid, row_group_size=VALID_GROUP)
    new_valid.replace(valid)
    new_rejects.replace(rejects)
    rejects.chmod(0o600)
