"""The trial balance of a month, added up from the journal."""

from datetime import date
from typing import Any

import polars as pl

from schemas.close import TrialBalance
from schemas.contract import frame_of
from schemas.registers import JournalLine
from tasks.asset.balance import balance_sha256, trial_balance


def line(
    entry: str, on: date, account: str, fen: int, entity: str = "jiangbei"
) -> tuple[Any, ...]:
    row = (entity, entry, 1 if fen > 0 else 2, on, f"{on:%Y-%m}", account, fen, "m")
    return (*row, "index", "incur", "V-1", "")


JOURNAL = frame_of(
    JournalLine,
    [
        line("a", date(2026, 3, 5), "530102", 65_000_000),
        line("a", date(2026, 3, 5), "1002", -65_000_000),
        line("b", date(2026, 4, 1), "1701", 65_000_000),
        line("b", date(2026, 4, 1), "530102", -65_000_000),
        line("c", date(2026, 5, 31), "6401", 1_000),
        line("c", date(2026, 5, 31), "1702", -1_000),
        line("a", date(2026, 4, 2), "1002", 7, "other"),
        line("a", date(2026, 4, 2), "6001", -7, "other"),
    ],
)


def balance(period: str, journal: pl.DataFrame = JOURNAL) -> pl.DataFrame:
    return trial_balance(journal.lazy(), period).collect()


def test_each_account_opens_moves_and_closes() -> None:
    found = balance("2026-04")

    TrialBalance.to_schema().validate(found)
    assert found.rows() == [
        ("jiangbei", "1002", -65_000_000, 0, 0, -65_000_000),
        ("jiangbei", "1701", 0, 65_000_000, 0, 65_000_000),
        ("jiangbei", "530102", 65_000_000, 0, 65_000_000, 0),
        ("other", "1002", 0, 7, 0, 7),
        ("other", "6001", 0, 0, 7, -7),
    ]


def test_what_is_posted_later_does_not_count() -> None:
    assert balance("2026-02").is_empty()
    assert balance("2026-04").filter(account="6401").is_empty()


def test_the_next_month_opens_as_this_one_closed() -> None:
    now, then = (
        dict(balance(p).filter(entity="jiangbei").select("account", c).iter_rows())
        for p, c in (("2026-04", "closing_fen"), ("2026-05", "opening_fen"))
    )

    assert {a: then[a] for a in now} == now


def test_the_digest_tells_one_fen_and_not_the_order_of_the_lines() -> None:
    more = JOURNAL.with_columns(
        amount_fen=pl.when(account="6401").then(1_001).otherwise("amount_fen")
    )

    assert balance_sha256(balance("2026-05")) == balance_sha256(
        balance("2026-05", JOURNAL.reverse())
    )
    assert balance_sha256(balance("2026-05")) != balance_sha256(
        balance("2026-05", more)
    )
