"""Divide the rows of a frame into valid and rejected in one streaming pass.

One scan feeds three branches: valid rows, rejected rows with their reasons as bits, and
the number of rows beside what is only counted. The result is read again for its keys,
and written again only when one repeats.

100 rows, one with distance "x7", two with the same key -> 97 valid, 3 rejected.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path

import polars as pl

from schemas.errors import ContractError
from tasks.contract.compile import RAW, SET_ASIDE, Contract
from tasks.contract.fit import fit
from tasks.contract.rejects import (
    REJECT_ROWS,
    VALID_ROWS,
    failures,
    rejected,
    replace,
)
from tasks.contract.repeats import (
    STANDS,
    Files,
    count_repeats,
    drop_copies,
    move_copies,
)
from tasks.contract.unique import height

IN = "_rows_in"
SUPPRESSED = "suppressed: its class is smaller than the release allows"
NO_TABLES: Mapping[str, pl.LazyFrame] = {}


@dataclass(frozen=True)
class Verdict:
    """How many rows came in, went out, were rejected or dropped, and by which rule.

    ``rows_in`` was counted in the pass, ``rows_out`` and ``rejected`` are read from the
    files' footers. ``drops`` counts the copies of which the document says that they do
    not stand. ``warned`` counts, of each rule that rejects nothing, the rows that it
    would reject if it did.
    """

    rows_in: int
    rows_out: int
    rejected: int
    failed: Mapping[str, int]
    drops: Mapping[str, int] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """Rows that are neither out nor rejected, since another stands for them."""
        return sum(self.drops.values())


def contract_pass(
    rows: pl.LazyFrame,
    contract: Contract,
    valid: Path,
    rejects: Path,
    scratch: Path,
    places: pl.DataFrame | None = None,
    tables: Mapping[str, pl.LazyFrame] = NO_TABLES,
) -> Verdict:
    """Write the rows that keep the contract, and those that do not with their reasons.

    Args:
        rows: Rows to check; of a ``parsed`` contract ``<column>`` as typed beside
            ``_r_<column>`` as written, ``_line``, ``_ragged`` and ``_unreadable``; and
            ``_stands`` where some are beside which the others are judged.
        contract: What they must keep.
        valid: Parquet to write: the contract's columns, sorted by the contract's order,
            −0.0 as 0.0.
        rejects: Parquet to write, mode 0600: origin, ``_reasons`` (bits in the order of
            ``contract.reasons``), every column as text; ``_ragged`` too when parsed.
        scratch: Private folder for what is written on the way.
        places: Where parsed lines lie: ``_source``, ``_member`` and its line ``_first``
            for ``_line`` from ``_from`` on, sorted by it.
        tables: The tables that ``contract.references`` names, by their names.

    Returns:
        Counts, with ``rows_in == rows_out + rejected + dropped``.

    Raises:
        ContractError: The frame's columns or types are not those of the contract, or
            a table that a rule refers to is not there.
    """
    contract = setting_aside(rows, contract)
    rows = referred(prepared(rows, contract), contract, tables)
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        files = Files(valid, rejects, Path(made))
        counts = divide(rows, contract, files, places)
        drops = drop_copies(contract, files)
        counts |= count_repeats(contract, files)
        move_copies(rows, contract, files, places)
        if STANDS in rows.collect_schema():
            replace(pl.scan_parquet(valid, glob=False).drop(STANDS), valid, VALID_ROWS)
    failed = failures(rejects, contract.reasons)
    came = counts.pop(IN)
    verdict = Verdict(came, height(valid), height(rejects), failed, drops, counts)
    if came != verdict.rows_out + verdict.rejected + verdict.dropped:
        raise ContractError(
            f"{came} rows came in, but {verdict.rows_out} and {verdict.rejected} were"
            f" written and {verdict.dropped} dropped; report this as a defect"
        )
    return verdict


def setting_aside(rows: pl.LazyFrame, contract: Contract) -> Contract:
    """Reject the rows that the stage has marked, under a rule of their own."""
    if contract.parsed or SET_ASIDE not in rows.collect_schema():
        return contract
    return replaced(contract, bad={**contract.bad, SUPPRESSED: pl.col(SET_ASIDE)})


def prepared(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Bring both kinds of plan to one shape: raw text and typed columns."""
    if not contract.parsed:
        return plain_zeros(fit(rows, contract), contract)
    have = rows.collect_schema()
    if lacking := [n for c in contract.dtypes for n in (c, RAW + c) if n not in have]:
        raise ContractError(f"the parsed frame lacks {lacking}; clean it first")
    given = {"_ragged": pl.lit(None, pl.String), "_unreadable": pl.lit(False)}
    whole = rows.with_columns(**{n: e for n, e in given.items() if n not in have})
    return plain_zeros(whole, contract)


def plain_zeros(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Write −0.0 as 0.0: rows that sort as equal must have equal bytes."""
    floats = [n for n, dtype in contract.dtypes.items() if dtype.is_float()]
    # Adding 0.0 would do, but the engine leaves that out.
    return rows.with_columns(
        pl.when(pl.col(n) == 0).then(0.0).otherwise(pl.col(n)).alias(n) for n in floats
    )


def referred(
    rows: pl.LazyFrame, contract: Contract, tables: Mapping[str, pl.LazyFrame]
) -> pl.LazyFrame:
    """Mark the values that stand in another table: true there, else null."""
    for mark, (column, reference) in contract.references.items():
        table, _, name = reference.partition(".")
        found = tables[table].collect_schema() if table in tables else {}
        if found.get(name) != contract.dtypes[column]:
            raise ContractError(
                f"contract, {column}: {reference} is not at hand as"
                f" {contract.dtypes[column]}; declare it as a source's column"
            )
        values = tables[table].select(pl.col(name).alias(column)).unique()
        marked = values.collect(engine="streaming").with_columns(
            pl.lit(True).alias(mark)
        )
        rows = rows.join(marked.lazy(), on=column, how="left", maintain_order="left")
    return rows


def divide(
    rows: pl.LazyFrame, contract: Contract, files: Files, places: pl.DataFrame | None
) -> dict[str, int]:
    """Write both files from one scan; return the counts of the rows that came in."""
    queries = branches(rows, contract, files, places)
    beside = 0 if places is None else 1  # the table of places is a source too
    if scans(pl.explain_all(queries)) > scans(rows.explain()) + beside:
        # Each branch would compute the plan anew, and perhaps otherwise: SQL without
        # ORDER BY may number its rows differently the second time.
        whole = files.made / "rows"
        rows.sink_parquet(whole, engine="streaming")
        queries = branches(pl.scan_parquet(whole), contract, files, places)
        if scans(pl.explain_all(queries)) != 1 + beside:
            raise ContractError(
                "the pass reads its rows twice; report this as a defect"
            )
    *_, counted = pl.collect_all(queries, engine="streaming")
    return {name: int(count or 0) for name, count in counted.row(0, named=True).items()}


def scans(plan: str) -> int:
    """Count the places where a plan reads a source."""
    # At the start of a line: a pattern or a literal may hold the same words.
    return len(re.findall(r"^\s*(?:\w+ SCAN|DF) \[", plan, re.M))


def branches(
    rows: pl.LazyFrame, contract: Contract, files: Files, places: pl.DataFrame | None
) -> list[pl.LazyFrame]:
    """Make the three queries that share one scan."""
    files.rejects.touch(mode=0o600)
    marked = rows.with_columns(_bad=contract.broken)
    kept = marked.filter(~pl.col("_bad")).select(
        *contract.dtypes, *(n for n in marked.collect_schema() if n == STANDS)
    )
    out = rejected(marked.filter(pl.col("_bad")), contract, contract.bad, places)
    if not contract.parsed:
        out = out.sort(pl.all())
    counted = {name: broken.sum() for name, broken in contract.counted.items()}
    return [
        kept.sort(contract.order).sink_parquet(
            files.valid, lazy=True, row_group_size=VALID_ROWS
        ),
        out.sink_parquet(files.rejects, lazy=True, row_group_size=REJECT_ROWS),
        marked.select(pl.len().alias(IN), **counted),
    ]
