"""Write the journal lines of recognition: debit positive, credit negative.

An entry's key names the voucher line and what happens to it, so next month's run, or
another release, posts nothing twice. Amortisation is posted by the close.
"""

from collections.abc import Iterator
from datetime import date

import polars as pl

from schemas.asset import AssetTerms
from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.registers import JournalLine
from tasks.asset.recognize import Decision

Line = tuple[str, str, int, date, str, str, int, str]


def capitalised(borne: pl.DataFrame, decision: Decision) -> pl.Expr:
    """Say which borne costs enter the asset.

    Development cost counts from the day the last condition was met; what was expensed
    before is never capitalised later.
    """
    if decision.capitalise_from is None:
        return pl.lit(False)
    if decision.capitalise_from == date.min:
        return pl.col("phase") != "operation"
    begun = pl.col("incurred_on") >= decision.capitalise_from
    return (pl.col("phase") == "development") & begun


def journal(borne: pl.DataFrame, decision: Decision, terms: AssetTerms) -> pl.DataFrame:
    """Write all entries of recognition. Contract: JournalLine.

    Args:
        borne: Voucher lines with ``amount_fen`` as this product bears it, > 0, and
            ``capitalised``.

    650,000.00 of development, ready for use -> 530102 / 1002 and 1701 / 530102.
    """
    rows = [
        line
        for row in borne.sort("voucher", "line").iter_rows(named=True)
        for line in entries(row, decision, terms)
    ]
    return frame_of(JournalLine, rows)


def entries(
    row: dict[str, object], decision: Decision, terms: AssetTerms
) -> Iterator[Line]:
    """Write the entries of one voucher line."""
    where = f"{terms.name}/{row['voucher']}/{row['line']}"
    on = row["incurred_on"]
    if not row["capitalised"]:
        yield from entry(f"expense/{where}", on, "research", "bank", row, terms)
        return
    if decision.outcome == "inventory":
        yield from entry(f"stock/{where}", on, "inventory", "bank", row, terms)
        return
    if terms.recognition.origin == "purchase":
        yield from entry(f"purchase/{where}", on, "intangible", "bank", row, terms)
        return
    yield from entry(f"develop/{where}", on, "development", "bank", row, terms)
    ready = terms.recognition.available_from
    if decision.outcome == "intangible" and ready is not None:
        later = max(ready, on)  # type: ignore[type-var]  # a date column
        kinds = ("intangible", "development")
        yield from entry(f"recognise/{where}", later, *kinds, row, terms)


def entry(
    key: str,
    on: object,
    debit: str,
    credit: str,
    row: dict[str, object],
    terms: AssetTerms,
) -> Iterator[Line]:
    """Write one balanced entry of two lines."""
    assert isinstance(on, date)  # the contract of the vouchers
    assert isinstance(row["amount_fen"], int)
    memo = f"{row['kind']}: {row['supplier']}, voucher {row['voucher']}"
    for number, (role, sign) in enumerate(((debit, 1), (credit, -1)), 1):
        account = account_of(role, terms)
        amount = sign * row["amount_fen"]
        period = f"{on:%Y-%m}"
        yield (terms.entity, key, number, on, period, account, amount, memo)


def account_of(role: str, terms: AssetTerms) -> str:
    """Find the account of a role in the entity's chart.

    Raises:
        ContractError: The chart has no account for it.
    """
    if role not in terms.accounts:
        raise ContractError(
            f"entity {terms.entity} has no account for {role!r}: add it to its accounts"
        )
    return terms.accounts[role]
