"""Several machines over one database and one bucket, each with a home of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from tasks import store
from tasks.store import Store
from tests import bucket as s3
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT

MACHINES = 3
RUN = """
import sys
from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
print("ready", flush=True)
sys.stdin.readline()
value_chain.fn(FACTOR, AS_OF)
"""
Ids = dict[tuple[str, str], str]  # task and frame -> artifact


@pytest.fixture(scope="module")
def bucket_url() -> Iterator[str]:
    with s3.server() as known, s3.named(known):
        yield f"{s3.made(known['AWS_ENDPOINT_URL'])}/house"


def ids(s: Store) -> Ids:
    return {
        (run.publication.task, made.frame): made.ref.id
        for run in store.runs(s)
        for made in run.publication.artifacts
    }


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_machines_that_run_one_factor_at_once_make_it_once(
    postgres_database: str, bucket_url: str, tmp_path: Path
) -> None:
    """With the ids of one machine and a folder; who comes later computes nothing."""
    data = tmp_path / "data"
    data.mkdir()
    small_archive(data)
    with temporary_store(tmp_path / "one", DATAFACTOR_DATA=str(data)) as s:
        value_chain.fn(FACTOR, AS_OF)
        expected, runs = ids(s), len(store.runs(s))
    shared = {
        "DATAFACTOR_DATABASE": postgres_database,
        "DATAFACTOR_OBJECTS": bucket_url,
        "DATAFACTOR_DATA": str(data),
        "DATAFACTOR_KEY": str(tmp_path / "key"),
        "DATAFACTOR_ANCHOR": str(tmp_path / "anchor"),
    }

    machines = [machine(tmp_path / f"m{n}", shared) for n in range(MACHINES)]
    for one in machines:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in machines:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate(timeout=300) for one in machines]

    assert [one.returncode for one in machines] == [0] * MACHINES, said
    with temporary_store(tmp_path / "later", **shared) as s:
        assert ids(s) == expected
        assert store.verify(s, s.settings.anchor).exit == 0
        before = [run.publication for run in store.runs(s)]
        assert len(before) == runs
        value_chain.fn(FACTOR, AS_OF)
        assert [run.publication for run in store.runs(s)] == before


def machine(home: Path, shared: dict[str, str]) -> "subprocess.Popen[str]":
    """Start one that waits for the word."""
    env = {**os.environ, **shared, "DATAFACTOR_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**env, "DATAFACTOR_USER": "tester"},
    )
