"""Say how long the income of an asset lasts: the shortest of all its ends."""

from datetime import date, timedelta
from typing import NamedTuple

from schemas.appraisal import Case, Ending, IncomeMethod
from tasks.finance import months_later

DAY = timedelta(days=1)


class End(NamedTuple):
    """One end of the income, and whole months to it from the valuation date."""

    kind: str  # economic, right, authorisation, contract
    last_day: date
    source: str
    months: int


def ends_of(case: Case) -> list[End]:
    """List every end that is known, the soonest first."""
    stated, start = case.appraisal, case.appraisal.valuation_date
    found: list[tuple[str, Ending]] = [(end.kind, end) for end in case.ends]
    if stated.contract:
        found.append(("contract", stated.contract))
    ends = [
        End(kind, e.last_day, e.source, whole_months(start, e.last_day + DAY))
        for kind, e in found
    ]
    if life := stated.economic_life:
        months = int(life.value)
        last = months_later(start, months) - DAY
        ends.append(End("economic", last, life.source, months))
    return sorted(ends, key=lambda end: end.months)


def whole_months(start: date, end: date) -> int:
    """Count whole months, rounded down; none where the end lies before.

    2026-06-20 to 2031-07-01 -> 60; 2026-06-20 to 2026-07-19 -> 0.
    """
    months = 12 * (end.year - start.year) + end.month - start.month
    return max(months - (months_later(start, max(months, 0)) > end), 0)


def horizon(case: Case) -> date | None:
    """Find the last day of appraised income; None where no method rests on income."""
    forecast = [
        12 * method.forecast.years
        for method in case.appraisal.methods
        if isinstance(method, IncomeMethod)
    ]
    if not forecast:
        return None
    months = min(max(forecast), ends_of(case)[0].months)
    return months_later(case.appraisal.valuation_date, months) - DAY


def income_within(case: Case, last: date | None) -> bool:
    """Ask whether the income ends no later than the right to operate now does.

    The case ends with the right that the document states; the register may know of a
    revocation since. A value without income needs no term.

    Args:
        case: The appraisal.
        last: Last day of the right as registered; None where it is not held.

    Income to 2028-04-19 under a right to 2028-04-18 -> no.
    """
    end = horizon(case)
    return end is None or (last is not None and end <= last)
