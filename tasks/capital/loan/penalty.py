"""Charge penalty interest 罚息 on principal and interest that are overdue.

The contract rate times the agreed multiple, 1.3 to 1.5, until it is paid, on overdue
principal, and on overdue interest as compound interest 复利 (银发〔2003〕251号 art. 3).
No penalty on penalty. A row is overdue when it is unpaid after its day to pay and the
days of grace; then the penalty counts from the day to pay. What is paid within the
grace bears none. Each row is rounded half up once, from that day on.

100,000.00 overdue for 10 days at 3.6 % × 1.5, ACT/360 -> 150.00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, NamedTuple

import polars as pl

from schemas.loan import RATE_UNIT, LoanSchedule, LoanTerms
from tasks.capital.loan.daycount import YEAR, days_between
from tasks.capital.loan.rates import Step, Steps, pieces, refuse_unfixed


class Due(NamedTuple):
    """A row that falls due, in fen."""

    number: int
    due_on: date
    payable_on: date
    principal: int
    interest: int

    @property
    def claimable_from(self) -> date:
        """Tell the first day on which it can be paid: due or, if earlier, payable."""
        return min(self.due_on, self.payable_on)


class Paid(NamedTuple):
    """What a payment put to a row, in fen."""

    number: int
    on: date
    interest: int
    principal: int


class Fee(NamedTuple):
    """A cost of the lender that the borrower bears, in fen."""

    on: date
    amount: int


@dataclass(frozen=True)
class LoanAccount:
    """A loan as its payments find it: what falls due, and what was paid.

    ``steps`` are penalty rates. ``last_on`` is the day of the last payment, the
    drawdown before the first.
    """

    terms: LoanTerms
    steps: Steps
    dues: tuple[Due, ...]
    last_on: date
    fees: tuple[Fee, ...] = ()
    paid: tuple[Paid, ...] = ()
    fees_paid: int = 0
    penalty_paid: int = 0


def opened(
    shown: Annotated[pl.DataFrame, LoanSchedule],
    terms: LoanTerms,
    steps: Steps,
    fees: tuple[Fee, ...] = (),
) -> LoanAccount:
    """Open the account of a loan from its schedule and its contract rates."""
    columns = "number", "due_on", "payable_on", "principal_fen", "interest_fen"
    dues = tuple(map(Due._make, shown.select(columns).iter_rows()))
    penal = penalty_steps(steps, terms.penalty_multiple)
    return LoanAccount(terms, penal, dues, terms.begins, fees)


def penalty_steps(steps: Steps, multiple: Decimal) -> Steps:
    """Raise the contract rates to penalty rates, half up to a hundred-millionth.

    0.036 × 1.5 -> 0.054.
    """
    return tuple(
        Step(on, int((units * multiple).quantize(Decimal(1), ROUND_HALF_UP)))
        for on, units in steps
    )


def penalty(account: LoanAccount, upto: date) -> int:
    """Sum up the penalty from the beginning to a day, paid or not; the day not counted.

    Returns:
        Fen, each row rounded once.

    Raises:
        ContractError: A reset before the day has no rate.
    """
    refuse_unfixed(account.terms, account.steps, upto)
    basis, anchor = account.terms.basis, account.terms.anchor
    whole = YEAR[basis] * RATE_UNIT
    total = 0
    for due in account.dues:
        weighed = sum(
            amount * units * days_between(a, b, basis, anchor)
            for a, b, amount, units in overdue(account, due, upto)
        )
        total += (2 * weighed + whole) // (2 * whole)
    return total


def overdue(
    account: LoanAccount, due: Due, upto: date
) -> Iterator[tuple[date, date, int, int]]:
    """Cut the days that a row is overdue where its amount or the rate changes.

    Yields:
        From, to, amount in fen, penalty rate in hundred-millionths.
    """
    grace = due.payable_on + timedelta(days=account.terms.grace_days)
    if upto <= grace:
        return
    paid = [p for p in account.paid if p.number == due.number and p.on < upto]
    left, since = due.principal + due.interest, due.payable_on
    for on, amount in (*((p.on, p.interest + p.principal) for p in paid), (upto, 0)):
        if on > grace and on > since and left:
            for a, b, units in pieces(account.steps, since, on):
                yield a, b, left, units
            since = on
        left -= amount
