"""The books of a plan: every entry by hand, and balanced whatever the pool does."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.pool import Collected, PaidOut, Screened
from schemas.registers import JournalLine
from tasks.capital.plan import in_is_out, pay_out
from tests.finance_case import failed
from tests.pool_case import CUT_OFF, month, pool_terms, pools

LATER = date(2030, 1, 1)
POOLED = frame_of(Screened, [("L-1", 13_000_000_000, True, True, "")]).lazy()


def paid_out(*rows: tuple[Any, ...], on: date = LATER, **changed: Any) -> PaidOut:
    """Pay out what came in."""
    collected = frame_of(Collected, rows).lazy()
    stated = {"collected": {"path": "collected.csv", "licence": "own books"}}
    nothing = frame_of(JournalLine, []).lazy()
    return pay_out(POOLED, nothing, pool_terms(**stated, **changed), on, collected)


def entry(made: PaidOut, key: str) -> dict[str, int]:
    """Account and fen of one entry."""
    lines = made.journal.collect().filter(entry=key)
    return dict(lines.select("account", "amount_fen").iter_rows())


def test_a_quiet_month_is_booked_as_it_was_computed_by_hand() -> None:
    # as in the waterfall's own case: taxes 16,300.00, fees 11,041.10, interest
    # 203,835.62, principal 10,000,000.00, and 268,823.28 to the rest
    made = paid_out(month(1, 50_000_000, 1_000_000_000))

    assert failed(made.gates) == {}
    assert entry(made, "transfer/p-1/0") == {
        "1303": 13_000_000_000,
        "2502": -10_000_000_000,
        "4001": -3_000_000_000,
    }
    assert entry(made, "collect/p-1/1") == {
        "1002": 1_050_000_000,
        "6011": -50_000_000,
        "1303": -1_000_000_000,
    }
    assert entry(made, "distribute/p-1/1") == {
        "6403": 1_630_000,
        "6421": 1_104_110,
        "6411": 20_383_562,
        "2502": 1_000_000_000,
        "4001": 26_882_328,
        "1002": -1_050_000_000,
    }
    lines = made.journal.collect()
    JournalLine.to_schema().validate(lines)
    Gates.to_schema().validate(made.gates.collect())
    assert set(lines["period"]) == {"2025-04", "2025-05"}


def test_a_default_is_a_loss_until_it_is_recovered() -> None:
    made = paid_out(
        month(1, 0, 0, defaulted=500_000), month(2, 0, 0, recovered=300_000)
    )

    assert entry(made, "collect/p-1/1") == {"6702": 500_000, "1303": -500_000}
    assert entry(made, "collect/p-1/2") == {"1002": 300_000, "6702": -300_000}


def test_payment_days_to_come_are_left_out_and_a_plan_to_come_is_refused() -> None:
    rows = month(1, 1, 0), month(2, 1, 0)

    first = paid_out(*rows, on=date(2025, 5, 31))
    early = paid_out(*rows, on=date(2025, 4, 29))

    assert first.distributed.collect()["period"].to_list() == [1]
    assert list(failed(early.gates)) == ["begun"]
    assert date(2025, 4, 30) == CUT_OFF


def repaid(on: date, loan: str, *sides: tuple[str, int]) -> list[tuple[Any, ...]]:
    """A repayment in a borrower's books."""
    key = f"repay/{loan}/{on}"
    return [
        *(
            ("b", key, n, on, f"{on:%Y-%m}", account, fen, "m", "", "repay", "V", "")
            for n, (account, fen) in enumerate(sides, 1)
        )
    ]


def test_what_the_borrowers_repaid_is_collected_where_nothing_else_is_stated() -> None:
    # LOAN-03's first two instalments: 416,666.67 and interest of 15,000.00, 13,750.00
    sides = ("2001", 41_666_667), ("2231", 1_500_000), ("1002", -43_166_667)
    other = ("2001", 1), ("1002", -1)
    rows = [
        *repaid(date(2025, 4, 30), "L-1", *sides),
        *repaid(date(2025, 5, 20), "L-1", *sides),
        *repaid(date(2025, 5, 20), "L-9", *other),
        *repaid(date(2025, 7, 20), "L-1", ("2501", 7), ("6603", 5), ("1002", -12)),
    ]

    books = frame_of(JournalLine, rows).lazy()
    made = pay_out(POOLED, books, pool_terms(), date(2025, 7, 30))

    told = made.distributed.collect().select("period", "paid_on", "cash_fen").rows()
    assert told == [(2, date(2025, 5, 31), 43_166_667)]
    assert entry(made, "collect/p-1/2") == {
        "1002": 43_166_667,
        "6011": -1_500_000,
        "1303": -41_666_667,
    }
    later = pay_out(POOLED, books, pool_terms(), date(2025, 7, 31))
    assert later.distributed.collect()["period"].to_list() == [2, 4]


@pytest.mark.parametrize("missing", [0, 1], ids=["a fen", "a period"])
def test_cash_that_does_not_go_out_shuts_the_gate(missing: int) -> None:
    came = frame_of(Collected, [month(1, 50_000_000, 0), month(2, 50_000_000, 0)])
    paid = paid_out(*came.rows()).distributed.collect()
    short = paid.with_columns(pl.col("subordinated_fen") - pl.Series([1, 0]))
    wrong = {0: short, 1: paid.head(1)}[missing]

    answers = [in_is_out(came, told) for told in (paid, wrong)]

    assert [answer[1] for answer in answers] == [True, False]
    assert f"in periods [{missing + 1}]" in answers[1][2]


def test_a_period_that_is_left_out_pays_nobody_and_is_refused() -> None:
    made = paid_out(month(1, 50_000_000, 0), month(3, 50_000_000, 0))

    said = "periods [2] are not told: state each, with 0.00 if nothing came in"
    assert failed(made.gates) == {"every_period": said}


@settings(max_examples=60, deadline=None)
@given(pools())
def test_whatever_a_pool_does_its_books_balance_and_its_cash_is_nil(
    pool: tuple[dict[str, Any], list[tuple[Any, ...]]],
) -> None:
    terms, collected = pool

    made = paid_out(*collected, **terms)

    assert failed(made.gates) == {}
    lines = made.journal.collect()
    sums = lines.group_by("entry").agg(pl.col("amount_fen").sum(), n=pl.len())
    assert set(sums["amount_fen"]) == {0}
    assert sums["n"].min() >= 2  # type: ignore[operator]  # of integers
    held = dict(lines.group_by("account").agg(pl.col("amount_fen").sum()).iter_rows())
    last = made.distributed.collect().row(-1, named=True)
    assert held.get("1002", 0) == 0
    assert held.get("1303", 0) == last["pool_balance_fen"]
    assert -held.get("2502", 0) == last["senior_balance_fen"]
