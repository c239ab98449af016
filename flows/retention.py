"""List what the house's own rule says is due to be erased; never erase it by itself."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from flows.document import factor_named, policy_named
from flows.erase import today
from schemas.errors import FactorError
from schemas.policy import RetentionRules
from tasks import store
from tasks.store.erase import collected_before

Facts = dict[str, Any]  # JSON


def retention(factors: Sequence[str]) -> Facts:
    """List raw files and rejects of factors, all if none is named, that are too old.

    Old is what no run has collected again for ``keep_raw_days`` of the factor's policy,
    by the days of its entity's zone: 1095 days before 2026-12-01 is 2023-12-02.
    """
    folder = store.current().settings.factors
    names = factors or sorted(file.stem for file in folder.glob("*.yaml"))
    told = [due(name) for name in names]
    return {"factors": told, "due": sum(len(one["due"]) for one in told)}


def due(name: str) -> Facts:
    """List what is due of one factor; without a rule nothing ever is."""
    terms = factor_named(name)
    try:
        days = policy_named(terms.policy).resolve(RetentionRules).keep_raw_days
    except FactorError as error:
        return {"factor": terms.factor, "due": [], "note": str(error)}
    first = today(terms.factor) - timedelta(days=days)
    moment = datetime.combine(first, time.min, ZoneInfo(terms.zone))
    rows = collected_before(store.current(), terms.factor, moment)
    return {
        "factor": terms.factor,
        "keep_raw_days": days,
        "before": str(first),
        "due": [{**row, "last": row["last"].isoformat()} for row in rows],
    }


def show(console: Console, data: Facts) -> None:
    """List it, and the command that erases it."""
    for one in data["factors"]:
        if one["due"]:
            console.print(lines(one), markup=False)
        elif "note" in one:
            console.print(f"{one['factor']}: {one['note']}", markup=False)
    if not data["due"]:
        console.print("nothing is due", markup=False)


def lines(one: Facts) -> str:
    """Write what is due of one factor, and what to do."""
    rows = [
        f"  {row['id'][:12]} {row['name']} ({row['kind']}): {row['bytes']:,} bytes,"
        f" collected last on {row['last'][:10]}"
        for row in one["due"]
    ]
    ids = " ".join(row["id"][:12] for row in one["due"])
    return "\n".join(
        [
            f"{one['factor']}: kept {one['keep_raw_days']} days, due is what was"
            f" collected last before {one['before']}:",
            *rows,
            f'  datafactor erase {ids} --because "keep_raw_days"',
        ]
    )
