"""What somebody must act on reaches them once, on a real server, by a real webhook."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from tests.gauges import head, write
from tests.house import (
    BAD,
    FLIGHTS,
    GOOD,
    House,
    controller,
    finished,
    opened,
    process,
    served,
    started,
)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
Told = list[dict[str, Any]]  # messages


@contextmanager
def receiver() -> Iterator[tuple[str, Told]]:
    """Listen as the house of a person who is woken does."""
    told: Told = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    Thread(target=door.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{door.server_port}/woken", told
    door.shutdown()
    door.server_close()


def until(told: Told, *kinds: str, seconds: int = 60) -> dict[str, dict[str, Any]]:
    """Wait until each kind was told; give the messages by kind."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = {message["kind"]: message for message in told}
        if {*kinds} <= found.keys():
            return found
        time.sleep(0.5)
    raise AssertionError(f"{kinds} were not all told: {told}")


SAID = {
    "failed": ("rain", "2 of 3 rows of rain break the contract", "show rain --failed"),
    "stale": ("flood", "flood of 2026-06-01 is stale: rain", "datafactor run flood"),
    "quality": ("level", "the quality of level fell from", "datafactor quality level"),
    "dispute": (
        "rain",
        "dispute D-1 over rain is open",
        "datafactor dispute rain lift",
    ),
    "pledge": ("BANK-2026-001", "the pledge of BANK-2026-001 is", "the pledgor"),
}
LEVEL = """
sources:
  level:
    path: level.csv
    licence: CC0-1.0
    columns:
      - {name: gauge, logicalType: string, required: true, classification: public}
      - {name: value, logicalType: integer, unit: mm, classification: public}
    quality:
      - {metric: invalidValues, type: sql, name: water stands, expression: value > 0, mustBe: 0, severity: warning}
resource:
  quality_step: 0.01
  columns:
    - {name: gauge, logicalType: string, required: true, classification: public}
    - {name: value, logicalType: integer, unit: mm, classification: public}
  key: [gauge]
"""  # noqa: E501 - a document as people write it


@pytest.fixture(scope="module")
def woken() -> Iterator[tuple[str, Told]]:
    with receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, woken: tuple[str, Told]
) -> Iterator[House]:
    """A house whose runs say every 30 seconds that they live."""
    more = {
        "DATAFACTOR_ALARM_URL": woken[0],
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }
    home = tmp_path_factory.mktemp("house")
    with opened(home, **more) as house:
        yield house


def test_five_facts_of_the_store_wake_somebody_once_each(
    house: House, woken: tuple[str, Told]
) -> None:
    """Told again by hand, and by a server that was started anew: one call a key."""
    told = woken[1]
    look = ("datafactor", "alarms", "--as-of", "2026-12-01")
    with served(house):
        make_trouble(house)
        differs = house.run("datafactor", "deploy", "--check").stdout
        assert "watch-house/watch-house: is not deployed" in differs
        house.done("datafactor", "deploy")
        assert "no change" in house.done("datafactor", "deploy")
        house.done(*look)
        found = until(told, *SAID)
        assert "D-1" in house.done(*look)
    with served(house):
        house.done(*look)
        time.sleep(10)

    for kind, (about, sentence, to_do) in SAID.items():
        message = found[kind]
        assert message["about"] == about, message
        assert sentence in message["sentence"], message
        assert to_do in message["to_do"], message
    assert "5,000,000.00" in found["pledge"]["money"]
    keys = Counter(message["key"] for message in told)
    assert {*keys.values()} == {1}, keys


def make_trouble(house: House) -> None:
    """Let rain fail, flood age, level fall, a dispute begin and a pledge lack cover."""
    day = ("--as-of", "2026-06-01")
    write(house.home / "deployments", "level", head("level"), LEVEL)
    house.write(
        "level.csv", "gauge,value\n" + "".join(f"g{n},{n}\n" for n in range(20))
    )
    house.done("datafactor", "run", "rain", "level", "flood", *day)
    house.write("level.csv", "gauge,value\na,0\nb,0\nc,3\n")
    house.done("datafactor", "run", "level", "--as-of", "2026-06-02")
    house.write("rain.csv", BAD)
    assert house.run("datafactor", "run", "rain", *day).returncode == 1
    house.write("rain.csv", GOOD)
    claim = ("--number", "D-1", "--ground", "claims it", "--evidence", "COURT-7")
    house.done("datafactor", "dispute", "rain", "open", *claim, "--claimant", "A town")
    borrow = ("datafactor", "run", FLIGHTS, "--as-of", "2026-06-30")
    assert house.run(*borrow).returncode == 1
    (asked,) = house.json("approve")
    house.done("datafactor", "approve", asked["subject"][:12], **controller(house))
    house.done(*borrow)
    house.done("datafactor", "watch")


def test_a_run_whose_machine_died_is_crashed_and_told_in_the_stated_time(
    house: House, woken: tuple[str, Told]
) -> None:
    """Three heartbeats of 30 seconds, and half a minute for the server to look."""
    worker = ("prefect", "worker", "start", "--pool", "value-chain")
    with served(house):
        house.done("datafactor", "deploy")
        with process(house, *worker) as running:
            run = started(house, f"value-chain/{FLIGHTS}", as_of="2026-06-30")
            begun(house, run)
            killed(running.pid)
        died = time.monotonic()
        gone = finished(house, run, "Crashed")
        took = time.monotonic() - died
        message = until(woken[1], "crashed")["crashed"]

    assert took < 150  # 90 s by design, the rest for a busy machine
    assert "gave no sign of life for 90 s" in str(gone.state and gone.state.message)
    assert message["key"] == f"crashed/{run.id}"
    assert "press Retry" in message["to_do"]
    assert "store is sound" in house.done("datafactor", "verify")


def begun(house: House, run: FlowRun) -> None:
    """Wait until a run works."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with house.client as client:
            now = client.read_flow_run(run.id)
        if now.state and now.state.name == "Running":
            return
        time.sleep(0.1)
    raise AssertionError("the run did not begin")


def killed(pid: int) -> None:
    """Kill a worker and its runs, as a power cut does."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    for one in [pid, *map(int, listed.stdout.split())]:
        os.kill(one, signal.SIGKILL)
