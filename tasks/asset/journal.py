"""Write the journal lines of recognition: debit positive, credit negative.

An entry's key names the voucher line and the event, so next month's run, or another
release, posts nothing twice. A line is incurred once under one key, expensed or
capitalised: to capitalise later what was expensed would be other content under that
key, which the register refuses. Amortisation is posted by the close.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import polars as pl

from schemas.asset import AssetTerms
from schemas.contract import frame_of
from schemas.entity import Role
from schemas.errors import ContractError
from schemas.registers import JournalLine
from tasks.asset.recognize import Decision

Line = tuple[str | int | date, ...]  # contract JournalLine


class Borne(NamedTuple):
    """A voucher line with what this product bears of it, more than 0."""

    voucher: str
    line: int
    incurred_on: date
    supplier: str
    phase: str
    kind: str
    amount_fen: int
    capitalised: bool


def journal(borne: pl.DataFrame, decision: Decision, terms: AssetTerms) -> pl.DataFrame:
    """Write all entries of recognition. Contract: JournalLine.

    650,000.00 of development, ready for use -> 530102 / 1002 and 1701 / 530102.

    Raises:
        ContractError: The entity's chart lacks an account.
    """
    costs = map(Borne._make, borne.select(Borne._fields).iter_rows())
    return frame_of(
        JournalLine, [e for c in costs for e in entries(c, decision, terms)]
    )


def entries(cost: Borne, decision: Decision, terms: AssetTerms) -> Iterator[Line]:
    """Write the entries of one voucher line: incurred, and ready for use."""
    debit = debited(cost, decision, terms)
    # Wages are owed to the staff (2211) until the payroll pays them.
    credit: Role = "payroll" if cost.kind == "staff" else "bank"
    yield from entry("incur", cost.incurred_on, (debit, credit), cost, terms)
    if debit == "development" and decision.ready:
        ready: tuple[Role, Role] = ("intangible", "development")
        yield from entry("recognise", decision.ready, ready, cost, terms)


def debited(cost: Borne, decision: Decision, terms: AssetTerms) -> Role:
    """Choose what a cost becomes."""
    inside = terms.recognition.origin == "internal"
    if not cost.capitalised:
        return "research" if inside and cost.phase != "operation" else "expense"
    if decision.outcome == "inventory":
        return "inventory"
    return "development" if inside else "intangible"


def entry(
    event: str, on: date, roles: tuple[Role, Role], cost: Borne, terms: AssetTerms
) -> Iterator[Line]:
    """Write one balanced entry: the first role is debited, the second credited."""
    key = f"{event}/{terms.name}/{cost.voucher}/{cost.line}"
    memo = f"{cost.kind}: {cost.supplier}, voucher {cost.voucher}"
    for number, (role, sign) in enumerate(zip(roles, (1, -1), strict=True), 1):
        account, amount = account_of(role, terms), sign * cost.amount_fen
        row = terms.entity, key, number, on, f"{on:%Y-%m}", account, amount, memo
        yield *row, terms.name, event, cost.voucher, ""


def account_of(role: Role, terms: AssetTerms) -> str:
    """Find the account of a role in the entity's chart.

    Raises:
        ContractError: The chart has no account for it.
    """
    if role not in terms.accounts:
        raise ContractError(
            f"entity {terms.entity} has no account for {role!r}: add it to its accounts"
        )
    return terms.accounts[role]
