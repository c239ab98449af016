"""Keep bytes at their content address; nothing that is there is ever overwritten.

A file is durable before any row names it: hash, fsync, link, fsync folder. A crash
leaves a file that nobody names, never a name without its file.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp, mkstemp
from typing import IO

import polars as pl
from sqlalchemy import Engine, select
from sqlmodel import col

from schemas.artifact import ArtifactRef
from schemas.errors import SourceError, StoreError
from schemas.resource import GLOB
from schemas.tables.lineage import RunOutput
from tasks.source.pieces import open_file
from tasks.store import bucket
from tasks.store.bucket import Bucket
from tasks.store.database import reading
from tasks.store.erased import refuse_raw, why_gone
from tasks.store.settings import Settings
from tasks.store.steps import failpoint


@dataclass(frozen=True)
class Store:
    """An open store; make it by ``current``."""

    settings: Settings
    engine: Engine
    id: str

    @property
    def objects(self) -> Path:
        """Root of all artifact bytes, or of the copies of a bucket's."""
        return self.settings.objects

    @property
    def bucket(self) -> Bucket | None:
        """The bucket that keeps the bytes; nothing where the folder does."""
        return bucket.opened(self.settings.bucket) if self.settings.bucket else None


def digest(path: Path) -> str:
    """Hash a file's bytes: 64 hex characters. An empty file -> 'e3b0c442…'."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def hashed(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Hash a raw file and lend it open, so that it is opened once.

    ``with hashed(path) as (file, sha256): collect(file, source)``: what is read is what
    was hashed, even if another file takes its name meanwhile. ``open_text`` takes the
    open file too.

    Raises:
        SourceError: It is a link, a pipe, a device or a folder.
    """
    with open_file(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # IO is wider
        file.seek(0)
        yield file, sha256


def path(s: Store, sha256: str) -> Path:
    """Say where bytes with this hash lie, whether or not they are there."""
    return s.objects / sha256[:2] / sha256


def sync(target: Path) -> None:
    """Push a file's bytes, or a folder's entries, to the disk."""
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def scratch(s: Store) -> Iterator[Path]:
    """Lend a private folder that is gone afterwards."""
    above = s.settings.home / "tmp"
    above.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(mkdtemp(prefix=f"{os.getpid()}-", dir=above))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(s: Store, part: Path, private: bool = False) -> str:
    """Move a finished file to its content address, in a bucket before the folder.

    Bytes already there stay, after a re-hash; damaged ones are put right, since the
    address says what they must be. ``part`` is gone afterwards.

    Returns:
        The sha256 of the bytes, as hex.

    Raises:
        StoreError: These raw bytes were erased, or the bucket does not answer.
    """
    part = _beside(s, part)
    part.chmod(0o600 if private else 0o400)
    sha256 = digest(part)
    try:
        with reading(s.engine) as c:
            refuse_raw(c, sha256)
    except StoreError:
        part.unlink()  # a copy beside the objects must not stay
        raise
    target = path(s, sha256)
    os.utime(part)  # a sweep of orphans goes by age, and a run may last
    sync(part)
    failpoint("place.synced")
    if s.bucket is not None:
        bucket.put(s.bucket, part, sha256)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync(s.objects)
    failpoint("place.shard")
    try:
        os.link(part, target)
    except FileExistsError:
        _adopt(part, target, sha256)
    failpoint("place.linked")
    sync(target.parent)
    failpoint("place.durable")
    part.unlink(missing_ok=True)
    return sha256


def _adopt(part: Path, target: Path, sha256: str) -> None:
    """Take bytes that are there already for those placed: young again, and whole."""
    try:
        os.utime(target)
        if digest(target) != sha256:
            os.replace(part, target)
    except FileNotFoundError:  # a sweep of orphans was faster
        with suppress(FileExistsError):
            os.link(part, target)


def _beside(s: Store, part: Path) -> Path:
    """Copy to the disk of the objects where that is another one: links need it."""
    s.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
    if part.stat().st_dev == s.objects.stat().st_dev:
        return part
    handle, near = mkstemp(prefix=".part-", dir=s.objects)
    os.close(handle)
    shutil.copyfile(part, near)
    return Path(near)


def held(s: Store, sha256: str) -> int | None:
    """Ask how many bytes are kept at a content address; nothing where there are none.

    What was copied from a bucket does not count: others do not have it.
    """
    if s.bucket is not None:
        return bucket.size(s.bucket, sha256)
    file = path(s, sha256)
    return file.stat().st_size if file.is_file() else None


def is_kept(s: Store, sha256: str) -> bool:
    """Say whether bytes are kept sound, so that they need not be placed again."""
    with suppress(StoreError):
        return held(s, sha256) == intact(s, sha256).stat().st_size
    return False


def kept_digest(s: Store, sha256: str) -> str | None:
    """Hash what is kept at a content address, in a bucket by reading it all."""
    if s.bucket is not None:
        return bucket.digest(s.bucket, bucket.key_of(sha256))
    file = path(s, sha256)
    return digest(file) if file.is_file() else None


def remove(s: Store, sha256: str) -> bool:
    """Take bytes from their content address, durably; say whether they were there."""
    there = s.bucket is not None and bucket.remove(s.bucket, bucket.key_of(sha256))
    file = path(s, sha256)
    if file.exists():
        file.unlink()
        sync(file.parent)
        there = True
    return there


def bring(s: Store, sha256: str) -> Path:
    """Say where bytes lie, and copy them here first where a bucket keeps them.

    A copy that is here already is hashed, and renewed where it is damaged; so from a
    bucket only sound bytes come. There may be none.

    Raises:
        StoreError: The bucket holds other bytes at this address, or does not answer.
    """
    file = path(s, sha256)
    if s.bucket is None:
        return file
    if file.is_file() and digest(file) == sha256:
        os.utime(file)  # to a sweep of copies by age it is in use
        return file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, part = mkstemp(prefix=".part-", dir=s.objects)
    os.close(handle)
    try:
        came = bucket.fetch(s.bucket, bucket.key_of(sha256), Path(part))
        if came == sha256:
            os.replace(part, file)
    finally:
        Path(part).unlink(missing_ok=True)
    if came != sha256:
        file.unlink(missing_ok=True)
    if came not in (None, sha256):
        raise changed(sha256)
    return file


def intact(s: Store, sha256: str) -> Path:
    """Re-hash bytes and say where they are.

    Raises:
        StoreError: They are missing or changed.
    """
    file = bring(s, sha256)
    if not file.is_file():
        raise gone(s, sha256)
    if s.bucket is None and digest(file) != sha256:
        raise changed(sha256)
    return file


def missing(sha256: str) -> StoreError:
    """Say that bytes are gone."""
    return StoreError(f"bytes sha256:{sha256[:12]} are missing: run again to restore")


def gone(s: Store, sha256: str) -> StoreError:
    """Say why bytes are not there: erased, or lost."""
    why = why_gone(s.engine, sha256)
    return StoreError(f"bytes sha256:{sha256[:12]} {why}") if why else missing(sha256)


def changed(sha256: str, file: str = "") -> StoreError:
    """Say that bytes, or the file they are kept in by reference, are not the same."""
    if file:
        return StoreError(
            f"the referenced file {file} has changed since it was collected: put the"
            " old one back, or run again to collect the new one"
        )
    return StoreError(
        f"bytes sha256:{sha256[:12]} have changed since they were published:"
        " `datafactor verify` says what rests on them; run again to restore"
    )


def raw(s: Store, ref: ArtifactRef) -> Path:
    """Re-hash raw bytes or a document and say where they are.

    Raises:
        StoreError: The bytes are missing or changed, or ``ref`` is a frame.
    """
    with raw_file(s, ref) as file:
        return Path(file.name)


@contextmanager
def raw_file(s: Store, ref: ArtifactRef) -> Iterator[IO[bytes]]:
    """Re-hash raw bytes and lend them open, so that they are opened once.

    Bytes kept by reference are read where they were found.

    Raises:
        StoreError: The bytes are missing or changed, or ``ref`` is a frame.
    """
    if ref.kind not in ("raw", "document"):
        raise StoreError(f"{ref.name} is a {ref.kind}: scan it")
    kept = bring(s, ref.sha256)
    places = [] if kept.is_file() else references(s, ref)
    if not kept.is_file() and why_gone(s.engine, ref.sha256):
        raise gone(s, ref.sha256)  # also where its file still lies about
    file = found_again(s, ref, places) if places else kept
    if not file.is_file():
        raise missing(ref.sha256)
    with hashed(file) as (opened, sha256):
        if sha256 != ref.sha256:
            raise changed(ref.sha256, file.name if places else "")
        yield opened


def references(s: Store, ref: ArtifactRef) -> list[str]:
    """Say where the file was found whose bytes these are, as a whole."""
    query = select(col(RunOutput.path)).where(
        col(RunOutput.artifact) == ref.id, col(RunOutput.file_sha256) == ref.sha256
    )
    with reading(s.engine) as c:
        return sorted({str(place) for place in c.scalars(query)})


def found_again(s: Store, ref: ArtifactRef, places: Sequence[str]) -> Path:
    """Find a file of which the store keeps only hash and place."""
    found = []
    for place in places:
        with suppress(SourceError):
            found.append(locate(s, place))
    if not found:
        raise StoreError(
            f"bytes sha256:{ref.sha256[:12]} are not kept here, and the file they are"
            f" a reference to is gone: put {places[-1]} back, or set DATAFACTOR_DATA"
        )
    # Of several the one that still is what it was; most often there is one.
    return next((f for f in found[1:] if digest(f) == ref.sha256), found[0])


def scan(s: Store, ref: ArtifactRef) -> pl.LazyFrame:
    """Re-hash a frame, or every member of a manifest in order, and scan it.

    Raises:
        StoreError: Bytes are missing or changed, or ``ref`` is no frame.
    """
    if ref.kind == "manifest":
        members = json.loads(intact(s, ref.sha256).read_bytes())
        files = [intact(s, member["sha256"]) for member in members]
        if not files:
            raise StoreError(f"{ref.name} has no partition")
    elif ref.kind == "frame":
        files = [intact(s, ref.sha256)]
    else:
        raise StoreError(f"{ref.name} is {ref.kind}, not a frame: read its bytes")
    return pl.scan_parquet(files, glob=False)


def locate(s: Store, file: str) -> Path:
    """Find a raw file in the data folder, or in a package without importing it.

    Raises:
        SourceError: It is not there, not a plain file, or outside the folder.
    """
    root, inside, remedy = _root(s, file)
    found = (root / inside).resolve()
    if not found.is_relative_to(root.resolve()):
        raise SourceError(f"{file} leads out of {root}: name a file inside")
    if not found.is_file():
        raise SourceError(f"there is no file {file}: {remedy}")
    return found


def locate_all(s: Store, pattern: str) -> list[Path]:
    """Find every raw file that a path or pattern names, sorted.

    ``*``, ``?`` and ``[…]`` stand for signs of one name, never for ``/``; folders that
    match are passed over.

    Raises:
        SourceError: None matches, one is a link or no plain file, its own name holds a
            sign of a pattern, or the pattern leads out of the folder.
    """
    if not GLOB.search(pattern):
        return [locate(s, pattern)]
    root, inside, remedy = _root(s, pattern)
    if ".." in PurePosixPath(inside).parts or inside.startswith("/"):
        raise SourceError(f"{pattern} leads out of {root}: name files inside")
    if "**" in inside:
        raise SourceError(f"{pattern}: ** is not understood; write * for each folder")
    root = root.resolve()
    found = sorted(p for p in root.glob(inside) if p.is_symlink() or not p.is_dir())
    if not found:
        near = ", ".join(_near(root, inside))
        likely = f"; files that look like it: {near}" if near else ""
        raise SourceError(f"no file matches {pattern}: {remedy}{likely}")
    for file in found:
        _refuse_odd(file, root)
    return found


def _refuse_odd(file: Path, root: Path) -> None:
    name = file.relative_to(root).as_posix()
    if file.resolve() != file:
        raise SourceError(f"{name} is or lies behind a symbolic link: name the file")
    if not file.is_file():
        raise SourceError(f"{name} is not a regular file: narrow the pattern")
    if GLOB.search(name) or "!" in name:
        raise SourceError(f"{name!a} holds one of * ? [ !: rename the file")


def _near(root: Path, inside: str) -> list[str]:
    """List files beside the pattern whose names look like it."""
    folder = root
    for part in PurePosixPath(inside).parts[:-1]:
        folder = folder / part if not GLOB.search(part) else folder
    names = sorted(p.name for p in folder.glob("*")) if folder.is_dir() else []
    last = PurePosixPath(inside).name
    return get_close_matches(last, names, n=3, cutoff=0.3) or names[:3]


def _root(s: Store, file: str) -> tuple[Path, str, str]:
    """Say in which folder a file is looked for, under what name, and the remedy."""
    if file.startswith("package:"):
        name, _, inside = file.removeprefix("package:").partition("/")
        return _package(name), inside, f"reinstall {name}"
    if "://" in file:
        raise SourceError(
            f"{file} is an address, and nothing is read from the network: fetch it"
            " into DATAFACTOR_DATA and name the file"
        )
    root = s.settings.data
    return root, file, f"put it into {root}, or set DATAFACTOR_DATA to where it is"


def _package(name: str) -> Path:
    spec = find_spec(name) if name.isidentifier() and name != "__main__" else None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"package {name} is not installed: pip install {name}")
    return Path(next(iter(spec.submodule_search_locations)))
