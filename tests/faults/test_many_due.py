"""Many factors are due at one minute: each runs once, and the machine bears it.

``HOUSE_FACTORS`` says how many (20; 200 take some twenty minutes on two processors).
"""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.deploy import paged
from tests.gauges import head, write
from tests.house import RAIN, House, opened, process, served

pytestmark = [pytest.mark.proof, pytest.mark.timeout(10_000)]
FACTORS = int(os.environ.get("HOUSE_FACTORS", "20"))
AT_ONCE = 2
WORKER = ("worker", "start", "--pool", "value-chain", "--limit", str(AT_ONCE))


def test_factors_that_are_due_at_one_minute_run_once_each(tmp_path: Path) -> None:
    with opened(tmp_path) as house, served(house):
        due = at_one_minute(house)
        begun = time.monotonic()
        house.done("datafactor", "deploy")
        deployed = time.monotonic() - begun
        assert datetime.now(UTC) < due, f"deploying took {deployed:.0f} s"
        with process(house, "prefect", *WORKER) as worker, counted(worker.pid) as seen:
            runs = all_ended(house, due)
        assert Counter(r.state.name for r in runs if r.state) == {"Completed": FACTORS}
        assert len({run.deployment_id for run in runs}) == FACTORS
        ends = [run.end_time for run in runs if run.end_time]
        took = max(ends).timestamp() - due.timestamp()
        print(f"\n{FACTORS} factors: deployed in {deployed:.0f} s; due at one minute,")
        print(f"  all done {took:.0f} s later, {60 * FACTORS / took:.0f} a minute,")
        print(f"  at most {max(seen)} at once, load {os.getloadavg()[0]:.1f}")
        assert 0 < max(seen) <= AT_ONCE
        assert "no change" in house.done("datafactor", "deploy")
        assert house.run("datafactor", "verify").returncode == 0
        begun = time.monotonic()
        runs_kept = Counter(run["factor"] for run in house.json("show"))
        print(f"  shown in {time.monotonic() - begun:.1f} s")
        assert len(runs_kept) == FACTORS
        assert len({*runs_kept.values()}) == 1, "each has run as often as the others"


def at_one_minute(house: House) -> datetime:
    """Write factors that are all due at a minute, a while after they are deployed."""
    folder = house.home / "deployments"
    for file in (folder / "factors").glob("*.yaml"):
        file.unlink()
    due = datetime.now(UTC) + timedelta(seconds=60 + 3 * FACTORS)
    due = due.replace(second=0, microsecond=0) + timedelta(minutes=1)
    cron = f'cron: "{due.minute} {due.hour} * * *", timezone: UTC'
    clock = RAIN.replace('cron: "* * * * *", timezone: Asia/Shanghai', cron)
    assert clock != RAIN
    for n in range(FACTORS):
        write(folder, f"gauge-{n}", head(f"gauge-{n}"), clock)
    return due


def all_ended(house: House, due: datetime) -> list[FlowRun]:
    """Wait until all runs of a minute have ended; give them."""
    end = time.monotonic() + (due - datetime.now(UTC)).total_seconds() + 40 * FACTORS
    while time.monotonic() < end + 120:
        with house.client as client:
            runs = [*paged(client.read_flow_runs)]
        ours = [r for r in runs if r.expected_start_time == due and r.state]
        if sum(bool(r.state and r.state.is_final()) for r in ours) == FACTORS:
            return ours
        time.sleep(2)
    raise AssertionError(Counter(r.state.name for r in ours if r.state))


@contextmanager
def counted(worker: int) -> Iterator[list[int]]:
    """Count the processes of a worker, again and again."""
    seen, over = [0], Event()

    def look() -> None:
        while not over.wait(0.5):
            asked = ["ps", "-o", "pid=", "--ppid", str(worker)]
            told = subprocess.run(asked, capture_output=True, text=True, check=False)
            seen.append(len(told.stdout.split()))

    looking = Thread(target=look, daemon=True)
    looking.start()
    yield seen
    over.set()
    looking.join()
