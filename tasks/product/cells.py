"""Withhold small counts of a table, and so many others that no sum gives them back.

A reader is taken to know every sum over the table: of each row, column and layer, and
of the whole. So a withheld count must not be what such a sum leaves over, alone (one
hole in a line) or together (holes whose sum is itself small), nor what several sums
give when they are solved together. 0 is told, since a cell that is not there says the
same; a sum below the threshold is a small count itself, which nobody may publish, and
is not taken to be known.

Threshold 5, rows (3, 20, 30) and (9, 25, 40): the 3 is withheld, then in its row the
20, in its column the 9, and 25 where they cross -> (., ., 30) and (., ., 40).

Source: Hundepool and others, Statistical Disclosure Control (2012), chapter 4: primary
and secondary suppression, singletons; the linear audit of exact disclosure there.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations

import polars as pl

from schemas.errors import FactorError
from schemas.privacy import Cells

PRIME = (1 << 61) - 1  # sums are solved modulo a prime: exact and without fractions
Lines = Mapping[int, list[frozenset[int]]]  # the lines through each cell
Line = tuple[int, ...]  # the numbers of the cells that a known sum runs over


def withhold(
    table: pl.DataFrame, step: Cells, threshold: int, where: str
) -> pl.DataFrame:
    """Make small counts null, and what would give them back; measures go with them.

    Args:
        table: One row a cell.
        step: Which column counts, which ones name the cell.
        threshold: Least count that is told.
        where: Name of the step in messages.

    Raises:
        FactorError: A cell is there twice or counts less than nothing, or nothing can
            protect a count; sentences without values.
    """
    if table.select(step.by).is_duplicated().any():
        raise FactorError(f"{where}: a cell is there twice; group by {step.by}")
    if table[step.cells].null_count() or (table[step.cells] < 0).any():
        raise FactorError(f"{where}: {step.cells} is no count; count rows or persons")
    ordered = table.sort(step.by, nulls_last=True)  # so the choice is the same
    lines = lines_of(ordered.select(step.by))
    holes = protected(ordered[step.cells].to_list(), lines, threshold, where)
    hidden = pl.Series("_hidden", [i in holes for i in range(table.height)], pl.Boolean)
    told = [n for n in table.columns if n not in step.by]
    return ordered.with_columns(
        pl.when(~hidden).then(pl.col(name)).alias(name) for name in told
    )


def recoverable(table: pl.DataFrame, step: Cells) -> int:
    """Count the withheld cells of a published table that its sums give away.

    A sum counts as known where one of its cells is told; the others may be small.
    """
    counts = table[step.cells].to_list()
    holes = {i for i, count in enumerate(counts) if count is None}
    known = [
        line for line in lines_of(table.select(step.by)) if any(counts[i] for i in line)
    ]
    return len(solved(known, holes))


def lines_of(cells: pl.DataFrame) -> list[Line]:
    """List all sums over the table: for each choice of columns, each of their values.

    Cells of 2 columns -> its rows, its columns, and the whole.
    """
    rows = cells.with_row_index("_cell")
    names = cells.columns
    lines: set[Line] = {tuple(range(cells.height))} if cells.height else set()
    for size in range(1, len(names)):
        for kept in combinations(names, size):
            groups = rows.group_by(kept, maintain_order=True).agg(pl.col("_cell"))
            lines |= {tuple(line) for line in groups["_cell"].to_list()}
    return sorted(lines)


def protected(
    counts: Sequence[int], lines: Sequence[Line], threshold: int, where: str
) -> set[int]:
    """Choose the cells to withhold: the small ones, then what protects them."""
    holes = {i for i, count in enumerate(counts) if 0 < count < threshold}
    filled = (tuple(i for i in line if counts[i]) for line in lines)
    known = [line for line in filled if sum(counts[i] for i in line) >= threshold]
    through: dict[int, list[frozenset[int]]] = {}
    for line in known:
        whole = frozenset(line)
        for cell in line:
            through.setdefault(cell, []).append(whole)
    # A cell alone in a known line cannot be hidden: it is that sum.
    alone = {line[0] for line in known if len(line) == 1}
    while gaps := open_gaps(counts, known, holes, threshold):
        fresh: set[int] = set()  # one hole a round may close several gaps
        for gap in gaps:
            if not fresh.isdisjoint(gap):
                continue
            free = next_free(gap, through, holes | alone)
            if not free:
                raise FactorError(
                    f"{where}: a count below {threshold} follows from sums whatever"
                    " else is withheld; merge small groups in a step before"
                )
            fresh.add(min(free, key=partial(price, counts, through, holes)))
            holes |= fresh
    return holes


def next_free(gap: Line, through: Lines, taken: set[int]) -> list[int]:
    """List the cells that may close a gap: of a line, or around one cell.

    Around a cell those of its shortest line that has any: a hole nearby disturbs least.
    """
    if len(gap) > 1:
        return [i for i in gap if i not in taken]
    around = (line - taken for line in sorted(through[gap[0]], key=len))
    return sorted(next(filter(None, around), ()))


def price(
    counts: Sequence[int],
    through: Lines,
    holes: set[int],
    cell: int,
) -> tuple[int, int, int]:
    """Say what a hole costs: lines that it opens anew, then persons no longer told."""
    fresh = sum(holes.isdisjoint(line) for line in through[cell])
    return fresh, counts[cell], cell


def open_gaps(
    counts: Sequence[int], known: Sequence[Line], holes: set[int], threshold: int
) -> list[Line]:
    """List where another hole is wanted: weak lines; else each hole that is solved."""
    weak = [line for line in known if is_weak(counts, line, holes, threshold)]
    return weak or [(cell,) for cell in sorted(solved(known, holes))]


def is_weak(counts: Sequence[int], line: Line, holes: set[int], threshold: int) -> bool:
    """Say whether a line gives a small count away: one hole, or a small sum of them."""
    inside = [i for i in line if i in holes]
    return len(inside) == 1 or 0 < sum(counts[i] for i in inside) < threshold


def solved(known: Iterable[Line], holes: set[int]) -> set[int]:
    """Find the holes that the sums determine: linear algebra, whatever they count.

    Of 2 × 2 holes none is determined; of 2 × 2 holes and one in a row of its own, that.
    """
    rows: dict[int, dict[int, int]] = {}  # reduced, by their pivots
    for line in known:
        row = reduced({i: 1 for i in line if i in holes}, rows)
        if not row:
            continue
        pivot = min(row)
        inverse = pow(row[pivot], -1, PRIME)
        row = {i: x * inverse % PRIME for i, x in row.items()}
        for p, other in rows.items():
            if pivot in other:
                rows[p] = reduced(other, {pivot: row})
        rows[pivot] = row
    return {pivot for pivot, row in rows.items() if len(row) == 1}


def reduced(row: dict[int, int], rows: dict[int, dict[int, int]]) -> dict[int, int]:
    """Take multiples of other rows away, until their pivots are gone."""
    for pivot in [i for i in row if i in rows]:
        factor, other = row[pivot], rows[pivot]
        sums = {
            i: (row.get(i, 0) - factor * other.get(i, 0)) % PRIME
            for i in row.keys() | other.keys()
        }
        row = {i: x for i, x in sums.items() if x}
    return row
