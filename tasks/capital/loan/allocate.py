"""Put a payment to fees, penalty, interest, principal, in this order.

Civil Code art. 561 has costs, interest, principal; the penalty stands before the
interest here. Within interest, and within principal, the row that is due longest comes
first (art. 560). Only what is due by the day is claimed; what is left over is told, not
kept: it is given back, or repays early if the borrower asks so (``prepay``).

1,000.00 against 100.00 fees, 50.00 penalty, 300.00 interest, 5,000.00 principal ->
100.00, 50.00, 300.00, 550.00.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.loan import LoanDue
from tasks.capital.loan.penalty import Due, LoanAccount, Paid, penalty


class Claims(NamedTuple):
    """What can be asked for on a day, in fen, in the order of payment."""

    fees: int
    penalty: int
    interest: int
    principal: int


class Allocation(NamedTuple):
    """Where a payment goes, in fen; the parts sum to it."""

    fees: int
    penalty: int
    interest: int
    principal: int
    rest: int


def allocate(amount: int, claims: Claims) -> Allocation:
    """Serve each claim as far as the money goes.

    Raises:
        RegisterError: Nothing is paid.
    """
    if amount <= 0:
        raise RegisterError("a payment must be above 0.00; correct the amount")
    parts = spread(amount, claims)
    return Allocation._make([*parts, amount - sum(parts)])


def spread(amount: int, claims: Sequence[int]) -> list[int]:
    """Fill claims one after the other. 5 over 3, 4, 1 -> 3, 2, 0."""
    parts = []
    for claim in claims:
        parts.append(min(amount, claim))
        amount -= parts[-1]
    return parts


def pay(account: LoanAccount, on: date, amount: int) -> tuple[LoanAccount, Allocation]:
    """Take a payment of a day into the account of a loan.

    Args:
        account: With all payments before.
        on: Not before the last payment.
        amount: Fen.

    Raises:
        RegisterError: Nothing is paid, or the day lies before the last one.
    """
    if on < account.last_on:
        raise RegisterError(
            f"loan {account.terms.loan}: a payment of {on} lies before the last day,"
            f" {account.last_on}; correct the day"
        )
    made = allocate(amount, claimed(account, on))
    rows = [row for row in left(account) if row.claimable_from <= on]
    interest = spread(made.interest, [row.interest for row in rows])
    principal = spread(made.principal, [row.principal for row in rows])
    paid = tuple(
        Paid(row.number, on, i, p)
        for row, i, p in zip(rows, interest, principal, strict=True)
        if i or p
    )
    after = replace(
        account,
        last_on=on,
        paid=(*account.paid, *paid),
        fees_paid=account.fees_paid + made.fees,
        penalty_paid=account.penalty_paid + made.penalty,
    )
    return after, made


def claimed(account: LoanAccount, on: date) -> Claims:
    """Sum up what is due and unpaid on a day, the penalty up to it included.

    Raises:
        ContractError: A reset before the day has no rate.
    """
    due = [row for row in left(account) if row.claimable_from <= on]
    fees = sum(fee.amount for fee in account.fees if fee.on <= on)
    return Claims(
        fees=fees - account.fees_paid,
        penalty=penalty(account, on) - account.penalty_paid,
        interest=sum(row.interest for row in due),
        principal=sum(row.principal for row in due),
    )


def rescheduled(account: LoanAccount, fresh: LoanAccount) -> LoanAccount:
    """Put payments to what falls due by a newer schedule: a reset, a prepayment.

    Args:
        account: With its payments.
        fresh: Opened on the newer schedule and rates, without any.

    Raises:
        RegisterError: A row that was paid asks for less than was put to it.
    """
    moved = replace(account, dues=fresh.dues, steps=fresh.steps)
    if any(min(row.interest, row.principal) < 0 for row in left(moved)):
        raise RegisterError(
            f"loan {account.terms.loan}: its newer schedule changes what was paid"
            " already; plan from the rates and prepayments that were known then"
        )
    return moved


def left(account: LoanAccount) -> list[Due]:
    """Tell what is unpaid of each row, longest due first."""
    interest: dict[int, int] = {}
    principal: dict[int, int] = {}
    for paid in account.paid:
        interest[paid.number] = interest.get(paid.number, 0) + paid.interest
        principal[paid.number] = principal.get(paid.number, 0) + paid.principal
    return [
        row._replace(
            interest=row.interest - interest.get(row.number, 0),
            principal=row.principal - principal.get(row.number, 0),
        )
        for row in account.dues
    ]


def unpaid(account: LoanAccount) -> Annotated[pl.DataFrame, LoanDue]:
    """Show what is left of every row, for days past due over many loans."""
    terms = account.terms
    return frame_of(
        LoanDue,
        [
            (
                *(terms.loan, row.number, row.payable_on, terms.grace_days),
                *(row.principal, row.interest),
            )
            for row in left(account)
        ],
    )
