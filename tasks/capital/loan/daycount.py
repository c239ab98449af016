"""Count the days that bear interest, and the days of a year.

A period counts its first day and not its last 算头不算尾. ACT counts the days of the
calendar, 29 February too. 30/360 is 30E/360 (ISDA 2006 §4.16(g), Eurobond): a 31st
counts as the 30th, the end of February as it is, save of a loan that is due on a later
day: then it counts as that day, the ``anchor``, so that each month is 1/12 of a year.
Each basis numbers the days and takes the difference, so counts add up: a to b and b to
c make a to c.

2025-06-20 to 2025-09-20 -> 92 of 360, 92 of 365, 90 of 360.
"""

import calendar
from datetime import date

import polars as pl

from schemas.loan import Basis

YEAR: dict[Basis, int] = {"ACT/360": 360, "ACT/365": 365, "30/360": 360}


def days_between(start: date, end: date, basis: Basis, anchor: int = 0) -> int:
    """Count the days from start to end. 2024-01-31 to 2024-03-01, 30/360 -> 31.

    2027-01-30 to 2027-02-28 -> 28; of a loan that is due on the 30th, 30.
    """
    return day_number(end, basis, anchor) - day_number(start, basis, anchor)


def day_number(day: date, basis: Basis, anchor: int = 0) -> int:
    """Number a day so that counts are differences. 2024-02-29, 30/360 -> 728,699."""
    if basis != "30/360":
        return day.toordinal()
    short = day.day == calendar.monthrange(day.year, day.month)[1]
    within = max(day.day, anchor) if short else day.day
    return 360 * day.year + 30 * day.month + min(within, 30) - 30


def day_numbers(day: pl.Expr, basis: pl.Expr, anchor: pl.Expr) -> pl.Expr:
    """Number the days of a column, each by the basis and anchor of its row (Int64)."""
    year, month = day.dt.year().cast(pl.Int64), day.dt.month().cast(pl.Int64)
    plain = day.dt.day().cast(pl.Int64)
    short = day == day.dt.month_end()
    within = pl.when(short).then(pl.max_horizontal(plain, anchor)).otherwise(plain)
    thirty = 360 * year + 30 * month + pl.min_horizontal(within, 30) - 30
    return (
        pl.when(basis == "30/360")
        .then(thirty)
        .otherwise(day.to_physical().cast(pl.Int64))
    )


def year_days(basis: pl.Expr) -> pl.Expr:
    """Tell the days of a year by the basis of each row (Int64)."""
    return basis.replace_strict(dict(YEAR), return_dtype=pl.Int64)
