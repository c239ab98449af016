"""Spread a cost over the life of one asset, in plain integers (CAS 6 arts. 16 to 20).

Between two re-basing points an asset is charged on one ``Basis``: what it was carried
at, less its residual, over the months it had left. It is re-based in the month it is
available, in the month after an impairment, and in the month of a change of estimate
or of a late addition to cost; a change works forward only (CAS 28 art. 9). Each month
is rounded down to the fen, the last one takes the rest, so that the life ends at
exactly the residual. The month of an impairment test takes what rounding has left so
far, on straight line: a test starts from the exact carrying amount.
``tasks.asset.measure`` does the same for many assets at once.

185,000.00 over 60 months -> 59 × 3,083.33, then 3,083.53 (ACC-06). 800,000.00 over 96
months, tested in the 48th -> carried at 400,000.00, not 400,000.16 (ACC-07).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from schemas.asset import Amortization, AmortizationTerms
from schemas.contract import frame_of
from tasks.finance import months_later

YEAR = 12


class Life(NamedTuple):
    """The life that is used, the day it ends, and what it was shortened by."""

    months: int
    ends_on: date
    said: str


def useful_life(
    terms: AmortizationTerms, available_from: date, right_ends: date | None
) -> Life:
    """Choose the shortest of economic life, right and contract (CAS 6 art. 17).

    Args:
        terms: Economic life, and the contract's last day if there is one.
        available_from: The month of this day is charged whole.
        right_ends: Last day of the right or authorisation; None: no term.

    Returns:
        Whole months, because the month of derecognition bears no charge; 0 if nothing
        is left of the first one.

    60 months from 2025-04-18 with a right to 2030-03-30 -> 59 months, to 2030-02-28,
    "shortened from 60 to 59 months by the right, which ends on 2030-03-30".
    """
    limits = [("economic life", terms.life_months, None)] + [
        (name, whole_months(available_from, last), last)
        for name, last in (("right", right_ends), ("contract", terms.contract_ends))
        if last is not None
    ]
    by, months, last = min(limits, key=lambda limit: limit[1])
    end = months_later(available_from.replace(day=1), months) - timedelta(days=1)
    said = f"useful life of {months} months to {end}"
    if by != "economic life":
        said += (
            f", shortened from {terms.life_months} months by the {by},"
            f" which ends on {last}"
        )
    return Life(months, end, said)


def whole_months(first: date, last: date) -> int:
    """Count the months charged until a last day; that of derecognition is not.

    2025-04-18 to 2030-04-17 -> 60; to 2030-03-30 -> 59.
    """
    return max(months_between(first, last + timedelta(days=1)), 0)


def months_between(first: date, later: date) -> int:
    """Count months from one day's month to another's. 2025-04-30, 2025-05-01 -> 1."""
    return YEAR * (later.year - first.year) + later.month - first.month


@dataclass(frozen=True)
class Basis:
    """What an asset is charged on until it is re-based.

    ``carried`` is the carrying amount at the start, ``months`` the life that was left
    (None: indefinite), ``units`` the units it had yet to serve.
    """

    method: str
    carried: int
    residual: int
    months: int | None
    units: int | None = None

    @property
    def spread(self) -> int:
        """What is to be charged until the end; 0 for what is carried below residual."""
        return max(self.carried - self.residual, 0)


def charge_of(
    basis: Basis,
    nth: int,
    carrying: int,
    used: int = 0,
    used_before: int = 0,
    tested: bool = False,
) -> int:
    """Charge one month, the ``nth`` since the re-base.

    Args:
        basis: What the asset is charged on.
        nth: 1 is the month of the re-base itself.
        carrying: Carrying amount before this month's charge.
        used: Units served in the month.
        used_before: Units served since the re-base, before the month.
        tested: An impairment test follows at the month's end.

    Returns:
        Fen, 0 or more, rounded down; the last month, or the last unit, takes the rest.
    """
    rest = max(carrying - basis.residual, 0)
    if basis.method != "none" and basis.months is not None and nth >= basis.months:
        return rest
    if basis.method == "units_of_use" and basis.units is not None:
        done = used_before + used >= basis.units
        return rest if done else min(basis.spread * used // basis.units, rest)
    if tested and basis.method == "straight_line" and basis.months is not None:
        return basis.spread * nth // basis.months - (basis.carried - carrying)
    if basis.method not in PARTS or basis.months is None:
        return 0
    return min(PARTS[basis.method](basis, basis.months, (nth - 1) // YEAR), rest)


def straight_line(basis: Basis, months: int, year: int) -> int:
    """Bear the same each month 直线法. 185,000.00, 60 months -> 3,083.33."""
    return basis.spread // months


def sum_of_years(basis: Basis, months: int, year: int) -> int:
    """Weigh each year by the years left at its start 年数总和法, its months alike.

    A part of a year weighs like a year begun. 1,200,000.00, residual 48,000.00, 5
    years -> 384,000.00 in the first: 32,000.00 a month.
    """
    years = -(-months // YEAR)
    weights = sum(years - month // YEAR for month in range(months))
    return basis.spread * (years - year) // weights


def declining_balance(basis: Basis, months: int, year: int) -> int:
    """Charge twice the straight-line rate on what is carried at the year's start.

    The residual counts only in the last two years (24 to 35 months), which bear what
    is left in equal parts 双倍余额递减法. 1,000,000.00, residual 40,000.00, 5 years ->
    400,000.00, 240,000.00, 144,000.00, then 88,000.00 twice.
    """
    carried = basis.carried
    for past in range(year + 1):
        left = months - YEAR * past
        if left < 3 * YEAR:
            return max(carried - basis.residual, 0) // left
        monthly = 2 * carried // months
        carried -= YEAR * monthly
    return monthly


PARTS = {
    "straight_line": straight_line,
    "sum_of_years": sum_of_years,
    "declining_balance": declining_balance,
}


@dataclass(frozen=True)
class Estimate:
    """What is expected of an asset; ``life_months`` counts from the month available.

    ``units`` are those of the whole life. None as life: indefinite, or as long as the
    units last.
    """

    method: str
    life_months: int | None
    residual: int = 0
    units: int | None = None
    right_ends: date | None = None

    def months_left(self, available_from: date, month: date) -> int | None:
        """Count the months left at a month's start, at least the month itself."""
        lives = [] if self.life_months is None else [self.life_months]
        if self.right_ends is not None:
            lives.append(whole_months(available_from, self.right_ends))
        if not lives:
            return None
        return max(min(lives) - months_between(available_from, month), 1)

    def basis(
        self, available_from: date, month: date, carrying: int, served: int
    ) -> Basis:
        """Re-base at a month's start on what is carried and what is left to serve."""
        left = None if self.units is None else self.units - served
        months = self.months_left(available_from, month)
        return Basis(self.method, carrying, self.residual, months, left)


@dataclass(frozen=True)
class Happened:
    """What happened to an asset in a month.

    ``impairment`` is the loss of a test at its end, None where none was made.
    """

    addition: int = 0
    estimate: Estimate | None = None
    used: int = 0
    impairment: int | None = None


class Carried(NamedTuple):
    """How an asset stands at a month's end: gross − amortised − impaired."""

    month: date
    charge: int
    gross: int
    amortised: int
    impaired: int

    @property
    def carrying(self) -> int:
        """The carrying amount 账面价值."""
        return self.gross - self.amortised - self.impaired


def carry(
    cost: int,
    available_from: date,
    estimate: Estimate,
    happened: Mapping[date, Happened],
    count: int,
) -> Iterator[Carried]:
    """Carry one asset through months from the one available, re-basing as it goes.

    Args:
        cost: Capitalised by the month available, in fen.
        available_from: The day it was ready for use.
        estimate: What is expected at first.
        happened: By first day of the month; months without an event may be left out.
        count: How many months to go.

    800,000.00 over 96 months, impaired by 100,000.00 in the 48th -> 300,000.00 over the
    48 months left, 6,250.00 each (ACC-07).
    """
    first = available_from.replace(day=1)
    now = Carried(first, 0, cost, 0, 0)
    rebase, served = True, 0
    for month in (months_later(first, i) for i in range(count)):
        event = happened.get(month, Happened())
        estimate = event.estimate or estimate
        now = now._replace(month=month, gross=now.gross + event.addition)
        if rebase or event.addition or event.estimate:
            since, before = month, served
            basis = estimate.basis(available_from, month, now.carrying, served)
        nth = months_between(since, month) + 1
        used, tested = (event.used, served - before), event.impairment is not None
        charge = charge_of(basis, nth, now.carrying, *used, tested)
        served, rebase = served + event.used, bool(event.impairment)
        amortised = now.amortised + charge
        impaired = now.impaired + (event.impairment or 0)
        now = now._replace(charge=charge, amortised=amortised, impaired=impaired)
        yield now


def amortize(
    cost: int,
    life_months: int,
    available_from: date | None,
    method: str = "straight_line",
    residual: int = 0,
) -> pl.DataFrame:
    """Plan the charges from the month in which the asset is ready.

    Args:
        cost: Book value in fen.
        life_months: Useful life, already the shortest (``useful_life``).
        available_from: Nothing is planned for what is not ready.
        method: Units of use are charged as they are used: nothing is planned.
        residual: In fen; a cost below it is not amortised.

    Returns:
        Contract Amortization, down to the residual.

    185,000.00 over 60 months from 2026-11-12 -> 3,083.33 from 2026-11, last 3,083.53
    (ACC-06).
    """
    if available_from is None or method == "units_of_use":
        return frame_of(Amortization, [])
    start = Estimate(method, life_months, residual)
    plan = carry(cost, available_from, start, {}, life_months)
    rows = [
        (i, f"{at.month:%Y-%m}", at.charge, at.amortised, at.carrying)
        for i, at in enumerate(plan, 1)
    ]
    return frame_of(Amortization, rows)
