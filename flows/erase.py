"""Erase the bytes of a person or a source: what goes, what rests on it, and then do it.

Hash, lineage and postings stay. A loan that rests on the bytes must be named by whoever
erases them, so that nobody takes a lender's evidence away unawares.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.held import live_pledges
from flows.market import valid
from flows.resting import rows_of, totals_of
from flows.stages import erase_task
from schemas.erasure import Condemned, ErasureAct
from schemas.errors import FactorError, RegisterError, StoreError
from schemas.resource import OUTSIDE
from tasks import store
from tasks.store import Impact, Store
from tasks.store.erase import (
    Doomed,
    doomed,
    erased_hashes,
    pledged_on,
    sweep,
    told_erased,
)

Facts = dict[str, Any]  # JSON
SHOWN = 20
ZONE = "Asia/Shanghai"  # of a factor whose document is gone
COPIES = (
    "backups, packs, deliveries and exports made before hold the bytes still: make the"
    " next `datafactor backup`, and ask those who were given them; bytes are unlinked,"
    " not overwritten"
)


def erase(
    refs: Sequence[str], because: str, despite: Sequence[str], ever: bool
) -> Facts:
    """Erase what REFs name; without a reason say what would go, and do nothing.

    Args:
        refs: As ``resolve`` takes them; of a partitioned resource all its parts.
        because: Why; it stays in the chain for ever, so it names no person.
        despite: The numbers of all live loans that rest on it.
        ever: All versions that the names have ever stood for.

    Raises:
        StoreError: Rows of one stand in a register, or nothing is called so.
        RegisterError: A live loan rests on it and was not named.
    """
    s = store.current()
    starts = [id for ref in refs for id in named(s, ref, ever)]
    going = doomed(s, starts)
    ids = [id for one in going for id in one.ids]
    rests = store.impact(s, *ids)
    data = facts(s, refs, going, rests)
    if because and going:
        refuse_unnamed(data["live_loans"], despite)
        for factor in sorted({one.factor for one in going}):
            erase_task(act_of(factor, going, because, despite))
    removed = sweep(s) if because else []
    gone = told_erased(s, starts)
    return {"erased": gone, "removed": len(removed), **data}


def named(s: Store, ref: str, ever: bool) -> list[str]:
    """List what a name stands for, or all that it ever stood for.

    The name of a source stands for its raw file too, and for what was rejected of it.
    """
    if ever:
        rejects = []
        with suppress(StoreError):  # nothing was ever rejected of it
            rejects = store.every(s, f"{ref}.rejects")
        return [*store.every(s, ref), *rejects]
    meant = store.resolve(s, ref)
    raw = [n.id for n in store.trace(s, meant.id) if n.depth == 1 and n.kind == "raw"]
    run = store.made_with(s, meant).publication.artifacts
    left = [m.ref.id for m in run if m.frame == f"{meant.name}.rejects"]
    return [meant.id, *raw, *left]


def facts(s: Store, refs: Sequence[str], going: Sequence[Doomed], on: Impact) -> Facts:
    """Tell what goes, what is made of it and keeps its bytes, and the money on it."""
    ids = {id for one in going for id in one.ids}
    gone = {one.sha256 for one in going} | erased_hashes(s)
    kept = [n for n in on.nodes if n.sha256 not in gone and n.kind in ("frame", "raw")]
    ever = [id for ref in refs for id in named(s, ref, ever=True)]
    older = {store.resolve(s, id).sha256 for id in ever} - gone
    return {
        "bytes": [one.model_dump(mode="json") for one in going],
        "made_of_it": [
            {"id": n.id, "name": n.name, "rows": n.rows, "kind": n.kind} for n in kept
        ],
        "other_versions": len(older),
        "live_loans": live_on(s, on, [*ids]),
        **rows_of(on, store.outstanding(s, on.pledges)),
        **totals_of(on.weight),
        "copies": COPIES,
    }


def live_on(s: Store, on: Impact, ids: Sequence[str]) -> list[str]:
    """Number the loans that rest on bytes and are not over.

    A pledge is over when it is released; a loan without one when a run said that
    nothing is owed any more.
    """
    owed = store.outstanding(s, on.pledges)
    bare = {n.request for n in on.pledges if not n.secured and owed.get(n.request, 1)}
    secured = {one.request for one in live_pledges()} & pledged_on(s, ids)
    return sorted(bare | secured)


def refuse_unnamed(loans: Sequence[str], despite: Sequence[str]) -> None:
    """Refuse to erase what a live loan rests on, unless it is named.

    Raises:
        RegisterError: One is not.
    """
    if left := [number for number in loans if number not in despite]:
        raise RegisterError(
            f"live loans rest on these bytes: {', '.join(left)}; nobody can show any"
            " more what they were lent on. Tell the lender; to erase all the same, add"
            f" {' '.join(f'--despite {number}' for number in left)}"
        )


def act_of(
    factor: str, going: Sequence[Doomed], because: str, despite: Sequence[str]
) -> ErasureAct:
    """Write the act for the bytes that one factor's runs yielded."""
    mine = [one for one in going if one.factor == factor]
    act: ErasureAct = valid(
        ErasureAct,
        factor=factor,
        erased_on=today(factor),
        person=store.current().settings.user,
        reason=because,
        artifacts=tuple(
            Condemned(id=id, **{n: getattr(one, n) for n in ("sha256", "kind", "name")})
            for one in mine
            for id in one.ids
        ),
        despite=tuple(despite),
    )
    return act


def today(factor: str) -> date:
    """Give the day where the factor's entity is, also when its document is gone."""
    try:
        return scheduled_date(factor_named(factor).zone)
    except FactorError:
        return scheduled_date(ZONE)


def show(console: Console, refs: Sequence[str], data: Facts) -> None:
    """Say it, the money first."""
    for line in lines(refs, data):
        console.print(line, markup=False)


def lines(refs: Sequence[str], data: Facts) -> list[str]:
    """Write what was erased, or would be, line by line."""
    said = [f"erased: {why}" for why in data["erased"]]
    if not data["erased"]:
        said.append(f"nothing is erased yet; of {' and '.join(refs)} would go:")
    said += [
        f"  {one['name']} ({one['kind']}, {one['ids'][0][:12]}): {one['bytes']:,} bytes"
        for one in data["bytes"]
    ]
    rest = data["totals"]
    said.append(
        f"on it rest {rest['products']:,} products, {rest['assets']:,} assets,"
        f" {rest['loans']:,} loans; journal debits {data['booked']} CNY, ordered"
        f" {data['ordered']} CNY, pledged {data['pledged']} CNY"
    )
    if data["live_loans"]:
        said.append(f"!! live loans rest on it: {', '.join(data['live_loans'])}")
    said += made_of(data)
    if data["other_versions"]:
        count = data["other_versions"]
        said.append(f"{count:,} other versions keep their bytes: --ever takes all")
    places = [place for one in data["bytes"] for place in one["places"]]
    said += map(lying, places)
    if data["erased"]:
        return [*said, data["copies"]]
    return [*said, "to do it: add --because TEXT (a request or a rule, no person)"]


def lying(place: str) -> str:
    """Say where the bytes came from, and must go too."""
    if place.startswith(OUTSIDE):
        return f"{place} is where it came from and was not looked at: remove it there"
    return f"{place} still lies in the data folder: remove it"


def made_of(data: Facts) -> list[str]:
    """List what is made of it and may hold the same rows."""
    made = data["made_of_it"]
    more = [f"  and {len(made) - SHOWN:,} more"] if len(made) > SHOWN else []
    return [
        *(["made of it, with bytes of its own (erase what holds a person's rows):"]),
        *(f"  {n['name']} ({n['id'][:12]}): {n['rows']:,} rows" for n in made[:SHOWN]),
        *more,
    ] * bool(made)
