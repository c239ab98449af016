"""A backup, a restore, a sweep and an erasure, killed anywhere, leave nothing half."""

import json
import subprocess
import sys

from tests.command import ROOT


def test_keeping_a_store_may_be_killed_at_every_durable_step() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.keeping"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)
    assert min(tried.values()) >= 2
    assert min(tried["backups"], tried["restores"]) >= 11  # six files among the steps
