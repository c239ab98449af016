"""Find the business day on which a payment is due.

A declared year says which days are off and which weekends are worked. Of any other year
only weekends are known: its days are provisional until the State Council's notice of
that year, which comes in the November before, is declared. In both, a due day on which
banks are closed moves to the next business day, and to the preceding one where the next
is in another month (modified following). Interest does not move with it.
"""

from datetime import date, timedelta
from typing import NamedTuple

from schemas.loan import BankCalendar

DAY = timedelta(days=1)


class Payable(NamedTuple):
    """The day to pay on, and whether weekends are all that was known of it."""

    day: date
    provisional: bool


def is_business_day(day: date, calendar: BankCalendar) -> bool:
    """Ask whether banks are open. 2025-09-28, a Sunday worked for 1 October -> True."""
    for known in calendar.years:
        if known.year == day.year and day in (*known.rest, *known.work):
            return day in known.work
    return day.weekday() < 5


def next_business_day(day: date, calendar: BankCalendar) -> date:
    """Step forward from a day, itself included. 2026-02-20 -> 2026-02-24."""
    while not is_business_day(day, calendar):
        day += DAY
    return day


def payable(due_on: date, calendar: BankCalendar) -> Payable:
    """Move a due day to a business day of its month.

    Sunday 2025-08-31 -> Friday 2025-08-29; Saturday 2025-09-20 -> Monday 2025-09-22.
    """
    day = next_business_day(due_on, calendar)
    if day.month != due_on.month:
        day = due_on
        while not is_business_day(day, calendar):
            day -= DAY
    covered = {known.year for known in calendar.years}
    return Payable(day, due_on.year not in covered)
