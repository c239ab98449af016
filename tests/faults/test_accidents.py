"""Killed or out of disk at a durable step: nothing is half published, nothing is lost."""

import os
from pathlib import Path

import pytest

from tests.faults.harness import (
    chain_ids,
    count_steps,
    die,
    disk_full,
    in_child,
    resumed,
    stop_at,
    verified,
    workshop,
)


def some(total: int, wanted: int) -> list[int]:
    """Choose steps spread over the whole run, the first and the last among them."""
    return sorted({1 + round(i * (total - 1) / (wanted - 1)) for i in range(wanted)})


def accidents(flights: int, wanted: int | None, kind: str) -> int:
    """Stop at the steps, verify before any repair, run again, compare the ids."""
    with workshop(flights) as folder:
        total, ids = count_steps(folder)
        chosen = range(1, total + 1) if wanted is None else some(total, wanted)
        for n in chosen:
            accident(folder, n, kind)
            verified(folder, f"{kind}-{n}")
            assert resumed(folder, f"{kind}-{n}") == ids, f"step {n} of {total}"
        return len(chosen)


def accident(folder: Path, n: int, kind: str) -> None:
    """Let one run end badly at step ``n``."""
    home = f"{kind}-{n}"
    hook = stop_at(n, die if kind == "kill" else disk_full)
    report = folder / f"{home}.json"
    status = in_child(lambda: chain_ids(folder, home, hook), report)
    if kind == "kill":
        assert os.WIFSIGNALED(status), f"step {n} did not kill: {report.read_text()}"
    else:
        assert os.WEXITSTATUS(status) == 1, f"step {n} went on with a full disk"
        assert "No space left" in report.read_text()


@pytest.mark.parametrize("kind", ["kill", "full"])
def test_ten_accidents_leave_a_sound_store_and_the_rerun_ends_at_the_same_ids(
    kind: str,
) -> None:
    assert accidents(300, 10, kind) == 10


@pytest.mark.proof
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("kind", ["kill", "full"])
def test_every_durable_step_may_fail(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = accidents(10_000, None, kind)

    with capsys.disabled():
        print(f"\n{kind}: {tried} of {tried} durable steps, 0 failures")
    assert tried >= 80
