"""Build what a statement is made of: ACC-09, closed month after month to 2026-12."""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from schemas.contract import frame_of
from schemas.disclosure import DiscloseTerms, Given, Tables
from schemas.entity import CHART
from schemas.policy import DisclosureRules
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Dispute,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.asset.disclose.disclose import statement_of
from tasks.finance import months_later
from tests.closing import Books
from tests.finance_case import CODE, HOLDER, make_asset
from tests.measured import decided

RULES = DisclosureRules(
    policy="test-policy",
    applies_from=date(2024, 1, 1),
    material_share=Decimal("0.10"),
)
REGISTERS: dict[str, Any] = {
    "journal": JournalLine,
    "cards": AssetCard,
    "decisions": AssetEvent,
    "pledges": Pledge,
    "pledged": PledgeEvent,
    "disputes": Dispute,
    "closes": PeriodClose,
}


def disclose_terms(**changed: Any) -> DiscloseTerms:
    """The statement of 2026."""
    stated: dict[str, Any] = {
        "factor": "jiangbei",
        "entity": "jiangbei",
        "name": HOLDER,
        "credit_code": CODE,
        "first": "2026-01",
        "last": "2026-12",
        "accounts": dict(CHART),
        "rules": RULES,
    }
    return DiscloseTerms.model_validate(stated | changed)


@cache
def acc_09() -> Given:
    """The books of ACC-09 at the end of 2026, written down to 312,000.00."""
    made = make_asset()
    books = Books(made.journal.collect())
    books.cards = made.cards.collect()
    test = decided(
        "index-asset", "impair", date(2026, 12, 31), value_in_use_fen=31_200_000
    )
    books.events = frame_of(AssetEvent, [test])
    first = date(2024, 11, 1)
    for n in range(26):
        books.close(f"{months_later(first, n):%Y-%m}")
    return given(
        journal=books.journal,
        cards=books.cards,
        decisions=books.events,
        closes=books.closed,
    )


def given(**frames: pl.DataFrame) -> Given:
    """Registers, empty where nothing is said."""
    empty = {name: frame_of(contract, []) for name, contract in REGISTERS.items()}
    return Given(**(empty | frames))


def stated(books: Given | None = None, **changed: Any) -> Tables:
    """Make a statement; of ACC-09, if nothing else is said."""
    return statement_of(books or acc_09(), disclose_terms(**changed))


def rows_of(tables: Tables, table: str, column: str = "total_fen") -> dict[str, Any]:
    """One column of a table, by its rows."""
    return dict(tables.roll.filter(table=table).select("row", column).iter_rows())
