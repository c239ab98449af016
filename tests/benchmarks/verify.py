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
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from sqlalchemy import select

from schemas.tables.columns import table_of
from schemas.tables.lineage import Artifact, Derivation, RunOutput, StageRun
from tasks import store
from tasks.store import Store, triggers
from tasks.store.database import reading, writing
from tasks.store.publish import GENESIS, link
from tests.benchmarks.lineage import Rows, opened, postgresql, sqlite, write

EACH = 1_000  # artifacts of a run
Figures = tuple[list[str], list[float], list[float], float]
AT = datetime(2026, 6, 30, tzinfo=UTC)


def body(number: int, ids: Sequence[str], sha256: str, size: int) -> str:
    """Write the body of a run, as the store would: canonical JSON."""
    known = {"sha256": sha256, "contract": "0" * 64, "rows": 1, "kind": "frame"}
    above = [{"role": "before", "id": id_of(number - 1, 0)}] if number else []
    said = {
        **{"task": "transform", "stage": "resource", "kind": "stage", "terms": {}},
        **{"status": "COMPLETE", "factor": "bench", "code": "0" * 64, "as_of": None},
        **{"inputs": above, "balances": [], "checks": [], "gates": []},
        **{"postings": [], "message": "", "who": "bench", "signer": "", "v": 1},
        **{"key": id_of(number, -1), "at": AT.isoformat()},
        "artifacts": [
            {
                **{"frame": f"resource@{n}", "bytes": size},
                **{"roles": None, "origin": None},
                "ref": {**known, "id": id, "name": f"resource@{n}"},
            }
            for n, id in enumerate(ids)
        ],
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def id_of(run: int, number: int) -> str:
    """Name an artifact."""
    return hashlib.sha256(f"{run} {number}".encode()).hexdigest()


def chained(s: Store, artifacts: int) -> Rows:
    """Write the rows of a store that is sound: runs made of one of the run before."""
    with store.scratch(s) as folder:
        part = folder / "part"
        part.write_bytes(b"the bytes of all")
        size = part.stat().st_size
        sha256 = store.place(s, part)
    rows: Rows = {t: [] for t in (StageRun, Artifact, RunOutput, Derivation)}
    prev, bytes_ = GENESIS, bytes.fromhex(sha256)
    for number in range(artifacts // EACH):
        ids = [id_of(number, n) for n in range(EACH)]
        text = body(number, ids, sha256, size)
        hash = link(prev, text)
        key, before, own = map(bytes.fromhex, (id_of(number, -1), prev, hash))
        said = ("COMPLETE", "resource", "transform", "stage", "bench", None, text, AT)
        rows[StageRun].append((number + 1, key, before, own, *said))
        parent = bytes.fromhex(id_of(number - 1, 0))
        for n, id in enumerate(map(bytes.fromhex, ids)):
            name = f"resource@{n}"
            rows[Artifact].append((id, bytes_, name, "frame", 1, size))
            rows[RunOutput].append((own, name, id, "0" * 64, *(None,) * 4))
            if number:
                rows[Derivation].append((id, parent, "before"))
        prev = hash
    return rows


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
