"""Keep bytes at their content address; nothing that is there is ever overwritten.

A file is durable before any row names it: hash, fsync, link, fsync folder. A crash
leaves a file that nobody names, never a name without its file.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from tasks.store.database import reading
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
        """Root of all artifact bytes."""
        return self.settings.objects


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
    """Move a finished file to its content address.

    Bytes already there stay, after a re-hash; damaged ones are put right, since the
    address says what they must be. ``part`` is gone afterwards.

    Returns:
        The sha256 of the bytes, as hex.
    """
    part = _beside(s, part)
    part.chmod(0o600 if private else 0o400)
    sha256 = digest(part)
    target = path(s, sha256)
    sync(part)
    failpoint("place.synced")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync(s.objects)
    failpoint("place.shard")
    try:
        os.link(part, target)
    except FileExistsError:
        if digest(target) != sha256:
            os.replace(part, target)
    failpoint("place.linked")
    sync(target.parent)
    failpoint("place.durable")
    part.unlink(missing_ok=True)
    return sha256


def _beside(s: Store, part: Path) -> Path:
    """Copy to the disk of the objects where that is another one: links need it."""
    s.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
    if part.stat().st_dev == s.objects.stat().st_dev:
        return part
    handle, near = mkstemp(prefix=".part-", dir=s.objects)
    os.close(handle)
    shutil.copyfile(part, near)
    return Path(near)


def intact(s: Store, sha256: str) -> Path:
    """Re-hash bytes and say where they are.

    Raises:
        StoreError: They are missing or changed.
    """
    file = path(s, sha256)
    if not file.is_file():
        raise StoreError(
            f"bytes sha256:{sha256[:12]} are missing: run again to restore"
        )
    if digest(file) != sha256:
        raise StoreError(
            f"bytes sha256:{sha256[:12]} have changed since they were published:"
            " `datafactor verify` says what rests on them; run again to restore"
        )
    return file


def raw(s: Store, ref: ArtifactRef) -> Path:
    """Re-hash raw bytes or a document and say where they are.

    Raises:
        StoreError: The bytes are missing or changed, or ``ref`` is a frame.
    """
    if ref.kind not in ("raw", "document"):
        raise StoreError(f"{ref.name} is a {ref.kind}: scan it")
    if not path(s, ref.sha256).is_file() and (found := references(s, ref)):
        return referenced(s, found)
    return intact(s, ref.sha256)


def references(s: Store, ref: ArtifactRef) -> dict[str, str]:
    """Say where the file lies whose bytes this is, and its hash, by path."""
    query = select(col(RunOutput.path), col(RunOutput.file_sha256)).where(
        col(RunOutput.artifact) == ref.id, col(RunOutput.file_sha256) == ref.sha256
    )
    with reading(s.engine) as c:
        return {row.path: row.file_sha256 for row in c.execute(query)}


def referenced(s: Store, found: Mapping[str, str]) -> Path:
    """Re-hash a file of which the store keeps only hash and place.

    Raises:
        StoreError: It is gone, or is not what it was.
    """
    for place, sha256 in sorted(found.items()):
        try:
            file = locate(s, place)
        except SourceError as error:
            said = f"the referenced file is not where it was: {error}"
            continue
        if digest(file) == sha256:
            return file
        said = (
            f"the referenced file {place} has changed since it was collected: put the"
            " old one back, or run again to collect the new one"
        )
    raise StoreError(said)


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
    root = s.settings.data
    return root, file, f"put it into {root}, or set DATAFACTOR_DATA to where it is"


def _package(name: str) -> Path:
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"package {name} is not installed: pip install {name}")
    return Path(next(iter(spec.submodule_search_locations)))
