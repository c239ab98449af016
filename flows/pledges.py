"""Show pledges and record what becomes of them: registration, consent, release."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.face import table
from flows.held import owed_on
from flows.market import rows_of, valid
from flows.rights import with_asset
from flows.roots import fingerprint_of
from flows.stages import register_pledge_task, secure_task
from schemas.artifact import Snapshot
from schemas.document import load
from schemas.errors import RegisterError
from schemas.factor import Factor, named
from schemas.money import shown, yuan
from schemas.pledging import IN_BOTH, PledgeAct, SecureTerms
from schemas.policy import CapitalRules, Policy
from schemas.registers import (
    CollateralRoot,
    JournalLine,
    Loan,
    LoanFact,
    Pledge,
    PledgeEvent,
    Right,
)
from tasks import store
from tasks.capital.collateral import meeting
from tasks.capital.pledging import registration
from tasks.pledged import Held, Row, held

Facts = dict[str, Any]  # JSON
WHOLE = 1_000_000


def all_held() -> list[Held]:
    """Read every pledge with its events and roots."""
    registers = (Pledge, PledgeEvent, CollateralRoot)
    return held(*(rows_of(register) for register in registers))


def pledge_named(number: str) -> Held:
    """Find a pledge by its agreement.

    Raises:
        RegisterError: There is none.
    """
    found = [one for one in all_held() if one.request == number]
    if not found:
        known = ", ".join(sorted(one.request for one in all_held())) or "none yet"
        raise RegisterError(
            f"nothing is pledged under {number}; there are the agreements {known}"
        )
    return found[0]


def factor_behind(one: Held) -> str:
    """Name the factor whose asset was pledged first."""
    loans = rows_of(Loan, loan=one.request)
    if loans:
        return str(loans[0]["factor"])
    s = store.current()
    return store.factor_of(s, store.resolve(s, f"loan:{one.request}").id)


def record(
    number: str, event: str, on: date | None, file: Path | None, **said: object
) -> Facts:
    """Record one event of a pledge; the same again posts nothing.

    Args:
        number: Of the agreement.
        event: What happened: perfect, extend, consent, release_part, cancel, release.
        on: Day from which it holds; today if not said.
        file: The document itself, whose digest is kept.
        said: What else the event states.

    Raises:
        RegisterError: It does not follow what was recorded before.
    """
    one = pledge_named(number)
    factor = factor_behind(one)
    today = scheduled_date(factor_named(factor).zone)
    if on and on > today:
        raise RegisterError(f"{on} has not come: record it then")
    owed = owed_on([one], on or today)[number].outstanding_fen
    act = valid(
        PledgeAct,
        factor=factor,
        entity=one.pledge["entity"],
        request=number,
        event=event,
        effective_on=on or today,
        evidence_sha256=store.digest(file) if file else "",
        owed=yuan(drawn_on(one, on or today) if event == "release" else owed),
        **said,
    )
    mine = {"request": number}
    snapshots = (Snapshot(register=r, where=mine) for r in (Pledge, PledgeEvent))
    register_pledge_task(*snapshots, act)
    return facts_of(pledge_named(number), act.effective_on)


def drawn_on(one: Held, day: date) -> int:
    """Say what is owed of what was paid out, fen: of an undrawn loan nothing is."""
    if not any(f["event"] == "draw" for f in rows_of(LoanFact, loan=one.request)):
        return 0
    return owed_on([one], day)[one.request].outstanding_fen


def secured_by(
    number: str, event: str, factor: str, on: date | None, **said: object
) -> Facts:
    """Let the asset of another factor secure a loan: beside what does, or instead.

    Args:
        number: Of the agreement.
        event: add (a top-up) or substitute.
        factor: Whose asset comes; it must have been run.
        on: Day from which it holds; today if not said.
        said: Amount in yuan, what it replaces, evidence.

    Raises:
        Refused: A gate is shut.
        RegisterError: The event does not follow, or the data of that asset are bound.
    """
    one, terms = pledge_named(number), with_asset(factor)
    asset = terms.asset
    if asset is None or terms.entity != one.pledge["entity"]:
        raise RegisterError(f"{factor} has no asset of {one.pledge['entity']}")
    behind = factor_named(factor_behind(one))
    day = on or scheduled_date(terms.zone)
    if day > scheduled_date(terms.zone):
        raise RegisterError(f"{day} has not come: record it then")
    replaces = said.pop("replaces", "") or one.pledge["asset"]
    known = {"entity": terms.entity, "request": number, "asset": asset.name}
    act = valid(
        PledgeAct,
        **(known | {"factor": terms.factor, "event": event, "effective_on": day}),
        **(said | {"version": asset.version, "replaces": replaces}),
    )
    loan = rows_of(Loan, loan=number)
    secure_task(
        *asked_of(terms, number),
        SecureTerms(
            factor=terms.factor,
            pledgor=loan[0]["borrower"] if loan else asset.holder,
            matures_on=one.pledge["matures_on"],
            accounts=asset.accounts,
            act=act,
            rules=lender_rules(behind.policy),
            **known,
        ),
        day,
        terms.disputes,
    )
    return facts_of(pledge_named(number), day)


def asked_of(terms: Factor, number: str) -> tuple[Any, ...]:
    """Gather what is asked of the asset that comes, and of the pledge.

    Any: refs and snapshots, the arguments of a task.

    Raises:
        RegisterError: The asset was not made yet.
    """
    s = store.current()
    made = store.newest(s, "assetize", terms.factor)
    if not made:
        raise RegisterError(
            f"{terms.factor} has no asset yet: `datafactor run {terms.factor}` first"
        )
    product = store.resolve(s, f"{terms.factor}/product")
    mine = {"request": number}
    return (
        made[0].refs["valuation"],
        terms.live(Right),
        terms.live(JournalLine),
        fingerprint_of(terms.factor, product),
        *(Snapshot(register=r, where=mine) for r in (Pledge, PledgeEvent)),
    )


def lender_rules(policy: str) -> CapitalRules:
    """Read the lender's rules of a policy."""
    beside = store.current().settings.factors.parent
    return load(named(beside / "policies", policy), Policy).resolve(CapitalRules)


def listed(on: date | None) -> list[Facts]:
    """Tell of every pledge how it stands on a day."""
    known = all_held()
    return [facts_of(one, on or day_of(one), known) for one in known]


def told(number: str, on: date | None) -> Facts:
    """Tell of one pledge how it stands on a day, and what happened to it."""
    one = pledge_named(number)
    return facts_of(one, on or day_of(one))


def day_of(one: Held) -> date:
    """Give today where the pledgor keeps its books."""
    return scheduled_date(factor_named(factor_behind(one)).zone)


def facts_of(one: Held, on: date, known: list[Held] | None = None) -> Facts:
    """Tell of a pledge: parties, what it secures by what, registration, group."""
    p = one.pledge
    others = all_held() if known is None else known
    stands, ground = registration(one, on)
    group = meeting(one, others)
    return {
        "request": one.request,
        "lender": p["lender"],
        "entity": p["entity"],
        "asset": p["asset"],
        "rank": p["rank"],
        "exclusive": p["exclusive"],
        "pledged_on": str(p["pledged_on"]),
        "matures_on": str(p["matures_on"]),
        "on": str(on),
        "state": "released" if one.released else stands,
        "ground": ground,
        "secured": {a: shown(fen) for a, fen in one.secured.items() if fen > 0},
        "secured_in_all": shown(one.total),
        "roots": [
            {n: root[n] for n in ("place", "root", "rows", "weight_ppm")}
            for root in one.roots
        ],
        "joined": [
            {**joint._asdict(), "overlap": f"{joint.overlap_ppm / WHOLE:.1%}"}
            for joints in group.values()
            for joint in joints
        ],
        "group": sorted(group),
        "events": [event_facts(event) for event in one.events],
    }


def event_facts(event: Row) -> Facts:
    """Tell one event, its amounts in yuan; what does not belong to it is left out."""
    said = {
        name: shown(value) if name.endswith("_fen") else str(value)
        for name, value in event.items()
        if value not in (None, "") and name != "request"
    }
    return said | {"called": IN_BOTH[event["event"]]}


def show_all(console: Console, data: list[Facts]) -> None:
    """Show a line a pledge."""
    rows = [
        (
            *(d["request"], d["lender"], ", ".join(d["secured"]) or d["asset"]),
            *(d["secured_in_all"], d["rank"], d["state"], d["matures_on"]),
            ", ".join(d["group"]) or "alone",
        )
        for d in data
    ]
    heads = ("agreement 合同", "lender 贷款人", "asset 资产", "secured 担保金额 (CNY)")
    more = ("rank 顺位", "registration 登记", "matures 到期", "same data 同源")
    console.print(table("pledges 质押", (*heads, *more), rows))
    if not rows:
        console.print("  nothing is pledged")


def show(console: Console, data: Facts) -> None:
    """Show one pledge with its roots, what joins it to others, and its events."""
    secured = "; ".join(f"{a} {yuan} CNY" for a, yuan in data["secured"].items())
    lines = {
        "agreement": f"{data['request']}, {data['lender']}, rank {data['rank']}",
        "secures": secured or "nothing any more",
        "registration": f"{data['state']}: {data['ground']}",
        "term": f"{data['pledged_on']} to {data['matures_on']}",
        "same data": ", ".join(data["group"]) or "no other pledge rests on it",
    }
    for name, text in lines.items():
        console.print(f"  {name:13} {text}", markup=False)
    roots = [
        (r["place"], f"{r['rows']:,}", f"{r['weight_ppm'] / WHOLE:.1%}", r["root"][:12])
        for r in data["roots"]
    ]
    console.print(table("\nroots 数据根", ("place", "rows", "share", "sha256"), roots))
    joined = [(j["request"], j["place"], j["overlap"]) for j in data["joined"]]
    if joined:
        heads = ("also pledged under", "by its root", "same rows")
        console.print(table("\njoined by 同源", heads, joined))
    events = [
        (e["called"], e["effective_on"], said_of(e), e["evidence"])
        for e in data["events"]
    ]
    heads4 = ("event 事项", "from 日期", "what", "evidence 凭证")
    if events:
        console.print(table("\nevents", heads4, events))


def said_of(event: Facts) -> str:
    """Say what an event states beside its kind, day and evidence."""
    told = ("amount_fen", "asset", "replaces", "junior", "registration", "valid_to")
    return ", ".join(
        f"{n.removesuffix('_fen').replace('_', ' ')} {event[n]}"
        for n in (*told, "reason")
        if n in event
    )


def moment(text: str) -> datetime | None:
    """Read when something was registered, such as 2026-07-01T10:00+08:00.

    Raises:
        RegisterError: It is no moment.
    """
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise RegisterError(
            f"{text} is no moment: write it like 2026-07-01T10:00+08:00"
        ) from None
