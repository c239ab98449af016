"""Pay cash out in a stated order: what is first is paid in full before the next.

The monthly waterfall of a pool: taxes → fees → senior interest → senior principal →
subordinated. Senior principal follows what the loans repaid; once defaults pass the
trigger, or senior interest stayed unpaid, everything left repays the senior notes
(turbo), and that is never taken back. Each period's cash goes out whole.

31 days of 2.4 % on 100,000,000.00, ACT/365 -> 203,835.62.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import Annotated, Any, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.money import PRECISION, exact_fen, fen, yuan
from schemas.pool import Collected, Distributed, PoolTerms
from schemas.quality import WHOLE
from tasks.capital.coverage import ppm

YEAR = 365  # ACT/365
Month = dict[str, Any]  # a row of contract Collected
Row = tuple[Any, ...]  # of contract Distributed


class Notes(NamedTuple):
    """How pool and notes stand after a payment day; amounts in fen."""

    on: date
    pool: int
    senior: int
    defaulted: int  # of the loans, so far
    lost: int  # of that, not recovered
    repaid: int  # of the loans, so far, with what was recovered
    arrears: tuple[int, int, int] = (0, 0, 0)  # taxes, fees, senior interest
    turbo: bool = False


def pour(cash: int, dues: Sequence[int]) -> list[int]:
    """Pay dues in order as far as the cash goes; the last number is what is left.

    100 on 50, 30, 40 -> 50, 30, 20, 0.
    """
    paid, left = [], cash
    for due in dues:
        paid.append(min(due, left))
        left -= paid[-1]
    return [*paid, left]


def waterfall(
    collected: Annotated[pl.LazyFrame, Collected], terms: PoolTerms
) -> Annotated[pl.LazyFrame, Distributed]:
    """Distribute what was collected, payment day by payment day.

    Args:
        collected: The periods so far.
        terms: The plan; the notes are the pool at the cut-off.

    Raises:
        ContractError: A payment day does not follow the one before, or more principal
            came in or defaulted than the pool was owed.
    """
    senior = exact_fen(terms.senior)
    pool = senior + exact_fen(terms.subordinated)
    at = Notes(terms.cut_off, pool, senior, defaulted=0, lost=0, repaid=0)
    rows = []
    for month in collected.sort("period").collect().iter_rows(named=True):
        refuse_impossible(month, at)
        at, row = distribute(month, at, terms)
        rows.append(row)
    return frame_of(Distributed, rows).lazy()


def distribute(month: Month, at: Notes, terms: PoolTerms) -> tuple[Notes, Row]:
    """Pay one period out, and say how pool and notes stand after it."""
    now = collect(month, at, terms)
    due = dues(month, at, now, terms)
    cash = sum(month[f"{n}_fen"] for n in ("interest", "principal", "recovered"))
    *paid, rest = pour(cash, due)
    taxes, fees, interest, _ = (d - p for d, p in zip(due, paid, strict=True))
    after = now._replace(senior=at.senior - paid[-1], arrears=(taxes, fees, interest))
    left = (sum(after.arrears), after.senior, after.pool)
    days = (after.on - at.on).days
    return after, (month["period"], after.on, days, now.turbo, cash, *paid, rest, *left)


def collect(month: Month, at: Notes, terms: PoolTerms) -> Notes:
    """Move the pool on by what its loans did, and see whether the trigger is pulled."""
    principal, recovered = month["principal_fen"], month["recovered_fen"]
    defaulted = at.defaulted + month["defaulted_fen"]
    notes = exact_fen(terms.senior) + exact_fen(terms.subordinated)
    tripped = defaulted * WHOLE > ppm(terms.turbo_above) * notes
    return at._replace(
        on=month["paid_on"],
        pool=at.pool - principal - month["defaulted_fen"],
        defaulted=defaulted,
        lost=at.lost + month["defaulted_fen"] - recovered,
        repaid=at.repaid + principal + recovered,
        turbo=at.turbo or tripped or at.arrears[2] > 0,
    )


def dues(month: Month, at: Notes, now: Notes, terms: PoolTerms) -> list[int]:
    """List what is due in order: taxes, fees, senior interest, senior principal.

    Principal brings the senior notes down to what the loans have not repaid of them, so
    that a shortfall is made up for later; in turbo and at maturity all of it is due.
    """
    days = (now.on - at.on).days
    charged = (
        for_days(month["interest_fen"], terms.tax_rate, YEAR),  # of all, not by days
        for_days(at.pool, terms.fee_rate, days),
        for_days(at.senior, terms.coupon_rate, days),
    )
    planned = max(0, exact_fen(terms.senior) - now.repaid)
    whole = now.turbo or now.on >= terms.matures_on
    principal = at.senior if whole else max(0, at.senior - planned)
    unpaid = [old + new for old, new in zip(at.arrears, charged, strict=True)]
    return [*unpaid, principal]


def for_days(amount: int, rate: Decimal, days: int) -> int:
    """Charge a yearly rate for days of 365, half up to fen."""
    with localcontext(prec=PRECISION):
        return fen(yuan(amount) * rate * days / YEAR)


def refuse_impossible(month: Month, at: Notes) -> None:
    """Refuse a period that cannot follow how the pool stands.

    Raises:
        ContractError: As said.
    """
    where = f"period {month['period']}"
    if month["paid_on"] <= at.on:
        raise ContractError(
            f"{where}: its payment day is not after {at.on}; correct it"
        )
    gone = month["principal_fen"] + month["defaulted_fen"]
    if gone > at.pool or month["recovered_fen"] > at.lost:
        raise ContractError(
            f"{where}: more principal came in, defaulted or was recovered than was"
            " owed; correct what was collected"
        )
