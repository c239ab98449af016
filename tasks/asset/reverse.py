"""Take a posted entry back 红字冲销: what stands is never changed, only answered.

A corrected entry is proposed under a key of its own (another voucher line); what was
reversed is not proposed again. Only what follows from a voucher is taken back here:
what a close posted follows from cards, decisions and invoices, and the next close
answers it. An impairment of an intangible asset is never taken back (CAS 8 art. 17).
"""

from typing import Annotated

import polars as pl

from schemas.asset import Proposed
from schemas.decision import ReversalAct
from schemas.errors import RegisterError
from schemas.registers import JournalLine
from tasks.asset.post import REVERSES

FROM_VOUCHERS = ("incur", "expense", "recognise")


def reverse(
    booked: Annotated[pl.LazyFrame, JournalLine], terms: ReversalAct
) -> Annotated[pl.LazyFrame, Proposed]:
    """Propose the reversal of an entry: the same lines with opposite amounts.

    Args:
        booked: Lines of the entity that stand.
        terms: Which entry, on which day, and why.

    Returns:
        Contract Proposed, under ``reverse/`` and the entry's key.

    Raises:
        RegisterError: There is no such entry, it follows from no voucher, a later
            entry rests on it, or the day lies before it.

    1701 debit 650,000.00 / 530102 -> 530102 debit 650,000.00 / 1701.
    """
    lines = booked.filter(pl.col("entry") == terms.entry).collect()
    if lines.is_empty() or lines["event"].item(0) not in FROM_VOUCHERS:
        raise RegisterError(
            f"{terms.entity} has no entry {terms.entry} of a voucher to take back:"
            f" `datafactor books {terms.entity}` lists them; what a close or a reversal"
            " posted stays, and the next decision answers it"
        )
    refuse_under_another(booked, terms)
    if (day := lines["booked_on"].item(0)) > terms.booked_on:
        raise RegisterError(
            f"{terms.entry} was booked on {day}: date its reversal then or later"
        )
    memo = f"reverses {terms.entry}: {terms.reason}"
    return lines.lazy().with_columns(
        entry=pl.lit(f"{REVERSES}{terms.entry}"),
        booked_on=pl.lit(terms.booked_on),
        period=pl.lit(f"{terms.booked_on:%Y-%m}"),
        amount_fen=-pl.col("amount_fen"),
        memo=pl.lit(memo),
        event=pl.lit("reverse"),
        voucher=pl.lit(terms.evidence),
        approval=pl.lit(""),
    )


def refuse_under_another(
    booked: Annotated[pl.LazyFrame, JournalLine], terms: ReversalAct
) -> None:
    """Refuse to take back a cost while its recognition as an asset stands.

    Raises:
        RegisterError: As said; the recognition goes first.
    """
    later = f"recognise/{terms.entry.partition('/')[2]}"
    known = set(booked.select("entry").unique().collect()["entry"])
    if terms.entry != later and later in known and REVERSES + later not in known:
        raise RegisterError(
            f"{later} rests on {terms.entry}: take {later} back first, else the cost"
            " would stand in the asset and nowhere else"
        )
