"""Add up the journal to the trial balance 试算平衡表 of a month."""

import hashlib
from typing import Annotated

import polars as pl
import rfc8785

from schemas.close import TrialBalance
from schemas.registers import JournalLine


def trial_balance(
    lines: Annotated[pl.LazyFrame, JournalLine], period: str
) -> Annotated[pl.LazyFrame, TrialBalance]:
    """Add up what each account held before a month, moved in it, and holds after.

    Args:
        lines: The journal of one entity or several; what is posted later is left out.
        period: The month, as in 2026-07.

    Returns:
        One row an account that was ever posted to, sorted by entity and account.

    650,000.00 paid for development in 2026-03, balance of 2026-04 -> 530102: opening
    and closing 650,000.00, nothing moved.
    """
    amount, when = pl.col("amount_fen"), pl.col("period")
    now = when == period
    return (
        lines.filter(when <= period)
        .group_by("entity", "account")
        .agg(
            opening_fen=amount.filter(when < period).sum(),
            debit_fen=amount.filter(now & (amount > 0)).sum(),
            credit_fen=-amount.filter(now & (amount < 0)).sum(),
            closing_fen=amount.sum(),
        )
        .sort("entity", "account")
    )


def balance_sha256(balance: Annotated[pl.DataFrame, TrialBalance]) -> str:
    """Name a trial balance by a digest: sha256 over canonical JSON (RFC 8785)."""
    rows = [list(row) for row in balance.sort("entity", "account").iter_rows()]
    return hashlib.sha256(rfc8785.dumps([balance.columns, *rows])).hexdigest()
