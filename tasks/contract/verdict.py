"""Divide the rows of a frame into valid and rejected in one streaming pass.

One scan feeds three branches: valid rows, rejected rows with their reasons as bits, and
the number of rows. A second pass over the result happens only when a key repeats.

100 rows, one with distance "x7", two with the same key -> 97 valid, 3 rejected.
"""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from schemas.errors import ContractError
from tasks.contract.compile import RAW, Contract
from tasks.contract.fit import fit
from tasks.contract.unique import ROW, height, repeated

# Fixed, or the bytes differ from run to run. Rejects are kept small: their text pins
# whole buffers of the source until a group is written.
VALID_ROWS, REJECT_ROWS = 122_880, 8_192
BITS = 63  # a mask stays a positive Int64, which SQL can read
ZERO = pl.lit(0, pl.Int64)
NOWHERE = {
    "_source": pl.lit(None, pl.String),
    "_member": pl.lit(None, pl.String),
    "_line": pl.lit(None, pl.Int64),
}
ORIGIN = ("_source", "_member")


@dataclass(frozen=True)
class Verdict:
    """How many rows came in, went out and were rejected, and by which rule.

    ``rows_in`` was counted in the pass, ``rows_out`` and ``rejected`` are read from the
    files' footers. ``dropped`` are copies of which the contract says that they do not
    stand. ``warned`` counts what breaks a rule that rejects nothing.
    """

    rows_in: int
    rows_out: int
    rejected: int
    failed: Mapping[str, int]
    dropped: int = 0
    warned: Mapping[str, int] = field(default_factory=dict)


def contract_pass(
    rows: pl.LazyFrame,
    contract: Contract,
    valid: Path,
    rejects: Path,
    scratch: Path,
    places: pl.DataFrame | None = None,
) -> Verdict:
    """Write the rows that keep the contract, and those that do not with their reasons.

    Args:
        rows: Rows to check; of a ``parsed`` contract ``<column>`` as typed beside
            ``_r_<column>`` as written, ``_line``, ``_ragged`` and ``_unreadable``.
        contract: What they must keep.
        valid: Parquet to write: the contract's columns, sorted by the contract's order,
            −0.0 as 0.0.
        rejects: Parquet to write, mode 0600: origin, ``_reasons`` (bits in the order of
            ``contract.reasons``), every column as text; ``_ragged`` too when parsed.
        scratch: Private folder for what is written on the way.
        places: Where parsed lines lie: ``_source``, ``_member`` and its line ``_first``
            for ``_line`` from ``_from`` on, sorted by it.

    Returns:
        Counts, with ``rows_in == rows_out + rejected + dropped``.

    Raises:
        ContractError: The frame's columns or types are not those of the contract.
    """
    rows = prepared(rows, contract)
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        rows_in = divide(rows, contract, valid, rejects, Path(made))
        if contract.uniques:
            move_duplicates(rows, contract, valid, rejects, Path(made))
    if contract.parsed and places is not None:
        replace(placed(rejects, places), rejects, REJECT_ROWS)
    failed = failures(rejects, contract.reasons)
    verdict = Verdict(rows_in, height(valid), height(rejects), failed)
    if verdict.rows_in != verdict.rows_out + verdict.rejected + verdict.dropped:
        raise ContractError(
            f"{verdict.rows_in} rows came in, but {verdict.rows_out} and"
            f" {verdict.rejected} were written and {verdict.dropped} dropped; report"
            " this as a defect"
        )
    return verdict


def placed(rejects: Path, places: pl.DataFrame) -> pl.LazyFrame:
    """Say of each reject, which are in file order, where its line lies."""
    starts = places.lazy().with_columns(pl.col("_from", "_first").cast(pl.Int64))
    rows = pl.scan_parquet(rejects, glob=False)
    found = rows.drop(ORIGIN).join_asof(
        starts.set_sorted("_from"), left_on="_line", right_on="_from"
    )
    line = pl.col("_line") - pl.col("_from") + pl.col("_first")
    return found.with_columns(_line=line).select(rows.collect_schema().names())


def prepared(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Bring both kinds of plan to one shape: origin, raw text and typed columns."""
    if not contract.parsed:
        return plain_zeros(fit(rows, contract), contract).with_columns(**NOWHERE)
    have = rows.collect_schema()
    if lacking := [n for c in contract.dtypes for n in (c, RAW + c) if n not in have]:
        raise ContractError(f"the parsed frame lacks {lacking}; clean it first")
    given = {
        **{"_ragged": pl.lit(None, pl.String), "_unreadable": pl.lit(False)},
        **NOWHERE,
    }
    whole = rows.with_columns(**{n: e for n, e in given.items() if n not in have})
    return plain_zeros(whole, contract)


def plain_zeros(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Write −0.0 as 0.0: rows that sort as equal must have equal bytes."""
    floats = [n for n, dtype in contract.dtypes.items() if dtype.is_float()]
    # Adding 0.0 would do, but the engine leaves that out.
    return rows.with_columns(
        pl.when(pl.col(n) == 0).then(0.0).otherwise(pl.col(n)).alias(n) for n in floats
    )


def divide(
    rows: pl.LazyFrame, contract: Contract, valid: Path, rejects: Path, made: Path
) -> int:
    """Write both files from one scan; return the number of rows that came in."""
    queries = branches(rows, contract, valid, rejects)
    if scans(pl.explain_all(queries)) > scans(rows.explain()):
        # Each branch would compute the plan anew, and perhaps otherwise: SQL without
        # ORDER BY may number its rows differently the second time.
        whole = made / "rows"
        rows.sink_parquet(whole, engine="streaming")
        queries = branches(pl.scan_parquet(whole), contract, valid, rejects)
        if scans(pl.explain_all(queries)) != 1:
            raise ContractError(
                "the pass reads its rows twice; report this as a defect"
            )
    *_, counted = pl.collect_all(queries, engine="streaming")
    return int(counted.item())


def scans(plan: str) -> int:
    """Count the places where a plan reads a source."""
    # At the start of a line: a pattern or a literal may hold the same words.
    return len(re.findall(r"^\s*(?:\w+ SCAN|DF) \[", plan, re.M))


def branches(
    rows: pl.LazyFrame, contract: Contract, valid: Path, rejects: Path
) -> list[pl.LazyFrame]:
    """Make the three queries that share one scan."""
    rejects.touch(mode=0o600)
    bad = pl.any_horizontal(*contract.bad.values()) if contract.bad else pl.lit(False)
    marked = rows.with_columns(_bad=bad)
    kept = marked.filter(~pl.col("_bad")).select(*contract.dtypes).sort(contract.order)
    out = rejected(marked.filter(pl.col("_bad")), contract, contract.bad)
    if not contract.parsed:
        out = out.sort(pl.all())
    return [
        kept.sink_parquet(valid, lazy=True, row_group_size=VALID_ROWS),
        out.sink_parquet(rejects, lazy=True, row_group_size=REJECT_ROWS),
        marked.select(pl.len()),
    ]


def rejected(
    rows: pl.LazyFrame, contract: Contract, truths: Mapping[str, pl.Expr]
) -> pl.LazyFrame:
    """Show rejected rows as text, in buffers of their own.

    A view would keep the whole buffer of the source alive: 1.3 GB for 0.08 % rejects.
    """
    prefix = RAW if contract.parsed else ""
    ragged = {"_ragged": "_ragged"} if contract.parsed else {}
    shown = ragged | {name: prefix + name for name in contract.dtypes}
    texts = {
        name: pl.concat_str(pl.col(column).cast(pl.String), pl.lit(""))
        for name, column in shown.items()
    }
    origin = (*ORIGIN, pl.col("_line").cast(pl.Int64))
    return rows.select(*origin, **masks(contract.reasons, truths), **texts)


def masks(reasons: Sequence[str], truths: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Fold truths into ``_reasons``, ``_reasons_1``, … of 63 bits each."""
    made = {}
    for name, start in mask_names(reasons):
        here = enumerate(reasons[start : start + BITS])
        bits = [truths[r].cast(pl.Int64) * (1 << bit) for bit, r in here if r in truths]
        made[name] = pl.sum_horizontal(ZERO, *bits)
    return made


def mask_names(reasons: Sequence[str]) -> list[tuple[str, int]]:
    """Name each mask column, with the number of its first reason."""
    starts = range(0, max(len(reasons), 1), BITS)
    return [(f"_reasons_{i}" if i else "_reasons", s) for i, s in enumerate(starts)]


def failures(rejects: Path, reasons: Sequence[str]) -> dict[str, int]:
    """Count the rejects of each reason, also those of none."""
    names = [name for name, _ in mask_names(reasons)]
    found = pl.scan_parquet(rejects, glob=False).group_by(names).len().collect().rows()
    return {
        reason: sum(
            count for *mask, count in found if mask[i // BITS] >> (i % BITS) & 1
        )
        for i, reason in enumerate(reasons)
    }


def move_duplicates(
    rows: pl.LazyFrame, contract: Contract, valid: Path, rejects: Path, made: Path
) -> None:
    """Move every copy of a repeated key to the rejects; without any, do nothing."""
    found = {
        f"unique:{','.join(key)}": repeated(valid, key, made / f"key-{i}")
        for i, key in enumerate(contract.uniques)
    }
    copies = pl.concat(list(found.values())).unique()
    if copies.is_empty():
        return
    numbered = pl.scan_parquet(valid, glob=False, row_index_name=ROW)
    at = pl.col(ROW)
    truths = {reason: at.is_in(n.implode()) for reason, n in found.items()}
    taken = numbered.filter(at.is_in(copies.implode())).with_columns(**truths)
    if contract.parsed:
        taken = as_written(rows, taken, contract)
    else:
        taken = taken.with_columns(**NOWHERE)
    out = rejected(taken, contract, {reason: pl.col(reason) for reason in truths})
    every = pl.concat([pl.scan_parquet(rejects, glob=False), out])
    sort = ["_line"] if contract.parsed else pl.all()
    left = numbered.filter(~at.is_in(copies.implode())).drop(ROW)
    replace(every.sort(sort), rejects, REJECT_ROWS)
    replace(left, valid, VALID_ROWS)  # last: the rejects are read from it


def as_written(
    rows: pl.LazyFrame, taken: pl.LazyFrame, contract: Contract
) -> pl.LazyFrame:
    """Find the raw rows of rejected copies: those that are typed as they are.

    Whatever decides over a copy, a row typed the same fares the same.
    """
    good = (
        pl.lit(True) if not contract.bad else ~pl.any_horizontal(*contract.bad.values())
    )
    wanted = taken.drop(ROW).unique()
    names = [*contract.dtypes]
    return rows.filter(good).join(wanted, on=names, nulls_equal=True)


def replace(rows: pl.LazyFrame, path: Path, group: int) -> None:
    """Write a file anew from what it held."""
    part = path.with_name(f"{path.name}.again")
    part.touch(mode=0o600)
    rows.sink_parquet(part, row_group_size=group, engine="streaming")
    part.chmod(path.stat().st_mode & 0o777)
    os.replace(part, path)
