"""Count publications a second on both databases under 1, 8 and 16 writers at once.

One publication is one row placed, signed and committed with ``synchronous=FULL``; the
databases take turns in one run, so that both see the same machine. Each writer is a
process of its own. The counter is the chain: every run that was asked for stands there,
none twice.
"""

import os
import statistics
import tempfile
import time
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

from schemas.gates import Gates
from tasks import store
from tests import postgres
from tests.builders import published, temporary_store

ROUNDS, EACH = 3, 192
WRITERS = (1, 8, 16)
PLACES = 1_000  # numbers of one writer: more than it publishes


def publish_some(home: Path, url: str, first: int, many: int) -> None:
    """Publish frames of one row, as one writer."""
    with temporary_store(home, **named(url)):
        for n in range(first, first + many):
            row = (f"gate-{n}", True, "measured", "none", None)
            published(Gates, [row], name=f"frame-{n}")


def named(url: str) -> dict[str, str]:
    """Name the database, where it is not the file in the home."""
    return {"DATAFACTOR_DATABASE": url} if url else {}


class Crew:
    """Writers of one database, each a process that began by itself and is warm."""

    def __init__(self, home: Path, url: str, writers: int, first: int) -> None:
        spawn = get_context("spawn")
        self.gate, self.done = (spawn.Barrier(writers + 1) for _ in range(2))
        both = (self.gate, self.done)
        each = [(first + n * PLACES, EACH // writers, *both) for n in range(writers)]
        self.tasks = [
            spawn.Process(target=writer, args=(home, url, *one)) for one in each
        ]
        for task in self.tasks:
            task.start()

    def timed(self) -> float:
        """Let them share ``EACH`` publications; give the seconds from start to end."""
        self.gate.wait()
        begun = time.perf_counter()
        self.done.wait()
        return time.perf_counter() - begun

    def end(self) -> None:
        """Wait until all have gone home."""
        for task in self.tasks:
            task.join()
            assert task.exitcode == 0


def writer(
    home: Path, url: str, first: int, share: int, gate: Barrier, done: Barrier
) -> None:
    """Be one writer: publish once to be warm, then a share in each round."""
    publish_some(home, url, first, 1)
    for n in range(ROUNDS):
        gate.wait()
        publish_some(home, url, first + 1 + n * share, share)
        done.wait()


def main() -> None:
    """Print publications a second by database and writers, and the ratios."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server() as server,
        postgres.database(server) as url,
    ):
        places = {"SQLite": "", "PostgreSQL": url}
        taken: dict[tuple[str, int], list[float]] = {}
        first = count(1, PLACES * max(WRITERS))
        for name, at in places.items():
            publish_some(Path(folder) / name, at, 0, 1)  # makes the store
        for writers in WRITERS:
            crews = {
                name: Crew(Path(folder) / name, at, writers, next(first))
                for name, at in places.items()
            }
            for name in [*crews] * ROUNDS:
                taken.setdefault((name, writers), []).append(crews[name].timed())
            for crew in crews.values():
                crew.end()
        for name, at in places.items():
            with temporary_store(Path(folder) / name, **named(at)) as s:
                held = len(store.runs(s))
                assert held == 1 + sum(WRITERS) + ROUNDS * len(WRITERS) * EACH, held
                s.engine.dispose()
    print(f"load {os.getloadavg()[0]:.1f}; median of {ROUNDS} rounds of {EACH}")
    rates = {key: EACH / statistics.median(times) for key, times in taken.items()}
    for (name, writers), rate in sorted(rates.items()):
        print(
            f"{name:11} {writers:2} writers {rate:6.0f} publications a second,"
            f" {rate / rates[name, 1]:.2f} of one writer"
        )
    ratio = rates["PostgreSQL", 1] / rates["SQLite", 1]
    print(f"PostgreSQL / SQLite, one writer: {ratio:.2f}")


if __name__ == "__main__":
    main()
