"""Free the disk of what nobody names: orphans of crashes, scratch, erased bytes.

A file that no artifact names may be about to be named: a run places its files first and
publishes them after. So only what was not touched for a while goes, one more look is
taken under the write lock, where nothing is published, and bytes that are placed again
at that very moment are put back.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from re import fullmatch

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from schemas.tables.columns import table_of
from schemas.tables.lineage import Artifact
from tasks.store import bucket
from tasks.store.database import reading, writing
from tasks.store.erase import sweep
from tasks.store.lineage import among
from tasks.store.place import Store, remove
from tasks.store.steps import failpoint

GRACE = (
    24 * 3600.0
)  # seconds: longer than any run is between its first file and its end
BATCH = 100  # files under one hold of the write lock
made = table_of(Artifact).c


class Freed(BaseModel):
    """What was freed, in files and bytes."""

    model_config = ConfigDict(frozen=True)

    orphans: int
    scratch: int
    erased: int
    bytes: int
    young: int  # orphans that may still be named: they stay


def collect_garbage(s: Store, grace: float = GRACE) -> Freed:
    """Remove files that no artifact names and nobody touched for ``grace`` seconds.

    Named bytes stay, whatever their age: every reader finds what it is told of.
    """
    gone = sweep(s)
    before = time.time() - grace
    if s.bucket is not None:
        freed, young = _collect_bucket(s, s.bucket, before)
    else:
        old, young = _orphans(s, before)
        freed = [size for some in _batched(old) for size in _remove(s, some, before)]
    left = [*_leftovers(s, before)]
    sizes = [_discard(found) for found in left]
    return Freed(
        orphans=len(freed),
        scratch=len(left),
        erased=len(gone),
        bytes=sum(freed) + sum(sizes),
        young=young,
    )


def _orphans(s: Store, before: float) -> tuple[list[Path], int]:
    """List the old files at a content address that no artifact names; count young."""
    files = [f for f in s.objects.glob("??/*") if fullmatch("[0-9a-f]{64}", f.name)]
    with reading(s.engine) as c:
        named = _names(c, [file.name for file in files])
    loose = [file for file in files if file.name not in named]
    old = [file for file in loose if _touched(file) < before]
    return old, len(loose) - len(old)


def _names(c: Connection, hashes: Sequence[str]) -> set[str]:
    rows = among(c, select(made.sha256).distinct(), made.sha256, hashes)
    return {row["sha256"] for row in rows}


def _touched(file: Path) -> float:
    """Say when a file was placed last; one that is gone is not old."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime
    return time.time()


def _batched(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    return (files[at : at + BATCH] for at in range(0, len(files), BATCH))


def _remove(s: Store, files: Sequence[Path], before: float) -> Iterator[int]:
    """Remove some files under the write lock, if they are still not named; give sizes.

    Each is set aside first: whoever places the same bytes meanwhile finds no file and
    links its own, and one that was touched just before goes back.
    """
    failpoint("gc.looked")
    with writing(s.engine) as c:
        named = _names(c, [file.name for file in files])
        for file in files:
            if file.name in named or _touched(file) >= before:
                continue
            aside = file.with_name(f".gc-{file.name}")
            with suppress(FileNotFoundError):
                os.replace(file, aside)
                failpoint("gc.aside")
                size = aside.stat().st_size
                if _touched(aside) >= before:
                    with suppress(FileExistsError):
                        os.link(aside, file)
                    size = -1
                aside.unlink()
                failpoint("gc.removed")
                if size >= 0:
                    yield size


def _collect_bucket(s: Store, b: bucket.Bucket, before: float) -> tuple[list[int], int]:
    """Remove the old objects of a bucket that no artifact names; count young ones.

    S3 has no touch: an orphan that is placed again an hour later is put anew. If it
    goes before its run is published, that run is refused and makes it again next time.
    """
    entries = {e.key.rpartition("/")[2]: e for e in bucket.list_all(b)}
    hashes = [h for h in entries if fullmatch("[0-9a-f]{64}", h)]
    with reading(s.engine) as c:
        named = _names(c, hashes)
    loose = [h for h in hashes if h not in named]
    old = [h for h in loose if entries[h].changed.timestamp() < before]
    freed = []
    for at in range(0, len(old), BATCH):
        failpoint("gc.looked")
        with writing(s.engine) as c:
            some = old[at : at + BATCH]
            for sha256 in {*some} - _names(c, some):
                there = bucket.look(b, bucket.key_of(sha256))
                if there is None or there.changed.timestamp() >= before:
                    continue  # placed anew since it was listed
                if remove(s, sha256):
                    freed.append(entries[sha256].bytes)
                    failpoint("gc.removed")
    return freed, len(loose) - len(old)


def _leftovers(s: Store, before: float) -> Iterator[Path]:
    """List what crashes left half-made: scratch folders, parts, files set aside.

    Of a bucket also the copies here that nobody asked for lately.
    """
    copies = s.objects.glob("??/*") if s.bucket else ()
    places = (
        copies,
        (s.settings.home / "tmp").glob("*"),
        s.objects.glob(".part-*"),
        s.objects.glob(".STORE-*"),
        s.objects.glob("??/.gc-*"),
    )
    for found in (f for some in places for f in some):
        if _newest(found) < before:
            yield found


def _newest(found: Path) -> float:
    """Say when anything in a folder was touched last; one that goes now is not old."""
    with suppress(FileNotFoundError):
        inside = [*found.rglob("*")] if found.is_dir() else []
        return max(_touched(one) for one in (found, *inside))
    return time.time()


def _discard(found: Path) -> int:
    """Remove a file or a folder, and say how many bytes it held."""
    size = 0
    with suppress(FileNotFoundError):  # its owner was faster
        inside = [f for f in (found, *found.rglob("*")) if f.is_file()]
        size = sum(f.stat().st_size for f in inside)
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink()
    return size
