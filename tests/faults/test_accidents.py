"""Killed or out of disk at a durable step: nothing half published, nothing lost."""

import json
import subprocess
import sys

import pytest

from tests.command import ROOT


def accidents(kind: str, flights: int, wanted: int) -> dict[str, int]:
    """Run the harness in a process of its own, since it forks."""
    command = [sys.executable, "-m", "tests.faults.harness", kind]
    done = subprocess.run(
        [*command, str(flights), str(wanted)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, int] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(("kind", "wanted"), [("kill", 4), ("full", 3)])
def test_accidents_leave_a_sound_store_and_the_rerun_ends_at_the_same_ids(
    kind: str, wanted: int
) -> None:
    assert accidents(kind, flights=300, wanted=wanted)["tried"] == wanted


@pytest.mark.proof
@pytest.mark.timeout(10_000)
@pytest.mark.parametrize("kind", ["kill", "full"])
def test_every_durable_step_may_fail(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = accidents(kind, flights=10_000, wanted=0)

    with capsys.disabled():
        print(f"\n{kind}: {said['tried']} of {said['steps']} durable steps, 0 failures")
    assert said["tried"] == said["steps"] >= 80
