"""Kill a backup, a restore, a sweep and an erasure at every durable step they take.

Run as ``python -m tests.faults.keeping [KIND…]`` in a process of its own: ``harness``
says why.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from schemas.tables.columns import Row
from tasks import store
from tasks.store import Settings, steps
from tasks.store.backup import backup, present, read_header
from tasks.store.database import open_engine, reading, revision
from tasks.store.erase import sweep
from tasks.store.garbage import collect_garbage
from tasks.store.portable import check_tables
from tasks.store.restore import restore
from tests.faults.harness import die, in_child, stop_at, workshop
from tests.store.build import chain, made
from tests.store.conftest import settings_in
from tests.store.test_erase import recorded

RUNS, KEPT = 6, 6  # of the chain and the erasure: runs; files less the erased one


def asked(folder: Path, work: Callable[[], Any]) -> Any:  # Any: JSON
    """Do something in a child, that may compute, and give its answer."""
    report = folder / "asked.json"
    status = in_child(work, report)
    assert status == 0, report.read_text()
    return json.loads(report.read_text())


def killed_everywhere(
    folder: Path, work: Callable[[int], object], look: Callable[[int], None]
) -> int:
    """Kill work at its first step, its second, … until it ends; look after each.

    Both are told the step, so that each may have a folder of its own.
    """
    n = 0
    while True:
        n += 1

        def killed(n: int = n) -> None:
            steps.hook = stop_at(n, die)
            work(n)

        status = in_child(killed, folder / "killed.json")
        if os.WIFEXITED(status):
            assert status == 0, (folder / "killed.json").read_text()
            return n - 1
        look(n)


def prepared(folder: Path, *, erase: bool = True) -> Settings:
    """Make a store: a chain, an orphan, and a file that is erased and still there."""

    def make() -> None:
        s = store.opened(settings_in(folder))
        refs = chain(s, folder)
        made(s, "orphan", b"left by a crash")
        if erase:
            recorded(s, refs["flights"])

    folder.mkdir()
    asked(folder, make)
    return settings_in(folder)


def verdict(settings: Settings) -> tuple[int, int]:
    """Verify, and count the findings."""
    found = store.verify(store.opened(settings), settings.anchor)
    return found.exit, len(found.findings)


def rows(settings: Settings) -> list[str]:
    with reading(store.opened(settings).engine) as c:
        tables = (c.execute(select(t)) for t in Row.metadata.sorted_tables)
        return sorted(repr(tuple(row)) for table in tables for row in table)


def backups(folder: Path) -> int:
    """The last backup stays whole, and the next one mends what was left."""
    mine = prepared(folder / "a")

    def save(n: int) -> Any:
        return backup(store.opened(mine), folder / f"backup-{n}").model_dump(
            mode="json"
        )

    def look(n: int) -> None:
        target = folder / f"backup-{n}"
        for _ in range(2):  # as it was left, and mended
            if header := read_header(target, finished=False):  # whole, or not there
                check_tables(target / header.state, header.tables)
                assert len([*target.glob("objects/??/*")]) == KEPT, n
            said = asked(folder, lambda: save(n))
        assert (said["fresh"], said["missing"], said["objects"]) == (0, [], KEPT)
        assert len([*target.glob("state-*")]) == 1

    return killed_everywhere(folder, save, look)


def restores(folder: Path) -> int:
    """What is left is no store yet, or all of it; asked again it goes on."""
    mine, target = prepared(folder / "b"), folder / "saved"
    asked(folder, lambda: backup(store.opened(mine), target).runs)
    before = asked(folder, lambda: rows(mine))

    def machine(n: int) -> Settings:
        return settings_in(folder / f"there-{n}", key=str(mine.key))

    def bring(n: int) -> list[str]:
        assert restore(machine(n), target).findings.exit == 4  # what was erased
        return rows(machine(n))

    def look(n: int) -> None:
        def made() -> bool:
            with reading(open_engine(machine(n).database)) as c:
                return revision(c) is not None

        again = (lambda: rows(machine(n))) if asked(folder, made) else lambda: bring(n)
        assert asked(folder, again) == before, n

    return killed_everywhere(folder, bring, look)


def sweeps(folder: Path) -> int:
    """Nothing that is named goes, and what was erased is told all the time."""
    prepared(folder / "c")

    def mine(n: int) -> Settings:
        if not (folder / f"c-{n}").exists():
            shutil.copytree(folder / "c", folder / f"c-{n}")
        return settings_in(folder / f"c-{n}")

    def free(n: int) -> int:
        s = store.opened(mine(n))
        collect_garbage(s, grace=-60)
        return len(present(s))

    def look(n: int) -> None:
        assert asked(folder, lambda: verdict(mine(n))) == [4, 1]
        assert asked(folder, lambda: free(n)) == KEPT

    return killed_everywhere(folder, free, look)


def erasures(folder: Path) -> int:
    """Killed before its record is kept nothing is gone; after it, it is told."""
    mine = prepared(folder / "d", erase=False)

    def erase(_: int) -> None:
        s = store.opened(mine)
        id = next(r.refs["flights"].id for r in store.runs(s, task="collect"))
        ref = store.resolve(s, id)
        if not store.runs(s, task="erase"):
            recorded(s, ref)
        sweep(s)

    def look(n: int) -> None:
        def count() -> tuple[bool, int]:
            return bool(store.runs(store.opened(mine), task="erase")), len(
                present(store.opened(mine))
            )

        known, kept = asked(folder, count)
        exit, _ = asked(folder, lambda: verdict(mine))
        assert exit == (4 if known else 0), n
        assert known or kept >= RUNS, n

    tried = killed_everywhere(folder, erase, look)
    assert asked(folder, lambda: verdict(mine)) == [4, 1]
    return tried


if __name__ == "__main__":
    with workshop(1) as made_in:
        kinds = {kind.__name__: kind for kind in (backups, restores, sweeps, erasures)}
        asked_for = sys.argv[1:] or [*kinds]
        print(json.dumps({name: kinds[name](made_in) for name in asked_for}))
