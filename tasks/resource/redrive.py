"""Judge rejected rows anew, after a rule or the rows themselves were mended.

Beside the rows that stand, each reject is read again from its raw text, or from what a
person wrote in its place. The seam's pass then says which of them keep the contract
now: moved + still rejected = old rejects. A reject whose key a standing row has stays
where it is, and so does every other row.

3 rows stand, 5 were rejected; "x7" became "7" in one of them -> 4 stand, 4 rejected.
"""

from collections.abc import Mapping
from typing import Annotated

import polars as pl

from schemas.contract import Column
from schemas.resource import Source
from tasks.contract import Contract
from tasks.contract.compile import RAW
from tasks.resource.cells import as_cell, of_cell
from tasks.resource.clean import NO_TABLES, clean

ORIGIN = {"_source": pl.String, "_member": pl.String, "_line": pl.Int64}
# The second rule of every source's contract, so the second bit of a reject.
UNREADABLE = 1 << 1
MENDED = "_mended"  # how many cells of a row a person has changed


def redrive(
    stands: Mapping[str, Annotated[pl.LazyFrame, Source.contract]],
    rejects: pl.LazyFrame,
    fixed: Mapping[str, pl.LazyFrame],
    terms: Source,
    tables: Mapping[str, pl.LazyFrame] = NO_TABLES,
) -> Annotated[pl.LazyFrame, Source.contract]:
    """Bring the rows that stand together with the rejects as they read now.

    Args:
        stands: The valid rows of one source, or of the parts of one piece of it.
        rejects: What was rejected beside them, as the pass wrote it.
        fixed: Nothing, or rows that a person mended: contract ``fixed_source``.
        terms: The source as the document describes it now.
        tables: The sources that its rules refer to, for the contract alone.

    Returns:
        All of them, raw and typed, ``_stands`` where they stood before.
    """
    names = [column.name for column in terms.columns]
    kept = pl.concat([standing(rows, names) for rows in stands.values()])
    again = read_again(rejects, fixed, terms).with_columns(_stands=pl.lit(False))
    return pl.concat([kept, again.select(kept.collect_schema().names())])


def read_again(
    rejects: pl.LazyFrame, fixed: Mapping[str, pl.LazyFrame], terms: Source
) -> pl.LazyFrame:
    """Read rejects as they are now, raw and typed; arguments as of ``redrive``."""
    for rows in fixed.values():
        rejects = mended(rejects, rows, terms)
    return clean(as_text(rejects, [c.name for c in terms.columns]), terms)


def as_text(rejects: pl.LazyFrame, names: list[str]) -> pl.LazyFrame:
    """Bring rejects back to the form in which a source is opened."""
    unreadable = (pl.col("_reasons") & UNREADABLE != 0) & pl.col(
        "_ragged"
    ).is_not_null()
    return rejects.select(
        *ORIGIN,
        "_ragged",
        _unreadable=unreadable,
        **{RAW + name: pl.col(name) for name in names},
    )


def standing(rows: pl.LazyFrame, names: list[str]) -> pl.LazyFrame:
    """Let rows that stand be judged beside others: they say where they came from."""
    return rows.select(
        *(pl.lit(None, dtype).alias(name) for name, dtype in ORIGIN.items()),
        *names,
        pl.lit(None, pl.String).alias("_ragged"),
        pl.lit(False).alias("_unreadable"),
        pl.lit(True).alias("_stands"),
        **{RAW + name: pl.col(name).cast(pl.String) for name in names},
    )


def fixed_source(terms: Source) -> Source:
    """Describe the file that ``rejects --csv --reveal`` wrote: every cell is text.

    Columns are ``in_source``, ``in_member``, ``in_line``, ``in_reasons``, ``in_ragged``
    and, in the document's order, ``cell_0``, ``cell_1``, …
    """
    heads = ("_source", "_member", "_line", "_reasons", "_ragged")
    written = [(f"in{head}", head) for head in heads]
    written += [(f"cell_{i}", column.name) for i, column in enumerate(terms.columns)]
    return Source(
        name=f"{terms.name}_fixed"[:63],
        factor=terms.factor,
        path="fixed.csv",
        licence=terms.licence,
        null_tokens=(),
        max_rejected_rate=0.0,
        key=("in_source", "in_member", "in_line"),
        columns=tuple(
            Column(name=name, physical_name=head, logical_type="string")
            for name, head in written
        ),
    )


def mended(rejects: pl.LazyFrame, fixed: pl.LazyFrame, terms: Source) -> pl.LazyFrame:
    """Put into each reject the cells that a person changed; leave all others alone.

    A changed cell makes a ragged line a record: its columns then count, not its text.
    ``MENDED`` says how many cells differ.
    """
    given = fixed.with_columns(
        of_cell(pl.col("in_source")).alias("_source"),
        of_cell(pl.col("in_member")).alias("_member"),
        pl.col("in_line").cast(pl.Int64, strict=False).alias("_line"),
    )
    both = rejects.join(
        given, on=[*ORIGIN], how="left", nulls_equal=True, maintain_order="left"
    )
    cells = {column.name: f"cell_{i}" for i, column in enumerate(terms.columns)}
    changed = {
        name: pl.col(cell).is_not_null() & (pl.col(cell) != as_cell(pl.col(name)))
        for name, cell in cells.items()
    }
    record = pl.any_horizontal(*changed.values()) | (pl.col("in_ragged") == "")
    return both.select(
        *ORIGIN,
        "_reasons",
        pl.when(record).then(None).otherwise(pl.col("_ragged")).alias("_ragged"),
        *(
            pl.when(changed[name])
            .then(meant(pl.col(cell), terms))
            .otherwise(pl.col(name))
            .alias(name)
            for name, cell in cells.items()
        ),
        pl.sum_horizontal(*changed.values()).alias(MENDED),
    )


def meant(cell: pl.Expr, terms: Source) -> pl.Expr:
    """Read a cell as the source would: a null token is missing."""
    text = of_cell(cell)
    missing = text.is_in(list(terms.null_tokens))
    return pl.when(missing).then(None).otherwise(text)


def may_move(
    stands: pl.LazyFrame, again: pl.LazyFrame, contract: Contract
) -> pl.LazyFrame:
    """List the rejects that would keep the contract now, so far as rows can tell.

    Args:
        stands: The rows that stand, typed.
        again: The rejects as they read now, raw and typed: without ``_stands``.
        contract: Of the source, for parsed rows.
    """
    known = {*again.collect_schema()}
    rows = again.filter(~pl.any_horizontal(pl.lit(False), *own_rules(contract, known)))
    if contract.keep or contract.drops_repeats:
        return rows
    for key in contract.uniques:
        once = rows.filter(~pl.struct(key).is_duplicated())
        rows = once.join(stands, on=key, how="anti", nulls_equal=True)
    return rows


def own_rules(contract: Contract, known: set[str]) -> list[pl.Expr]:
    """Take the row rules that ask for no other table."""
    return [e for e in contract.bad.values() if set(e.meta.root_names()) <= known]
