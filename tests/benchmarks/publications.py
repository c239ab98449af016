"""Count publications a second on both databases, side by side in one run.

One publication is one row placed, signed and committed with ``synchronous=FULL``; the
databases take turns, so that both see the same machine.
"""

import statistics
import tempfile
import time
from pathlib import Path

from schemas.gates import Gates
from tests import postgres
from tests.builders import published, temporary_store

ROUNDS, EACH = 5, 60


def publish_some(home: Path, url: str, first: int) -> float:
    """Publish ``EACH`` frames of one row; return the seconds it took."""
    env = {"DATAFACTOR_DATABASE": url} if url else {}
    with temporary_store(home, **env):
        begun = time.perf_counter()
        for n in range(first, first + EACH):
            row = (f"gate-{n}", True, "measured", "none", None)
            published(Gates, [row], name=f"frame-{n}")
        return time.perf_counter() - begun


def main() -> None:
    """Print publications a second, and the ratio."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.server() as server,
        postgres.database(server) as url,
    ):
        taken: dict[str, list[float]] = {"SQLite": [], "PostgreSQL": []}
        for number in range(ROUNDS + 1):  # the first round opens the stores
            for name, at in (("SQLite", ""), ("PostgreSQL", url)):
                seconds = publish_some(Path(folder) / name, at, number * EACH)
                if number:
                    taken[name].append(seconds)
    rates = {name: EACH / statistics.median(times) for name, times in taken.items()}
    for name, rate in rates.items():
        print(f"{name:11} {rate:6.0f} publications a second")
    print(f"PostgreSQL / SQLite {rates['PostgreSQL'] / rates['SQLite']:.2f}")


if __name__ == "__main__":
    main()
