"""Time ``verify`` over the rows of a million artifacts, in runs of a thousand.

All artifacts share the bytes of one file: the rows are what is timed, not the disk.
Each artifact derives from one of the run before; the chain is a true one, and the store
must be found sound. Beside it stands the least that any verifier does: read the bodies,
hash the chain, parse them as JSON. Run: ``python -m tests.benchmarks.verify
[ARTIFACTS] [sqlite|postgresql]``.
"""

import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

from sqlalchemy import select

from schemas.artifact import ArtifactRef, Input, Made, Publication, Stage
from schemas.tables.columns import Row, table_of
from schemas.tables.lineage import StageRun
from tasks import store
from tasks.store import Store, triggers
from tasks.store.database import reading, writing
from tasks.store.publish import GENESIS, body_text, link, projections, run_row
from tests.benchmarks.lineage import Rows, opened, postgresql, sqlite, write

EACH = 1_000  # artifacts of a run
Figures = tuple[list[str], list[float], list[float], float]
AT = datetime(2026, 6, 30, tzinfo=UTC)


def runs(artifacts: int, sha256: str, size: int) -> Iterator[Publication]:
    """Make runs of a thousand artifacts, each made of one of the run before."""
    above: tuple[Input, ...] = ()
    for number in range(artifacts // EACH):
        ids = [
            hashlib.sha256(f"{number} {n}".encode()).hexdigest() for n in range(EACH)
        ]
        known: dict[str, Any] = {"sha256": sha256, "contract": "0" * 64}
        known |= {"rows": 1, "kind": "frame"}
        made = tuple(
            Made(
                frame=f"resource@{n}",
                ref=ArtifactRef(id=id, name=f"resource@{n}", **known),
                bytes=size,
            )
            for n, id in enumerate(ids)
        )
        yield Publication(
            task="transform",
            stage=Stage.RESOURCE,
            status="COMPLETE",
            factor="bench",
            key=hashlib.sha256(f"run {number}".encode()).hexdigest(),
            code="0" * 64,
            terms={},
            inputs=above,
            artifacts=made,
        )
        above = (Input(role="before", id=ids[0]),)


def chained(s: Store, artifacts: int) -> Rows:
    """Write the rows of a store that is sound."""
    with store.scratch(s) as folder:
        part = folder / "part"
        part.write_bytes(b"the bytes of all")
        size = part.stat().st_size
        sha256 = store.place(s, part)
    rows: Rows = {}
    prev = GENESIS
    for seq, said in enumerate(runs(artifacts, sha256, size), 1):
        text = body_text(said, "bench", AT)
        hash = link(prev, text)
        row = run_row(said, text, AT) | {"seq": seq, "prev": prev, "hash": hash}
        told: dict[type[Row], list[Any]] = {StageRun: [row], **projections(said, hash)}
        for table, found in told.items():
            columns = [*table_of(table).c]
            lines = rows.setdefault(table, [])
            for one in found:
                cells = [(one[column.name], column) for column in columns]
                lines.append(tuple(stored(cell, c.type) for cell, c in cells))
        prev = hash
    return {table: found for table, found in rows.items() if found}


def stored(cell: object, type: object) -> object:
    """Write a digest as the bytes that the tables hold."""
    known = isinstance(cell, str) and type.__class__.__name__ == "Digest"
    return bytes.fromhex(str(cell)) if known else cell


def clocks() -> list[float]:
    """Read the clock of the wall and that of the processor."""
    return [time.perf_counter(), time.process_time()]


def since(begun: list[float]) -> list[float]:
    """Count the seconds on both clocks."""
    return [now - then for now, then in zip(clocks(), begun, strict=True)]


def least(s: Store) -> list[float]:
    """Read and hash every body, parse it, and do no more."""
    begun = clocks()
    run = table_of(StageRun).c
    prev = GENESIS
    with reading(s.engine) as c:
        for text, hash in c.execute(select(run.body, run.hash).order_by(run.seq)):
            prev = link(prev, text)
            assert prev == hash
            json.loads(text)
    return since(begun)


def verified(home: Path, database: str) -> Figures:
    """Verify in a process of its own: findings, seconds, the least, peak in MB."""
    s = opened(home, database)
    floor = least(s)
    begun = clocks()
    found = store.verify(s)
    spent = since(begun)
    said = [finding.sentence for finding in found.findings]
    return said, spent, floor, getrusage(RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Fill and verify each database in turn."""
    artifacts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    wanted = sys.argv[2:] or ["sqlite"]
    for database in (sqlite, postgresql):
        if database.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as s:
            write(s, rows := chained(s, artifacts))
            counts = ", ".join(f"{len(r):,} {t.__name__}" for t, r in rows.items())
            rows.clear()
            with writing(s.engine) as c:
                triggers.install(c)
            gc.collect()
            url = "" if database is sqlite else s.settings.database
            with ProcessPoolExecutor(1, get_context("spawn")) as apart:
                asked = apart.submit(verified, s.settings.home, url)
                said, spent, floor, peak = asked.result()
            print(f"{database.__name__}: {counts}; findings {said[:3]}")
            ratio = spent[1] / floor[1]
            print(f"  verify {spent[0]:.1f} s ({spent[1]:.1f} s of CPU), {ratio:.1f}")
            print(f"  times the least, {floor[0]:.1f} s ({floor[1]:.1f} s of CPU)")
            print(f"  peak of the process {peak:,.0f} MB")


if __name__ == "__main__":
    main()
