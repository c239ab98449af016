"""Keep the same data from securing more than it may, whatever it is called.

What rests on the same source roots counts as one: its live pledges share the lowest of
their caps, and one of them that is exclusive keeps others away.

The gate asks here before a pledge is posted, the store once more while it is posted,
when nobody else can write, and ``verify`` when it counts all anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.money import shown
from tasks.capital.sketch import overlap
from tasks.pledged import ENDED, MOVES, Held, Row, held

__all__ = ["Held", "cap_of", "held", "joints", "meeting", "refusal", "unlawful"]


class Joint(NamedTuple):
    """A root of one pledge that is the same data as a root of another."""

    request: str
    place: str
    root: str
    overlap_ppm: int


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
    if kind == "perfect" and before.of("cancel"):  # else it is released while it stands
        return (
            f"the registration of {before.request} was cancelled: release it, and"
            " pledge anew under another agreement"
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
