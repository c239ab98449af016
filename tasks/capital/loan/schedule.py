"""Plan what a loan pays and when, to exactly 0.00 at its end.

Equal instalments 等额本息, equal principal 等额本金, bullet 利随本清 (all at maturity),
interest only 按季付息到期还本 (interest on the 20th of the last month of each quarter,
银发〔1999〕77号 art. 20; principal at maturity). Interest of a row is rounded half up
to the fen once, over all rates of its period; the last row takes what rounding left.

An instalment is that which repays the balance over the days of the rows that are left,
at the rate that is known: A = P / Σ Π 1/(1+rᵢ), which is P·r/(1−(1+r)⁻ⁿ) where rows are
alike. It is computed again from the first row that begins at another rate.

5,000,000.00 at 3.6 %, 12 months, 30/360 -> 424,836.29, last 424,836.25 (LOAN-04).
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import Annotated, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.loan import RATE_UNIT, BankCalendar, LoanSchedule, LoanTerms
from schemas.money import PRECISION, exact_fen, fen
from tasks.capital.loan.calendar import payable
from tasks.capital.loan.daycount import YEAR, days_between
from tasks.capital.loan.rates import (
    Step,
    Steps,
    maturity,
    next_unfixed,
    rate_on,
    weight,
)
from tasks.finance import months_later

Span = tuple[date, date]
QUARTER_ENDS, SETTLED_ON = (3, 6, 9, 12), 20


class Planned(NamedTuple):
    """A row of a schedule before it is shown; amounts in fen, balance after it.

    ``early`` is a prepayment.
    """

    number: int
    from_on: date
    due_on: date
    principal: int
    interest: int
    balance: int
    early: bool = False


def plan(terms: LoanTerms, steps: Steps) -> list[Planned]:
    """Plan all rows from the drawdown at the rates that are fixed.

    200,000.00 at 7.5 %, 180 months, 30/360 -> 1,854.02 a month (LOAN-02).
    """
    return list(repaid(exact_fen(terms.principal), spans(terms), terms, steps))


def spans(terms: LoanTerms) -> list[Span]:
    """Cut the life of a loan at its due days, counted in months from the drawdown.

    Drawn down on 2024-01-31, due on 2024-02-29 and 2024-03-31. Of interest only, on
    the quarter's 20th and at maturity. Paid out on another day, it is due on the days
    that were agreed, as far as they follow.
    """
    start, end = terms.begins, maturity(terms)
    if terms.method == "bullet":
        inner = []
    elif terms.method == "interest_only":
        inner = settlement_days(start, end)
    else:
        inner = [months_later(terms.drawdown, k) for k in range(1, terms.months)]
    cuts = [start, *(day for day in inner if day > start), end]
    return list(itertools.pairwise(cuts))


def settlement_days(start: date, end: date) -> list[date]:
    """List the quarterly settlement days 结息日 between two days, neither included.

    2025-06-20 to 2026-06-20 -> 2025-09-20, 2025-12-20, 2026-03-20 (LOAN-05).
    """
    days = [
        date(year, month, SETTLED_ON)
        for year in range(start.year, end.year + 1)
        for month in QUARTER_ENDS
    ]
    return [day for day in days if start < day < end]


def repaid(
    balance: int,
    rows: Sequence[Span],
    terms: LoanTerms,
    steps: Steps,
    first: int = 1,
    level: int | None = None,
) -> Iterator[Planned]:
    """Repay a balance over spans; the last takes the rest.

    Args:
        balance: Fen.
        rows: At least one; each begins where the one before ends.
        terms: Method and basis.
        steps: Rates.
        first: Number of the first row.
        level: An instalment, or part of the principal, to keep until the next reset.
    """
    opening = rate_on(steps, rows[0][0])
    if level is None:
        level = level_of(balance, rows, terms, opening)
    for k, (start, due) in enumerate(rows):
        if terms.method == "equal_instalments" and rate_on(steps, start) != opening:
            opening = rate_on(steps, start)
            level = level_of(balance, rows[k:], terms, opening)
        interest = interest_of(balance, weight(steps, start, due, terms), terms)
        last = k == len(rows) - 1
        part = balance if last else part_of(balance, interest, level, terms)
        balance -= part
        yield Planned(first + k, start, due, part, interest, balance)


def interest_of(balance: int, weighed: int, terms: LoanTerms) -> int:
    """Charge a period: balance × Σ rate × days / year, half up to the fen.

    5,000,000.00 at 0.036 over 92 of 360 days -> 46,000.00 (LOAN-05).
    """
    whole = YEAR[terms.basis] * RATE_UNIT
    return (2 * balance * weighed + whole) // (2 * whole)


def part_of(balance: int, interest: int, level: int, terms: LoanTerms) -> int:
    """Tell the principal of a row that is not the last."""
    if terms.method == "equal_instalments":
        return min(max(level - interest, 0), balance)
    return min(level, balance)


def level_of(balance: int, rows: Sequence[Span], terms: LoanTerms, units: int) -> int:
    """Compute what stays equal: the instalment, or the part of the principal; half up.

    0 where all of the principal is due at maturity.
    """
    if terms.method in ("bullet", "interest_only"):
        return 0
    if terms.method == "equal_principal":
        return (2 * balance + len(rows)) // (2 * len(rows))
    flat = [Step(rows[0][0], units)]
    with localcontext(prec=PRECISION):
        whole = Decimal(YEAR[terms.basis] * RATE_UNIT)
        rates = [weight(flat, start, due, terms) / whole for start, due in rows]
        return fen(instalment_of(Decimal(balance), rates) / 100)


def instalment_of(principal: Decimal, rates: Sequence[Decimal]) -> Decimal:
    """Find the payment that repays a principal at these rates a period; not rounded.

    200,000 at 0.00625 over 180 periods -> 1,854.0247200054619 (LOAN-02).
    """
    with localcontext(prec=PRECISION):
        factor, worth = Decimal(1), Decimal(0)
        for rate in rates:
            factor /= 1 + rate
            worth += factor
        return principal / worth


def schedule(
    rows: Sequence[Planned], terms: LoanTerms, steps: Steps, calendar: BankCalendar
) -> Annotated[pl.DataFrame, LoanSchedule]:
    """Show a plan with the business days on which it is payable."""
    open_from = next_unfixed(terms, steps)
    cells = []
    for row in rows:
        pay_on, guessed = payable(row.due_on, calendar)
        if row.early:
            pay_on, guessed = row.due_on, False
        days = days_between(row.from_on, row.due_on, terms.basis, terms.anchor)
        amounts = row.principal, row.interest, row.principal + row.interest, row.balance
        when = row.from_on, row.due_on, pay_on, days
        unfixed = open_from is not None and open_from < row.due_on
        marks = row.early, guessed, unfixed
        cells.append((terms.loan, row.number, *when, *amounts, *marks))
    return frame_of(LoanSchedule, cells)
