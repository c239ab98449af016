"""A run whose process is killed on a real server: told at once, made by the next."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.house import House, finished, opened, process, served, started

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
DAY = "2026-05-31"


def test_a_killed_process_is_crashed_at_once_and_the_next_run_completes(
    tmp_path: Path,
) -> None:
    """The worker lives, so that no sign of life has to be awaited."""
    worker = ("prefect", "worker", "start", "--pool", "value-chain")
    with opened(tmp_path) as house, served(house):
        house.done("datafactor", "deploy")
        with process(house, *worker) as running:
            first = started(house, "value-chain/rain", as_of=DAY)
            os.kill(engine(house, running.pid), signal.SIGKILL)
            finished(house, first, "Crashed")
            again = started(house, "value-chain/rain", as_of=DAY)
            finished(house, again, "Completed")
        assert house.done("datafactor", "verify").endswith("the store is sound\n")


def engine(house: House, worker: int) -> int:
    """Wait for the process that a worker started for a run."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(worker)],
            capture_output=True,
            text=True,
            check=False,
        )
        if found := listed.stdout.split():
            return int(found[0])
        time.sleep(0.05)
    raise AssertionError(f"the worker started no process: {house.home}")
