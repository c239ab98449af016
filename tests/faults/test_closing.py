"""One set of entries: a close killed at a durable step, or closed by many at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.close_period import closed_row
from flows.demo import AS_OF, FACTOR
from flows.market import rows_of
from flows.value_chain import value_chain
from schemas.registers import JournalLine
from tasks import store
from tests.builders import temporary_store
from tests.command import ROOT, begun, environment
from tests.june import ENTITY, PERIOD, laid_out


def killed(wanted: int) -> dict[str, int]:
    """Run the harness in a process of its own, since it forks."""
    command = [sys.executable, "-m", "tests.faults.closing", str(wanted)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, int] = json.loads(done.stdout)
    return said


def test_a_close_that_is_killed_ends_at_the_same_entries() -> None:
    assert killed(wanted=3)["tried"] == 3


@pytest.mark.proof
@pytest.mark.timeout(5_000)
def test_every_durable_step_of_a_close_may_be_the_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = killed(wanted=0)

    with capsys.disabled():
        print(f"\nclose: {said['tried']} of {said['steps']} durable steps, 0 failures")
    assert said["tried"] == said["steps"] >= 40


@pytest.mark.parametrize(
    "many", [2, pytest.param(8, marks=[pytest.mark.proof, pytest.mark.timeout(1_000)])]
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_that_close_at_once_end_at_one_set_of_entries(
    kind: str, many: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = environment(tmp_path) | laid_out(tmp_path)
    if kind == "postgresql":
        env["DATAFACTOR_DATABASE"] = request.getfixturevalue("postgres_database")
    mine = {n: v for n, v in env.items() if n.startswith("DATAFACTOR_")}
    with temporary_store(tmp_path, **mine):
        value_chain.fn(FACTOR, AS_OF)
    all_of_them = [
        begun("close", ENTITY, PERIOD, "--json", home=tmp_path, data=None, **mine)
        for _ in range(many)
    ]
    said = [ended() for ended in all_of_them]

    assert [one.exit for one in said] == [0] * many, [one.err for one in said]
    told = [one.data for one in said]
    assert len({(t["entries"], t["trial_balance_sha256"]) for t in told}) == 1
    with temporary_store(tmp_path, **mine) as s:
        lines = rows_of(JournalLine, entity=ENTITY)
        row = closed_row(ENTITY, PERIOD)
        assert store.verify(s).exit == 0
    charged = [n["amount_fen"] for n in lines if n["event"] == "amortise"]
    assert sorted(map(abs, charged)) == [abs(charged[0])] * 2
    assert row
    assert row["entries"] == len({n["entry"] for n in lines})
