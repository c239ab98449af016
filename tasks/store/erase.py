"""Find the bytes behind names, and remove those that the register says are erased."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, func, select

from schemas.artifact import Hex, Kind
from schemas.errors import SourceError, StoreError
from schemas.resource import OUTSIDE
from schemas.tables.columns import table_of
from schemas.tables.lineage import Artifact, ErasureRow
from schemas.tables.pledge import CollateralRootRow, PledgeEventRow, PledgeRow
from tasks.store import registers
from tasks.store.database import reading, writing
from tasks.store.erased import gone_hashes, why_gone
from tasks.store.lineage import (
    OUTPUTS,
    RUNS,
    among,
    made,
    out,
    reached,
    run,
    yielded,
)
from tasks.store.manifest import members
from tasks.store.place import Store, digest, held, locate, path, remove
from tasks.store.refs import resolve
from tasks.store.steps import failpoint

erasure = table_of(ErasureRow).c
# What a reader is told of an artifact, by the run that yielded it last.
TOLD = (run.factor, run.stage, out.frame, out.path, out.file_sha256, out.member)


class Doomed(BaseModel):
    """Bytes that may be erased, under all names that share them."""

    model_config = ConfigDict(frozen=True)

    sha256: Hex
    name: str
    factor: str
    kind: Kind
    rows: int
    bytes: int
    ids: tuple[Hex, ...]
    places: tuple[str, ...]  # raw files that hold them still, in the data folder


def doomed(s: Store, starts: Sequence[str]) -> list[Doomed]:
    """List the bytes of artifacts; of a manifest those of its parts; erased ones not.

    Args:
        s: The store.
        starts: Ids, as ``resolve`` or ``every`` find them for a name.

    Raises:
        StoreError: Rows of one stand in a register.
    """
    hashes = _hashes(s, starts)
    with reading(s.engine) as c:
        gone = gone_hashes(c)
        # Nothing is in a frame without rows, and many are the same bytes.
        query = yielded(*made, *TOLD).join(Artifact, made.id == out.artifact)
        query = query.where((made.kind != "frame") | (made.rows > 0))
        rows = among(c, query, made.sha256, [h for h in hashes if h not in gone])
        _refuse_posted(c, rows)
    found: dict[str, list[dict[str, Any]]] = {}  # rows
    for row in rows:
        found.setdefault(row["sha256"], []).append(row)
    return [_doomed(s, same) for same in found.values()]


def _hashes(s: Store, starts: Sequence[str]) -> list[str]:
    parts = (part for id in starts for part in members(s, resolve(s, id)))
    return list(dict.fromkeys(part.sha256 for part in parts))


def _refuse_posted(c: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Refuse to erase what the books, or any register, are rebuilt from."""
    told = ("factor", "stage", "frame")
    names = {row["id"]: "/".join(row[n] for n in told) for row in rows}
    for table in registers.TABLES.values():
        column = table_of(table).c.artifact
        posted = among(c, select(column).distinct(), column, [*names])
        for row in posted:
            raise StoreError(
                f"{names[row['artifact']]} ({row['artifact'][:12]}) is posted: its rows"
                f" stand in {table.__name__}, which is kept by law; correct them there"
            )


def _doomed(s: Store, rows: Sequence[dict[str, Any]]) -> Doomed:
    newest = rows[0]
    files = {(r["path"], r["file_sha256"], r["member"]) for r in rows if r["path"]}
    return Doomed(
        name="/".join((newest["factor"], newest["stage"], newest["frame"])),
        ids=tuple(dict.fromkeys(row["id"] for row in rows)),
        places=tuple(sorted(still_lying(s, files))),
        **{n: newest[n] for n in ("sha256", "factor", "kind", "rows", "bytes")},
    )


def still_lying(s: Store, files: set[tuple[str, str, str]]) -> list[str]:
    """List the raw files that are still what was collected, ``path!member``.

    What came from outside is named without a look: its owner must be asked.
    """
    found = []
    for place, sha256, member in files:
        with suppress(SourceError, OSError):
            if place.startswith(OUTSIDE) or digest(locate(s, place)) == sha256:
                found.append("!".join(filter(None, (place, member))))
    return found


def sweep(s: Store) -> list[str]:
    """Remove all bytes that the register says are erased; return the hashes removed.

    Under the write lock: nothing is published meanwhile. Whoever reads a file that is
    open goes on reading it.
    """
    removed: list[str] = []
    if not any(_lies(s, sha256) for sha256 in erased_hashes(s)):
        return removed
    with writing(s.engine) as c:
        for sha256 in sorted(gone_hashes(c)):
            if remove(s, sha256):
                removed.append(sha256)
                failpoint("erase.removed")
    return removed


def _lies(s: Store, sha256: str) -> bool:
    """Say whether bytes are kept, or a copy of a bucket's is left here."""
    return path(s, sha256).exists() or held(s, sha256) is not None


def erased_hashes(s: Store) -> set[str]:
    """List the hashes of bytes that no artifact has any more."""
    with reading(s.engine) as c:
        return gone_hashes(c)


def told_erased(s: Store, starts: Sequence[str]) -> list[str]:
    """Say of the bytes of artifacts that are erased already when, why and by whom."""
    said = {sha256: why_gone(s.engine, sha256) for sha256 in _hashes(s, starts)}
    return [f"bytes sha256:{h[:12]} {why}" for h, why in said.items() if why]


def collected_before(s: Store, factor: str, moment: datetime) -> list[dict[str, Any]]:
    """List raw bytes and rejects of a factor that no run yielded since a moment.

    Rejects keep the raw text of rows. What is erased already is left out.
    """
    last = func.max(run.at).label("last")
    rejects = made.name.like("%.rejects") & (made.rows > 0)
    cells = (made.id, made.sha256, made.name, made.kind, made.bytes)
    query = select(*cells, last).join(OUTPUTS, out.artifact == made.id)
    query = query.join(RUNS, run.hash == out.run).group_by(*cells)
    query = query.where(run.factor == factor, (made.kind == "raw") | rejects)
    with reading(s.engine) as c:
        gone = gone_hashes(c)
        rows = c.execute(query.having(last < moment).order_by(last, made.id)).mappings()
        return [dict(row) for row in rows if row["sha256"] not in gone]


def pledged_on(s: Store, ids: Sequence[str]) -> set[str]:
    """Name the pledges that rest on artifacts, also those topped up or moved there."""
    found: set[str] = set()
    with reading(s.engine) as c:
        below = reached(c, ids, down=True)
        for table in (PledgeRow, PledgeEventRow, CollateralRootRow):
            of = table_of(table).c
            rows = among(c, select(of.request).distinct(), of.artifact, below)
            found |= {row["request"] for row in rows}
    return found
