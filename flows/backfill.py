"""Run the days that a factor's schedule would have fired and the store does not know.

One after the other, in one process: waiting runs of a server win at random, and what
speaks of days is made in their order. A server that was down has planned none of them;
only the store knows what is missing.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rich.console import Console

from flows.calendar import DAY, SECOND, fires, midnight, scheduled_date
from flows.document import factor_named
from schemas.errors import DatafactorError, FactorError, Refused
from schemas.factor import Factor
from schemas.trust import ContributionTerms, TrustTerms
from tasks import store

Facts = dict[str, Any]  # JSON
A_DAY = re.compile(r"(19|20)\d\d-?[01]\d(-?[0-3]\d)?")  # 2026-06-30, 20260630, 2026-06


class Plan(NamedTuple):
    """What a backfill is to do: the days it was asked for, and those not yet made."""

    factor: str
    due: tuple[date, ...]
    missing: tuple[date, ...]
    notes: tuple[str, ...]


def planned(name: str, span: str) -> Plan:
    """Find the days of a span on which a factor should have run and has not.

    Args:
        name: The factor.
        span: ``2026-06-01..2026-06-30``, or one day.

    Raises:
        FactorError: The document is wrong, or the span is none.
    """
    terms = factor_named(name)
    days = due(terms, *span_of(span))
    done = made(terms)
    missing = tuple(day for day in days if day not in done)
    return Plan(terms.factor, days, missing, tuple(notes(terms)) if missing else ())


def span_of(text: str) -> tuple[date, date]:
    """Read ``2026-06-01..2026-06-30``, or one day.

    Raises:
        FactorError: It is no day, or the last comes before the first.
    """
    first, dots, last = text.partition("..")
    try:
        span = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        span = date.max, date.min
    if span[0] > span[1]:
        raise FactorError(
            f"{text!r} is no span of days: write 2026-06-01..2026-06-30, the earlier"
            " one first"
        )
    return span


def due(terms: Factor, first: date, last: date) -> tuple[date, ...]:
    """List the days on which a factor should have run: as its schedule fired by now.

    Without a schedule every day that has come. The days are the entity's, as a run's.
    """
    last = min(last, scheduled_date(terms.zone))
    if terms.schedule is None:
        return tuple(first + n * DAY for n in range((last - first).days + 1))
    at = ZoneInfo(terms.zone)
    end = min(midnight(last + DAY, at) - SECOND, datetime.now(UTC))
    given = terms.schedule
    fired = fires(given.cron, given.timezone, midnight(first, at), end)
    return tuple(sorted({one.astimezone(at).date() for one in fired}))


def made(terms: Factor) -> set[date]:
    """Collect the days on which a factor got to its document's end, all gates open."""
    runs = store.runs(store.current(), terms.factor, last_task(terms))
    said = (run.publication for run in runs)
    return {
        one.as_of
        for one in said
        if one.as_of and one.status == "COMPLETE" and all(g.passed for g in one.gates)
    }


def last_task(terms: Factor) -> str:
    """Name the task at a document's end."""
    match terms.capital:
        case ContributionTerms():
            return "contribute"
        case TrustTerms():
            return "settle"
    if terms.capital:
        return "capitalize"
    if terms.asset:
        return "post"
    return "productize" if terms.product else "assess"


def notes(terms: Factor) -> Iterator[str]:
    """Say what of an old day cannot be had any more: what its sources held then."""
    for name, source in terms.sources.items():
        if source.update_frequency != "none" and not A_DAY.search(source.path):
            yield (
                f"source {name} has no day in its path: what it holds today is read"
                " under the old dates"
            )
    for name, ref in terms.inputs.items():
        yield f"input {name} is the newest {ref}, not that of the old dates"


def filled(plan: Plan, run: Callable[[date], Any]) -> Iterator[Facts]:
    """Run each missing day in order; what stops one stops no other.

    Args:
        plan: What is missing.
        run: Runs the factor for a day and waits for its end. Any: what it made.

    Returns:
        For each day ``as_of``, ``outcome`` (done, refused, failed) and why: ``said``.
    """
    for day in plan.missing:
        outcome, said = "done", ""
        try:
            run(day)
        except Refused as refused:
            outcome, said = "refused", str(refused)
        except DatafactorError as error:
            outcome, said = "failed", str(error)
        except OSError as error:
            said = f"{error.strerror or type(error).__name__}: see the store's disk"
            outcome = "failed"
        yield {"as_of": str(day), "outcome": outcome, "said": said}


def facts_of(plan: Plan, days: list[Facts]) -> Facts:
    """Tell what was asked, what was missing and what became of it."""
    return {
        "factor": plan.factor,
        "due": len(plan.due),
        "missing": [str(day) for day in plan.missing],
        "days": days,
        "notes": list(plan.notes),
    }


def show_plan(console: Console, plan: Plan) -> None:
    """Say what is missing, before it is run."""
    there = len(plan.due) - len(plan.missing)
    console.print(
        f"{plan.factor}: {len(plan.due)} days, {there} made before,"
        f" {len(plan.missing)} to run"
    )
    for note in plan.notes:
        console.print(f"  note: {note}", markup=False)


def show_day(console: Console, day: Facts) -> None:
    """Say how one day ended."""
    said = f": {day['said']}" if day["said"] else ""
    console.print(f"  {day['as_of']} {day['outcome']}{said}", markup=False)
