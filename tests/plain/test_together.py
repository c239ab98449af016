"""Two runs of one factor at once, on both databases: one result."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.archive import small_archive
from tests.command import ROOT, datafactor, environment

RUN = ("run", "flight-disruption", "--as-of", "2026-06-30", "--json")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_runs_at_once_end_at_one_result(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    small_archive(tmp_path / "data", 500)
    env = environment(tmp_path, tmp_path / "data")
    if kind == "postgresql":
        env["DATAFACTOR_DATABASE"] = request.getfixturevalue("postgres_database")
    command = [sys.executable, "-m", "flows.cli", *RUN]

    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [p.communicate(timeout=120) for p in both]

    assert [p.returncode for p in both] == [0, 0], [err for _, err in said]
    # Left empty, the setting keeps its default.
    url = env.get("DATAFACTOR_DATABASE", "")
    checked = datafactor("verify", "--json", home=tmp_path, DATAFACTOR_DATABASE=url)
    runs = datafactor(
        *("show", "flight-disruption", "--json"), home=tmp_path, DATAFACTOR_DATABASE=url
    ).data
    stages = [r["title"] for r in runs if r["kind"] == "stage"]
    assert checked.exit == 0, checked.out
    assert checked.data["examined"]["PledgeRow"] == 1
    assert sorted(stages) == sorted(set(stages)), "a stage was published twice"
