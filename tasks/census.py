"""Count what is held, by year, industry and region 数据资源普查: whole numbers, exact.

Bytes and rows are Python integers from end to end: a country's 41,060 × 10¹⁸ bytes are
beyond 64 bits, in which sums would wrap or fail.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")  # SI, 10³ each
LAST = len(PREFIXES) - 1


class Holding(NamedTuple):
    """What a factor held at its last assessment of a year: rows, files by digest."""

    year: int
    industry: str
    region: str
    factor: str
    rows: int
    files: Mapping[str, int]


class Cell(NamedTuple):
    """One line of the table. Key: year, industry, region."""

    year: int
    industry: str
    region: str
    factors: int
    bytes: int
    rows: int


class Line(NamedTuple):
    """A line with what it grew by over the year before, in percent; None: it is new."""

    year: int
    name: str
    factors: int
    bytes: int
    rows: int
    bytes_growth: Decimal | None
    rows_growth: Decimal | None


def census(holdings: Iterable[Holding]) -> list[Cell]:
    """Add up what factors hold; a file is counted once a year, however many read it.

    It counts for the first of its readers by name, so that cells add up to the year.
    Two factors over one file of 10 bytes and one of 5 of their own each -> 20.
    """
    made: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    counted: set[tuple[int, str]] = set()
    for one in sorted(holdings, key=lambda h: (h.year, h.factor)):
        fresh = [sha for sha in one.files if (one.year, sha) not in counted]
        counted |= {(one.year, sha) for sha in fresh}
        sums = made[one.year, one.industry, one.region]
        sums[0] += 1
        sums[1] += sum(one.files[sha] for sha in fresh)
        sums[2] += one.rows
    return [Cell(*key, *sums) for key, sums in sorted(made.items())]


def added(*tables: Iterable[Cell]) -> list[Cell]:
    """Add up the tables of several houses, cell by cell."""
    made: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for cell in (cell for table in tables for cell in table):
        for place, figure in enumerate(cell[3:]):
            made[cell[:3]][place] += figure
    return [Cell(*key, *sums) for key, sums in sorted(made.items())]


def lines(cells: Sequence[Cell], by: str = "") -> list[Line]:
    """Sum cells by year, or by year and ``industry`` or ``region``, with growth.

    41,060 EB after 32,850 EB -> 25.0 % (全国数据资源调查报告, 2024).
    """
    sums: dict[tuple[int, str], tuple[int, int, int]] = {}
    for cell in cells:
        key = (cell.year, getattr(cell, by) if by else "")
        factors, held, rows = sums.get(key, (0, 0, 0))
        sums[key] = (factors + cell.factors, held + cell.bytes, rows + cell.rows)
    made = []
    for (year, name), now in sorted(sums.items()):
        before = sums.get((year - 1, name), (0, 0, 0))
        rises = (growth(now[at], before[at]) for at in (1, 2))
        made.append(Line(year, name, *now, *rises))
    return made


def growth(now: int, before: int) -> Decimal | None:
    """Say by how much a figure grew, in percent to one place, half up; None of none.

    41,060 after 32,850 -> 25.0 (24.992…); 3 after 4 -> -25.0.
    """
    if not before:
        return None
    tenths = half_up(abs(now - before) * 1_000, before)
    return Decimal(tenths if now >= before else -tenths).scaleb(-1)


def half_up(part: int, whole: int) -> int:
    """Divide integers to the nearest, half up; exact at any size. 5 by 2 -> 3."""
    return (2 * part + whole) // (2 * whole)


def sized(count: int) -> str:
    """Write bytes in SI units to two places, half up. 41,060 × 10¹⁸ -> 41.06 ZB."""
    step = min((len(str(count)) - 1) // 3, LAST)
    if step and half_up(count * 100, 1000**step) == 100_000 and step < LAST:
        step += 1  # 999,999,999 is 1.00 GB, not 1000.00 MB
    if not step:
        return f"{count} B"
    return f"{Decimal(half_up(count * 100, 1000**step)).scaleb(-2)} {PREFIXES[step]}B"
