"""A worker that was away runs what waited for it, each run for its own day."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from tests import shop
from tests.command import ROOT, datafactor

# Any deployment of the flow will do: it is told to run a factor of the test's own.
DEPLOYED = "value-chain/freeway-accidents"
DEPLOY = ("deploy", "--prefect-file", "deployments/prefect.yaml", "--no-prompt")
NAME = ("-n", "freeway-accidents")
POOL = ("work-pool", "create", "value-chain", "--type", "process")
WORKER = ("worker", "start", "--pool", "value-chain", "--limit", "1")
# 17:30Z is half past one of the next day in Shanghai.
TIMES = [datetime(2026, 6, day, 17, 30, tzinfo=UTC) for day in (26, 27, 28)]
DAYS = [date(2026, 6, 27), date(2026, 6, 28), date(2026, 6, 29)]


@pytest.mark.proof
def test_late_runs_speak_of_their_own_days_and_a_backfill_finds_nothing_missing(
    server: dict[str, str],
) -> None:
    home, url = Path(server["HOME"]), server["PREFECT_API_URL"]
    shop.prepare(home)
    (home / "factors" / "rain.yaml").write_text(shop.DOCUMENT, "utf-8")
    env = {**server, **shop.places(home)}
    for command in (POOL, (*DEPLOY, *NAME)):
        prefect(*command, env=env)

    waiting = asyncio.run(planned(url))
    assert all(name == "Late" for name in asyncio.run(become_late(url, waiting)))
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", *WORKER],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ended = asyncio.run(ends(url, waiting))
    finally:
        worker.terminate()
        worker.wait(timeout=60)

    assert [run.state_name for run in ended] == ["Completed"] * 3
    span = ("backfill", "rain", f"{DAYS[0]}..{DAYS[-1]}", "--json")
    factors = str(home / "factors")
    found = datafactor(*span, home=home, data=home, DATAFACTOR_FACTORS=factors)
    assert (found.exit, found.data["due"], found.data["missing"]) == (0, 3, [])
    span = ("backfill", "rain", "2026-06-30", "--json")
    more = {"DATAFACTOR_FACTORS": factors, "PREFECT_API_URL": url}
    found = datafactor(*span, home=home, data=home, code=ROOT, **more)
    assert [day["outcome"] for day in found.data["days"]] == ["done"], found.err
    assert asyncio.run(state_of(url, "value-chain/rain/2026-06-30")) == "Completed"


def prefect(*command: str, env: dict[str, str]) -> None:
    """Run a command of Prefect to its end."""
    asked = [sys.executable, "-m", "prefect", *command]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


async def planned(url: str) -> list[FlowRun]:
    """Plan a run for each time, the last first, as a scheduler does: without a day."""
    async with PrefectClient(url) as client:
        deployed = await client.read_deployment_by_name(DEPLOYED)
        return [
            await client.create_flow_run_from_deployment(
                deployed.id,
                parameters={"factor": "rain"},
                state=Scheduled(scheduled_time=at),
            )
            for at in reversed(TIMES)
        ]


async def become_late(url: str, runs: list[FlowRun]) -> list[str | None]:
    """Wait until the server has marked them all late."""
    return [r.state_name for r in await wait(url, runs, {"Late"})]


async def ends(url: str, runs: list[FlowRun]) -> list[FlowRun]:
    """Wait for the end of each."""
    return await wait(url, runs, {"Completed", "Failed", "Crashed", "Refused"})


async def wait(url: str, runs: list[FlowRun], names: set[str]) -> list[FlowRun]:
    """Wait until every run has a state of these."""
    found, end = runs, time.monotonic() + 240
    async with PrefectClient(url) as client:
        while time.monotonic() < end:
            found = [await client.read_flow_run(run.id) for run in runs]
            if all(run.state_name in names for run in found):
                break
            await asyncio.sleep(0.5)
    return found


async def state_of(url: str, name: str) -> str | None:
    """Find how the run of this name ended on the server."""
    async with PrefectClient(url) as client:
        runs = await client.read_flow_runs()
    return next((run.state_name for run in runs if run.name == name), None)
