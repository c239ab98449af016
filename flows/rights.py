"""Register rights and disputes, and tell how they stand, as known on a day."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console

from flows.disputes import ALL, names_of
from flows.document import factor_named
from flows.face import table
from flows.market import today, valid
from flows.stages import register_dispute_task, register_right_task
from schemas.artifact import Snapshot
from schemas.errors import RegisterError
from schemas.factor import Factor
from schemas.registers import Dispute, Right
from schemas.rights import IN_CHINESE, IN_ENGLISH, DisputeAct, RightAct
from tasks import store
from tasks.rights import Spell, bundle, open_disputes, standing, term_of

Facts = dict[str, Any]  # JSON


def register(
    factor: str, event: str, on: date | None, file: Path | None, **said: object
) -> Facts:
    """Register what becomes of a right; the same again posts nothing.

    Args:
        factor: Factor whose asset is concerned.
        event: grant, change, transfer, renew or revoke.
        on: First day on which it is so; today if not said, of a renewal the day after
            the last term.
        file: The evidence itself, whose digest is kept.
        said: What the registration states.

    Raises:
        RegisterError: The factor has no asset, or the registration does not fit.
    """
    terms = with_asset(factor)
    day = on or first_day(terms, event, said)
    act = valid(
        RightAct,
        factor=terms.factor,
        entity=terms.entity,
        asset=terms.asset and terms.asset.name,
        event=event,
        effective_on=day,
        evidence_sha256=store.digest(file) if file else "",
        **said,
    )
    register_right_task(terms.live(Right), act)
    return rights_of(factor, day, None)


def with_asset(factor: str) -> Factor:
    """Read a factor that has an asset.

    Raises:
        RegisterError: It has none, so there is nothing to hold a right over.
    """
    terms = factor_named(factor)
    if terms.asset is None:
        raise RegisterError(
            f"{terms.factor} has no asset, and rights are held over one: write the"
            " asset stage"
        )
    return terms


def first_day(terms: Factor, event: str, said: Facts) -> date:
    """Find the day from which a registration holds where none is said."""
    given: date | None = said.get("valid_from")
    if event == "grant" and given:
        return given
    events = recorded(terms.live(Right), None, terms.zone)
    mine = events.filter(certificate=said["certificate"])
    ends: list[date] = mine["valid_to"].to_list()
    if event == "renew" and ends:
        return max(ends) + timedelta(days=1)
    return today(terms.factor)


def dispute(factor: str, event: str, on: date | None, **said: object) -> Facts:
    """Open a dispute over a factor, which suspends every gate at once, or lift it.

    Raises:
        RegisterError: The number is taken, no such dispute is open, or the day has not
            come.
    """
    terms = factor_named(factor)
    now = today(terms.factor)
    if on and on > now:
        raise RegisterError(f"{on} has not come: a dispute is opened or lifted by then")
    known = {"factor": terms.factor, "entity": terms.entity, "event": event}
    act = valid(DisputeAct, **known, **said, effective_on=on or now)
    register_dispute_task(ALL, act)
    return rights_of(factor, on or now, None)


def recorded(asked: Snapshot, known_on: date | None, zone: str) -> pl.DataFrame:
    """Read register rows as they were known at the end of a day; none: as known now."""
    before = None
    if known_on:
        after = known_on + timedelta(days=1)
        before = datetime.combine(after, time.min, ZoneInfo(zone))
    asked = Snapshot(register=asked.register, where=asked.where, known_before=before)
    return store.snapshot(store.current(), asked, "")[0]


def rights_of(factor: str, on: date | None, known_on: date | None) -> Facts:
    """Tell the rights over a factor's asset and its disputes: state on a day.

    Args:
        factor: The factor.
        on: The day of which is told; today if not said.
        known_on: Only what was recorded by the end of this day counts; all if not said.
    """
    terms = factor_named(factor)
    day = on or today(terms.factor)
    events = recorded(terms.live(Right), known_on, terms.zone)
    disputes = recorded(ALL, known_on, terms.zone)
    mine = disputes.filter(pl.col("asset").is_in([*names_of(terms.factor)]))
    held = bundle(events, day)
    return {
        "factor": terms.factor,
        "asset": terms.asset.name if terms.asset else "",
        "on": str(day),
        "known_on": str(known_on) if known_on else "",
        "rights": [facts_of(spell, *term_of(events, spell)) for spell in held],
        "not_held": [*not_held(events, held, day)],
        "disputes": [
            {n: str(row[n]) for n in Dispute.to_schema().columns if n != "event"}
            for row in open_disputes(mine, day).to_dicts()
        ],
    }


def facts_of(spell: Spell, first: date, last: date) -> Facts:
    """Tell one right as it is held; ``since`` when on these very terms."""
    term = {"first": str(first), "last": str(last), "since": str(spell.first)}
    told = spell._asdict() | term
    names = {"zh": IN_CHINESE[spell.right], "en": IN_ENGLISH[spell.right]}
    return told | names


def not_held(events: pl.DataFrame, held: list[Spell], on: date) -> Iterator[str]:
    """Say why each registered right that nobody holds on a day is not held."""
    live = {(s.certificate, s.right) for s in held}
    for (certificate, right), mine in events.group_by(
        "certificate", "right", maintain_order=True
    ):
        if (certificate, right) not in live:
            yield standing(mine, str(right), on).ground


def show(console: Console, data: Facts) -> None:
    """Show the rights of a factor, in Chinese and English, and its disputes."""
    known = f", as known on {data['known_on']}" if data["known_on"] else ""
    asset = data["asset"] or data["factor"]
    rows = [
        (
            *(f"{r['zh']} {r['en']}", r["holder"], r["certificate"]),
            f"{r['first']} to {r['last']}",
            *(r["field"] or "any", r["territory"] or "anywhere"),
            "yes" if r["exclusive"] else "no",
            "yes" if r["sublicensable"] else "no",
            *(r["basis"], r["evidence"]),
        )
        for r in data["rights"]
    ]
    columns = ("right 权利", "holder 持有人", "certificate 证书", "term 期限")
    more = ("field 领域", "territory 地域", "exclusive 独占", "sublicensable 可转授权")
    title = f"rights over {asset} on {data['on']}{known}"
    proof = ("basis 依据", "evidence 证据")
    console.print(table(title, (*columns, *more, *proof), rows))
    if not rows:
        console.print("  none is held")
    for said in data["not_held"]:
        console.print(f"  {said}", markup=False)
    for one in data["disputes"]:
        said = f"dispute 异议 {one['dispute']} over {one['asset']}: {one['claimant']},"
        said += f" {one['ground']}; open since {one['effective_on']}, all is suspended"
        console.print(f"  {said}", markup=False)
