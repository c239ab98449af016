"""Time backup and restore of the rows of a million artifacts, with verification.

The store is the one of ``tests.benchmarks.verify``: all artifacts share the bytes of
one file, so the rows are what is timed. Backup and restore each run in a process of
their own; a restore ends with ``verify``, whose share is told apart. Run: ``python -m
tests.benchmarks.restore [ARTIFACTS] [sqlite|postgresql]``; of PostgreSQL the store is
restored into a second database of the same server. Put TMPDIR on a disk with 3 GB.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from tasks import store
from tasks.store import Settings, triggers
from tasks.store.backup import backup
from tasks.store.database import writing
from tasks.store.restore import restore
from tests import postgres
from tests.benchmarks.lineage import opened, postgresql, sqlite, write
from tests.benchmarks.verify import chained


def saved(home: Path, database: str, folder: Path) -> tuple[float, float]:
    """Back up: seconds, peak in MB."""
    s = opened(home, database)
    begun = time.perf_counter()
    backup(s, folder)
    return time.perf_counter() - begun, peak()


def brought(settings: Settings, folder: Path) -> tuple[float, float, float, int]:
    """Restore: seconds, those of a second verification, peak in MB, the verdict."""
    begun = time.perf_counter()
    made = restore(settings, folder)
    spent = time.perf_counter() - begun
    begun = time.perf_counter()
    store.verify(store.opened(settings))
    return spent, time.perf_counter() - begun, peak(), made.findings.exit & 1


def peak() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def second(url: str) -> Iterator[str]:
    """Lend an empty database beside the first, on PostgreSQL."""
    if not url:
        yield ""
        return
    with postgres.database(f"{url.rpartition('/')[0]}/postgres") as other:
        yield other


def main() -> None:
    """Fill, back up and restore each database in turn."""
    artifacts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    wanted = sys.argv[2:] or ["sqlite"]
    for database in (sqlite, postgresql):
        if database.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as made, database(Path(made)) as s:
            write(s, rows := chained(s, artifacts))
            count = sum(map(len, rows.values()))
            rows.clear()
            with writing(s.engine) as c:
                triggers.install(c)
            gc.collect()
            folder = Path(made) / "backup"
            url = "" if database is sqlite else s.settings.database
            with (
                second(url) as other,
                ProcessPoolExecutor(
                    1, get_context("spawn"), max_tasks_per_child=1
                ) as apart,
            ):
                took, high = apart.submit(saved, s.settings.home, url, folder).result()
                size = sum(f.stat().st_size for f in folder.glob("state-*/*")) / 1e6
                print(f"{database.__name__}: {artifacts:,} artifacts, {count:,} rows")
                print(f"  backup {took:.1f} s, {size:,.0f} MB, peak {high:,.0f} MB")
                there = Path(made) / "there"
                places = {"home": there, "anchor": there / "anchor"}
                known = {"database": other} if other else {}
                key = s.settings.key
                settings = Settings(**places, **known, key=key)  # type: ignore[arg-type]  # fields are filled in by name
                asked = apart.submit(brought, settings, folder)
                took, of_it, high, corrupt = asked.result()
                assert not corrupt
                print(f"  restore {took:.1f} s, of them verify {of_it:.1f} s,", end="")
                print(f" {count / (took - of_it):,.0f} rows/s without it,", end="")
                print(f" peak {high:,.0f} MB")


if __name__ == "__main__":
    main()
