"""Find the real sets, run their factors, and say what a run counted.

The sets are no part of the project. Their folder is ``DATAFACTOR_SETS``, else
``../shared/data`` beside the checkout; the packages are those of ``make examples``. A
test whose set is missing is skipped, and says so.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from flows.summary import Chain
from flows.value_chain import value_chain
from schemas.artifact import Balance, Stage
from tasks import store
from tests.builders import temporary_store

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ROOT.parent / "shared" / "data"
# Read at import: the session takes the caller's settings out of the environment.
SETS = Path(os.environ.get("DATAFACTOR_SETS") or BESIDE).resolve()
AS_OF = date(2026, 6, 30)


@dataclass(frozen=True)
class Ran:
    """One finished run of a factor, while its store is open."""

    chain: Chain

    def rows(self, frame: str = "resource") -> pl.DataFrame:
        """Read a published frame: a source's valid rows, the resource, the product."""
        made = next(
            made.ref
            for run in store.runs(store.current(), self.chain.factor)
            for made in run.publication.artifacts
            if made.frame == frame and made.ref.kind != "raw"
        )
        return store.scan(store.current(), made).collect()

    def counted(self, frame: str) -> Balance:
        """Add up the balances of a frame, over its partitions where it has them."""
        found = [
            balance
            for run in store.runs(store.current(), self.chain.factor)
            for balance in run.publication.balances
            if balance.frame.partition("@")[0] == frame
        ]
        return Balance(
            frame=frame,
            rows_in=sum(b.rows_in for b in found),
            rows_out=sum(b.rows_out for b in found),
            rejected=sum(b.rejected for b in found),
            dropped=sum(b.dropped for b in found),
        )

    def hashes(self) -> set[str]:
        """List the first signs of the sha256 of every file that was collected."""
        return {
            made.origin.file_sha256[:16]
            for run in store.runs(store.current(), self.chain.factor)
            for made in run.publication.artifacts
            if made.origin is not None
        }

    def parts(self) -> dict[str, int]:
        """Give the rows of each partition of the resource."""
        whole = self.chain.frames["resource"]["resource"]
        return {v: ref.rows for v, ref in store.parts(store.current(), whole)}

    def failed(self, frame: str) -> dict[str, int]:
        """Count by rule the rows that broke it; rules that held are left out."""
        found: Counter[str] = Counter()
        for run in store.runs(store.current(), self.chain.factor):
            for check in run.publication.checks:
                if check.frame.partition("@")[0] == frame:
                    found[check.check] += check.failed
        return dict(+found)

    def broke(self, frame: str, words: str) -> int:
        """Count the rows that broke the one rule whose name holds ``words``."""
        found = {n: k for n, k in self.failed(frame).items() if words in n}
        assert len(found) <= 1, f"several rules: {sorted(found)}"
        return sum(found.values())

    def balance(self, frame: str) -> tuple[int, int, int, int]:
        """Give rows in, out, rejected and dropped."""
        sums = self.counted(frame)
        return sums.rows_in, sums.rows_out, sums.rejected, sums.dropped


@contextmanager
def run_of(
    factor: str,
    home: Path,
    data: Path | None = None,
    through: Stage = Stage.RESOURCE,
    before: Mapping[str, Stage] = MappingProxyType({}),
) -> Iterator[Ran]:
    """Run a factor in a store of its own, which stays open meanwhile.

    Args:
        factor: Its name.
        home: Folder of the store.
        data: Folder of the raw files; left out, that of the sets.
        through: The last stage to run.
        before: The factors that feed it, first to last, and how far they run.
    """
    with temporary_store(home, DATAFACTOR_DATA=str(data or SETS)):
        for name, stage in before.items():
            value_chain.fn(name, AS_OF, stage)
        yield Ran(value_chain.fn(factor, AS_OF, through))


def needed(path: str) -> Path:
    """Find a file of the sets, or skip.

    Args:
        path: Relative to the folder of the sets.
    """
    if not (SETS / path).exists():
        pytest.skip(f"{path} is not in DATAFACTOR_SETS nor in ../shared/data")
    return SETS / path


def packaged(name: str, path: str) -> Path:
    """Find a data file of a package without importing it, or skip."""
    spec = find_spec(name)
    places = (spec.submodule_search_locations if spec else None) or []
    if not places or not (Path(places[0]) / path).exists():
        pytest.skip(f"package {name} is not installed: make examples")
    return Path(places[0]) / path
