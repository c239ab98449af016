"""Turn a contract rate into dated steps: fixed, or LPR ± basis points with resets.

The LPR is published on the 20th of each month, or on the next business day (PBoC
announcement 〔2019〕 No. 15). A reset takes the value last published on or before its
day. The value that must have been published by then must be in the table: an older one
never stands in for it. Between resets the rate stays.

LPR 1Y of 3.10 % − 20 basis points -> 0.029 from the day of the reset.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, NamedTuple

import polars as pl

from schemas.errors import ContractError
from schemas.loan import (
    BankCalendar,
    FixedRate,
    LoanTerms,
    LprFixing,
    LprRate,
    rate_units,
)
from tasks.capital.loan.calendar import next_business_day
from tasks.capital.loan.daycount import days_between
from tasks.finance import months_later

BASIS_POINT = 10_000  # of the hundred-millionths that a rate is counted in


class Step(NamedTuple):
    """A rate, in hundred-millionths a year, from a day on."""

    from_on: date
    units: int


Steps = Sequence[Step]


def rate_steps(
    terms: LoanTerms,
    lpr: Annotated[pl.DataFrame, LprFixing],
    calendar: BankCalendar,
    as_of: date,
) -> Steps:
    """List the rates from the drawdown, as far as they are fixed on a day.

    Args:
        terms: Rate, drawdown, months.
        lpr: Published values; not read for a fixed rate.
        calendar: Of the days of publication.
        as_of: Resets after it are not fixed yet; the one at drawdown always is.

    Raises:
        ContractError: The table lacks a value, or the rate falls below 0.
    """
    if isinstance(terms.rate, FixedRate):
        return (Step(terms.begins, rate_units(terms.rate.annual_rate)),)
    resets = [day for day in reset_days(terms, terms.rate) if day <= as_of]
    return tuple(
        Step(day, floating(terms.rate, lpr, calendar, day))
        for day in (terms.begins, *resets)
    )


def reset_days(terms: LoanTerms, rate: LprRate) -> Iterator[date]:
    """List the resets before maturity, whole months apart.

    Drawn down on 2025-08-31, reset every 6 months -> 2026-02-28, 2026-08-31.
    """
    every, start = rate.reset_months, rate.first_reset or terms.drawdown
    for k in range(0 if rate.first_reset else 1, terms.months + 1):
        if (day := months_later(start, k * every)) >= maturity(terms):
            return
        if day > terms.begins:
            yield day


def maturity(terms: LoanTerms) -> date:
    """Tell the last day of a loan. 2025-08-31, 6 months -> 2026-02-28."""
    return months_later(terms.drawdown, terms.months)


def floating(
    rate: LprRate,
    lpr: Annotated[pl.DataFrame, LprFixing],
    calendar: BankCalendar,
    on: date,
) -> int:
    """Fix the rate of a reset, in hundred-millionths.

    Raises:
        ContractError: The value due by then is missing, or the rate is below 0.
    """
    due = last_publication(on, calendar)
    known = lpr.filter(
        pl.col("tenor") == rate.tenor,
        pl.col("published_on").is_between(due, on),
    ).sort("published_on")
    if known.is_empty():
        raise ContractError(
            f"no LPR {rate.tenor} of {due:%Y-%m} for the reset on {on}: add the value"
            f" published on {due} to the table"
        )
    units = int(known["rate_units"][-1]) + BASIS_POINT * rate.basis_points
    if units < 0:
        raise ContractError(
            f"LPR {rate.tenor} of {due:%Y-%m} with {rate.basis_points} basis points is"
            " below 0: correct the basis points"
        )
    return units


def last_publication(on: date, calendar: BankCalendar) -> date:
    """Tell when the LPR was last due on or before a day. 2026-02-23 -> 2026-01-20."""
    due = next_business_day(on.replace(day=20), calendar)
    if due <= on:
        return due
    before = on.replace(day=1) - timedelta(days=1)
    return next_business_day(before.replace(day=20), calendar)


def next_unfixed(terms: LoanTerms, steps: Steps) -> date | None:
    """Tell the first reset whose rate is not known yet; None if all are."""
    if not isinstance(terms.rate, LprRate):
        return None
    later = (d for d in reset_days(terms, terms.rate) if d > steps[-1].from_on)
    return next(later, None)


def refuse_unfixed(terms: LoanTerms, steps: Steps, upto: date) -> None:
    """Refuse to charge days whose rate is only projected.

    Raises:
        ContractError: A reset before the day has no rate.
    """
    reset = next_unfixed(terms, steps)
    if reset is not None and reset < upto:
        raise ContractError(
            f"loan {terms.loan}: the reset on {reset} has no rate, and {upto} lies"
            " after it; add the LPR to the table and fix the rates up to that day"
        )


def rate_on(steps: Steps, day: date) -> int:
    """Tell the rate that applies on a day, in hundred-millionths.

    Raises:
        ContractError: No step has begun.
    """
    begun = [step.units for step in steps if step.from_on <= day]
    if not begun:
        raise ContractError(f"no rate is fixed for {day}: begin the steps before it")
    return begun[-1]


def pieces(steps: Steps, start: date, end: date) -> Iterator[tuple[date, date, int]]:
    """Cut a period at the resets inside it: from, to, rate. The last step goes on."""
    cuts = [start, *(s.from_on for s in steps if start < s.from_on < end), end]
    for begins, ends in itertools.pairwise(cuts):
        yield begins, ends, rate_on(steps, begins)


def weight(steps: Steps, start: date, end: date, terms: LoanTerms) -> int:
    """Sum rate × days of a period: its interest is balance × weight / year.

    0.036 over 92 days -> 331,200,000.
    """
    counted = terms.basis, terms.anchor
    cut = pieces(steps, start, end)
    return sum(units * days_between(a, b, *counted) for a, b, units in cut)
