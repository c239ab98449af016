"""Ask how a right over an asset stands on a day, from the events known of it.

Valid time comes from the rows: each event says from which day it holds, whenever it was
recorded. A transfer moves the holder, a change the scope, a renewal the term, and a
cancellation ends all; each moves nothing else, so events that are recorded late or out
of order tell the same story. What was known on another day is asked by handing over the
events that were recorded by then.

Source: 数据二十条 (three separated rights); registration types 初始, 变更, 转移, 续期,
注销.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, groupby, pairwise
from typing import Any, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.registers import RIGHT_EVENTS, RIGHTS, Dispute
from schemas.rights import Claim, Title
from schemas.scenario import plain

Row = Mapping[str, Any]  # one row of a register: texts, dates, flags
Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
SCOPE = ("scope", "field", "territory", "exclusive", "sublicensable")
CODE = re.compile(r"^[A-T][0-9]{0,4}(?![A-Za-z])")
UNDISPUTED = frame_of(Dispute, []).lazy()
PROOF = ("basis", "evidence", "evidence_sha256")


@dataclass(frozen=True)
class Standing:
    """How a right stands: live to ``last``, or not, and why; with what proves it."""

    live: bool
    last: date
    ground: str
    evidence: str


class Spell(NamedTuple):
    """Days, both included, in which one holder has a right on the same terms."""

    right: str
    certificate: str
    holder: str
    first: date
    last: date
    scope: str
    field: str
    territory: str
    exclusive: bool
    sublicensable: bool
    basis: str
    evidence: str
    evidence_sha256: str


@dataclass(frozen=True)
class Registered:
    """One right under one certificate: its grant and all that came after."""

    grant: Row
    events: tuple[Row, ...]  # with the grant, by the day from which they hold

    def of(self, kind: str) -> list[Row]:
        """List its events of one kind."""
        return [e for e in self.events if e["event"] == kind]

    @property
    def end(self) -> Row | None:
        """Its cancellation; the earliest of several holds."""
        return min(self.of("revoke"), key=lambda e: e["effective_on"], default=None)

    @property
    def last_term(self) -> date:
        """The last day of the last term, if it is not cancelled before."""
        last: date = max(e["valid_to"] for e in (self.grant, *self.of("renew")))
        return last

    @property
    def terms(self) -> list[tuple[int, int]]:
        """The terms of grant and renewals, as ordinals, cut by the cancellation."""
        cut = self.end["effective_on"].toordinal() - 1 if self.end else _LAST
        begun = [(self.grant["valid_from"], self.grant["valid_to"])]
        begun += [(e["effective_on"], e["valid_to"]) for e in self.of("renew")]
        whole = [(a.toordinal(), min(b.toordinal(), cut)) for a, b in begun]
        return [(first, last) for first, last in whole if first <= last]

    def spells(self) -> Iterator[Spell]:
        """Cut the time it lasts wherever an event holds from."""
        terms = self.terms
        moved = [e["effective_on"].toordinal() for e in self.events]
        cuts = {*moved, *(t[0] for t in terms), *(t[1] + 1 for t in terms)}
        for first, after in pairwise(sorted(cuts)):
            if any(begin <= first <= end for begin, end in terms):
                yield self.spell(first, after - 1)

    def spell(self, first: int, last: int) -> Spell:
        """Say how it stands in days between which nothing happens."""
        day = date.fromordinal(first)
        past = [e for e in self.events if e["effective_on"] <= day] or [self.grant]
        holder = [self.grant, *(e for e in past if e["event"] == "transfer")][-1]
        scope = [self.grant, *(e for e in past if e["event"] == "change")][-1]
        return Spell(
            *(self.grant["right"], self.grant["certificate"], holder["holder"]),
            *(day, date.fromordinal(last)),
            *(scope[name] for name in SCOPE),
            *(past[-1][name] for name in PROOF),
        )


_LAST = date.max.toordinal()


def registered(events: pl.DataFrame, right: str) -> list[Registered]:
    """Put the events of each certificate together; without a grant nothing is held."""
    order = {kind: n for n, kind in enumerate(RIGHT_EVENTS)}
    rows = sorted(
        events.filter(right=right).iter_rows(named=True),
        key=lambda e: (
            *(e["certificate"], e["effective_on"]),
            *(order[e["event"]], e["number"]),
        ),
    )
    made = []
    for _, group in groupby(rows, key=lambda e: e["certificate"]):
        mine = tuple(group)
        made += [Registered(e, mine) for e in mine if e["event"] == "grant"]
    return made


def bundle(events: pl.DataFrame, on: date) -> list[Spell]:
    """List the rights that are held on a day, whoever holds them.

    Args:
        events: Rows of contract Right, of one asset.
        on: The day asked for.

    Granted to A, transferred to B from 2026-07-01 -> A's on 06-30, B's on 07-01.
    """
    return [
        spell
        for right in RIGHTS
        for one in registered(events, right)
        for spell in one.spells()
        if spell.first <= on <= spell.last
    ]


def term_of(events: pl.DataFrame, held: Spell) -> tuple[date, date]:
    """Say from when to when its holder has a right without a break.

    Its scope may change in between; a renewal carries it on.
    """
    mine = spells_of(
        events.filter(certificate=held.certificate), held.right, held.holder
    )
    stretch = next(s for s in stretches(mine) if held in s)
    return stretch[0].first, stretch[-1].last


def spells_of(
    events: pl.DataFrame, right: str, holder: str | None = None
) -> list[Spell]:
    """List all spells of a right, of one holder or of all."""
    known = registered(events, right)
    return [s for one in known for s in one.spells() if held_by(s, holder)]


def clashes(events: pl.DataFrame) -> Iterator[tuple[Spell, Spell]]:
    """Find rights that two hold on the same day though one of them holds exclusively.

    Under two certificates: exclusive of A to 2026-12-31, and of B from 2026-12-31 on
    -> one pair.
    """
    for right in RIGHTS:
        for one, other in combinations(spells_of(events, right), 2):
            meet = one.first <= other.last and other.first <= one.last
            alone = one.exclusive or other.exclusive
            if meet and alone and one.holder != other.holder:
                yield one, other


def stretches(spells: Iterable[Spell]) -> list[list[Spell]]:
    """Join spells that follow each other without a day between."""
    joined: list[list[Spell]] = []
    for spell in spells:
        before = joined[-1][-1].last.toordinal() + 1 if joined else 0
        if before == spell.first.toordinal():
            joined[-1].append(spell)
        else:
            joined.append([spell])
    return joined


def standing(
    events: pl.DataFrame, right: str, on: date, holder: str | None = None
) -> Standing:
    """Find the live right that lasts longest, or say why there is none.

    Args:
        events: Rows of contract Right, of one asset.
        right: hold, process or operate.
        on: The day asked for.
        holder: Count only what this holder has.

    A grant to 2031-01-14, revoked from 2026-07-01, is live on 2026-06-30 with last day
    2026-06-30, and not live on 2026-07-01. Renewed to 2036-01-14 instead, it is live
    with last day 2036-01-14; transferred from 2026-07-01, its first holder's last day
    is 2026-06-30.
    """
    known = registered(events, right)
    who = f" of {holder}" if holder else ""
    mine = [one for one in known if holder in (None, *holders(one))]
    if not mine:
        said = f"no right to {right}{who} was granted"
        return Standing(False, date.min, said, "none")
    live = [
        (stretch[-1].last, one.grant["certificate"], stretch)
        for one in mine
        for stretch in stretches(s for s in one.spells() if held_by(s, holder))
        if stretch[0].first <= on <= stretch[-1].last
    ]
    if not live:
        return no_longer(mine, right, on, holder)
    last, certificate, stretch = max(live, key=lambda found: found[:2])
    now = next(s for s in stretch if s.first <= on <= s.last)
    named = f"right to {right}{who}, {certificate}"
    said = f"{named}: held from {stretch[0].first} to {last}"
    return Standing(bool(now.evidence.strip()), last, said, now.evidence)


def held_by(spell: Spell, holder: str | None) -> bool:
    """Say whether a spell is a holder's; None: whosever."""
    return holder in (None, spell.holder)


def holders(one: Registered) -> list[str]:
    """Name all that have held or will hold a right under a certificate."""
    return [e["holder"] for e in (one.grant, *one.of("transfer"))]


def no_longer(
    known: Iterable[Registered], right: str, on: date, holder: str | None
) -> Standing:
    """Say why a right that was granted is not live on a day."""
    one = max(known, key=lambda r: (last_day(r, holder), r.grant["certificate"]))
    last, end, grant = last_day(one, holder), one.end, one.grant
    who = f" of {holder}" if holder else ""
    named = f"right to {right}{who}, {grant['certificate']}"
    if end and end["effective_on"] <= on:
        said = f"{named}: revoked from {end['effective_on']}, {end['basis']}"
        return Standing(False, last, said, end["evidence"])
    for spell in one.spells():
        if spell.first <= on <= spell.last:
            said = f"{named}: {spell.holder} holds it on {on}, {spell.basis}"
            return Standing(False, last, said, spell.evidence)
    said = f"{named}: runs from {grant['valid_from']} to {last}, not on {on}"
    return Standing(False, last, said, grant["evidence"])


def last_day(one: Registered, holder: str | None) -> date:
    """Find the last day on which a holder has a right under a certificate."""
    held = [s.last for s in one.spells() if held_by(s, holder)]
    return max(held, default=date.min)


def open_disputes(events: pl.DataFrame, on: date) -> pl.DataFrame:
    """List the disputes that are open on a day, by valid time. Contract: Dispute."""
    past = events.filter(pl.col("effective_on") <= on)
    lifted = past.filter(event="lift")
    return past.filter(event="open").join(lifted, on="dispute", how="anti")


def disputed(events: pl.DataFrame, names: Collection[str], on: date) -> Answer:
    """Ask whether no dispute over any of some names suspends what is done.

    What is done now is suspended by every dispute that is not lifted, also where it is
    about a day before the dispute; lifted, it suspends no day any more. So the recorded
    lift decides, not its day, and a rebuild as known on a day hands over the events
    recorded by then.

    Args:
        events: Rows of contract Dispute.
        names: Names of the factor, of those that feed it, and of the asset.
        on: The day that is asked about, for the sentence.

    Opened as D-1 over ``rain`` -> shut for ``rain``, and for what is made of it, until
    D-1 is lifted; D-2 over another factor -> open.
    """
    mine = events.filter(pl.col("asset").is_in([*names]))
    lifted = mine.filter(event="lift")
    unsettled = mine.filter(event="open").join(lifted, on="dispute", how="anti")
    if unsettled.is_empty():
        said = f"no dispute over {', '.join(sorted(names))} stands on {on}"
        return "dispute", True, said, "register Dispute"
    rows = unsettled.sort("effective_on", "dispute").to_dicts()
    said = "; ".join(map(told, rows))
    return "dispute", False, said, ", ".join(r["evidence"] for r in rows)


def told(dispute: Row) -> str:
    """Say which dispute stands in the way, and what ends it."""
    number, name = dispute["dispute"], dispute["asset"]
    return (
        f"dispute {number} over {name} is open since {dispute['effective_on']}"
        f" ({dispute['claimant']}: {dispute['ground']}); settle it, then"
        f" `datafactor dispute {name} lift --number {number}`"
    )


def covers(field: str, industry: str) -> bool:
    """Say whether an authorised field holds an industry: G holds G54 road transport."""
    wanted, given = CODE.match(industry), CODE.match(field)
    if wanted and given:
        return wanted[0].startswith(given[0])
    return bool(plain(field)) and plain(field) == plain(CODE.sub("", industry))


def within(inner: str, outer: str) -> bool:
    """Say whether a place lies in another: by GB/T 2260 code, 320400 in 320000."""
    if not inner or not outer:
        return False
    if inner.isdigit() and outer.isdigit():
        return inner.startswith(re.sub("(?:00)+$", "", outer))
    return plain(inner) == plain(outer)


def lacking(claim: Claim, titles: Iterable[Title]) -> Iterator[str]:
    """Name each input that does not bring a right as it is claimed, and what it lacks.

    A product offers at most the intersection of what its inputs bring: a right that all
    of them bring, by the same holder, on the days that are in the term of all, in a
    field and a territory that all cover. So a claim stands where no input lacks it.

    Args:
        claim: A right, who exercises it, from when to when, in which field and where.
        titles: What each input brings, by licence, agreement or certificate. Of several
            titles of one input to one right one suffices.

    Claimed to 2031-06-30, one input authorised to 2028-12-31 -> one sentence, which
    names that input and its last day.
    """
    inputs: dict[str, list[Title]] = {}
    for title in titles:
        inputs.setdefault(title.input, []).append(title)
    for place, brought in inputs.items():
        mine = [t for t in brought if t.right == claim.right]
        if not mine:
            yield (
                f"{place} gives no right to {claim.right}; obtain it, or leave the"
                " input out"
            )
            continue
        wrong = min((list(shortfalls(claim, t)) for t in mine), key=len)
        if wrong:
            yield f"{place}, right to {claim.right}: {' and '.join(wrong)}"


def shortfalls(claim: Claim, title: Title) -> Iterator[str]:
    """Say what of a claim goes beyond one title."""
    first, last = title.valid_from or date.min, title.valid_to or date.max
    if title.holder and title.holder != claim.holder:
        yield f"it is {title.holder}'s, not {claim.holder}'s"
    if claim.first < first or last < claim.last:
        yield f"it runs {first} to {last}, not {claim.first} to {claim.last}"
    if title.fields and not any(covers(f, claim.field) for f in title.fields):
        yield f"it covers {', '.join(title.fields)}, not {claim.field or 'any field'}"
    if title.territory and not within(claim.territory, title.territory):
        yield f"it holds in {title.territory}, not {claim.territory or 'anywhere'}"
