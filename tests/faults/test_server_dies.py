"""The Prefect server dies as the last stage is published: the store is what counts."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import NullPool, create_engine, inspect, text

from flows.ui import wait_until_healthy
from tests.house import House, opened

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1500)]
RUN = ("run", "rain", "--as-of", "2026-06-01")
PLAIN = {"PREFECT_API_URL": ""}
PATIENCE = 900  # Prefect's client asks each thing six times, ever more slowly


def test_a_server_that_dies_at_the_last_step_and_comes_back_is_told_the_end(
    tmp_path: Path,
) -> None:
    """Twenty seconds without a server cost twenty seconds, and no run."""
    with opened(tmp_path) as house:
        with asked(house, begun(house)) as running:
            published(house, "classify")
            running.server.kill()
            time.sleep(20)
            with begun(house) as server:
                said, _ = running.caller.communicate(timeout=PATIENCE)
                with house.client as client:
                    (run,) = client.read_flow_runs()
                server.terminate()
            assert running.caller.returncode == 0, said
        assert run.state
        assert run.state.name == "Completed"
        sound(house)


def test_a_server_that_stays_away_loses_nothing_that_was_published(
    tmp_path: Path,
) -> None:
    """The caller waits for it, then fails; a run without it finds all stages done."""
    with opened(tmp_path) as house:
        with asked(house, begun(house)) as running:
            published(house, "classify")
            running.server.kill()
            died = time.monotonic()
            said, _ = running.caller.communicate(timeout=PATIENCE)
            print(f"the caller ended after {time.monotonic() - died:.0f} s")
        assert running.caller.returncode == 1, said
        assert "the Prefect server does not answer; what was published stands" in said
        sound(house)


def sound(house: House) -> None:
    """Run once more without a server: nothing is made anew, nothing has failed."""
    again = house.run("datafactor", *RUN, "--json", **PLAIN)
    assert again.returncode == 0, again.stderr
    stages = json.loads(again.stdout)["data"]["stages"]
    assert stages
    assert all(stage["reused"] for stage in stages), stages
    failed = house.run("datafactor", "show", "--failed", "--json", **PLAIN)
    assert not json.loads(failed.stdout)["data"], failed.stdout
    assert house.run("datafactor", "verify", **PLAIN).returncode == 0


def begun(house: House) -> "subprocess.Popen[bytes]":
    """Start the Prefect server of a house, for somebody to kill."""
    url = house.env["PREFECT_API_URL"]
    port = url.rpartition(":")[2].removesuffix("/api")
    with (house.home / "server.log").open("a") as told:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--port", port],
            cwd=house.home,
            env=house.env,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    wait_until_healthy(url)
    return server


class Running(NamedTuple):
    """A server, and who called it."""

    server: "subprocess.Popen[bytes]"
    caller: "subprocess.Popen[str]"


@contextmanager
def asked(house: House, server: "subprocess.Popen[bytes]") -> Iterator[Running]:
    """Run rain on a server, as a person in a terminal does."""
    caller = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *RUN],
        cwd=house.home,
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with server, caller:
        try:
            yield Running(server, caller)
        finally:
            caller.kill()
            server.kill()


def published(house: House, task: str) -> None:
    """Wait until the store holds a complete run of a task."""
    engine = create_engine(house.env["DATAFACTOR_DATABASE"], poolclass=NullPool)
    asked = text("SELECT count(*) FROM stagerun WHERE body LIKE :like")
    like = {"like": f'%"task":"{task}"%'}
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with engine.connect() as c:
            made = inspect(c).has_table("stagerun")
            if made and c.execute(asked, like).scalar():
                return
        time.sleep(0.02)
    raise AssertionError(f"{task} was not published")
