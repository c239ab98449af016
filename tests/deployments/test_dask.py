"""The same factor on worker processes of Dask: the same artifacts, whoever dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks import store
from tests import bucket, postgres
from tests.builders import temporary_store
from tests.command import ROOT, datafactor
from tests.gauges import head, write
from tests.house import free_port
from tests.small import small_factor

DAYS = 24  # partitions
ROWS = 4_000  # of each
DAY = "2026-06-30"
DOCUMENT = """
sources:
  rain:
    path: rain-*.csv
    licence: CC0-1.0
    key: [gauge, day]
    columns:
      - {name: gauge, logicalType: integer, required: true, classification: public}
      - {name: day, logicalType: date, required: true, classification: public}
      - {name: value, logicalType: integer, unit: mm, classification: public}
resource:
  partition: {column: day}
  key: [gauge, day]
  consolidate: SELECT gauge, day, value, value * 2 AS twice FROM rain
  columns:
    - {name: gauge, logicalType: integer, required: true, classification: public}
    - {name: day, logicalType: date, required: true, classification: public}
    - {name: value, logicalType: integer, unit: mm, classification: public}
    - {name: twice, logicalType: integer, unit: mm, classification: public}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file a day."""
    home = tmp_path_factory.mktemp("days")
    small_factor(home)
    write(home, "rain", head("rain"), DOCUMENT)
    for day in range(1, DAYS + 1):
        rows = (f"{n},2026-06-{day:02},{n * day % 97}\n" for n in range(ROWS))
        (home / f"rain-{day:02}.csv").write_text("gauge,day,value\n" + "".join(rows))
    return home


@pytest.fixture(scope="module")
def expected(data: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What threads make of it, plainly."""
    home = tmp_path_factory.mktemp("threads")
    factors = str(data / "factors")
    words = ("run", "rain", "--as-of", DAY)
    said = datafactor(*words, home=home, data=data, DATAFACTOR_FACTORS=factors)
    assert said.exit == 0, said.err
    return ids(home)


def places(data: Path) -> dict[str, str]:
    return {
        "DATAFACTOR_DATA": str(data),
        "DATAFACTOR_FACTORS": str(data / "factors"),
    }


def ids(home: Path, **more: str) -> set[str]:
    """List all artifacts of a store."""
    with temporary_store(home, DATAFACTOR_HOME=str(home / "store"), **more) as s:
        runs = store.runs(s)
        return {ref.id for run in runs for ref in run.refs.values()}


def begun(
    server: dict[str, str], home: Path, data: Path, **more: str
) -> "subprocess.Popen[str]":
    """Start a run on two worker processes of a cluster of its own."""
    env = {
        **server,
        **places(data),
        "DATAFACTOR_HOME": str(home / "store"),
        "DATAFACTOR_ANCHOR": str(home / "anchor"),
        "DATAFACTOR_KEY": str(home / "signing.key"),
        "DATAFACTOR_RUNNER": "dask:2@1GB",
        **more,
    }
    command = [sys.executable, "-m", "flows.cli", "run", "rain", "--as-of", DAY]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def workers(run: "subprocess.Popen[str]") -> dict[int, int]:
    """Give the resident bytes of the cluster's worker processes, by their pid."""
    listed = subprocess.run(
        ["ps", "-wwo", "pid=,rss=,args=", "--ppid", str(run.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(p): int(kb) * 1024 for p, kb, args in rows if "spawn_main" in args}


def watched(run: "subprocess.Popen[str]", kill: bool = False) -> Iterator[int]:
    """Follow the workers to the end; kill one as soon as two work."""
    while run.poll() is None:
        found = workers(run)
        yield max(found.values(), default=0)
        busy = [pid for pid, size in found.items() if size > 150_000_000]
        if kill and len(busy) == 2:
            time.sleep(1)
            os.kill(busy[0], signal.SIGKILL)
            kill = False
        time.sleep(0.2)
    assert not kill, "no worker was there to be killed"


@pytest.mark.proof
def test_two_processes_make_what_threads_make_within_their_memory(
    server: dict[str, str], data: Path, expected: set[str], tmp_path: Path
) -> None:
    run = begun(server, tmp_path, data)
    most = max(watched(run))
    said, _ = run.communicate()

    assert run.returncode == 0, said
    assert ids(tmp_path) == expected
    assert 100_000_000 < most < 1_000_000_000
    assert verified(tmp_path) == 0


@pytest.mark.proof
def test_over_postgresql_and_a_bucket_processes_make_the_same(
    server: dict[str, str], data: Path, expected: set[str], tmp_path: Path
) -> None:
    with (
        postgres.server() as url,
        postgres.database(url) as database,
        bucket.server() as storage,
        bucket.named(storage),
    ):
        objects = bucket.made(storage["AWS_ENDPOINT_URL"])
        shared = {"DATAFACTOR_DATABASE": database, "DATAFACTOR_OBJECTS": objects}
        run = begun(server, tmp_path, data, **shared, **storage)
        said, _ = run.communicate()

        assert run.returncode == 0, said
        assert ids(tmp_path, **shared) == expected
        with temporary_store(tmp_path, **shared) as s:  # with a cache of its own
            assert store.verify(s).exit == 0


@pytest.mark.proof
def test_the_partitions_of_a_killed_worker_are_made_by_another(
    server: dict[str, str], data: Path, expected: set[str], tmp_path: Path
) -> None:
    run = begun(server, tmp_path, data)
    for _ in watched(run, kill=True):
        pass
    said, _ = run.communicate()

    assert run.returncode == 0, said
    assert ids(tmp_path) == expected
    assert verified(tmp_path) == 0


@pytest.mark.proof
def test_a_cluster_that_stands_makes_the_same(
    server: dict[str, str], data: Path, expected: set[str], tmp_path: Path
) -> None:
    """Scheduler and workers were started by hand, as on machines of their own."""
    shared = {
        **server,
        **places(data),
        "DATAFACTOR_HOME": str(tmp_path / "store"),
        "DATAFACTOR_ANCHOR": str(tmp_path / "anchor"),
        "DATAFACTOR_KEY": str(tmp_path / "signing.key"),
        "POLARS_MAX_THREADS": "1",
    }
    at = f"tcp://127.0.0.1:{free_port()}"
    carrier = ("worker", at, "--nthreads", "1", "--memory-limit", "1GB")
    with (
        standing(shared, "scheduler", "--port", at.rpartition(":")[2]),
        standing(shared, *carrier),
        standing(shared, *carrier),
    ):
        run = begun(server, tmp_path, data, DATAFACTOR_RUNNER=f"dask:{at}")
        said, _ = run.communicate()

    assert run.returncode == 0, said
    assert ids(tmp_path) == expected
    assert verified(tmp_path) == 0


@contextmanager
def standing(env: dict[str, str], role: str, *words: str) -> Iterator[None]:
    """Keep one process of a Dask cluster."""
    flags = ("--no-dashboard",)
    command = [sys.executable, "-m", f"distributed.cli.dask_{role}", *words, *flags]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as running:
        try:
            yield
        finally:
            running.terminate()


def verified(home: Path) -> int | None:
    return datafactor("verify", home=home).exit
