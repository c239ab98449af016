"""Time a watch over many pledges, against a plain loop over them.

Both know the same registers, values, debts and ladder: what each asset secures now,
whether the pledge is registered, ratio, state, cures, grounds, and what changed. The
loop works pledge by pledge in Python integers. They must agree in every figure and
word. Reading evidence from the store is not timed. Run:
``python -m tests.benchmarks.watch [PLEDGES]``.
"""

import sys
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.portfolio import STATES, CoverageRules
from schemas.registers import Pledge, PledgeEvent
from schemas.watch import SIGNS, WatchRules, WatchTerms
from tasks.capital.alarms import Alarm, registered
from tasks.capital.watch import Facts, changes, secured, weigh
from tasks.pledged import MOVES
from tests.benchmarks.stress import RULES as LADDER
from tests.benchmarks.stress import timed

DAY, ENTITY = date(2026, 9, 10), "jiangbei"
NOTICE = 30
WORST = {"lapsed": 2}  # any other sign warns
Row = dict[str, Any]  # of a register


class Portfolio(NamedTuple):
    """What both ways read."""

    pledges: pl.DataFrame  # contract Pledge
    events: pl.DataFrame  # contract PledgeEvent
    values: pl.DataFrame
    debts: pl.DataFrame
    last: pl.DataFrame


def portfolio(count: int) -> Portfolio:
    """Write pledges of all kinds: sound or not, registered, moved, released."""
    pledges, events, debts, last = [], [], [], []
    values: list[tuple[str, str, str, int | None]] = []
    for n in range(count):
        request, asset, owed = f"L-{n:06}", f"A-{n:06}", n * 7_919 % 99_999_989 + 1_000
        known = (request, ENTITY, asset, "1.0.0", "Bank", owed, 2 * owed, True)
        days = (date(2026, 6, 30), date(2027, 6, 30))
        pledges.append((*known, *days, 1, 300_000, 50_000))
        if n % 7:
            ends = DAY + timedelta(days=n % 500 - 20)
            events.append(
                event(request, "perfect", registration=f"Z-{n}", valid_to=ends)
            )
        if n % 10 == 3:
            moved: Row = {
                "asset": f"B-{n:06}",
                "replaces": asset,
                "amount_fen": owed // 3,
            }
            events.append(event(request, "add", version="2.0.0", **moved))
            values.append((ENTITY, f"B-{n:06}", "2.0.0", owed // 2))
        if n % 10 == 4:
            less: Row = {"asset": asset, "amount_fen": owed // 4}
            events.append(event(request, "release_part", **less))
        if n % 20 == 5:
            events.append(event(request, "release"))
        worth = None if n % 11 == 0 else owed * (n * 104_729 % 200 + 100) // 100
        values.append((ENTITY, asset, "1.1.0" if n % 13 == 0 else "1.0.0", worth))
        debts.append((request, owed - n % 3 * 100, n % 1_000, ""))
        if n % 4 == 1:
            state = STATES[n % 3]
            last.append((request, n % 5 + 1, state, state))
    texts = {"entity": pl.String, "asset": pl.String, "valued": pl.String}
    owing = {"outstanding_fen": pl.Int64, "accrued_fen": pl.Int64, "pledgor": pl.String}
    stood = {"number": pl.Int64, "before": pl.String, "held": pl.String}
    request_of: dict[str, Any] = {"request": pl.String}
    return Portfolio(
        frame_of(Pledge, pledges),
        frame_of(PledgeEvent, events),
        pl.DataFrame(values, texts | {"value_fen": pl.Int64}, orient="row"),
        pl.DataFrame(debts, request_of | owing, orient="row"),
        pl.DataFrame(last, request_of | stood, orient="row"),
    )


def event(request: str, kind: str, **said: Any) -> tuple[Any, ...]:
    """Write one event."""
    row = dict.fromkeys(PledgeEvent.to_schema().columns, "")
    none = dict.fromkeys(("amount_fen", "cap_fen", "valid_to"))
    known = {"request": request, "event": kind, "number": 1, "evidence": "paper"}
    days = {"effective_on": date(2026, 7, 1)}
    return tuple((row | none | known | days | said).values())


def terms() -> WatchTerms:
    """Say by which rules both judge."""
    means = {f"alarm_{s}": STATES[WORST.get(s, 1)] for s in SIGNS}
    limits = {"lapse_notice_days": NOTICE, "min_quality": "0.6"}
    limits |= {"revenue_fall": "0.3", "revenue_months": 3}
    limits |= {"substandard_above_days": 90}
    known = {"policy": LADDER.policy, "applies_from": LADDER.applies_from}
    rules = WatchRules.model_validate(known | means | limits)
    where: Row = {"factor": ENTITY, "entities": (ENTITY,)}
    return WatchTerms(**where, coverage=LADDER, rules=rules)


def in_one_pass(given: Portfolio, asked: WatchTerms) -> tuple[list[Any], list[Any]]:
    """Watch by joins."""
    live = secured(given.pledges, given.events)
    mine = given.pledges.join(live, on="request", how="semi")
    case = Alarm(mine, given.events, live, given.debts, asked, DAY)
    signs = registered(case)
    ranks = {sign: asked.rules.rank(sign) for sign in SIGNS}
    rank = pl.col("sign").replace_strict(ranks, return_dtype=pl.Int64)
    none = pl.DataFrame(schema={"request": pl.String, "shared_fen": pl.Int64})
    found = Facts(
        *(live, given.values, given.debts, given.last, none),
        signs.with_columns(rank=rank),
    )
    watched = weigh(found, asked.coverage)
    new = changes(watched, DAY)
    told = watched.select(*FIGURES, "ground").rows()
    return told, new.select("request", "number", "before", "state").rows()


FIGURES = ["request", "value_fen", "ltv_ppm", "coverage_ppm", "before", "state"]
FIGURES += ["repay_fen", "top_up_fen", "releasable_fen"]


def by_loop(given: Portfolio, rules: CoverageRules) -> tuple[list[Any], list[Any]]:
    """Watch pledge by pledge."""
    told, new = [], []
    worth = {(r[0], r[1]): (r[2], r[3]) for r in given.values.iter_rows()}
    owed = {r[0]: (r[1], r[2]) for r in given.debts.iter_rows()}
    last = {r[0]: (r[1], r[2]) for r in given.last.iter_rows()}
    events: dict[str, list[Row]] = {}
    for row in given.events.iter_rows(named=True):
        events.setdefault(row["request"], []).append(row)
    ladder = (
        f"(warned from {rules.warning_ltv}, called from {rules.margin_call_ltv},"
        f" default from {rules.default_ltv}, cured at {rules.advance_ltv})"
    )
    for pledge in given.pledges.iter_rows(named=True):
        request, mine = pledge["request"], events.get(pledge["request"], [])
        by = secures(pledge, mine)
        if not by:
            continue
        value = value_of(by, worth)
        debt, accrued = owed[request]
        number, before = last.get(request, (0, "normal"))
        sign, said = registration(mine)
        state = max(state_of(debt, value, STATES.index(before)), sign if debt else 0)
        figures, ratio = figures_of(debt, accrued, value, state)
        spoken = f"loan to value {ratio // 10**6}.{ratio % 10**6:06} {ladder}"
        grounds = [spoken] if value else []
        ground = "; ".join([*grounds, said] if said else grounds)
        ltv, coverage, *cures = figures
        stands = (value, ltv, coverage, before, STATES[state], *cures)
        told.append((request, *stands, ground))
        if STATES[state] != before:
            new.append((request, number + 1, before, STATES[state]))
    return told, new


def secures(pledge: Row, events: list[Row]) -> dict[str, str]:
    """Name the assets that secure a pledge now, each with its version."""
    fen = {pledge["asset"]: pledge["principal_fen"]}
    versions = {pledge["asset"]: pledge["version"]}
    for one in events:
        if one["event"] == "release":
            return {}
        if one["event"] in MOVES:
            fen[one["replaces"]] = fen.get(one["replaces"], 0) - one["amount_fen"]
            fen[one["asset"]] = fen.get(one["asset"], 0) + one["amount_fen"]
            versions[one["asset"]] = one["version"]
        if one["event"] == "release_part":
            fen[one["asset"]] = fen.get(one["asset"], 0) - one["amount_fen"]
    return {asset: versions[asset] for asset, amount in fen.items() if amount > 0}


def value_of(by: dict[str, str], worth: dict[Any, Any]) -> int | None:
    """Add up what some assets are worth; none where it is of another version."""
    total = 0
    for asset, version in by.items():
        valued, fen = worth.get((ENTITY, asset), ("", None))
        if fen is None or valued != version:
            return None
        total += fen
    return total


def registration(events: list[Row]) -> tuple[int, str]:
    """Say what a registration means, and why."""
    kept = [e for e in events if e["event"] == "perfect"]
    if not kept:
        never = "no registration of the pledge is recorded: record it once it is made"
        return 1, never
    ends = kept[-1]["valid_to"]
    said = f"registration {kept[-1]['registration']}: its last day is {ends}"
    if ends < DAY:
        return 2, said
    return (1, said) if ends <= DAY + timedelta(days=NOTICE) else (0, "")


def state_of(owed: int, value: int | None, was: int) -> int:
    """Say the state by the ratio, as its place in STATES."""
    if owed == 0 or was == 3:
        return 0 if owed == 0 else 3
    if value is None:
        return max(was, 1)
    if owed * 10 <= value * 6:
        return 0
    reached = (owed * 100 >= value * 65) + (owed * 10 >= value * 7)
    return max(was, reached + (owed * 10 >= value * 8))


def figures_of(
    owed: int, accrued: int, value: int | None, state: int
) -> tuple[tuple[int | None, ...], int]:
    """Compute ratios, cures and release; the ladder of the stress benchmark."""
    if value is None:
        return (None,) * 5, 0
    needed = -(-owed * 10 // 6)
    ratio = (2 * 10**6 * owed + value) // (2 * value)
    kept, due = value * 8 // 10, owed + accrued
    coverage = (2 * 10**6 * kept + due) // (2 * due)
    spare = max(0, value - needed) if state == 0 else 0
    cures = (max(0, owed - value * 6 // 10), max(0, needed - value), spare)
    return (ratio, coverage, *cures), ratio


def main(count: int = 100_000) -> None:
    """Print what both ways take, and that they agree."""
    given, asked = portfolio(count), terms()
    print(f"{count:,} pledges, {given.events.height:,} events")
    timed("nothing", lambda: None)
    once, mine = timed("watch in one pass", lambda: in_one_pass(given, asked))
    loop, theirs = timed("watch by loop", lambda: by_loop(given, asked.coverage))
    if once != loop:
        raise SystemExit("the two do not agree")
    states = pl.Series([row[5] for row in loop[0]]).value_counts(sort=True)
    print(f"they agree; {dict(states.iter_rows())}, {len(loop[1]):,} changed")
    print(f"one pass takes 1/{theirs / mine:.1f} of the loop's CPU time")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
