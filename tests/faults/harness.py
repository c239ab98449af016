"""Stop the chain at a chosen durable step, in a forked child, and look at what is left.

Run as ``python -m tests.faults.harness KIND FLIGHTS STEPS`` in a process of its own: a
parent that has computed with Polars or runs threads cannot be forked, so the stages,
whose contracts are compiled on import, are imported in the child only.
"""

import errno
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import prefect  # noqa: F401 - imported once here, not in every child

from flows.demo import AS_OF, FACTOR
from tasks import store
from tasks.store import steps
from tests.archive import small_archive
from tests.builders import temporary_store

Ids = dict[str, dict[str, str]]


@contextmanager
def workshop(flights: int) -> Iterator[Path]:
    """Make a folder with data in memory: a SIGKILL does not need a real disk."""
    memory = Path("/dev/shm")  # noqa: S108,RUF100 - where the platform has it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        small_archive(Path(made) / "data", flights)
        yield Path(made)


def in_child(work: Callable[[], Any], report: Path) -> int:
    """Run ``work`` in a forked child that writes its answer; return the exit status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            report.write_text(json.dumps(work()))
            code = 0
        except BaseException as error:
            report.write_text(json.dumps({"error": repr(error)}))
            if not isinstance(error, Exception):
                traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status


def chain_ids(folder: Path, home: str, hook: Callable[[str], None]) -> Ids:
    """Run the chain with a hook at its durable steps; return its artifact ids."""
    from flows.value_chain import value_chain

    steps.hook = hook
    with temporary_store(folder / home, DATAFACTOR_DATA=str(folder / "data")):
        chain = value_chain.fn(FACTOR, AS_OF)
    return {s: {n: r.id for n, r in refs.items()} for s, refs in chain.frames.items()}


def count_steps(folder: Path) -> tuple[int, Ids]:
    """Run the chain unharmed; count the steps and keep the ids."""

    def work() -> dict[str, Any]:
        passed: list[str] = []
        ids = chain_ids(folder, "unharmed", passed.append)
        return {"steps": len(passed), "ids": ids}

    report = folder / "unharmed.json"
    assert in_child(work, report) == 0, report.read_text()
    said = json.loads(report.read_text())
    return said["steps"], said["ids"]


def stop_at(n: int, how: Callable[[], None]) -> Callable[[str], None]:
    """Make a hook that acts at the n-th step."""
    passed = 0

    def hook(_: str) -> None:
        nonlocal passed
        passed += 1
        if passed == n:
            how()

    return hook


def die() -> None:
    """End the process as a power cut of the program would."""
    os.kill(os.getpid(), signal.SIGKILL)


def disk_full() -> None:
    """Fail as a write on a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def verified(folder: Path, home: str) -> int:
    """Verify a store in a child, as another process would find it."""

    def work() -> dict[str, Any]:
        with temporary_store(folder / home) as s:
            found = store.verify(s)
            return {"exit": found.exit, "said": [f.sentence for f in found.findings]}

    report = folder / f"{home}.verify.json"
    assert in_child(work, report) == 0, report.read_text()
    said = json.loads(report.read_text())
    assert said["exit"] == 0, said["said"]
    return int(said["exit"])


def resumed(folder: Path, home: str) -> Ids:
    """Run the chain again after the accident, in a child; return its ids."""
    report = folder / f"{home}.again.json"
    status = in_child(lambda: chain_ids(folder, home, lambda _: None), report)
    assert status == 0, report.read_text()
    ids: Ids = json.loads(report.read_text())
    return ids


def some(total: int, wanted: int) -> list[int]:
    """Choose steps spread over the whole run, the first and the last among them."""
    return sorted({1 + round(i * (total - 1) / (wanted - 1)) for i in range(wanted)})


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
        assert "No space left" in report.read_text(), report.read_text()


def accidents(kind: str, flights: int, wanted: int) -> dict[str, int]:
    """Stop at steps, verify before any repair, run again, compare the ids.

    Args:
        wanted: How many steps, spread over the run; 0 for every one of them.
    """
    with workshop(flights) as folder:
        total, ids = count_steps(folder)
        chosen = some(total, wanted) if wanted else range(1, total + 1)
        for n in chosen:
            home = f"{kind}-{n}"
            accident(folder, n, kind)
            verified(folder, home)
            assert resumed(folder, home) == ids, f"{kind} at step {n} of {total}"
            shutil.rmtree(folder / home)
        return {"steps": total, "tried": len(chosen)}


if __name__ == "__main__":
    print(json.dumps(accidents(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
