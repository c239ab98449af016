"""Follow a loan from the facts that were recorded of it: what is due, paid and owed.

Nothing of it is kept but the facts: the schedule, where each payment went, what has
accrued and what is overdue follow from them and the terms, on any day. So what is told
today of a day that has passed is what was told then, as long as no fact is dated before
the last payment.

5,000,000.00 at 3.6 %, ACT/360, drawn on 2025-06-20, 46,000.00 paid on 2025-09-22 ->
all of it interest, 5,000,000.00 owed, the next 45,500.00 due on 2025-12-20 (LOAN-05).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Annotated, NamedTuple

import polars as pl

from schemas.errors import RegisterError
from schemas.loan import KEEPS, BankCalendar, Keep, LoanTerms, LprFixing
from schemas.money import exact_fen, shown, yuan
from tasks.capital.loan.accrue import accrued, stretches
from tasks.capital.loan.allocate import (
    Allocation,
    Claims,
    claimed,
    left,
    pay,
    rescheduled,
)
from tasks.capital.loan.penalty import (
    Due,
    Fee,
    LoanAccount,
    Paid,
    opened,
    penalty,
)
from tasks.capital.loan.prepay import Prepayment, prepay, row_on
from tasks.capital.loan.rates import Steps, rate_steps, weight
from tasks.capital.loan.schedule import Planned, interest_of, plan, schedule

REALISED = "realised"  # a payment out of a sale: no fen of it is given back
ORDER = ("draw", "fee", "pay")  # of one day


class Fact(NamedTuple):
    """What happened to one loan; of the register LoanFact. ``name`` of a payment says
    what stays where it repays early."""

    event: str
    number: int
    on: date
    amount: int
    name: str = ""


class Market(NamedTuple):
    """What a loan is planned by beside its terms."""

    lpr: Annotated[pl.DataFrame, LprFixing]
    calendar: BankCalendar


class Payment(NamedTuple):
    """Where a payment went."""

    number: int
    on: date
    made: Allocation


@dataclass(frozen=True)
class Book:
    """A loan that was drawn, after some of its facts."""

    terms: LoanTerms  # as it was paid out
    steps: Steps
    calendar: BankCalendar
    rows: tuple[Planned, ...]
    account: LoanAccount
    payments: tuple[Payment, ...] = ()

    @cached_property
    def shown(self) -> pl.DataFrame:
        """The schedule as it stands, prepayments in it. Contract: LoanSchedule."""
        return schedule(self.rows, self.terms, self.steps, self.calendar)

    @property
    def drawn(self) -> int:
        """What was paid out, in fen."""
        return exact_fen(self.terms.principal)

    @property
    def outstanding(self) -> int:
        """What is left of the principal, in fen."""
        return self.drawn - sum(p.made.principal for p in self.payments)

    def claims(self, on: date) -> Claims:
        """Sum up what can be asked for on a day."""
        return claimed(self.account, on)

    def borne(self, upto: date) -> int:
        """Sum up interest and penalty from the drawdown to a day, itself not counted.

        Paid or not, in fen, each row rounded once.
        """
        cut = stretches(self.rows, self.terms, self.steps)
        interest = int(accrued(cut, upto)["interest_fen"].sum())
        return interest + penalty(self.account, upto)

    def unpaid(self) -> list[Due]:
        """List the rows of which something is unpaid."""
        return [row for row in left(self.account) if row.interest or row.principal]


def follow(
    terms: LoanTerms, facts: Iterable[Fact], market: Market, as_of: date
) -> Book | None:
    """Take the facts of a loan up to a day, one after the other; None: not drawn yet.

    Args:
        terms: As agreed.
        facts: Of this loan alone, in any order.
        market: LPR and bank calendar.
        as_of: Facts after it are left out, resets after it not fixed.

    Raises:
        RegisterError: A payment exceeds what is due, and does not repay early.
        ContractError: The rate of a reset is missing.
    """
    known = sorted(
        (f for f in facts if f.event in ORDER and f.on <= as_of),
        key=lambda f: (f.on, ORDER.index(f.event), f.number),
    )
    draws = [fact for fact in known if fact.event == "draw"]
    if not draws:
        return None
    book = drawn_down(terms, draws[0], market, as_of)
    for fact in known:
        if fact.event == "fee":
            book = charged(book, fact)
        elif fact.event == "pay":
            book = settled(book, fact)
    return book


def drawn_down(terms: LoanTerms, fact: Fact, market: Market, as_of: date) -> Book:
    """Open the book of a loan with what was paid out, and on which day."""
    told = {"principal": yuan(fact.amount), "paid_out": fact.on}
    drawn = terms.model_copy(update=told)
    steps = rate_steps(drawn, market.lpr, market.calendar, max(as_of, fact.on))
    rows = tuple(plan(drawn, steps))
    shown = schedule(rows, drawn, steps, market.calendar)
    account = opened(shown, drawn, steps)
    return Book(drawn, steps, market.calendar, rows, account)


def charged(book: Book, fact: Fact) -> Book:
    """Charge a fee."""
    fees = (*book.account.fees, Fee(fact.on, fact.amount))
    return replace(book, account=replace(book.account, fees=fees))


def settled(book: Book, fact: Fact) -> Book:
    """Put a payment to what is due, and what is left over to repay early if asked.

    Raises:
        RegisterError: Something is left over, and it shall not repay early.
    """
    account, made = pay(book.account, fact.on, fact.amount)
    paid = replace(book, account=account)
    if made.rest:
        paid, more = repaid_early(paid, fact, made.rest)
        parts = (a + b for a, b in zip(made[:-1], more[:-1], strict=True))
        made = Allocation._make([*parts, 0])
    payment = Payment(fact.number, fact.on, made)
    return replace(paid, payments=(*book.payments, payment))


def repaid_early(book: Book, fact: Fact, rest: int) -> tuple[Book, Allocation]:
    """Repay early with what a payment left over: interest of the row that runs first.

    1,000,000.00 left over on the 40th day of 5,000,000.00 at 3.6 %, ACT/360 ->
    20,000.00 interest, 980,000.00 principal.

    Raises:
        RegisterError: The borrower did not ask for it, or it does not even pay the
            interest until that day, or it is more than all that is owed.
    """
    loan, on = book.terms.loan, fact.on
    if fact.name not in (*KEEPS, REALISED):
        taken = shown(fact.amount - rest)
        raise RegisterError(
            f"loan {loan}: {taken} CNY are due by {on}, so {shown(rest)} CNY are left"
            " over: pay what is due, or let the rest repay early (--prepay)"
        )
    running = row_on(book.rows, on)
    owed = running.balance + running.principal
    weighed = weight(book.steps, running.from_on, on, book.terms)
    interest = interest_of(owed, weighed, book.terms)
    if rest <= interest and fact.name == REALISED:
        return paid_ahead(book, running.number, on, rest)
    if rest <= interest:
        raise RegisterError(
            f"loan {loan}: {shown(interest)} CNY of interest until {on} come before a"
            f" prepayment, and {shown(rest)} CNY are left over for it; pay more, or"
            " only what is due"
        )
    keep: Keep = "instalment" if fact.name == "instalment" else "term"
    early = Prepayment(on, rest - interest, keep)
    rows = tuple(prepay(book.rows, early, book.terms, book.steps))
    plain = schedule(rows, book.terms, book.steps, book.calendar)
    moved = rescheduled(book.account, opened(plain, book.terms, book.steps))
    account, made = pay(moved, on, rest)
    return replace(book, rows=rows, account=account), made


def paid_ahead(book: Book, number: int, on: date, rest: int) -> tuple[Book, Allocation]:
    """Put what a sale left over to the interest that runs: too little to repay early.

    Nothing due, 7,500.00 of interest run, 5,000.00 of a sale -> all of it interest.
    """
    paid = (*book.account.paid, Paid(number, on, rest, 0))
    account = replace(book.account, paid=paid)
    return replace(book, account=account), Allocation(0, 0, rest, 0, 0)
