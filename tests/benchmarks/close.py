"""Close one month for many assets at once, beside a plain loop over the assets.

Both propose the same entries from the same registers, a year after recognition; the
lines are compared. Each runs in a process of its own, whose peak memory is told with
its time: ``python -m tests.benchmarks.close [ASSETS]``, 10,000 if not said.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from multiprocessing import get_context
from typing import Any

import polars as pl

from schemas.contract import frame_of
from schemas.registers import AssetCard, JournalLine, PeriodClose
from tasks.asset.amortize import Estimate, charge_of, months_between
from tasks.finance import months_later
from tests.closing import Books
from tests.measured import card

READY, YEAR, ROUNDS = date(2026, 1, 10), 12, 3
PERIOD = "2027-01"
METHODS = ("straight_line", "sum_of_years", "declining_balance")
BORNE = {"customers": "6401", "management": "6602", "sales": "6601"}
Line = tuple[str, str, int]  # entry, account, fen


def cards(count: int) -> list[tuple[Any, ...]]:
    """Cards of assets of three methods, three users, and lives of their own."""
    return [
        card(
            f"asset-{i:05}",
            method=METHODS[i % 3],
            serves=[*BORNE][i % 3],
            life_months=36 + i % 61,
            available_from=READY,
            effective_on=READY,
        )
        for i in range(count)
    ]


def estimate_of(row: dict[str, Any]) -> Estimate:
    """Read an asset's estimate from its card."""
    return Estimate(row["method"], row["life_months"], row["residual_fen"])


def history(count: int) -> pl.DataFrame:
    """The journal of a year: each asset bought, and amortised every month since."""
    rows: list[tuple[Any, ...]] = []
    for i, row in enumerate(frame_of(AssetCard, cards(count)).to_dicts()):
        name, cost = row["asset"], 10_000_000 + 7 * i
        said = "m", name, "incur", "V-1", ""
        key = f"incur/{name}/V-1/1"
        for n, (account, fen) in enumerate((("1701", cost), ("1002", -cost)), 1):
            rows.append(
                ("jiangbei", key, n, READY, f"{READY:%Y-%m}", account, fen, *said)
            )
        rows += charged(row, cost)
    return frame_of(JournalLine, rows)


def charged(row: dict[str, Any], cost: int) -> Iterator[tuple[Any, ...]]:
    """What twelve closes have posted of one asset."""
    first, name = READY.replace(day=1), row["asset"]
    basis, left = estimate_of(row).basis(READY, first, cost, 0), cost
    for nth in range(1, YEAR + 1):
        on = months_later(first, nth - 1)
        fen = charge_of(basis, nth, left)
        left -= fen
        key, said = f"amortise/{name}/{on:%Y-%m}", ("m", name, "amortise", "", "")
        for n, (account, amount) in enumerate(
            ((BORNE[row["serves"]], fen), ("1702", -fen)), 1
        ):
            yield ("jiangbei", key, n, on, f"{on:%Y-%m}", account, amount, *said)


def at_once(count: int) -> tuple[Callable[[], object], Callable[[], set[Line]]]:
    """The close of this project."""
    books = Books(history(count), *cards(count))
    rows = [("jiangbei", f"2026-{m:02}", READY, 0, "a" * 64) for m in range(1, 13)]
    books.closed = frame_of(PeriodClose, rows)
    made: list[pl.DataFrame] = []

    def work() -> None:
        made[:] = [books.posted(PERIOD).posted.collect()]

    return work, lambda: {*made[0].select("entry", "account", "amount_fen").rows()}


def one_by_one(count: int) -> tuple[Callable[[], object], Callable[[], set[Line]]]:
    """A plain loop: add up each asset's lines, charge it, write its two lines.

    It adds up a trial balance as well, and makes no digest of it.
    """
    lines = history(count).to_dicts()
    held = frame_of(AssetCard, cards(count)).to_dicts()
    month = date.fromisoformat(f"{PERIOD}-01")
    made: list[Line] = []

    def work() -> None:
        made.clear()
        gross, amortised = dict[str, int](), dict[str, int]()
        balance = dict[str, int]()
        for line in lines:
            balance[line["account"]] = (
                balance.get(line["account"], 0) + line["amount_fen"]
            )
            sums = {"1701": gross, "1702": amortised}.get(line["account"])
            if sums is not None and line["period"] < PERIOD:
                sums[line["asset"]] = sums.get(line["asset"], 0) + line["amount_fen"]
        posted = {line["entry"] for line in lines}
        for row in held:
            cost = gross.get(row["asset"], 0)
            first = row["available_from"].replace(day=1)
            basis = estimate_of(row).basis(row["available_from"], first, cost, 0)
            nth = months_between(first, month) + 1
            fen = charge_of(basis, nth, cost + amortised.get(row["asset"], 0))
            key = f"amortise/{row['asset']}/{PERIOD}"
            if fen and key not in posted:
                made.append((key, BORNE[row["serves"]], fen))
                made.append((key, "1702", -fen))
        for _, account, fen in made:
            balance[account] = balance.get(account, 0) + fen
        assert sum(balance.values()) == 0

    return work, lambda: {*made}


WAYS = {"at once": at_once, "one by one": one_by_one}


def measured(name: str, count: int) -> tuple[float, int, set[Line]]:
    """Do one way some times: median seconds, MiB above what it was given, lines."""
    work, lines = WAYS[name](count)
    work()  # what is loaded and compiled once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return statistics.median(times), max(peak, before) // 1024, lines()


def main() -> None:
    """Print both times, their ratio, and both peaks."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found = {}
    for name in WAYS:
        with get_context("spawn").Pool(1) as pool:
            found[name] = pool.apply(measured, (name, count))
    (fast, _, ours), (slow, _, theirs) = found.values()
    if ours != theirs:
        raise SystemExit("the two ways propose other entries")
    for name, (seconds, peak, _) in found.items():
        print(f"{name:11} {seconds:7.3f} s, peak {peak:,} MiB")
    print(f"{count:,} assets, {len(ours):,} lines; the loop takes {slow / fast:.2f} ×")


if __name__ == "__main__":
    main()
