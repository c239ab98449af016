"""Keep the same data from securing more than it may, whatever it is called.

A pledge secures its principal by one asset; events move some or all of it to other
assets, or let go of it. What rests on the same source roots counts as one: its live
pledges share the lowest of their caps, and one of them is enough to keep others away.

The gate asks here before a pledge is posted, the store once more while it is posted,
when nobody else can write, and ``verify`` when it counts all anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from schemas.money import shown
from tasks.capital.sketch import overlap

Row = Mapping[str, Any]  # one row of a register
MOVES = ("add", "substitute")
ENDED = "release"


@dataclass(frozen=True)
class Held:
    """A pledge with its roots and all that happened to it."""

    pledge: Row
    events: Sequence[Row] = ()
    roots: Sequence[Row] = field(default=(), repr=False)

    @property
    def request(self) -> str:
        """The agreement's number."""
        return str(self.pledge["request"])

    def of(self, *kinds: str) -> list[Row]:
        """List its events of some kinds."""
        return [e for e in self.events if e["event"] in kinds]

    @property
    def released(self) -> bool:
        """Whether it has ended."""
        return bool(self.of(ENDED))

    @cached_property
    def secured(self) -> dict[str, int]:
        """Fen that each asset secures now; none once it is released.

        5,000,000.00 by A, of which 1,000,000.00 were moved to B and 500,000.00 on A
        let go -> A 3,500,000.00, B 1,000,000.00.
        """
        by = {str(self.pledge["asset"]): int(self.pledge["principal_fen"])}
        for event in self.of(*MOVES):
            by[event["replaces"]] = by.get(event["replaces"], 0) - event["amount_fen"]
            by[event["asset"]] = by.get(event["asset"], 0) + event["amount_fen"]
        for event in self.of("release_part"):
            by[event["asset"]] = by.get(event["asset"], 0) - event["amount_fen"]
        return dict.fromkeys(by, 0) if self.released else by

    @property
    def total(self) -> int:
        """Fen that it secures in all."""
        return sum(self.secured.values())

    @property
    def live_roots(self) -> list[Row]:
        """Roots of the assets that secure it now."""
        return [r for r in self.roots if self.secured.get(r["asset"], 0) > 0]

    @property
    def caps(self) -> dict[tuple[str, str], int]:
        """The cap last named for each asset that secures it."""
        entity, first = self.pledge["entity"], self.pledge["asset"]
        caps = {(entity, first): self.pledge["cap_fen"]}
        for event in self.of(*MOVES):
            caps[(entity, event["asset"])] = event["cap_fen"]
        return {at: cap for at, cap in caps.items() if self.secured.get(at[1], 0) > 0}

    def consents(self, junior: str) -> int:
        """Fen that its lender lets another agreement secure behind it."""
        given = [e["amount_fen"] for e in self.of("consent") if e["junior"] == junior]
        return max(given, default=0)


class Joint(NamedTuple):
    """A root of one pledge that is the same data as a root of another."""

    request: str
    place: str
    root: str
    overlap_ppm: int


def held(
    pledges: Iterable[Row], events: Iterable[Row], roots: Iterable[Row]
) -> list[Held]:
    """Put each pledge together with its events and roots, in the order of pledges."""
    told: dict[str, list[Row]] = {}
    rests: dict[str, list[Row]] = {}
    for event in events:
        told.setdefault(event["request"], []).append(event)
    for root in roots:
        rests.setdefault(root["request"], []).append(root)
    return [
        Held(p, told.get(p["request"], ()), rests.get(p["request"], ()))
        for p in pledges
    ]


def joints(
    mine: Sequence[Row], other: Held, meets_ppm: int, minor_ppm: int
) -> Iterator[Joint]:
    """Find the roots of another pledge that are also one's own, in whatever dress.

    A root that is small on both sides is a reference table and joins nothing. One that
    is small on one side alone joins: else data would be hidden among much other.

    Args:
        mine: Rows of CollateralRoot.
        other: A pledge that is live.
        meets_ppm: The overlap from which two roots are the same data.
        minor_ppm: The share of an asset's rows below which a root is small.
    """
    for theirs in other.live_roots:
        for own in mine:
            if max(own["weight_ppm"], theirs["weight_ppm"]) < minor_ppm:
                continue
            same = own["root"] == theirs["root"]
            share = 1_000_000 if same else overlap(own["sketch"], theirs["sketch"])
            if share >= meets_ppm:
                yield Joint(other.request, theirs["place"], theirs["root"], share)


def meeting(new: Held, others: Iterable[Held]) -> dict[str, list[Joint]]:
    """Find the live pledges that rest on the same data as a new one, and by what.

    Without roots only the asset's own name is known to be the same.
    """
    entity, assets = new.pledge["entity"], {a for a, fen in new.secured.items() if fen}
    meets, minor = new.pledge["meets_ppm"], new.pledge["minor_ppm"]
    found: dict[str, list[Joint]] = {}
    for other in others:
        if other.request == new.request or other.released:
            continue
        same = other.pledge["entity"] == entity and any(
            other.secured.get(asset, 0) > 0 for asset in assets
        )
        shared = [*joints(new.live_roots, other, meets, minor)]
        if same or shared:
            found[other.request] = shared
    return found


def cap_of(group: Sequence[Held]) -> int:
    """Find the cap that pledges on the same data share: the lowest of their assets'.

    The last pledge stands last: of one asset its cap holds, for it was appraised then.
    """
    caps: dict[tuple[str, str], int] = {}
    for pledge in group:
        caps |= pledge.caps
    return min(caps.values(), default=0)


def refusal(new: Held, met: Sequence[Held]) -> str:
    """Say why a pledge may not stand beside those that it meets; empty if it may.

    Args:
        new: The pledge, or what it would be after an event.
        met: Live pledges on the same data, in the order in which they were posted.

    A second pledge of exclusive collateral -> "the asset is already pledged …"; a
    junior one with consent, within the cap -> "".
    """
    rank, principal = new.pledge["rank"], new.total
    named = ", ".join(other.request for other in met)
    alone = new.pledge["exclusive"] or any(o.pledge["exclusive"] for o in met)
    if met and rank == 1 and alone:
        return (
            f"the same data is already pledged under {named}, and one of the pledges is"
            " exclusive: release it first, or rank this one behind it with its lender's"
            " consent"
        )
    for senior in met if rank > 1 else ():
        if senior.pledge["rank"] == rank:
            return f"rank {rank} is taken by {senior.request}: give a lower rank"
        if senior.pledge["rank"] < rank and senior.consents(new.request) < principal:
            return (
                f"{senior.request} ranks before it, and its lender's consent to"
                f" {shown(principal)} CNY behind it is not recorded: record it first"
            )
    if rank > 1 and not any(o.pledge["rank"] < rank for o in met):
        return f"rank {rank} follows no pledge of this data: give rank 1"
    secured, cap = principal + sum(o.total for o in met), cap_of([*met, new])
    if secured > cap:
        return (
            f"with what is secured already it would exceed its cap of {shown(cap)} CNY"
            f" by {shown(secured - cap)}: lend less"
        )
    return ""


def unlawful(before: Held, event: Row) -> str:
    """Say why an event may not follow what happened to a pledge; empty if it may.

    Release without the register's cancellation -> "cancel the registration first …".
    """
    kind, amount = event["event"], event["amount_fen"] or 0
    if before.released:
        return f"{before.request} is released: nothing follows"
    if kind == ENDED and before.of("perfect") and not before.of("cancel"):
        return (
            f"{before.request} still stands at the external register: cancel the"
            " registration there and record it, then release"
        )
    if kind in (*MOVES, "release_part", "consent") and amount <= 0:
        return f"{kind} needs an amount above 0.00"
    if kind == "release_part" and amount >= before.total:
        return f"{kind} leaves something secured: end the pledge by a release instead"
    given = event["replaces"] if kind in MOVES else event["asset"]
    stands = before.secured.get(given, 0)
    if kind in (*MOVES, "release_part") and amount > stands:
        return (
            f"{given or 'no asset'} secures {shown(stands)} CNY of {before.request}:"
            f" {shown(amount)} cannot be taken from it"
        )
    if kind == "substitute" and amount != stands:
        return (
            f"a substitution takes all {shown(stands)} CNY from {given}: add the asset"
            " instead, to move a part"
        )
    if kind in MOVES and (not event["cap_fen"] or event["asset"] == given):
        return f"{kind} names another asset and its cap"
    return ""


def counters(pledges: Iterable[Held]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Add up what is secured by each asset, and whether one of its pledges is alone."""
    sums: dict[tuple[str, str], tuple[int, bool]] = {}
    for one in pledges:
        for asset, fen in one.secured.items():
            at = (one.pledge["entity"], asset)
            known, alone = sums.get(at, (0, False))
            alone = alone or (fen > 0 and bool(one.pledge["exclusive"]))
            sums[at] = (known + fen, alone)
    return sums
