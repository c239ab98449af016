"""Value by the income approach: P = Σ F_t / (1 + i)^t over the life that is left.

The life is the shortest of economic life, right, authorisation and contract, in whole
months; income beyond it is left out, and a part of a year counts by its months.
Revenue under a guide price is capped at ceiling × units, year by year; of an income
with and without, what the asset adds. The sum is rounded once, half up to fen.
"""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import NamedTuple

from schemas.appraisal import (
    ByInvestment,
    Case,
    Direct,
    Excess,
    Income,
    Incremental,
    Split,
)
from schemas.money import PRECISION, fen, shown
from tasks.asset.appraise.figures import at
from tasks.asset.appraise.life import ends_of
from tasks.asset.appraise.result import Found, Note, Step
from tasks.finance import Timed, discounted


class Year(NamedTuple):
    """One year of income: its part that counts, its flow, and when that comes."""

    months: int
    flow: Decimal  # of the part that counts
    time: Decimal  # years from the valuation date
    steps: tuple[Step, ...]


def by_income(method: Income, case: Case) -> Found:
    """Discount what the asset brings in each year of its life."""
    with localcontext(prec=PRECISION):
        years = [*years_of(method, case)]
        rate = method.rate.total
        value = sum((discounted([(y.flow, y.time)], rate) for y in years), Decimal(0))
        steps = [Step("rate", "", 0, rate, "fraction per year")]
        for number, year in enumerate(years, 1):
            present = discounted([(year.flow, year.time)], rate)
            steps += year.steps
            steps.append(Step("months", "", number, Decimal(year.months), "months"))
            steps.append(Step("time", "", number, year.time, "years"))
            steps.append(Step("present", "", number, present))
    notes = (*life_notes(method, case), *cap_notes(method, case))
    return Found(
        *(method.method, method.approach, method.weight, fen(value)),
        *(tuple(steps), notes),
    )


def years_of(method: Income, case: Case) -> Iterator[Year]:
    """Work out each year that the forecast states."""
    left = ends_of(case)[0].months
    for number in range(1, method.forecast.years + 1):
        months = min(max(left - 12 * (number - 1), 0), 12)
        part = Decimal(months) / 12
        steps = tuple(attributed(method, number, case))
        share = part / 2 if method.timing == "mid-year" else part
        time = number - 1 + share
        yield Year(months, steps[-1].amount * part, time, steps)


def timed(method: Income, case: Case) -> list[Timed]:
    """Give the flows with when they come, to find their return."""
    with localcontext(prec=PRECISION):
        return [(year.flow, year.time) for year in years_of(method, case)]


def attributed(method: Income, year: int, case: Case) -> Iterator[Step]:
    """Work out what the asset brings in a year; the last step is F_t."""
    forecast = method.forecast
    base, limit = at(forecast.inflow, year), limit_of(method, year, case)
    if not isinstance(method, Incremental):
        base = min(base, limit)
    yield Step("inflow", "", year, base)
    for name, series in forecast.less.items():
        yield Step("less", name, year, at(series, year))
        base -= at(series, year)
    if isinstance(method, Direct):
        yield Step("flow", "", year, base)
    elif isinstance(method, Excess):
        for name, charge in method.charges.items():
            owed = at(charge.base, year) * charge.required.value
            yield Step("charge", name, year, owed)
            base -= owed
        yield Step("flow", "", year, base)
    elif isinstance(method, Incremental):
        without = at(method.without, year)
        yield Step("without", "", year, without)
        yield Step("flow", "", year, min(base - without, limit))
    elif isinstance(method, Split):
        share = share_of(method, year)
        yield Step("share", "", year, share, "fraction")
        yield Step("flow", "", year, base * share)
    else:
        royalty = at(method.royalty, year)
        yield Step("royalty", "", year, royalty, "fraction")
        yield Step("flow", "", year, base * royalty)


def share_of(method: Split, year: int) -> Decimal:
    """Give the asset's share of an income earned together.

    100 × (1 + 5) = 600 of 600 + 3,000 × 1.1 -> 0.153846… (VAL-01).
    """
    share = method.share
    if not isinstance(share, ByInvestment):
        return at(share, year)
    own = share.own_cost.value * (1 + share.own_margin.value)
    other = share.other_cost.value * (1 + share.other_margin.value)
    return own / (own + other)


def limit_of(method: Income, year: int, case: Case) -> Decimal:
    """Say how much the asset may earn in a year: ceiling × units under a guide price.

    Revenue is held against it; of an income with the asset only what it adds.
    """
    units = method.forecast.units
    if case.ceiling is None or units is None:
        return Decimal("Infinity")
    return case.ceiling.amount * at(units, year)


def limited(method: Income, year: int) -> Decimal:
    """Give what a guide price limits in a year, as it was forecast."""
    forecast = method.forecast
    stated = at(forecast.inflow, year)
    if not isinstance(method, Incremental):
        return stated
    spent = sum((at(less, year) for less in forecast.less.values()), Decimal(0))
    return stated - spent - at(method.without, year)


def life_notes(method: Income, case: Case) -> Iterator[Note]:
    """Say how long the income lasts, and what was left out."""
    first, *_ = ends_of(case)
    stated = 12 * method.forecast.years
    said = (str(first.months), first.kind, str(first.last_day), first.source)
    yield Note("life", said)
    if first.months < stated:
        yield Note("shortened", (str(stated), str(first.months), first.kind))


def cap_notes(method: Income, case: Case) -> Iterator[Note]:
    """Say in which years the guide price capped the income."""
    if case.ceiling is None:
        return
    told = (str(case.ceiling.amount), case.ceiling.source)
    yield Note("ceiling", told)
    for year in range(1, method.forecast.years + 1):
        stated, limit = limited(method, year), limit_of(method, year, case)
        if limit < stated:
            yield Note("capped", (str(year), shown(fen(stated)), shown(fen(limit))))
