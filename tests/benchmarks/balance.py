"""Time the trial balance over a million journal lines, against a plain loop.

Both read the same lines: the register's own snapshot, and a loop in Python over its
rows that adds up four integers an account. They must agree to the fen. Run:
``python -m tests.benchmarks.balance [LINES]``.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from resource import RUSAGE_SELF, getrusage
from typing import TypeVar

import polars as pl

from schemas.registers import JournalLine
from tasks.asset.balance import trial_balance

T = TypeVar("T")
MONTH = "2026-06"
ACCOUNTS = ["1701", "1702", "6401", "530101", "530102", "6602", "1002", "2211"]
Totals = dict[str, list[int]]  # account: opening, debit, credit, closing


def journal(lines: int) -> pl.DataFrame:
    """Write entries of two lines over a year, with accounts and amounts in turn."""
    i = pl.int_range(lines // 2, eager=True)
    month = (i % 12 + 1).cast(pl.String).str.zfill(2)
    told = pl.DataFrame({"entry": "incur/" + i.cast(pl.String), "at": "2026-" + month})
    sides = [
        told.with_columns(
            entity=pl.lit("jiangbei"),
            line=pl.lit(number, pl.Int64),
            booked_on=pl.lit(date(2026, 6, 30)),
            period="at",
            account=pl.Series([ACCOUNTS[(n + number) % 8] for n in i]),
            amount_fen=(i % 9_973 + 1) * sign,
            memo=pl.lit("a month"),
            asset=pl.lit("index"),
            event=pl.lit("incur"),
            voucher=pl.lit("V"),
            approval=pl.lit(""),
        )
        for number, sign in ((1, 1), (2, -1))
    ]
    return pl.concat(sides).select(list(JournalLine.to_schema().columns))


def by_loop(lines: pl.DataFrame) -> Totals:
    """Add up line by line."""
    found: Totals = defaultdict(lambda: [0, 0, 0, 0])
    columns = lines.select("account", "period", "amount_fen")
    for account, period, amount in columns.iter_rows():
        if period > MONTH:
            continue
        row = found[account]
        row[3] += amount
        if period < MONTH:
            row[0] += amount
        else:
            row[1 if amount > 0 else 2] += abs(amount)
    return found


def here(lines: pl.DataFrame) -> Totals:
    """Add up by the project's own function."""
    rows = trial_balance(lines.lazy(), MONTH).collect(engine="streaming")
    figures = ("account", "opening_fen", "debit_fen", "credit_fen", "closing_fen")
    return {row[0]: list(row[1:]) for row in rows.select(figures).iter_rows()}


def timed(do: Callable[[pl.DataFrame], T], lines: pl.DataFrame) -> tuple[T, float]:
    """Do it three times; return the answer and the median of the seconds of CPU."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        answer = do(lines)
        spent.append(time.process_time() - begun)
    return answer, sorted(spent)[1]


def main() -> None:
    """Print both figures and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    lines = journal(count)
    ours, mine = timed(here, lines)
    theirs, loop = timed(by_loop, lines)
    if ours != dict(theirs):
        raise SystemExit("the two do not agree")
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"trial balance of {lines.height:,} lines: {mine:.3f} s CPU; by loop"
        f" {loop:.3f} s; {loop / mine:.1f} times; peak of the process {peak:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
