"""Build the books of an entity, and close them month after month.

The base case is ACC-06 of the project's oracles: 185,000.00 over 60 months, available
on 2026-11-12.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.asset import Posted
from schemas.close import CloseTerms, Closing
from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.policy import CloseRules
from schemas.registers import (
    Approval,
    AssetCard,
    AssetEvent,
    Invoice,
    JournalLine,
    Order,
    PeriodClose,
    Usage,
)
from tasks.asset.approval import closing
from tasks.asset.close import close
from tasks.asset.post import post
from tasks.finance import months_later
from tests.finance_case import failed
from tests.measured import card

RULES = CloseRules(
    policy="test-policy",
    applies_from=date(2024, 1, 1),
    approval_above=Decimal("80000000000000.00"),
    vat_rate_services=Decimal("0.06"),
)


def terms(period: str, **changed: Any) -> CloseTerms:
    """Which month is closed: on the first day after it."""
    after = months_later(date.fromisoformat(f"{period}-01"), 1)
    stated: dict[str, Any] = {
        "factor": "jiangbei",
        "entity": "jiangbei",
        "period": period,
        "closed_on": after,
        "accounts": CHART,
        "rules": RULES,
    }
    return CloseTerms.model_validate(stated | changed)


def entry(
    key: str, on: date, debit: str, credit: str, fen: int, asset: str = "index"
) -> list[tuple[Any, ...]]:
    """The two lines of one entry."""
    event = key.partition("/")[0]
    return [
        (
            *("jiangbei", key, n, on, f"{on:%Y-%m}", account, amount, "m"),
            *(asset, event, "V-1", ""),
        )
        for n, (account, amount) in enumerate(((debit, fen), (credit, -fen)), 1)
    ]


def journal(*entries: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Put entries together."""
    return frame_of(JournalLine, [line for lines in entries for line in lines])


READY = date(2026, 11, 12)
BOUGHT = journal(entry("incur/index/V-1/1", READY, "1701", "1002", 18_500_000))
ACC_06 = card("index", available_from=READY, effective_on=READY)


class Books:
    """The registers of an entity, month after month."""

    def __init__(self, lines: pl.DataFrame, *cards: tuple[Any, ...]) -> None:
        self.journal = lines
        self.cards = frame_of(AssetCard, cards)
        self.events = frame_of(AssetEvent, [])
        self.invoices = frame_of(Invoice, [])
        self.orders = frame_of(Order, [])
        self.usage = frame_of(Usage, [])
        self.closed = frame_of(PeriodClose, [])
        self.approvals = frame_of(Approval, [])
        self.scores: dict[str, pl.LazyFrame] = {}

    def proposed(self, period: str, **changed: Any) -> Closing:
        """What the close of a month proposes."""
        said = terms(period, **changed)
        return close(
            cards=self.cards.lazy(),
            events=self.events.lazy(),
            booked=self.journal.lazy(),
            invoices=self.invoices.lazy(),
            orders=self.orders.lazy(),
            usage=self.usage.lazy(),
            closed=self.closed.lazy(),
            scores=self.scores,
            terms=said,
            as_of=months_later(said.month, 1) - timedelta(days=1),
        )

    def posted(self, period: str, **changed: Any) -> Posted:
        """What of it is new, as it would be posted."""
        made = self.proposed(period, **changed)
        assert failed(made.gates) == {}
        said = closing(terms(period, **changed))
        registers = self.journal.lazy(), self.closed.lazy(), self.approvals.lazy()
        return post(made.journal, *registers, said, said.closed_on or date.max)

    def close(self, period: str) -> pl.DataFrame:
        """Close a month for good; give the lines."""
        made = self.posted(period)
        assert failed(made.gates) == {}
        lines = made.posted.collect()
        self.journal = pl.concat([self.journal, lines])
        self.closed = pl.concat([self.closed, made.period.collect()])
        return lines

    def balances(self) -> dict[str, int]:
        """Each account's balance."""
        return sums(self.journal)


def sums(lines: pl.DataFrame) -> dict[str, int]:
    """Add up lines by account."""
    by = lines.group_by("account").agg(pl.col("amount_fen").sum())
    return dict(by.iter_rows())


ORDER: dict[str, Any] = {
    "order": "SO-1",
    "entity": "jiangbei",
    "factor": "index",
    "product": "index",
    "version": "1.0.0",
    "customer": "C",
    "customer_code": "",
    "use": "u",
    "licence": "l",
    "fields": "a",
    "filters": "",
    "rows_limit": None,
    "quota": None,
    "unit": "call",
    "price_mode": "per_call",
    "price": "{}",
    "amount_fen": 0,
    "valid_from": date(2026, 11, 1),
    "valid_to": date(2027, 10, 31),
    "ordered_on": date(2026, 11, 1),
}


def order(**changed: Any) -> tuple[Any, ...]:
    """One order of the index."""
    return tuple((ORDER | changed).values())


def bill(
    number: str, period: str, *amounts: tuple[int, str], of: str = "SO-1"
) -> list[tuple[Any, ...]]:
    """The lines of one invoice: each amount, and what it reverses."""
    on = months_later(date.fromisoformat(f"{period}-01"), 1)
    return [
        (
            number,
            i,
            "jiangbei",
            of,
            period,
            "call",
            1 if fen > 0 else -1,
            "1",
            fen,
            on,
            r,
        )
        for i, (fen, r) in enumerate(amounts, 1)
    ]


def selling(*bills: Sequence[tuple[Any, ...]]) -> Books:
    """The books of ACC-06 with invoices."""
    books = Books(BOUGHT, ACC_06)
    books.orders = frame_of(Order, [order()])
    books.invoices = frame_of(Invoice, [line for b in bills for line in b])
    return books
