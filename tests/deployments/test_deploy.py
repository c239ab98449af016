"""Deployments load, deploy to a real server, and their schedules really plan runs."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.flows import Flow, load_flow_from_entrypoint

from tests.command import ROOT, Said, datafactor

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
    assert len(CHAINS) + len(CLOSES) + 2 == len(DOCUMENT["deployments"])


def test_all_pledges_are_watched_daily_after_the_factors_that_they_rest_on() -> None:
    (watch,) = WATCHES

    (schedule,) = watch["schedules"]
    minute, hour, *days = schedule["cron"].split()
    assert (watch["parameters"], days) == ({}, ["*"] * 3)
    runs = [d["schedules"][0]["cron"].split() for d in CHAINS if d["schedules"]]
    assert all((int(h), int(m)) < (int(hour), int(minute)) for m, h, *_ in runs)


@pytest.mark.parametrize("deployment", CHAINS, ids=lambda d: d["name"])
def test_a_factor_runs_by_its_schedule_and_after_what_it_reads(
    deployment: dict[str, Any],
) -> None:
    """Each publication of an input starts it, with the day that the input speaks of."""
    document = documents()[deployment["name"]]
    inputs = {ref.partition("/")[0] for ref in document.get("inputs", {}).values()}

    awaited = [
        name.removeprefix("datafactor.factor.")
        for trigger in deployment.get("triggers", [])
        for name in trigger["match"]["prefect.resource.id"]
    ]
    clocks = [{n: s[n] for n in ("cron", "timezone")} for s in deployment["schedules"]]
    assert awaited == sorted(inputs)
    assert clocks == ([document["schedule"]] if "schedule" in document else [])
    given = [t["parameters"]["as_of"] for t in deployment.get("triggers", [])]
    assert set(given) <= {"{{ event.payload.as_of }}"}


def test_every_factor_is_deployed_and_nothing_else() -> None:
    assert {deployment["name"] for deployment in CHAINS} == documents().keys()
    assert sum(bool(d.get("triggers")) for d in CHAINS) >= 4


def documents() -> dict[str, Any]:
    """Read the factor documents by name, as plain YAML."""
    files = (ROOT / "deployments" / "factors").glob("*.yaml")
    return {f.stem: yaml.safe_load(f.read_text("utf-8")) for f in files}


def test_the_file_is_what_the_command_prints(tmp_path: Path) -> None:
    """Plain `prefect deploy` and `datafactor deploy` bring the same."""
    printed = datafactor("deploy", "--print", home=tmp_path)

    assert printed.out == FILE.read_text("utf-8"), printed.err


def test_the_flows_body_is_a_sentence() -> None:
    source = (ROOT / "flows" / "value_chain.py").read_text("utf-8")
    body = source.rpartition('"""')[2].strip("\n").splitlines()

    statements = [line for line in body if re.match(r" {4}\S", line)]
    assert len([s for s in statements if s.strip() != ")"]) <= 12


def shown_commands() -> list[list[str]]:
    section = README.partition("## Deploy\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\$ ((?:datafactor|prefect) [^#\n]*)", section, re.M)
    return [command.split() for command in found]


def test_the_readmes_deploy_commands_plan_and_run_the_factor(
    server: dict[str, str],
) -> None:
    """A schedule that never fires looks fine everywhere else, so wait for its runs."""
    first, check, worker = shown_commands()
    url, home = server["PREFECT_API_URL"], Path(server["HOME"])

    def deploy(command: list[str]) -> Said:
        return datafactor(*command[1:], home=home, PREFECT_API_URL=url)

    assert "value-chain/zero-proof: is not deployed" in deploy(check).out
    made = deploy(first)
    assert made.exit == 0, made.err
    assert deploy(first).out.startswith("25 deployments: no change")
    other = datafactor(*check[1:], home=home / "other", PREFECT_API_URL=url)
    assert (other.exit, "carries another house" in other.err) == (1, True), other.err
    planned = asyncio.run(planned_runs(url))
    differs(server, deploy, check)
    started = subprocess.Popen(
        [sys.executable, "-m", *worker],
        cwd=ROOT,
        env=server,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        ended = asyncio.run(run_now(url))
        followed_by = asyncio.run(started_by_event(url))
    finally:
        started.terminate()
        said, _ = started.communicate(timeout=60)

    assert planned >= 1
    assert ended == "Completed", said
    assert followed_by == ("Completed", {"factor": "route-disruption", **DAY}), said
    fails_for_want_of_a_file(server)
    answers_outlive_prefects_database(home)


DAY = {"as_of": "2026-06-30"}


def differs(
    server: dict[str, str], deploy: Callable[[list[str]], Said], check: list[str]
) -> None:
    """Edit, delete and leave behind what stands there: each is told, then mended."""
    with SyncPrefectClient(server["PREFECT_API_URL"]) as client:
        edited = client.read_deployment_by_name("value-chain/flight-disruption")
        change = DeploymentUpdate(tags=["mine"], paused=True)
        client.update_deployment(edited.id, change)
        gone = client.read_deployment_by_name("value-chain/zero-proof")
        client.delete_deployment(gone.id)
        (wire,) = client.read_automations_by_name("route-disruption follows its inputs")
        client.delete_automation(wire.id)
        left = client.create_deployment(
            edited.flow_id, "melted", tags=["datafactor"], entrypoint=edited.entrypoint
        )

        told = deploy(check)

        assert told.exit == 1
        assert {*told.out.partition("\n25 deployments")[0].splitlines()} == {
            "value-chain/flight-disruption: tags was changed",
            "value-chain/flight-disruption: paused was changed",
            "value-chain/zero-proof: is not deployed",
            "value-chain/route-disruption: no automation starts it after its inputs",
            "value-chain/melted: is deployed, and no document asks for it: `prefect"
            " deployment delete value-chain/melted`",
        }
        client.delete_deployment(left)
    assert deploy(["", "deploy"]).exit == 0
    assert deploy(check).exit == 0


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


async def started_by_event(url: str) -> tuple[str, dict[str, Any]]:
    """Wait for the end of the run that nobody asked for: its input had been made."""
    state = "no run"
    async with PrefectClient(url) as client:
        deployment = await client.read_deployment_by_name(
            "value-chain/route-disruption"
        )
        end = time.monotonic() + 90
        while time.monotonic() < end:
            runs = await client.read_flow_runs()
            mine = [r for r in runs if r.deployment_id == deployment.id]
            if mine and mine[0].state:
                state = str(mine[0].state.name)
                if mine[0].state.is_final():
                    return state, mine[0].parameters
            await asyncio.sleep(1)
    return state, {}
