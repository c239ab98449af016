"""Two runs of one factor at once, on both databases: one result."""

from pathlib import Path
from typing import Any

import pytest

from tests.archive import small_archive
from tests.command import begun, datafactor

RUN = ("run", "flight-disruption", "--as-of", "2026-06-30", "--json")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_runs_at_once_end_at_one_result(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    small_archive(tmp_path / "data", 500)
    database = request.getfixturevalue("postgres_database") if kind != "sqlite" else ""
    # Left empty, the setting keeps its default.
    env: dict[str, Any] = {"DATAFACTOR_DATABASE": database}

    both = [begun(*RUN, home=tmp_path, data=tmp_path / "data", **env) for _ in range(2)]
    said = [ended() for ended in both]

    assert [one.exit for one in said] == [0, 0], [one.err for one in said]
    checked = datafactor("verify", "--json", home=tmp_path, **env)
    runs = datafactor("show", "flight-disruption", "--json", home=tmp_path, **env).data
    stages = [r["title"] for r in runs if r["kind"] == "stage"]
    assert checked.exit == 0, checked.out
    assert checked.data["examined"]["PledgeRow"] == 1
    assert sorted(stages) == sorted(set(stages)), "a stage was published twice"
