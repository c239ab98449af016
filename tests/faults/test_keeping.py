"""A backup, a restore, a sweep and an erasure, killed anywhere, leave nothing half."""

import json
import subprocess
import sys

import pytest

from tests.command import ROOT


def killed(*kinds: str) -> dict[str, int]:
    """Kill at every step, in a process of its own, since it forks; count the kills."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.keeping", *kinds],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, int] = json.loads(done.stdout)
    return said


def test_an_erasure_may_be_killed_at_every_durable_step() -> None:
    assert killed("erasures")["erasures"] >= 10


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_keeping_a_store_may_be_killed_at_every_durable_step() -> None:
    tried = killed()

    assert tried.keys() == {"backups", "restores", "sweeps", "erasures"}
    # Six files are among the steps of a backup and of a restore.
    assert min(tried["backups"], tried["restores"]) >= 11
    assert tried["sweeps"] >= 6
