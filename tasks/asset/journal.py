"""Write the journal lines of recognition: debit positive, credit negative.

An entry's key names the voucher line, so next month's run, or another release, posts
nothing twice. A line is incurred once under one key, as cost of an asset (event incur)
or expensed (event expense): to capitalise later what was expensed is other content
under that key, which ``post`` refuses. Amortisation is posted by the close.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

import polars as pl

from schemas.asset import AssetTerms
from schemas.contract import frame_of
from schemas.entity import Role, account_of
from schemas.registers import JournalLine
from tasks.asset.measure import BEARS
from tasks.asset.recognize import Decision

Line = tuple[str | int | date, ...]  # contract JournalLine
Posting = tuple[Role, int]
CARRIED: tuple[Role, ...] = ("development", "intangible", "inventory")


class Borne(NamedTuple):
    """A voucher line with what this product bears of it; below 0, taken back."""

    voucher: str
    line: int
    booked_on: date
    supplier: str
    phase: str
    kind: str
    amount_fen: int
    tax_fen: int
    capitalised: bool


def journal(borne: pl.DataFrame, decision: Decision, terms: AssetTerms) -> pl.DataFrame:
    """Propose all entries of recognition. Contract: JournalLine.

    650,000.00 of development, ready for use -> 530102 / 1002 and 1701 / 530102.

    Raises:
        ContractError: The entity's chart lacks an account.
    """
    costs = map(Borne._make, borne.select(Borne._fields).iter_rows())
    return frame_of(
        JournalLine, [e for c in costs for e in entries(c, decision, terms)]
    )


def entries(cost: Borne, decision: Decision, terms: AssetTerms) -> Iterator[Line]:
    """Write the entries of one voucher line: incurred, and ready for use.

    The input tax that the voucher states is a claim, no cost (CAS 6 art. 12). A line
    that takes another back writes that line's entry in red: the same accounts, amounts
    below 0. What is taken back of a ready asset leaves it on its own day.
    """
    debit = debited(cost, decision, terms)
    # Wages are owed to the staff (2211) until the payroll pays them.
    credit: Role = "payroll" if cost.kind == "staff" else "bank"
    amount, tax = cost.amount_fen, cost.tax_fen
    sides: list[Posting] = [(debit, amount), ("input_vat", tax)]
    paid: Posting = credit, -amount - tax
    event = "incur" if debit in CARRIED else "expense"
    moved = (*sides, paid)
    yield from entry("incur", event, cost.booked_on, moved, cost, terms)
    if debit == "development" and decision.ready:
        ready: list[Posting] = [("intangible", amount), ("development", -amount)]
        on = max(decision.ready, cost.booked_on)
        yield from entry("recognise", "recognise", on, ready, cost, terms)


def debited(cost: Borne, decision: Decision, terms: AssetTerms) -> Role:
    """Choose what a cost becomes.

    Purchased services that are no asset are expensed by their use 根据用途
    (财会〔2023〕11号): what serves customers is a cost of sales.
    """
    inside = terms.recognition.origin == "internal"
    if not cost.capitalised:
        if inside:
            return "research" if cost.phase != "operation" else "expense"
        missed = decision.outcome == "not recognised"
        return BEARS[terms.amortization.serves] if missed else "expense"
    if decision.outcome == "inventory":
        return "inventory"
    return "development" if inside else "intangible"


def entry(
    name: str,
    event: str,
    on: date,
    sides: Iterable[Posting],
    cost: Borne,
    terms: AssetTerms,
) -> Iterator[Line]:
    """Write one balanced entry: debits above 0, credits below; nothing of 0."""
    key = f"{name}/{terms.name}/{cost.voucher}/{cost.line}"
    memo = f"{cost.kind}: {cost.supplier}, voucher {cost.voucher}"
    moved = [(role, amount) for role, amount in sides if amount]
    for number, (role, amount) in enumerate(moved, 1):
        account = account_of(role, terms.accounts, terms.entity)
        row = terms.entity, key, number, on, f"{on:%Y-%m}", account, amount, memo
        yield *row, terms.name, event, cost.voucher, ""
