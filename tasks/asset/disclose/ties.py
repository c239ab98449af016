"""Tie the statement to itself and to the trial balance: equal, or it is not published.

Closing = opening + increase − decrease; a movement = its parts; carrying = gross −
amortisation − impairment; total = sum of the columns; the accounts of the trial balance
hold what the tables show; the assets add up to their table.

Source: 财会〔2023〕11号 and the checks of reporting software (domain notes §3.4).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

import polars as pl

from schemas.close import TrialBalance
from schemas.contract import frame_of
from schemas.disclosure import (
    COLUMNS,
    HEADS,
    ROWS,
    Carried,
    Line,
    RollForward,
    Tie,
    measured,
)
from schemas.entity import Role

Cells = Mapping[str, int]
ENDS = ("opening", "closing")


class Pair(NamedTuple):
    """Two figures that must be the same."""

    table: Line
    rule: str
    row: str
    column: str
    left: int
    right: int


def ties(
    roll: Annotated[pl.DataFrame, RollForward],
    carried: Annotated[pl.DataFrame, Carried],
    opening: Annotated[pl.DataFrame, TrialBalance],
    closing: Annotated[pl.DataFrame, TrialBalance],
    accounts: Mapping[Role, str],
) -> Annotated[pl.DataFrame, Tie]:
    """Compare all that must agree.

    Args:
        roll: The tables.
        carried: What is carried of each asset.
        opening: Trial balance of the first period; its opening counts.
        closing: Trial balance of the last period; its closing counts.
        accounts: The entity's chart.

    Returns:
        One row a tie; ``difference_fen`` is 0, or the contract refuses the statement.
    """
    pairs: list[Pair] = []
    for table in ROWS:
        rows = roll.filter(pl.col("table") == table, ~pl.col("row").is_in(HEADS))
        by_column = {c: dict(rows.select("row", c).iter_rows()) for c in COLUMNS}
        for name, cells in by_column.items():
            pairs += [*rolled(table, name, cells), *parts(table, name, cells)]
            pairs += [*carrying(table, name, cells)]
        pairs += [*summed(table, by_column), *assets(table, by_column, carried)]
    pairs += ledger(roll, opening, closing, accounts)
    return frame_of(Tie, [(n, *p, p.left - p.right) for n, p in enumerate(pairs, 1)])


def measures_of(table: Line) -> list[str]:
    """List what a table rolls forward, gross first."""
    return [r.removesuffix("_closing") for r in ROWS[table] if r.endswith("_closing")][
        :-1
    ]


def rolled(table: Line, column: str, cells: Cells) -> Iterator[Pair]:
    """Closing = opening + increase − decrease."""
    for m in measures_of(table):
        moved = cells[f"{m}_increase"] - cells[f"{m}_decrease"]
        right = cells[f"{m}_opening"] + moved
        yield Pair(table, "rolls", f"{m}_closing", column, cells[f"{m}_closing"], right)


def parts(table: Line, column: str, cells: Cells) -> Iterator[Pair]:
    """An increase, or a decrease, is the sum of its rows 其中, where it has any."""
    rows = ROWS[table]
    for m in measures_of(table):
        for side, end in (("increase", "decrease"), ("decrease", "closing")):
            whole = f"{m}_{side}"
            within = rows[rows.index(whole) + 1 : rows.index(f"{m}_{end}")]
            if within:
                right = sum(cells[row] for row in within)
                yield Pair(table, "parts", whole, column, cells[whole], right)


def carrying(table: Line, column: str, cells: Cells) -> Iterator[Pair]:
    """Carrying = gross − amortisation − impairment, at both ends."""
    gross, *against = measures_of(table)
    for end in ENDS:
        right = cells[f"{gross}_{end}"] - sum(cells[f"{m}_{end}"] for m in against)
        row = f"carrying_{end}"
        yield Pair(table, "carrying", row, column, cells[row], right)


def summed(table: Line, by_column: Mapping[str, Cells]) -> Iterator[Pair]:
    """Total = sum of the columns, row by row."""
    *columns, total = COLUMNS
    for row, left in by_column[total].items():
        right = sum(by_column[c][row] for c in columns)
        yield Pair(table, "total", row, total, left, right)


def assets(
    table: Line, by_column: Mapping[str, Cells], carried: pl.DataFrame
) -> Iterator[Pair]:
    """The assets add up to what their table carries."""
    right = int(carried.filter(line=table)["carrying_fen"].sum())
    total = COLUMNS[-1]
    left = by_column[total]["carrying_closing"]
    yield Pair(table, "assets", "carrying_closing", total, left, right)


def ledger(
    roll: pl.DataFrame,
    opening: pl.DataFrame,
    closing: pl.DataFrame,
    accounts: Mapping[Role, str],
) -> Iterator[Pair]:
    """The trial balance holds what the tables show, account by account.

    Account 1703 is that of intangible assets and of what is still in development.
    """
    total = COLUMNS[-1]
    shown = dict(
        roll.select(pl.concat_str("table", "row", separator=" "), total).iter_rows()
    )
    shared = {"impaired": ("intangible", "development")}
    for account, (table, measure, side) in measured(dict(accounts)).items():
        for end, balance in zip(ENDS, (opening, closing), strict=True):
            row = f"{measure}_{end}"
            tables = shared.get(measure, (table,))
            left = sum(shown[f"{t} {row}"] for t in tables)
            right = side * int(balance.filter(account=account)[f"{end}_fen"].sum())
            yield Pair(table, "ledger", row, total, left, right)
