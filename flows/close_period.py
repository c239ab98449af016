"""Close a month of an entity: bring its factors up, close, post; or rebuild a close.

What was done is found again at every step: a close that was interrupted goes on where
it stopped, and a month that is closed stays as it is. The lines of a close and the row
that closes the month enter the books in one transaction.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import yaml
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext

from flows.approve import asking
from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.disclose import at_close
from flows.document import factor_named
from flows.loans import at_close as loans_at_close
from flows.market import rows_of, valid
from flows.order import feeders_of, ordered
from flows.refusal import answers
from flows.stages import close_task, post_task
from flows.value_chain import value_chain
from schemas.artifact import ArtifactRef, Publication, Snapshot, Stage
from schemas.close import CloseTerms
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import Refused, RegisterError, StoreError
from schemas.factor import Factor, named
from schemas.money import shown
from schemas.policy import CloseRules, Policy
from schemas.registers import (
    LEAVING,
    Approval,
    AssetCard,
    AssetEvent,
    Invoice,
    JournalLine,
    Order,
    PeriodClose,
    Usage,
)
from tasks import store
from tasks.asset.approval import closing
from tasks.asset.close import close
from tasks.asset.post import post
from tasks.finance import months_later
from tasks.stage.reperform import Compared, reperform

Facts = dict[str, Any]  # JSON
POSTING = "post"  # whose gate asks for an approval
log = logging.getLogger("datafactor.close")


def run_name() -> str:
    """Name the run ``close/<entity>/<period>``."""
    given = runtime.flow_run.parameters
    return f"close/{given['entity']}/{given.get('period') or 'last month'}"


@flow(name="close-period", flow_run_name=run_name)
@answers
def close_period(entity: str, period: str = "") -> Facts:
    """Close a month of an entity; a closed one is left as it is.

    Args:
        entity: Name of the entity document.
        period: The month, as in 2026-07; the one before the scheduled day if not said.
    """
    books = entity_named(entity)
    day = scheduled_date(books.zone)
    month = period or f"{months_later(day.replace(day=1), -1):%Y-%m}"
    with alone(entity):
        if row := closed_row(entity, month):
            at_close(entity, month)
            return told(row)
        factors = factors_of(entity)
        terms = terms_of(books, month, day, factors)
        for factor in staying(factors, terms):
            asking(factor.factor, partial(bring, factor.factor, terms))
        made = close_task(
            *registers(terms),
            *(scores_of(factors, terms), terms, end(terms)),
            **loans_at_close(books, month, end(terms)),
        )
        asking(entity, partial(post_closing, made, terms))
        at_close(entity, month)
    return told(closed_row(entity, month), made)


def closed(entity: str, period: str) -> Facts:
    """Close a month plainly, or on the Prefect server that the environment names.

    Raises:
        Refused: Something waits for an approval, or an earlier month is open.
    """
    if not os.environ.get("PREFECT_API_URL"):
        return close_period.fn(entity, period)
    state = close_period(entity, period, return_state=True)
    if state.name == "Refused":
        raise Refused(entity, (state.message or "",))
    facts: Facts = state.result()
    return facts


@contextmanager
def alone(entity: str) -> Iterator[None]:
    """Let one run at a time close an entity's months, where a server can see to it.

    Without one, the store's keys are the guard.
    """
    if FlowRunContext.get() is None:
        yield
        return
    limit = f"close-{entity}"
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit, 1)
    with concurrency(limit, occupy=1):
        yield


def factors_of(entity: str) -> list[Factor]:
    """Load the factors whose assets stand in an entity's books, feeders first.

    Raises:
        FactorError: A document is wrong.
    """
    folder, mine = store.current().settings.factors, []
    for path in sorted(folder.glob("*.yaml")):
        try:
            said = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeError):
            said = None  # whose it is, is told when it is loaded
        stated = said if isinstance(said, dict) else {"entity": entity, "asset": True}
        if stated.get("entity") == entity and stated.get("asset"):
            mine.append(path.stem)
    order = ordered(feeders_of(mine))
    return [factor_named(name) for name in order if name in mine]


def terms_of(
    entity: Entity, period: str, day: date, factors: list[Factor]
) -> CloseTerms:
    """Say which month of whose books is closed, by which chart and rules.

    Raises:
        RegisterError: It is no month, is not over, or lies before the books begin.
    """
    if entity.books_from and period < entity.books_from:
        raise RegisterError(
            f"the books of {entity.entity} begin with {entity.books_from}: there is"
            f" nothing to close in {period}"
        )
    beside = store.current().settings.factors.parent
    rules = load(named(beside / "policies", entity.policy), Policy)
    own = [f.asset for f in factors if f.asset and f.asset.approval_above is not None]
    return valid(
        CloseTerms,
        factor=entity.entity,
        entity=entity.entity,
        period=period,
        closed_on=day,
        accounts=entity.accounts,
        thresholds={asset.name: asset.approval_above for asset in own},
        rules=rules.resolve(CloseRules),
    )


def end(terms: CloseTerms) -> date:
    """Give the last day of the month."""
    return months_later(terms.month, 1) - timedelta(days=1)


def staying(factors: list[Factor], terms: CloseTerms) -> Iterator[Factor]:
    """Leave out the factors whose asset has left the books by the month's end."""
    events = rows_of(AssetEvent, entity=terms.entity)
    gone = {
        event["asset"]
        for event in events
        if event["event"] in LEAVING and event["decided_on"] <= end(terms)
    }
    return (f for f in factors if f.asset and f.asset.name not in gone)


def bring(factor: str, terms: CloseTerms) -> None:
    """Bring a factor up to its asset as of the month's last day, and post it.

    A gate that is shut keeps its cost out of the books: it lands in the month in which
    the gate opens, and the close goes on without it. What waits for an approval stops
    the close, for it belongs to the month.

    Raises:
        Refused: An entry stands above its threshold and waits for an approval.
    """
    try:
        if FlowRunContext.get() is None:
            value_chain.fn(factor, end(terms), Stage.ASSET)
            return
        state = value_chain(factor, end(terms), Stage.ASSET, return_state=True)
        if state.name == "Refused":
            said = state.message or ""
            raise Refused(said.partition(" ")[0], (said,))
        state.result()
    except Refused as refused:
        if refused.stage == POSTING:
            raise
        log.warning("%s brings nothing to %s: %s", factor, terms.period, refused)
    except RegisterError:
        if not closed_row(terms.entity, terms.period):  # another process was faster
            raise


def registers(terms: CloseTerms) -> tuple[Snapshot, ...]:
    """Ask for what the close reads; for all use where an asset is charged by it."""
    mine = {"entity": terms.entity}
    by_use = rows_of(AssetCard, **mine, method="units_of_use")
    used = Snapshot(register=Usage, where={} if by_use else {"period": terms.period})
    asked = (AssetCard, AssetEvent, JournalLine, Invoice, Order)
    snapshots = [Snapshot(register=register, where=mine) for register in asked]
    return (*snapshots, used, Snapshot(register=PeriodClose, where=mine))


def scores_of(
    factors: list[Factor], terms: CloseTerms
) -> dict[str, tuple[ArtifactRef, ...]]:
    """Find the assessments of each factor up to the month's end, one a day."""
    found = {}
    for factor in factors:
        said = [
            run.publication
            for run in store.runs(store.current(), factor.factor, "assess")
            if run.publication.status == "COMPLETE"
        ]
        newest = {p.as_of: p for p in said[::-1] if p.as_of and p.as_of <= end(terms)}
        refs = [score_of(newest[day]) for day in sorted(newest)]
        if refs:
            found[factor.factor] = tuple(refs)
    return found


def score_of(assessed: Publication) -> ArtifactRef:
    """Find the score that an assessment published."""
    return next(m.ref for m in assessed.artifacts if m.frame == "score")


def post_closing(made: dict[str, ArtifactRef], terms: CloseTerms) -> None:
    """Post what the close proposes, and close the month with it.

    Raises:
        Refused: An entry stands above its threshold and waits for an approval.
        RegisterError: Something was posted to the month meanwhile.
    """
    mine = {"entity": terms.entity}
    asked = [Snapshot(register=r, where=mine) for r in (JournalLine, PeriodClose)]
    approvals = Snapshot(register=Approval, where=mine)
    try:
        post_task(made, *asked, approvals, closing(terms), end(terms))
    except RegisterError:
        if not closed_row(terms.entity, terms.period):  # another process was faster
            raise


def closed_row(entity: str, period: str) -> Facts | None:
    """Find the row that says a month is closed."""
    return next(iter(rows_of(PeriodClose, entity=entity, period=period)), None)


def told(row: Facts | None, made: dict[str, ArtifactRef] | None = None) -> Facts:
    """Tell what stands closed, and what this close found; of an earlier one nothing."""
    if row is None:
        raise StoreError("the month is not closed: run the close again")
    found = {"charged": None, "tests_asked": []} if made is None else findings(made)
    return {
        "entity": row["entity"],
        "period": row["period"],
        "closed_on": str(row["closed_on"]),
        "again": made is None,
        "entries": row["entries"],
        "trial_balance_sha256": row["trial_balance_sha256"],
        **found,
    }


def findings(made: dict[str, ArtifactRef]) -> Facts:
    """Tell what was charged, and which assets ask for an impairment test."""
    s = store.current()
    charged = store.scan(s, made["charges"]).collect()["charge_fen"].sum()
    signs = store.scan(s, made["indications"]).collect()
    return {"charged": shown(int(charged)), "tests_asked": signs.to_dicts()}


def rebuild(entity: str, period: str = "") -> Facts:
    """Perform a close again from what it read then, and compare byte for byte.

    Args:
        entity: Name of the entity.
        period: The month; the last closed one if not said.

    Raises:
        StoreError: The month was not closed, or the bytes of an input are gone.
    """
    done = [row["period"] for row in rows_of(PeriodClose, entity=entity)]
    period = period or max(done, default="")
    posting = posting_of(entity, period)
    journal = next(i.id for i in posting.inputs if i.role == "journal")
    proposing = next(
        run.publication
        for run in store.runs(store.current(), entity, "close")
        if journal in {made.ref.id for made in run.publication.artifacts}
    )
    close_again, post_again = reperform(proposing, close), reperform(posting, post)
    frames = [*facts("close", close_again[0]), *facts("post", post_again[0])]
    return {
        "entity": entity,
        "period": period,
        "same": all(frame["same"] for frame in frames),
        "same_code": close_again[1] and post_again[1],
        "frames": frames,
    }


def facts(task: str, compared: list[Compared]) -> list[Facts]:
    """Tell of each frame of a run whether it is what it was."""
    return [
        {
            "task": task,
            "frame": found.frame,
            "recorded": found.recorded,
            "now": found.now,
            "same": found.same,
        }
        for found in compared
    ]


def posting_of(entity: str, period: str) -> Publication:
    """Find the run that closed a month.

    Raises:
        StoreError: None did.
    """
    for run in store.runs(store.current(), entity, "post"):
        said = run.publication
        closes = {posting.register for posting in said.postings}
        if said.terms.get("closes") == period and PeriodClose.__name__ in closes:
            return said
    month = period or "no month"
    raise StoreError(f"{month} of {entity} is not closed: `datafactor close` does it")
