"""Run the month of gantries on threads and on 1, 2 and 4 worker processes of Dask.

The same chain on one Prefect server, wall seconds of whole processes, each way with a
store of its own; the artifacts must be the same ones. Beside each time its ratio to
threads. With more processes than processors only the cost shows, not the gain.

``DATAFACTOR_SETS`` says where the data lies; ``DATAFACTOR_BENCH_DAYS`` takes less.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.ui import serving
from tasks import store
from tests.benchmarks.month import MONTH, SETS
from tests.builders import temporary_store
from tests.command import ROOT, environment

DAYS = int(os.environ.get("DATAFACTOR_BENCH_DAYS", "31"))
WAYS = ("threads:4", "dask:1@4GB", "dask:2@4GB", "dask:4@4GB")
RUN = ("run", "freeway-gantries", "--as-of", "2024-06-01", "--through", "resource")


def seconds(way: str, home: Path, data: Path, url: str) -> float:
    """Run the first stage once."""
    env = {
        **environment(home, data),
        "PREFECT_API_URL": url,
        "DATAFACTOR_RUNNER": way,
        "DO_NOT_TRACK": "1",
    }
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flows.cli", *RUN],
        check=True,
        cwd=ROOT,
        env=env,
        capture_output=True,
    )
    return time.perf_counter() - begun


def ids(home: Path) -> set[str]:
    """List what a store holds."""
    with temporary_store(home, DATAFACTOR_HOME=str(home / "store")) as s:
        return {ref.id for run in store.runs(s) for ref in run.refs.values()}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Print wall seconds and their ratio to threads."""
    found = sorted((SETS / MONTH).glob("*.tar.gz"))[:DAYS]
    if not found:
        print("not measured: the month of gantries is not here")
        return
    with tempfile.TemporaryDirectory() as folder, serving(free_port()) as url:
        data = Path(folder, "data")
        (data / MONTH).mkdir(parents=True)
        for file in found:
            shutil.copy(file, data / MONTH)
        taken, made = {}, {}
        for n, way in enumerate(WAYS):
            home = Path(folder, str(n))
            home.mkdir()
            taken[way] = seconds(way, home, data, url)
            made[way] = ids(home)
            shutil.rmtree(home)
    assert all(one == made[WAYS[0]] for one in made.values()), "other artifacts"
    print(f"{len(found)} days, {os.cpu_count()} processors, the same artifacts")
    for way, wall in taken.items():
        print(f"{way:12} {wall:7.1f} s  {wall / taken[WAYS[0]]:5.2f}")


if __name__ == "__main__":
    main()
