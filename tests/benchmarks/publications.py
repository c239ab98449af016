"""Count publications a second on both databases under 1, 8 and 16 writers at once.

One publication is one row placed, signed and committed with ``synchronous=FULL``; the
databases take turns in one run, so that both see the same machine. Each writer is a
process of its own. The counter is the chain: every run that was asked for stands there,
none twice.
"""

import os
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

from schemas.gates import Gates
from tasks import store
from tests import postgres
from tests.builders import published, temporary_store

ROUNDS, EACH = 3, 96
WRITERS = (1, 8, 16)


def publish_some(home: Path, url: str, first: int, count: int) -> None:
    """Publish frames of one row, as one writer."""
    with temporary_store(home, **named(url)):
        for n in range(first, first + count):
            row = (f"gate-{n}", True, "measured", "none", None)
            published(Gates, [row], name=f"frame-{n}")


def named(url: str) -> dict[str, str]:
    """Name the database, where it is not the file in the home."""
    return {"DATAFACTOR_DATABASE": url} if url else {}


def timed(home: Path, url: str, writers: int, first: int) -> float:
    """Let writers share ``EACH`` publications; return the seconds from start to end."""
    share = EACH // writers
    # Spawned, since each writer of a house is a process that began by itself.
    spawn = get_context("spawn")
    gate = spawn.Barrier(writers + 1)
    tasks = [
        spawn.Process(target=writer, args=(home, url, first + n * share, share, gate))
        for n in range(writers)
    ]
    for task in tasks:
        task.start()
    gate.wait()
    begun = time.perf_counter()
    for task in tasks:
        task.join()
        assert task.exitcode == 0
    return time.perf_counter() - begun


def writer(home: Path, url: str, first: int, count: int, gate: Barrier) -> None:
    """Be one writer: open the store, wait for the others, publish."""
    with temporary_store(home, **named(url)):
        gate.wait()
    publish_some(home, url, first, count)


def main(each_round: int = ROUNDS) -> None:
    """Print publications a second by database and writers, and the ratios."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server() as server,
        postgres.database(server) as url,
    ):
        places = {"SQLite": "", "PostgreSQL": url}
        taken: dict[tuple[str, int], list[float]] = {}
        first = 0
        for name, at in places.items():
            publish_some(Path(folder) / name, at, first, 1)  # makes the store
        for _ in range(each_round):
            for writers in WRITERS:
                for name, at in places.items():
                    first += EACH
                    spent = timed(Path(folder) / name, at, writers, first)
                    taken.setdefault((name, writers), []).append(spent)
        for name, at in places.items():
            with temporary_store(Path(folder) / name, **named(at)) as s:
                held = len(store.runs(s))
                assert held == 1 + each_round * len(WRITERS) * EACH, held
                s.engine.dispose()
    print(f"load {os.getloadavg()[0]:.1f}; median of {each_round} rounds of {EACH}")
    rates = {key: EACH / statistics.median(times) for key, times in taken.items()}
    for (name, writers), rate in sorted(rates.items()):
        print(
            f"{name:11} {writers:2} writers {rate:6.0f} publications a second,"
            f" {rate / rates[name, 1]:.2f} of one writer"
        )
    ratio = rates["PostgreSQL", 1] / rates["SQLite", 1]
    print(f"PostgreSQL / SQLite, one writer: {ratio:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
