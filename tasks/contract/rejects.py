"""Write rejected rows as text, with the rules they break and the place they come from.

Rules are bits: of 5 rules, the second and fourth broken -> ``_reasons`` is 10.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tasks.contract.compile import RAW, Contract

# Fixed, or the bytes differ from run to run. Rejects are kept small: their text pins
# whole buffers of the source until a group is written.
VALID_ROWS, REJECT_ROWS = 122_880, 8_192
BITS = 63  # a mask stays a positive Int64, which SQL can read
ZERO = pl.lit(0, pl.Int64)
ORIGIN = {"_source": pl.String, "_member": pl.String, "_line": pl.Int64}


def rejected(
    rows: pl.LazyFrame,
    contract: Contract,
    truths: Mapping[str, pl.Expr],
    places: pl.DataFrame | None,
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
    given = [name for name in ORIGIN if name in rows.collect_schema()]
    text = rows.select(*given, **masks(contract.reasons, truths), **texts)
    names = [name for name in text.collect_schema() if name not in ORIGIN]
    return placed(text, places).select(*ORIGIN, *names)


def placed(rows: pl.LazyFrame, places: pl.DataFrame | None) -> pl.LazyFrame:
    """Say of rows in file order where each of their lines lies, as far as known."""
    if places is None:
        have = rows.collect_schema()
        return rows.with_columns(
            (pl.col(name) if name in have else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in ORIGIN.items()
        )
    starts = places.lazy().with_columns(pl.col("_from").set_sorted())
    found = rows.join_asof(starts, left_on="_line", right_on="_from")
    at, start, first = (pl.col(n).cast(pl.Int64) for n in ("_line", "_from", "_first"))
    return found.with_columns(_line=at - start + first)


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


def merge(rejects: Path, more: pl.LazyFrame, parsed: bool) -> None:
    """Add rejects to those that are written, in an order that does not depend on it."""
    every = pl.concat([pl.scan_parquet(rejects, glob=False), more])
    replace(every.sort([*ORIGIN] if parsed else pl.all()), rejects, REJECT_ROWS)


def replace(rows: pl.LazyFrame, path: Path, group: int) -> None:
    """Write a file anew from what it held."""
    part = path.with_name(f"{path.name}.again")
    part.touch(mode=0o600)
    rows.sink_parquet(part, row_group_size=group, engine="streaming")
    part.chmod(path.stat().st_mode & 0o777)
    os.replace(part, path)
