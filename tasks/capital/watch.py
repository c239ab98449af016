"""Watch pledges: how each stands on a day, and what of that is new.

The ratio says one state (``coverage``), each sign another (``alarms``): the worst one
holds.
All pledges are weighed in one pass of joins; only a change of state is recorded, so the
same facts watched again say nothing new. What cannot be shown is never taken as sound:
a value that is missing makes a warning at least, and a clock that went back is refused.

5,000,000.00 on 8,968,000.00, appraised anew at 7,000,000.00: normal -> margin call,
cured by 800,000.00 repaid or 1,333,333.34 of value added (COL-03).
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, NamedTuple

import polars as pl

from schemas.asset import Valuation
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.portfolio import STATES, CoverageRules, Held
from schemas.quality import Score
from schemas.registers import (
    CollateralRoot,
    CoverState,
    Invoice,
    LoanFact,
    Order,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.watch import Debt, Watch, Watched, WatchTerms
from tasks.capital.alarms import Alarm, alarms, valued
from tasks.capital.coverage import DEFAULT, NORMAL, cover
from tasks.capital.hold import At, Owed, carrying
from tasks.pledged import MOVES, held
from tasks.rights import UNDISPUTED

RANKS = {name: rank for rank, name in enumerate(STATES)}
NAMES = dict(enumerate(STATES))


class Facts(NamedTuple):
    """What is known of live pledges on the day, as frames that join by request.

    ``secured``: request, entity, asset, version, secured_fen, one row an asset.
    ``values``: entity, asset, valued (the version), value_fen or null.
    ``debts``: request, outstanding_fen, accrued_fen. ``last``: request, number, before,
    held (the state to weigh from: a waived default is none). ``shared``: request,
    shared_fen of pledges that have the value with others. ``signs``: contract Alarm.
    """

    secured: pl.DataFrame
    values: pl.DataFrame
    debts: pl.DataFrame
    last: pl.DataFrame
    shared: pl.DataFrame
    signs: pl.DataFrame


def watch(
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    roots: Annotated[pl.LazyFrame, CollateralRoot],
    states: Annotated[pl.LazyFrame, CoverState],
    facts: Annotated[pl.LazyFrame, LoanFact],
    rights: Annotated[pl.LazyFrame, Right],
    orders: Annotated[pl.LazyFrame, Order],
    invoices: Annotated[pl.LazyFrame, Invoice],
    valuations: Mapping[str, Annotated[pl.LazyFrame, Valuation]],
    scores: Mapping[str, Annotated[pl.LazyFrame, Score]],
    terms: WatchTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, "compared"] = UNDISPUTED,
) -> Watch:
    """Say how the live pledges of some entities stand, and record what changed.

    Args:
        pledges: All pledges: one may share its data with another entity's.
        events: What happened to them.
        roots: The source tables they rest on.
        states: The changes recorded so far.
        facts: What happened to the loans; a waiver ends a default.
        rights: Rights over the assets.
        orders: What customers ordered.
        invoices: What they were invoiced.
        valuations: The valuation that stands of each factor's asset, where it was read.
        scores: The last quality score of each factor, where it was read.
        terms: Whose pledges, the rules, and what was found of each asset and loan.
        as_of: The day the watch speaks of.
        disputes: Disputes, contract Dispute.

    Returns:
        The gates: the policy applies, and no clock went back. Then every live pledge as
        it was found, and the changes to record.
    """
    past = pl.col("effective_on") <= as_of
    known = pledges.filter(pl.col("pledged_on") <= as_of).collect()
    told = events.filter(past).collect()
    mine = known.filter(pl.col("entity").is_in(terms.entities))
    live = secured(mine, told)
    values = valued(valuations, terms, as_of)
    debts = frame_of_debts(terms)
    pledged = mine.join(live, on="request", how="semi")
    case = Alarm(pledged, told, live, debts, terms, as_of)
    waived = facts.filter(past, event="waive").collect()
    found = Facts(
        secured=live,
        values=values,
        debts=debts,
        last=recorded(states.collect(), waived),
        shared=shared(known, told, roots, values, terms),
        signs=alarms(case, values, rights, disputes, scores, orders, invoices),
    )
    watched = weigh(found, terms.coverage)
    return Watch(
        gates=gates(states.collect().join(pledged, on="request", how="semi"), case),
        watched=watched.select(*Watched.to_schema().columns).lazy(),
        changes=changes(watched, as_of).lazy(),
    )


def gates(states: pl.DataFrame, case: Alarm) -> pl.LazyFrame:
    """Ask whether the policy applies and the clock goes forward. Contract: Gates."""
    rules, day = case.terms.coverage, case.as_of
    watched: list[date] = states["watched_on"].to_list()
    last = max([day, *watched, *filter(None, [case.terms.ahead])])
    ahead = (
        f"the pledges were watched up to {last}: a watch of {day} would go back; set"
        " the clock right, or watch a later day"
    )
    clock = ahead if last > day else f"nothing was watched after {day}"
    said = f"policy {rules.policy} applies from {rules.applies_from}"
    answers = [
        ("policy_in_force", rules.applies_from <= day, said, rules.policy, day),
        ("clock", last <= day, clock, "register CoverState and the runs", day),
    ]
    return frame_of(Gates, answers).lazy()


def secured(pledges: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add up what each asset secures of each pledge, in one pass; what ended is out.

    The same answer as ``tasks.pledged.Held.secured`` gives pledge by pledge.
    """
    moved = events.filter(pl.col("event").is_in(MOVES))
    left = -pl.col("amount_fen")
    unnamed = pl.lit(None, pl.String)
    parts = [
        pledges.select("request", "asset", "version", secured_fen="principal_fen"),
        moved.select("request", "asset", "version", secured_fen="amount_fen"),
        moved.select("request", asset="replaces", version=unnamed, secured_fen=left),
        events.filter(event="release_part").select(
            "request", "asset", version=unnamed, secured_fen=left
        ),
    ]
    ended = events.filter(event="release")
    return (
        pl.concat(parts)
        .group_by("request", "asset", maintain_order=True)
        .agg(pl.col("version").drop_nulls().last(), pl.col("secured_fen").sum())
        .filter(pl.col("secured_fen") > 0)
        .join(ended, on="request", how="anti")
        .join(pledges.select("request", "entity"), on="request")
        .select("request", "entity", "asset", "version", "secured_fen")
    )


def frame_of_debts(terms: WatchTerms) -> pl.DataFrame:
    """Set out what is owed, by the fields of ``Debt``."""
    rows = [[getattr(d, n) for n in Debt.model_fields] for d in terms.debts]
    types = [pl.String, pl.Int64, pl.Int64, pl.String, pl.Int64]
    schema = dict(zip(Debt.model_fields, types, strict=True))
    return pl.DataFrame(rows, schema=schema, orient="row")


def recorded(states: pl.DataFrame, waived: pl.DataFrame) -> pl.DataFrame:
    """Read the state recorded last, and the one to weigh from after a waiver.

    A waiver counts for the default that it follows, not for a later one.
    """
    last = states.sort("number").group_by("request").last()
    said = waived.group_by(request="loan").agg(waived_on=pl.col("effective_on").max())
    joined = last.join(said, on="request", how="left")
    forgiven = (pl.col("state") == STATES[DEFAULT]) & (
        pl.col("waived_on") >= pl.col("watched_on")
    )
    return joined.select(
        "request",
        "number",
        before="state",
        held=pl.when(forgiven).then(pl.lit(STATES[NORMAL])).otherwise("state"),
    )


def shared(
    pledges: pl.DataFrame,
    events: pl.DataFrame,
    roots: pl.LazyFrame,
    values: pl.DataFrame,
    terms: WatchTerms,
) -> pl.DataFrame:
    """Find what carries the pledges that have their data with others: request, fen.

    They are few: an exclusive senior has all of its value to itself.
    """
    beside = ~pl.col("exclusive") | (pl.col("rank") > 1)
    few = pledges.filter(beside, pl.col("entity").is_in(terms.entities))
    rows: list[tuple[str, int | None]] = []
    if few.height:
        known = held(pledges.to_dicts(), events.to_dicts(), roots.collect().to_dicts())
        live = [one for one in known if one.total > 0]
        asked = {d.request: Owed(d.outstanding_fen) for d in terms.debts}
        owed = {o.request: asked.get(o.request, Owed(o.total)) for o in live}
        at: dict[At, int | None] = {
            (entity, asset): fen
            for entity, asset, fen in values.select(
                "entity", "asset", "value_fen"
            ).iter_rows()
        }
        names = set(few["request"])
        rows = [
            (one.request, carrying(one, live, owed, at))
            for one in live
            if one.request in names
        ]
    schema = {"request": pl.String, "shared_fen": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def weigh(found: Facts, rules: CoverageRules) -> pl.DataFrame:
    """Weigh all pledges in one pass. Contract: Watched, with the last ``number``.

    A loan that owes nothing is normal whatever a sign says.
    """
    held_now = pledges_held(found)
    covered = cover(held_now.select(*Held.to_schema().columns).lazy(), rules).collect()
    signs = found.signs.group_by("request", maintain_order=True).agg(
        floor=pl.col("rank").max(),
        said=pl.col("ground").str.join("; "),
        proof=pl.col("evidence").unique(maintain_order=True).str.join("; "),
    )
    rank = pl.col("state").replace_strict(RANKS, return_dtype=pl.Int64)
    floor = pl.when(pl.col("outstanding_fen") > 0).then("floor").otherwise(NORMAL)
    worst = pl.max_horizontal(rank, floor.fill_null(NORMAL))
    figures = ["ltv_ppm", "coverage_ppm", "repay_fen", "top_up_fen", "releasable_fen"]
    joined = (
        held_now.rename({"before": "held"})
        .join(covered.select("request", "state", *figures), on="request")
        .join(signs, on="request", how="left")
        .with_columns(worst=worst)
    )
    sound = pl.col("worst") == NORMAL
    known = pl.col("releasable_fen").is_not_null()
    ratio = pl.when(pl.col("ltv_ppm").is_not_null()).then(said_of_ratio(rules))
    return joined.with_columns(
        before=pl.col("recorded"),
        state=pl.col("worst").replace_strict(NAMES, return_dtype=pl.String),
        releasable_fen=pl.when(known).then(
            pl.when(sound).then("releasable_fen").otherwise(0)
        ),
        ground=pl.concat_str(ratio, "said", separator="; ", ignore_nulls=True),
        evidence=pl.concat_str(
            pl.lit(f"policy {rules.policy}"), "proof", separator="; ", ignore_nulls=True
        ),
    ).sort("request")


def pledges_held(found: Facts) -> pl.DataFrame:
    """Set value, debt and last state beside each pledge: Held and four columns more."""
    value = pl.when(pl.col("version") == pl.col("valued")).then("value_fen")
    worth = (
        found.secured.join(found.values, on=["entity", "asset"], how="left")
        .with_columns(value_fen=value)
        .group_by("request", "entity")
        .agg(
            unknown=pl.col("value_fen").is_null().any(),
            sum_fen=pl.col("value_fen").sum(),
            secured_fen=pl.col("secured_fen").sum(),
        )
    )
    alone = pl.when(~pl.col("unknown")).then("sum_fen")
    beside = pl.when(~pl.col("unknown")).then("shared_fen")
    shares = pl.lit(True)
    return (
        worth.join(found.debts, on="request", how="left")
        .join(found.last, on="request", how="left")
        .join(found.shared.with_columns(shares=shares), on="request", how="left")
        .select(
            "request",
            "entity",
            industry=pl.lit(""),
            # Of a loan that nobody tells of, all that is secured is owed.
            outstanding_fen=pl.coalesce("outstanding_fen", "secured_fen"),
            accrued_fen=pl.col("accrued_fen").fill_null(0),
            value_fen=pl.when(pl.col("shares").is_null()).then(alone).otherwise(beside),
            before=pl.col("held").fill_null(STATES[NORMAL]),
            recorded=pl.col("before").fill_null(STATES[NORMAL]),
            number=pl.col("number").fill_null(0),
        )
    )


def said_of_ratio(rules: CoverageRules) -> pl.Expr:
    """Say the ratio beside the ladder. 714,286 -> loan to value 0.714286 (…)."""
    ladder = (
        f"(warned from {rules.warning_ltv}, called from {rules.margin_call_ltv},"
        f" default from {rules.default_ltv}, cured at {rules.advance_ltv})"
    )
    parts = pl.col("ltv_ppm") % 1_000_000
    return pl.format(
        "loan to value {}.{} {}",
        pl.col("ltv_ppm") // 1_000_000,
        parts.cast(pl.String).str.zfill(6),
        pl.lit(ladder),
    )


def changes(watched: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Keep what is new, as the next row of each pledge. Contract: CoverState."""
    new = watched.filter(pl.col("before") != pl.col("state"))
    told = new.with_columns(number=pl.col("number") + 1, watched_on=pl.lit(as_of))
    return told.select(*CoverState.to_schema().columns)
