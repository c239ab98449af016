"""Roll the books forward: opening, increase, decrease, closing, in every column.

Each cell is added up from the journal by itself, no cell from another, so that the ties
between them can break (``ties``).

Source: 财会〔2023〕11号, forms of 无形资产 (27 rows) and 存货 (21 rows); wording of the
rows from the words table of the page. Amortised 90,000.00 before 2026, 120,000.00 in
it -> opening 90,000.00, increase 120,000.00, closing 210,000.00 (ACC-10).
"""

from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.disclosure import COLUMNS, HEADS, ROWS, Line, RollForward

ORIGINS = {"purchase_fen": "purchase", "internal_fen": "internal", "other_fen": "other"}


def roll_forward(moved: pl.DataFrame) -> Annotated[pl.DataFrame, RollForward]:
    """Lay out all three tables.

    Args:
        moved: What ``movements`` found.

    Returns:
        60 rows, whether or not anything stands in them.
    """
    rows = []
    for table, names in ROWS.items():
        found = [column(moved, table, name) for name in COLUMNS]
        for number, row in enumerate(names, 1):
            cells = (cells[row] for cells in found)
            rows.append((table, number, row, *cells))
    return frame_of(RollForward, rows)


def column(moved: pl.DataFrame, table: Line, name: str) -> dict[str, int | None]:
    """Add up one column of a table, row by row; a heading has no amount."""
    mine = moved.filter(table=table)
    if name in ORIGINS:
        mine = mine.filter(origin=ORIGINS[name])
    asked = [row for row in ROWS[table] if row not in HEADS]
    sums = mine.select(cell(row).alias(row) for row in asked).row(0, named=True)
    return dict.fromkeys(HEADS) | {row: int(sums[row]) for row in asked}


def cell(row: str) -> pl.Expr:
    """Add up the lines of one row; what decreases is shown above 0.

    A carrying amount is gross less all that stands against it.
    """
    measure, _, name = row.partition("_")
    amount, before = pl.col("amount_fen"), pl.col("before")
    if measure == "carrying":
        net = pl.when(measure="gross").then(amount).otherwise(-amount)
        return (net if name == "closing" else net.filter(before)).sum()
    own = amount.filter(pl.col("measure") == measure)
    first, within = before.filter(pl.col("measure") == measure), ~before
    match name:
        case "opening":
            return own.filter(first).sum()
        case "closing":
            return own.sum()
        case "increase":
            return amount.filter(pl.col("measure") == measure, within, amount > 0).sum()
        case "decrease":
            return -amount.filter(
                pl.col("measure") == measure, within, amount < 0
            ).sum()
    inside = (pl.col("measure") == measure) & within & (pl.col("part") == name)
    return amount.filter(inside).sum().abs()
