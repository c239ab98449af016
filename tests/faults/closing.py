"""Kill the close of a month at a durable step, in a forked child; close it again.

Run as ``python -m tests.faults.closing STEPS`` in a process of its own, as the harness
beside it. What stands afterwards is what an unharmed close has posted.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prefect  # noqa: F401 - imported once here, not in every child

from flows.demo import AS_OF, FACTOR
from tasks import store
from tasks.store import steps
from tests.builders import temporary_store
from tests.faults.harness import die, in_child, some, stop_at, workshop
from tests.june import ENTITY, PERIOD, laid_out, places

Rows = list[list[str]]


def closed(folder: Path, home: str, hook: Callable[[str], None]) -> Rows:
    """Close the month with a hook at its durable steps; give what stands then."""
    from flows.close_period import close_period
    from flows.market import rows_of
    from schemas.registers import JournalLine, PeriodClose

    with temporary_store(folder / home, **places(folder)) as s:
        steps.hook = hook
        close_period.fn(ENTITY, PERIOD)
        steps.hook = lambda _: None
        rows = [*rows_of(JournalLine), *rows_of(PeriodClose)]
        assert store.verify(s).exit == 0
    return [[str(row[n]) for n in sorted(row)] for row in rows]


def answered(work: Callable[[], Any], report: Path) -> Any:  # Any: JSON
    """Do some work in a child that must not fail."""
    assert in_child(work, report) == 0, report.read_text()
    return json.loads(report.read_text())


def made(folder: Path) -> None:
    """Run the chain once; every attempt begins with a copy of its store."""

    def work() -> None:
        from flows.value_chain import value_chain

        with temporary_store(folder / "made", **laid_out(folder)):
            value_chain.fn(FACTOR, AS_OF)

    answered(work, folder / "made.json")


def unharmed(folder: Path) -> tuple[int, Rows]:
    """Close once without harm; count the steps."""
    shutil.copytree(folder / "made", folder / "unharmed")

    def work() -> dict[str, Any]:
        passed: list[str] = []
        rows = closed(folder, "unharmed", passed.append)
        return {"steps": len(passed), "rows": rows}

    said = answered(work, folder / "unharmed.json")
    return said["steps"], said["rows"]


def attempt(folder: Path, n: int) -> Rows:
    """Let one close die at step ``n``; give what stands after another one."""
    home = f"kill-{n}"
    report = folder / f"{home}.json"
    shutil.copytree(folder / "made", folder / home)
    status = in_child(lambda: closed(folder, home, stop_at(n, die)), report)
    assert os.WIFSIGNALED(status), f"step {n} did not kill"
    rows: Rows = answered(lambda: closed(folder, home, lambda _: None), report)
    shutil.rmtree(folder / home)
    return rows


def killed(wanted: int) -> dict[str, int]:
    """Kill at steps, close again, compare what stands.

    Args:
        wanted: How many steps, spread over the close; 0 for every one of them.
    """
    with workshop(300) as folder:
        made(folder)
        total, rows = unharmed(folder)
        chosen = some(total, wanted) if wanted else range(1, total + 1)
        for n in chosen:
            assert attempt(folder, n) == rows, f"killed at step {n} of {total}"
        return {"steps": total, "tried": len(chosen), "rows": len(rows)}


if __name__ == "__main__":
    print(json.dumps(killed(int(sys.argv[1]))))
