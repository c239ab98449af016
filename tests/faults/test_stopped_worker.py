"""A worker is told to stop while a stage works: nothing half, the next one ends."""

import time
from pathlib import Path

import pytest
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from tests.house import FLIGHTS, House, finished, opened, process, served, started

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
WORKER = ("prefect", "worker", "start", "--pool", "value-chain")
ASKED = {"as_of": "2026-06-30", "through": "product"}


def test_a_worker_that_is_stopped_amid_a_stage_leaves_nothing_half(
    tmp_path: Path,
) -> None:
    """Its run is Crashed, and gives its place to the one that waits for it."""
    with opened(tmp_path, PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30") as house:
        with served(house):
            house.done("datafactor", "deploy")
            with process(house, *WORKER) as running:
                first = started(house, f"value-chain/{FLIGHTS}", **ASKED)
                working(house, first)
                running.terminate()
                running.wait(60)
            assert house.run("datafactor", "verify").returncode == 0
            begun = time.monotonic()
            with process(house, *WORKER):
                again = started(house, f"value-chain/{FLIGHTS}", **ASKED)
                finished(house, first, "Crashed")
                print(f"Crashed after {time.monotonic() - begun:.0f} s")
                finished(house, again, "Completed")
        assert house.done("datafactor", "verify").endswith("the store is sound\n")
        stages = house.json("show", FLIGHTS)
        assert stages


def working(house: House, run: FlowRun) -> None:
    """Wait until a stage of a run is under way, and none has ended after it."""
    asked = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with house.client as client:
            boxes = client.read_task_runs(flow_run_filter=asked)
        if any(box.state and box.state.is_running() for box in boxes):
            return
        time.sleep(0.05)
    raise AssertionError("no stage began")
