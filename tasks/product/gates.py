"""Decide whether a resource may become a product: nothing personal by oversight.

A finding that proposes ``personal`` or ``sensitive`` for a column that nobody has
classified shuts the gate; a person opens it by writing ``classification:`` on that
column in the document. It fails closed: without findings it stays shut.

2 columns decided, 3 undecided, a mobile in one of them -> shut, naming that column.
"""

import polars as pl

from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.grade import reason

SHOWN = 8  # columns in a sentence


def gates(findings: pl.DataFrame) -> pl.DataFrame:
    """Answer the gate of the second stage. Contract: Gates.

    Args:
        findings: Contract Finding, of all columns of the resource.
    """
    open_ = findings.filter(~pl.col("decided"))
    asked = open_.filter(pl.col("proposed").is_in(["personal", "sensitive"]))
    passed = findings.height > 0 and asked.is_empty()
    row = ("classification", passed, ground(asked), evidence(findings), None)
    return frame_of(Gates, [row])


def ground(asked: pl.DataFrame) -> str:
    """Name the columns to be decided, each with what was counted in it."""
    if asked.is_empty():
        return "no column that nobody has classified looks personal"
    told = [
        f"{name} ({'; '.join(map(reason, rows.iter_rows(named=True)))})"
        for (name,), rows in asked.group_by("column", maintain_order=True)
    ]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return (
        f"nobody has classified {', '.join(told[:SHOWN])}{more}; write classification:"
        " public, internal, personal or sensitive on each of these columns"
    )


def evidence(findings: pl.DataFrame) -> str:
    """Count the columns that were decided, looked at and told apart."""
    columns = findings.select("column", "decided").unique()
    read = findings.filter(pl.col("examined") > 0)["column"].n_unique()
    sample = findings.select(pl.col("sample").max().fill_null(0)).to_series()[0]
    return (
        f"{columns.height} columns: {columns['decided'].sum()} classified by a person,"
        f" {read} of text or digits read in the first {sample:,} rows,"
        f" {findings['matched'].sum():,} matches"
    )
