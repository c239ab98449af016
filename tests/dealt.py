"""Look at the books of an entity after a deal."""

import polars as pl

from flows.market import rows_of
from schemas.registers import JournalLine


def balances(entity: str) -> dict[str, int]:
    """Each account of an entity that holds something; every entry balances."""
    journal = pl.DataFrame(rows_of(JournalLine, entity=entity))
    by_entry = journal.group_by("entry").agg(pl.col("amount_fen").sum())
    assert set(by_entry["amount_fen"]) == {0}
    held = journal.group_by("account").agg(pl.col("amount_fen").sum())
    return {account: fen for account, fen in held.iter_rows() if fen}
