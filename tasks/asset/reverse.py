"""Take a posted entry back 红字冲销: what stands is never changed, only answered.

A corrected entry is proposed under a key of its own (another voucher line, another
decision); what was reversed is not proposed again.
"""

from typing import Annotated

import polars as pl

from schemas.asset import Proposed
from schemas.decision import ReversalAct
from schemas.errors import RegisterError
from schemas.registers import JournalLine
from tasks.asset.post import REVERSES


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
        RegisterError: There is no such entry, it is a reversal itself, or the day lies
            before it.

    1701 debit 650,000.00 / 530102 -> 530102 debit 650,000.00 / 1701.
    """
    lines = booked.filter(pl.col("entry") == terms.entry).collect()
    if lines.is_empty() or terms.entry.startswith(REVERSES):
        raise RegisterError(
            f"{terms.entity} has no entry {terms.entry} to take back: `datafactor books"
            f" {terms.entity}` lists them; a reversal itself is not reversed"
        )
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
