"""A serial model of the register of pledges, written apart: what it must say."""

from dataclasses import dataclass, field

# Which roots each asset rests on: a and b share one, b and c another, d stands alone.
ROOTS = {"a": {"r1"}, "b": {"r1", "r2"}, "c": {"r2"}, "d": {"r4"}}


@dataclass
class Entry:
    """One pledge as the model keeps it."""

    said: tuple[object, ...]
    rank: int
    alone: bool
    by: dict[str, int]
    caps: dict[str, int]
    consents: dict[str, int] = field(default_factory=dict)
    registered: bool = False
    cancelled: bool = False
    ended: bool = False

    @property
    def assets(self) -> set[str]:
        """Assets that secure something now."""
        return {a for a, fen in self.by.items() if fen > 0 and not self.ended}

    @property
    def total(self) -> int:
        """What it secures now."""
        return 0 if self.ended else sum(self.by.values())


class Model:
    """What is pledged, one act after the other."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def beside(self, name: str, assets: set[str]) -> list[tuple[str, Entry]]:
        """List the live pledges that rest on any root of some assets."""
        roots = {r for a in assets for r in ROOTS[a]}
        return [
            (other, entry)
            for other, entry in self.entries.items()
            if other != name and roots & {r for a in entry.assets for r in ROOTS[a]}
        ]

    def fits(self, name: str, new: Entry) -> bool:
        """Say whether a pledge may stand beside what shares its data."""
        others = self.beside(name, new.assets)
        if new.rank == 1 and others and (new.alone or any(e.alone for _, e in others)):
            return False
        if new.rank > 1:
            seniors = [e for _, e in others if e.rank < new.rank]
            if not seniors or any(e.rank == new.rank for _, e in others):
                return False
            if any(e.consents.get(name, 0) < new.total for e in seniors):
                return False
        caps: dict[str, int] = {}
        for entry in (*(e for _, e in others), new):
            caps |= {a: entry.caps[a] for a in entry.assets}
        return new.total + sum(e.total for _, e in others) <= min(caps.values())

    def pledge(
        self, name: str, asset: str, fen: int, cap: int, alone: bool, rank: int
    ) -> bool:
        """Pledge, or say no; the same again is nothing new."""
        said = (asset, fen, cap, alone, rank)
        if name in self.entries:
            return self.entries[name].said == said
        new = Entry(said, rank, alone, {asset: fen}, {asset: cap})
        if not self.fits(name, new):
            return False
        self.entries[name] = new
        return True

    def add(self, name: str, asset: str, old: str, fen: int, cap: int) -> bool:
        """Secure some of it by another asset."""
        entry = self.entries.get(name)
        if entry is None or entry.ended or asset == old or entry.by.get(old, 0) < fen:
            return False
        by = dict(entry.by)
        by[old] -= fen
        by[asset] = by.get(asset, 0) + fen
        caps = entry.caps | {asset: cap}
        moved = Entry(entry.said, entry.rank, entry.alone, by, caps)
        if not self.fits(name, moved):
            return False
        entry.by, entry.caps = by, caps
        return True

    def let_go(self, name: str, asset: str, fen: int) -> bool:
        """Release a part."""
        entry = self.entries.get(name)
        if entry is None or entry.ended or fen >= entry.total:
            return False
        if entry.by.get(asset, 0) < fen:
            return False
        entry.by[asset] -= fen
        return True

    def consent(self, name: str, junior: str, fen: int) -> bool:
        """Let another rank behind."""
        entry = self.entries.get(name)
        if entry is None or entry.ended:
            return False
        entry.consents[junior] = max(fen, entry.consents.get(junior, 0))
        return True

    def perfect(self, name: str) -> bool:
        """Register it."""
        entry = self.entries.get(name)
        if entry is None or entry.ended or entry.cancelled:
            return False
        entry.registered = True
        return True

    def cancel(self, name: str) -> bool:
        """Cancel the registration."""
        entry = self.entries.get(name)
        if entry is None or entry.ended:
            return False
        entry.cancelled = True
        return True

    def release(self, name: str) -> bool:
        """End it."""
        entry = self.entries.get(name)
        if entry is None or entry.ended or (entry.registered and not entry.cancelled):
            return False
        entry.ended = True
        return True

    def counted(self) -> dict[str, int]:
        """What each asset secures."""
        sums: dict[str, int] = {}
        for entry in self.entries.values():
            for asset, fen in entry.by.items():
                sums[asset] = sums.get(asset, 0) + (0 if entry.ended else fen)
        return sums
