"""Look at all live pledges of the store as one portfolio: coverage, spread, stress.

One row a pledge comes from the registers (``flows/held.py``); how pledges stand, how
they are spread and what scenarios do to them is computed in one pass over all of them.
"""

from collections.abc import Mapping, Sequence
from csv import DictReader
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl
from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import policy_named
from flows.face import table
from flows.held import NOT_STATED, live_pledges, loans, owed_on, states, values_on
from schemas.contract import frame_of
from schemas.errors import SourceError
from schemas.money import exact_fen, shown, yuan
from schemas.policy import Policy
from schemas.portfolio import STATES, ConcentrationRules, CoverageRules, Shock
from schemas.quality import WHOLE
from tasks.capital.coverage import cover
from tasks.capital.hold import hold
from tasks.capital.portfolio import concentration, hhi
from tasks.capital.stress import stress
from tasks.pledged import Held as Pledged

Facts = dict[str, Any]  # JSON
By = Literal["industry", "lender", "borrower"]
HEAD = ["scenario", "industry", "change"]


def portfolio(by: By, scenarios: Path | None, policy: str, as_of: date | None) -> Facts:
    """Say how all live pledges stand on a day, how they are spread, what they bear.

    Pledges are those that are live now; the day decides about values and debts.

    Args:
        by: What is owed is shared out by the borrower's industry, the lender, or the
            borrower; the policy limits industries.
        scenarios: CSV of ``scenario,industry,change``: −0.2 is a fifth down, an empty
            industry all those without a line of their own.
        policy: Whose ladder and limits hold.
        as_of: The day; today if not said.

    Raises:
        FactorError: The policy lacks a rule.
        SourceError: The scenarios cannot be read; the sentence names the line.
        ContractError: A scenario says nothing of all other industries.
    """
    rules, day = policy_named(policy), as_of or scheduled_date("Asia/Shanghai")
    pledges = live_pledges()
    held = hold(pledges, owed_on(pledges, day), values_on(day), states()).collect()
    made = {
        "as_of": str(day),
        "policy": rules.id,
        **standing(held, rules),
        **spread(grouped(held, pledges, by), by, rules, day),
    }
    if scenarios is None:
        return made | {"stress": []}
    return made | {"stress": stressed(held, shocks(scenarios), rules)}


def standing(held: pl.DataFrame, policy: Policy) -> Facts:
    """Add up what is owed and what carries it; say how the pledges stand."""
    covered = cover(held.lazy(), policy.resolve(CoverageRules)).collect()
    counts = dict(covered.group_by("state").len().iter_rows())
    calls = summed(covered.filter(state="margin_call")["repay_fen"])
    return {
        "pledges": held.height,
        "unknown": held["value_fen"].null_count(),
        "outstanding": money(summed(held["outstanding_fen"])),
        "value": money(summed(held["value_fen"])),
        "states": {name: counts.get(name, 0) for name in STATES},
        "margin_calls": money(calls),
    }


def grouped(held: pl.DataFrame, pledges: Sequence[Pledged], by: By) -> pl.DataFrame:
    """Put in the place of the industry what else loans are grouped by."""
    if by == "industry":
        return held
    known = loans()
    names = {
        one.request: one.pledge["lender"]
        if by == "lender"
        else known.get(one.request, {}).get("borrower", NOT_STATED)
        for one in pledges
    }
    other = pl.col("request").replace_strict(names, return_dtype=pl.String)
    return held.with_columns(industry=other)


def spread(held: pl.DataFrame, by: By, policy: Policy, day: date) -> Facts:
    """Share what is owed out, largest first; hold industries to the limits."""
    found = concentration(held.lazy(), policy.resolve(ConcentrationRules), day)
    gates = found.gates.collect().to_dicts() if by == "industry" else []
    shares = found.industries.collect()
    return {
        "by": by,
        "shares": [
            {
                by: row["industry"],
                "pledges": row["pledges"],
                "outstanding": money(row["outstanding_fen"]),
                "share": share_text(row["share_ppm"]),
            }
            for row in shares.iter_rows(named=True)
        ],
        "hhi": hhi(shares["outstanding_fen"].to_list()),
        "limits": [
            {n: gate[n] for n in ("gate", "passed", "ground", "evidence")}
            for gate in gates
        ],
    }


def shocks(file: Path) -> pl.DataFrame:
    """Read scenarios. Contract: Shock.

    Raises:
        SourceError: The file cannot be read, has other columns or a line that is none.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            lines = DictReader(handle)
            if lines.fieldnames != HEAD:
                raise SourceError(f"{file}: its first line must be {','.join(HEAD)}")
            rows = [shock(file, n, line) for n, line in enumerate(lines, 2)]
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise SourceError(f"{file}: {said}; name a CSV of scenarios") from error
    found = frame_of(Shock, rows)
    if found.is_duplicated().any() or found.height > len({r[:2] for r in rows}):
        raise SourceError(f"{file}: a scenario names an industry twice; keep one")
    return found


def shock(file: Path, number: int, line: Mapping[str, str]) -> tuple[str, str, int]:
    """Read one line: −0.2 -> −200,000 ppm."""
    try:
        change = Decimal(line["change"]) * WHOLE
        if not -WHOLE <= change <= 9 * WHOLE or change != int(change):
            raise ValueError
        name, industry = line["scenario"].strip(), line["industry"].strip()
        if not name:
            raise ValueError
        return name, industry, int(change)
    except (TypeError, AttributeError, ArithmeticError, ValueError):
        raise SourceError(
            f"{file} line {number}: write scenario,industry,change, where a change is a"
            " fraction from -1 to 9 with at most six decimals"
        ) from None


def stressed(held: pl.DataFrame, moved: pl.DataFrame, policy: Policy) -> list[Facts]:
    """Say what each scenario would bring about; money as text in yuan."""
    rules = policy.resolve(CoverageRules)
    made = stress(held.lazy(), moved.lazy(), rules).collect()
    return [
        {
            name.removesuffix("_fen"): money(value) if name.endswith("_fen") else value
            for name, value in row.items()
        }
        for row in made.iter_rows(named=True)
    ]


def summed(amounts: pl.Series) -> int:
    """Add up fen beyond 64 bits; what is unknown counts as 0."""
    return sum(amount for amount in amounts.to_list() if amount is not None)


def money(amount: int) -> str:
    """Write fen as text in yuan. 123 -> 1.23."""
    return f"{yuan(amount):f}"


def share_text(ppm: int | None) -> str:
    """Write millionths. 600,000 -> 0.600000; empty where undefined."""
    return "" if ppm is None else f"{ppm // WHOLE}.{ppm % WHOLE:06d}"


def show(console: Console, data: Facts) -> None:
    """Show the portfolio: how it stands, how it is spread, what it bears."""
    states = ", ".join(f"{n} {name}" for name, n in data["states"].items() if n)
    console.print(
        f"live pledges on {data['as_of']}: {data['pledges']}, policy {data['policy']};"
        f" {told(data['outstanding'])} CNY owed on {told(data['value'])} CNY of value"
        f" ({data['unknown']} without one); by their ratio {states or 'none'}; margin"
        f" calls {told(data['margin_calls'])} CNY",
        markup=False,
    )
    by = data["by"]
    rows = [
        (r[by], r["pledges"], told(r["outstanding"]), r["share"] or "–")
        for r in data["shares"]
    ]
    title = f"\nowed by {by}, HHI {data['hhi'] or 'undefined'}"
    console.print(table(title, (by, "pledges", "owed, CNY", "share"), rows))
    for gate in data["limits"]:
        state = "within" if gate["passed"] else "BEYOND"
        console.print(f"  {state} {gate['gate']}: {gate['ground']}", markup=False)
    if data["stress"]:
        names = [*data["stress"][0]]
        cells = [[cell(row[n]) for n in names] for row in data["stress"]]
        console.print(table("\nstress, CNY", names, cells))


def cell(value: object) -> str:
    """Write a figure of a scenario for people."""
    return told(value) if isinstance(value, str) and "." in value else str(value)


def told(amount: str) -> str:
    """Write an amount of the facts for people."""
    return shown(exact_fen(Decimal(amount)))
