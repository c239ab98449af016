"""Let the demo's loan be drawn, and look at books after a deal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from flows.demo import AS_OF, FACTOR
from flows.loans import draw
from flows.market import rows_of
from flows.pledges import record
from flows.value_chain import value_chain
from schemas.registers import JournalLine
from tests.builders import temporary_store
from tests.june import laid_out

LOAN = "BANK-2026-001"


@contextmanager
def drawn(home: Path, **env: str) -> Iterator[None]:
    """Pledge the demo's asset, register the pledge, and draw its 5,000,000.00.

    Entries up to 9,000,000.00 need no second person here.
    """
    with temporary_store(home, **laid_out(home), **env):
        policy = home / "deployments" / "policies" / "cn-2025.yaml"
        text = policy.read_text("utf-8").replace('"5000000.00"', '"9000000.00"', 1)
        policy.write_text(text, "utf-8")
        search = home / "search.pdf"
        search.write_bytes(b"nothing is registered before")
        value_chain.fn(FACTOR, AS_OF)
        registered = {
            "registration": "ZD-1",
            "registered_at": datetime(2026, 6, 30, 10, tzinfo=UTC),
            "valid_to": date(2027, 12, 31),
            "evidence": "SEARCH-1",
        }
        record(LOAN, "perfect", AS_OF, search, **registered)
        draw(LOAN, "", AS_OF, None, None, evidence="SLIP-1")
        yield


def balances(entity: str) -> dict[str, int]:
    """Each account of an entity that holds something; every entry balances."""
    journal = pl.DataFrame(rows_of(JournalLine, entity=entity))
    by_entry = journal.group_by("entry").agg(pl.col("amount_fen").sum())
    assert set(by_entry["amount_fen"]) == {0}
    held = journal.group_by("account").agg(pl.col("amount_fen").sum())
    return {account: fen for account, fen in held.iter_rows() if fen}
