"""Tell what a pledge secures now, and by which asset, after all that happened to it.

A pledge secures its principal by one asset; events move some or all of it to other
assets, or let go of it, and a release ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.registers import Pledge, PledgeEvent

Row = Mapping[str, Any]  # one row of a register
MOVES = ("add", "substitute")
ENDED = "release"
UNTOUCHED = frame_of(PledgeEvent, []).lazy()


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


def securing(
    pledges: Annotated[pl.DataFrame, Pledge],
    events: Annotated[pl.DataFrame, PledgeEvent],
    asset: str,
) -> list[str]:
    """List the agreements that an asset secures now, by number.

    Args:
        pledges: Of the asset's entity.
        events: Of these pledges, or of all.
        asset: Its name.
    """
    known = held(pledges.to_dicts(), events.to_dicts(), ())
    return sorted(one.request for one in known if one.secured.get(asset, 0) > 0)
