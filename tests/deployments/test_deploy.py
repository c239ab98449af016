"""Deployments load, deploy to a real server, and their schedules really plan runs."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.flows import Flow, load_flow_from_entrypoint

from tests.command import ROOT, datafactor

FILE = ROOT / "deployments" / "prefect.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text("utf-8"))
CHAINS, CLOSES, WATCHES = (
    [d for d in DOCUMENT["deployments"] if d["entrypoint"].startswith(f"flows.{flow}:")]
    for flow in ("value_chain", "close_period", "watch_collateral")
)
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("deployment", DOCUMENT["deployments"], ids=lambda d: d["name"])
def test_every_entrypoint_loads(deployment: dict[str, str]) -> None:
    flow: Flow[..., object] = load_flow_from_entrypoint(deployment["entrypoint"])

    named = deployment["entrypoint"].rpartition(":")[2]
    assert flow.name == named.replace("_", "-")
    assert "/" not in deployment["entrypoint"], "a module, found from any folder"


@pytest.mark.parametrize("deployment", DOCUMENT["deployments"], ids=lambda d: d["name"])
def test_every_deployment_runs_once_at_a_time_in_a_stated_zone(
    deployment: dict[str, dict[str, object]],
) -> None:
    assert deployment["concurrency_limit"]["limit"] == 1
    assert all("timezone" in schedule for schedule in deployment["schedules"])


def test_every_entity_has_its_months_closed() -> None:
    files = (ROOT / "deployments" / "entities").glob("*.yaml")
    entities = {yaml.safe_load(file.read_text("utf-8"))["entity"] for file in files}

    assert {d["parameters"]["entity"] for d in CLOSES} == entities
    assert all(d["schedules"][0]["cron"].split()[2:] == ["3", "*", "*"] for d in CLOSES)
    assert len(CHAINS) + len(CLOSES) + 1 == len(DOCUMENT["deployments"])


def test_all_pledges_are_watched_daily_after_the_factors_that_they_rest_on() -> None:
    (watch,) = WATCHES

    (schedule,) = watch["schedules"]
    minute, hour, *days = schedule["cron"].split()
    assert (watch["parameters"], days) == ({}, ["*"] * 3)
    runs = [d["schedules"][0]["cron"].split() for d in CHAINS if d["schedules"]]
    assert all((int(h), int(m)) < (int(hour), int(minute)) for m, h, *_ in runs)


@pytest.mark.parametrize("deployment", CHAINS, ids=lambda d: d["name"])
def test_a_deployment_waits_for_those_of_its_inputs(deployment: dict[str, Any]) -> None:
    """What is planned by the clock reads no other factor, and the other way round."""
    factor = ROOT / "deployments" / "factors" / f"{deployment['name']}.yaml"
    document = yaml.safe_load(factor.read_text("utf-8"))
    inputs = {ref.partition("/")[0] for ref in document.get("inputs", {}).values()}

    awaited = [followed(t) for t in deployment.get("triggers", [])]
    assert awaited == ([inputs] if inputs else [])
    assert bool(deployment["schedules"]) != bool(inputs)


def test_every_factor_with_inputs_is_deployed_with_them() -> None:
    """A factor that nothing starts would go stale beside its inputs."""
    files = (ROOT / "deployments" / "factors").glob("*.yaml")
    documents = [yaml.safe_load(file.read_text("utf-8")) for file in files]
    reading = {d["factor"]: d["inputs"] for d in documents if d.get("inputs")}
    read = {ref.partition("/")[0] for refs in reading.values() for ref in refs.values()}

    deployed = {deployment["name"] for deployment in DOCUMENT["deployments"]}
    assert len(reading) >= 4
    assert {*reading, *read} - deployed == set()


def followed(trigger: dict[str, Any]) -> set[str]:
    """Name the deployments whose runs a trigger waits for: one, or all of several."""
    if trigger["type"] == "compound":
        assert trigger["require"] == "all"
        return {name for part in trigger["triggers"] for name in followed(part)}
    assert trigger["expect"] == ["prefect.flow-run.Completed"]
    return {trigger["match_related"]["prefect.resource.name"]}


def test_the_flows_body_is_a_sentence() -> None:
    source = (ROOT / "flows" / "value_chain.py").read_text("utf-8")
    body = source.rpartition('"""')[2].strip("\n").splitlines()

    statements = [line for line in body if re.match(r" {4}\S", line)]
    assert len([s for s in statements if s.strip() != ")"]) <= 12


def shown_commands() -> list[list[str]]:
    return [c.split() for c in re.findall(r"^\$ prefect (.*)$", README, re.M)]


def test_the_readmes_deploy_commands_plan_and_run_the_factor(
    server: dict[str, str],
) -> None:
    """A schedule that never fires looks fine everywhere else, so wait for its runs."""
    pool, deploy, worker = shown_commands()
    for command in (pool, deploy):
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *command],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=server,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    planned = asyncio.run(planned_runs(server["PREFECT_API_URL"]))
    started = subprocess.Popen(
        [sys.executable, "-m", "prefect", *worker],
        cwd=ROOT,
        env=server,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        ended = asyncio.run(run_now(server["PREFECT_API_URL"]))
        followed_by = asyncio.run(started_by_event(server["PREFECT_API_URL"]))
    finally:
        started.terminate()
        said, _ = started.communicate(timeout=60)

    assert planned >= 1
    assert ended == "Completed", said
    assert followed_by == "Completed", said
    fails_for_want_of_a_file(server)
    answers_outlive_prefects_database(Path(server["HOME"]))


def fails_for_want_of_a_file(server: dict[str, str]) -> None:
    """Run it as a flow run where there are no raw files: no stage can record that."""
    home, url = Path(server["HOME"]), server["PREFECT_API_URL"]
    command = ("run", "flight-disruption", "--as-of", "2026-06-30")
    failed = datafactor(*command, home=home, data=home / "none", PREFECT_API_URL=url)
    assert (failed.exit, "there is no file" in failed.err) == (1, True), failed.err


def answers_outlive_prefects_database(home: Path) -> None:
    """Ask the store before and after all that Prefect remembers is gone."""
    questions = (
        ("trace", "loan:BANK-2026-001"),
        ("impact", "flight-disruption/resource/flights"),
        ("show", "flight-disruption"),
        ("show", "--failed"),
    )
    before = [datafactor(*q, "--json", home=home).data for q in questions]
    assert (home / "prefect" / "prefect.db").exists()

    shutil.rmtree(home / "prefect")

    assert [datafactor(*q, "--json", home=home).data for q in questions] == before
    assert before[1]["pledged"] == "5,000,000.00"
    (failed,) = before[3]
    assert "there is no file" in failed["sentence"]
    assert "5,000,000.00 CNY of loans (BANK-2026-001)" in failed["sentence"]


async def planned_runs(url: str) -> int:
    """Count the runs that the scheduler planned by itself."""
    async with PrefectClient(url) as client:
        for _ in range(75):
            runs = await client.read_flow_runs()
            if found := [r for r in runs if r.auto_scheduled]:
                return len(found)
            await asyncio.sleep(0.4)
    return 0


async def run_now(url: str) -> str:
    """Ask for one run on the demo's day, and wait for its end."""
    async with PrefectClient(url) as client:
        deployment = await client.read_deployment_by_name(
            "value-chain/flight-disruption"
        )
        run = await client.create_flow_run_from_deployment(
            deployment.id,
            parameters={"as_of": "2026-06-30", "factor": "flight-disruption"},
        )
        end = time.monotonic() + 150
        while time.monotonic() < end:
            state = (await client.read_flow_run(run.id)).state
            if state and state.is_final():
                return str(state.name)
            await asyncio.sleep(1)
    return "no end"


async def started_by_event(url: str) -> str:
    """Wait for the end of the run that nobody asked for: its input had been made."""
    state = "no run"
    async with PrefectClient(url) as client:
        deployment = await client.read_deployment_by_name(
            "value-chain/route-disruption"
        )
        end = time.monotonic() + 90
        while time.monotonic() < end:
            runs = await client.read_flow_runs()
            mine = [r.state for r in runs if r.deployment_id == deployment.id]
            if mine and mine[0]:
                state = str(mine[0].name)
                if mine[0].is_final():
                    return state
            await asyncio.sleep(1)
    return state
