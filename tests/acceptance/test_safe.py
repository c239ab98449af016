"""Others read nothing of a house, and its secrets stand nowhere but where they must."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flows.ui import serving
from tests.archive import small_archive
from tests.command import ROOT, Said, afresh, environment
from tests.house import FLIGHTS, free_port

PLANTED = "pLanted5ecret0f32charactersAndMore"


def test_nothing_below_a_home_is_open_to_others(tmp_path: Path) -> None:
    """With the widest umask: what is made private does not rest on it."""
    small_archive(tmp_path / "data")
    before = os.umask(0)
    try:
        said = afresh(
            *("run", FLIGHTS, "--as-of", "2026-06-30"),
            home=tmp_path,
            data=tmp_path / "data",
        )
    finally:
        os.umask(before)
    assert said.exit == 0, said.err

    home = tmp_path / "store"  # heads and public keys of the anchor are for others
    places = [home, *home.rglob("*"), tmp_path / "anchor", tmp_path / "signing.key"]
    open_ones = [p for p in places if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert len(places) > 50
    assert [str(p.relative_to(tmp_path)) for p in open_ones] == []


def test_a_server_of_ours_asks_for_its_auth_string(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with serving(free_port(), f"house:{PLANTED}") as url:
        asked = [
            httpx.get(f"{url}/version", auth=auth, timeout=30).status_code
            for auth in (None, ("house", "wrong"), ("house", PLANTED))
        ]

    assert asked == [401, 401, 200]


def test_a_secret_of_the_server_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment comes first; where nobody has it, the sentence says where."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    script = (
        "from prefect.blocks.system import Secret;"
        f"Secret(value='{PLANTED}').save('datafactor-cohort-key', _sync=True)"
    )
    with serving(free_port()) as url:
        asked = {"PREFECT_API_URL": url}
        before = read(tmp_path, **asked)
        python(tmp_path, script, **asked)
        after = read(tmp_path, **asked)
        first = read(tmp_path, DATAFACTOR_SECRET_COHORT_KEY="e" * 40, **asked)

    assert "the key cohort_key is not set" in before.err
    assert after.out.strip() == str(len(PLANTED))
    assert first.out.strip() == "40"


def read(home: Path, **env: str) -> Said:
    """Say how long the key is, in a process of its own."""
    return python(
        home,
        "import flows.stages; from tasks.store import secret;"
        "print(len(secret('cohort_key')))",
        **env,
    )


def python(home: Path, script: str, **env: str) -> Said:
    """Run a line of Python as a process of the house."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(home) | {"PYTHONPATH": str(ROOT)} | env,
    )
    return Said(done.returncode, done.stdout, done.stderr)
