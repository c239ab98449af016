"""Time coverage and stress of a portfolio, against a plain loop over its pledges.

Both know the same ladder and read the same pledges; the loop adds up in Python
integers, pledge by pledge and scenario by scenario. They must agree to the fen. Run:
``python -m tests.benchmarks.stress [PLEDGES] [SCENARIOS]``.
"""

import sys
import time
from collections.abc import Callable
from datetime import date
from resource import RUSAGE_SELF, getrusage
from typing import TypeVar

import polars as pl

from schemas.contract import frame_of
from schemas.portfolio import STATES, CoverageRules, Held, Shock
from schemas.quality import WHOLE
from tasks.capital.coverage import cover
from tasks.capital.stress import stress

T = TypeVar("T")
INDUSTRIES = [f"{letter}{n}" for letter in "AGIMN" for n in range(60, 64)]
RULES = CoverageRules.model_validate(
    {
        "policy": "benchmark",
        "applies_from": date(2024, 1, 1),
        "advance_ltv": "0.60",
        "warning_ltv": "0.65",
        "margin_call_ltv": "0.70",
        "default_ltv": "0.80",
        "haircut": "0.2",
    }
)
FIGURES = ["value_fen", "warning", "margin_call", "default"]
FIGURES += ["repay_fen", "defaulted_fen", "shortfall_fen"]
Sums = dict[str, list[int]]  # by scenario, in the order of the figures


def portfolio(count: int) -> pl.DataFrame:
    """Write pledges of all sizes, from a tenth to nine tenths of their value."""
    i = pl.int_range(count, eager=True)
    value = (i * 7_919) % 99_999_989 + 1_000_000
    return pl.DataFrame(
        {
            "request": "L-" + i.cast(pl.String),
            "industry": pl.Series([INDUSTRIES[n % len(INDUSTRIES)] for n in i]),
            "outstanding_fen": value * (i * 104_729 % 80 + 10) // 100,
            "accrued_fen": i % 1_000,
            "value_fen": value,
            "before": pl.Series([STATES[n % 3] for n in i]),
        }
    ).select(list(Held.to_schema().columns))


def scenarios(count: int) -> pl.DataFrame:
    """Write scenarios that fall deeper and deeper, one industry less than all."""
    falls = [(f"S-{n:04}", 9_973 * n % WHOLE) for n in range(count)]
    rows = [(name, "", -fall) for name, fall in falls]
    rows += [(name, INDUSTRIES[0], -fall // 2) for name, fall in falls]
    return frame_of(Shock, rows)


def state_of(owed: int, value: int, was: int) -> int:
    """Say the state of one pledge, as its place in STATES."""
    if owed == 0 or was == 3:
        return 0 if owed == 0 else 3
    if owed * 10 <= value * 6:
        return 0
    reached = (owed * 100 >= value * 65) + (owed * 10 >= value * 7)
    return max(was, reached + (owed * 10 >= value * 8))


def covered_by_loop(pledges: pl.DataFrame) -> list[str]:
    """Say how each pledge stands."""
    columns = pledges.select("outstanding_fen", "value_fen", "before")
    return [
        STATES[state_of(owed, value, STATES.index(was))]
        for owed, value, was in columns.iter_rows()
    ]


def stressed_by_loop(pledges: pl.DataFrame, shocks: pl.DataFrame) -> Sums:
    """Add up pledge by pledge, scenario by scenario."""
    moves = {(name, industry): move for name, industry, move in shocks.iter_rows()}
    columns = pledges.select("industry", "outstanding_fen", "value_fen", "before")
    rows = [(i, owed, v, STATES.index(b)) for i, owed, v, b in columns.iter_rows()]
    found: Sums = {}
    for name in shocks["scenario"].unique():
        sums = found[name] = [0] * 7
        for industry, owed, value, was in rows:
            move = moves.get((name, industry), moves[(name, "")])
            worth = value * (WHOLE + move) // WHOLE
            state = state_of(owed, worth, was)
            sums[0] += worth
            sums[1] += state == 1
            sums[2] += state == 2
            sums[3] += state == 3
            if state == 2:
                sums[4] += max(0, owed - worth * 6 // 10)
            if state == 3:
                sums[5] += owed
            sums[6] += max(0, owed - worth)
    return found


def timed(what: str, do: Callable[[], T]) -> tuple[T, float]:
    """Run once; print the CPU time, and the most memory so far."""
    begun = time.process_time()
    done = do()
    spent = time.process_time() - begun
    peak = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what:20} {spent:6.2f} s CPU, peak of the process {peak} MB")
    return done, spent


def main(pledges: int = 100_000, count: int = 100) -> None:
    """Print what both ways take, and that they agree."""
    held, shocks = portfolio(pledges), scenarios(count)
    print(f"{pledges:,} pledges, {count} scenarios")
    timed("nothing", lambda: None)
    covered, _ = timed("coverage", lambda: cover(held.lazy(), RULES).collect())
    states, _ = timed("states by loop", lambda: covered_by_loop(held))
    asked = (held.lazy(), shocks.lazy(), RULES)
    made, mine = timed("stress", lambda: stress(*asked).collect())
    loop, theirs = timed("stress by loop", lambda: stressed_by_loop(held, shocks))
    rows = dict(zip(made["scenario"], made.select(FIGURES).rows(), strict=True))
    if covered["state"].to_list() != states or rows != {
        name: tuple(sums) for name, sums in loop.items()
    }:
        raise SystemExit("the two do not agree")
    print(f"they agree to the fen; stress takes 1/{theirs / mine:.1f} of the loop")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
