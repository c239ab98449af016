"""Run one installation as a platform team has it: PostgreSQL, Prefect server, worker.

The code comes from the built wheel in a folder of its own; pages are read in a real
browser. Pictures land in ``HOUSE_PICTURES`` where that is set, for people to look at.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from flows.ui import wait_until_healthy
from tests import postgres
from tests.archive import small_archive
from tests.command import ROOT, environment
from tests.gauges import head, offer, write

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 240  # seconds for a run: workers ask every fifteen, cron fires each minute
RAIN = """
schedule: {cron: "* * * * *", timezone: Asia/Shanghai}
sources:
  rain:
    path: rain.csv
    update_frequency: P1D
    licence: CC0-1.0
    columns:
      - {name: gauge, logicalType: string, required: true, classification: public}
      - {name: day, logicalType: date, required: true, classification: public}
      - {name: value, logicalType: integer, unit: mm, classification: public}
resource:
  columns:
    - {name: gauge, logicalType: string, required: true, classification: public}
    - {name: day, logicalType: date, required: true, classification: public}
    - {name: value, logicalType: integer, unit: mm, classification: public}
  key: [gauge, day]
"""
FLOOD = "query: SELECT gauge, SUM(value) AS total FROM rain GROUP BY gauge"
FLIGHTS, ENTITY = "flight-disruption", "jiangbei-data"
GOOD = "gauge,day,value\na,2026-05-01,1\na,2026-06-01,2\nb,2026-06-01,4\n"
BAD = "gauge,day,value\na,2026-05-01,1\na,2026-06-31,2\nb,2026-06-01,four\n"


@dataclass(frozen=True)
class House:
    """One installation: the unpacked wheel, its folders, its environment."""

    home: Path
    env: dict[str, str]

    def run(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a person in a terminal does, from the wheel."""
        module = {"datafactor": "flows.cli", "prefect": "prefect"}[words[0]]
        return subprocess.run(
            [sys.executable, "-m", module, *words[1:]],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            env=self.env | more,
        )

    def done(self, *words: str, **more: str) -> str:
        """Run a command that must succeed; give what it printed."""
        ended = self.run(*words, **more)
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def json(self, *words: str) -> Any:  # Any: JSON
        """Run a command, and read what it answers with ``--json``."""
        return json.loads(self.done("datafactor", *words, "--json"))["data"]

    @property
    def client(self) -> SyncPrefectClient:
        """Ask the server."""
        return SyncPrefectClient(self.env["PREFECT_API_URL"])

    def write(self, name: str, text: str) -> None:
        """Put a raw file into the data folder."""
        (self.home / "data" / name).write_text(text, "utf-8")


@contextmanager
def process(house: House, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Keep a long-running process of the house; its words go into a log there."""
    log = house.home / f"{words[1]}.log"
    with log.open("w") as told:
        running = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=house.home,
            env=house.env,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
        try:
            yield running
        finally:
            running.terminate()
            running.wait(60)


def unpacked(folder: Path) -> Path:
    """Build the wheel and unpack it, away from the checkout."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    flags = ["--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run([*pip, *flags], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(folder / "site")
    return folder / "site"


@contextmanager
def opened(home: Path, **more: str) -> Iterator[House]:
    """Bring up PostgreSQL under three factors; its Prefect server is ``served``."""
    with ExitStack() as stack:
        running = stack.enter_context(postgres.server())
        own = stack.enter_context(postgres.database(running))
        theirs = stack.enter_context(postgres.database(running))
        port = free_port()
        house = House(home, surroundings(home, own, theirs, port) | more)
        documents(home)
        yield house


@contextmanager
def served(house: House) -> Iterator[None]:
    """Run the Prefect server of a house; again, on the same database."""
    url = house.env["PREFECT_API_URL"]
    port = url.rpartition(":")[2].removesuffix("/api")
    with process(house, "prefect", "server", "start", "--port", port):
        wait_until_healthy(url)
        yield


def surroundings(home: Path, own: str, theirs: str, port: int) -> dict[str, str]:
    """Say where everything is; the code comes from the wheel, not from the checkout."""
    url = f"http://127.0.0.1:{port}/api"
    asynchronous = theirs.replace("+psycopg:", "+asyncpg:")
    return environment(home, home / "data") | {
        "PYTHONPATH": str(unpacked(home)),
        "DATAFACTOR_DATABASE": own,
        "DATAFACTOR_FACTORS": str(home / "deployments" / "factors"),
        "PREFECT_API_URL": url,
        "PREFECT_UI_API_URL": url,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": asynchronous,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def documents(home: Path) -> None:
    """Write three factors: one by the clock, one that reads it, one with books."""
    kept = home / "deployments"
    shutil.copytree(ROOT / "deployments", kept)
    for file in (kept / "factors").glob("*.yaml"):
        if file.stem != FLIGHTS:
            file.unlink()
    flights = kept / "factors" / f"{FLIGHTS}.yaml"
    named = "  name: flight-disruption-index\n"
    told = flights.read_text("utf-8")
    assert named in told
    low = f'{named}  approval_above: "500000.00"\n'
    flights.write_text(told.replace(named, low, 1), "utf-8")
    write(kept, "rain", head("rain"), RAIN)
    taken = "inputs: {rain: rain/resource}\n"
    write(kept, "flood", head("flood"), taken, offer("flood", FLOOD))
    small_archive(home / "data")
    (home / "data" / "rain.csv").write_text(GOOD, "utf-8")


def day_of(run: FlowRun) -> date:
    """Give the day that a run was scheduled for, where the entity is."""
    assert run.expected_start_time is not None
    return run.expected_start_time.astimezone(ZoneInfo("Asia/Shanghai")).date()


def runs_of(house: House, deployment: str) -> list[FlowRun]:
    """List the runs of a deployment that have begun, newest first."""
    with house.client as client:
        known = client.read_deployment_by_name(deployment)
        runs = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=200)
    return [r for r in runs if r.deployment_id == known.id and r.start_time]


def ended(
    house: House, deployment: str, name: str, after: FlowRun | None = None
) -> FlowRun:
    """Wait until a run of a deployment that began later ends in a state."""
    since = after.start_time if after else None
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for run in runs_of(house, deployment):
            later = since is None or (run.start_time and run.start_time > since)
            if later and run.state and run.state.name == name:
                return run
        time.sleep(1)
    seen = [(r.name, r.state and r.state.name) for r in runs_of(house, deployment)]
    raise AssertionError(f"{deployment} has not ended {name}: {seen}")


def started(house: House, deployment: str, **parameters: str) -> FlowRun:
    """Press Run in a deployment's page."""
    with house.client as client:
        known = client.read_deployment_by_name(deployment)
        asked = {**known.parameters, **parameters}
        return client.create_flow_run_from_deployment(known.id, parameters=asked)


def finished(house: House, run: FlowRun, name: str) -> FlowRun:
    """Wait for the end of one run."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with house.client as client:
            now = client.read_flow_run(run.id)
        if now.state and now.state.is_final():
            assert now.state.name == name, now.state.message
            return now
        time.sleep(1)
    raise AssertionError(f"{run.name} has not ended: {now.state}")


def controller(house: House) -> dict[str, str]:
    """Be another person, whose key the house knows."""
    file = house.home / "controller.key"
    if not file.exists():
        key = Ed25519PrivateKey.generate()
        pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key.private_bytes(*pem))
        file.chmod(0o600)
        signers = house.home / "deployments" / "signers"
        signers.mkdir(exist_ok=True)
        half = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (signers / "controller.pub").write_bytes(half)
    return {"DATAFACTOR_KEY": str(file), "DATAFACTOR_USER": "controller"}


def read_page(house: House, path: str, picture: str) -> str:
    """Open a page of the server in a browser, picture it, give what it shows."""
    assert CHROMIUM, "a browser is needed: install chromium"
    folder = Path(os.environ.get("HOUSE_PICTURES", house.home))
    address = house.env["PREFECT_API_URL"].removesuffix("/api") + path
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={house.home / 'browser'}", "--window-size=1500,1100"]
    command += [
        "--virtual-time-budget=20000",
        "--run-all-compositor-stages-before-draw",
    ]
    for what in (f"--screenshot={folder / picture}.png", "--dump-dom"):
        done = subprocess.run(
            [*command, what, address], capture_output=True, text=True, check=True
        )
    return done.stdout
