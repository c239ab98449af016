"""Copy a store to a folder: its rows at one moment, their bytes, the signed heads.

Rows first, bytes after them: what the rows name was durable before. A folder holds one
state; the next backup adds what is new and takes away what was erased. The private key
is never copied: who holds a backup must not be able to sign.
"""

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, select

from schemas.artifact import Hex
from schemas.errors import StoreError
from schemas.tables.columns import table_of
from schemas.tables.lineage import Artifact, RunOutput, StageRun
from tasks.store import anchor, bucket
from tasks.store.database import open_engine, reading, revision
from tasks.store.erased import gone_hashes
from tasks.store.lineage import among
from tasks.store.place import Store, digest, path, scratch, sync
from tasks.store.portable import TableFile, private, write_tables
from tasks.store.publish import read_body
from tasks.store.steps import failpoint

HEADER = "backup.json"
LOCK = f".{HEADER}.lock"  # stays; what holds it is the process, not the file
ANCHOR = ("anchor.jsonl", "anchor.pub")
LISTED = "objects.txt"  # a hash a line: what must lie in the folder
run, made, out = (table_of(t).c for t in (StageRun, Artifact, RunOutput))


class Header(BaseModel):
    """What a backup is of; written last, it makes the state whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["datafactor-backup/1"] = "datafactor-backup/1"
    store: Hex
    revision: str = Field(pattern=r"^[0-9]{4}$")
    seq: int
    head: str
    made_at: datetime
    state: str = Field(pattern=r"^state-[0-9a-f]{16}$")  # has tables and anchor
    tables: dict[str, TableFile]
    # The rest of the state, by name with its hash, and the hash of all that stands
    # here; a backup of before 2026-12 has neither.
    files: dict[str, Hex] = Field(default_factory=dict)
    digest: str = ""


class Saved(BaseModel):
    """What a backup did, and what it could not save."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    runs: int
    rows: int
    objects: int
    fresh: int
    linked: int
    removed: int
    by_reference: int
    missing: tuple[Hex, ...]
    damaged: tuple[Hex, ...]


def backup(s: Store, folder: Path) -> Saved:
    """Back a store up into a folder, new or of an earlier backup of the same store.

    Raises:
        StoreError: The folder lies in the store, holds something else, or another
            backup writes into it.
    """
    folder = folder.expanduser().absolute()
    _refuse_folder(s, folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        return _saved(s, folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder: each backup takes away what others left, so two would cross.

    Raises:
        StoreError: Another one holds it.
    """
    private(folder / LOCK)
    with _locked(folder, "wb", LOCK_EX):
        yield


@contextmanager
def still(folder: Path) -> Iterator[None]:
    """Keep backups out of a folder while it is read; a copy may lack the lock.

    Raises:
        StoreError: One writes into it.
    """
    if not (folder / LOCK).is_file():
        yield
        return
    with _locked(folder, "rb", LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, mode: str, how: int) -> Iterator[None]:
    with (folder / LOCK).open(mode) as held:
        try:
            flock(held, how | LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"another backup writes into {folder}: wait for it, or name another"
                " folder"
            ) from None
        yield


def _saved(s: Store, folder: Path) -> Saved:
    state = folder / f"state-{secrets.token_hex(8)}"
    state.mkdir(mode=0o700)
    with _one_moment(s) as c:
        tables = write_tables(c, state)
        header = _header(s, c, state.name, tables)
        wanted = _named(c)
        referred = _referred(s, c, wanted)
    failpoint("backup.tables")
    _copy_anchor(s, state, header.seq)
    failpoint("backup.anchor")
    copied = _Copied(s, folder / "objects", wanted, referred)
    files = _listed(state, copied.there)
    _write_header(folder, header.model_copy(update={"files": files}))
    failpoint("backup.header")
    removed = _tidy(folder, state.name, wanted)
    return Saved(
        folder=folder,
        runs=tables["stagerun"].rows,
        rows=sum(of.rows for of in tables.values()),
        objects=len(wanted),
        removed=removed,
        **copied.told(),
    )


@contextmanager
def _one_moment(s: Store) -> Iterator[Connection]:
    """Show one moment of the database for as long as it takes, and block no writer.

    On SQLite a long reader holds up every commit: the file is copied first, in one step
    of SQLite's own backup.
    """
    if s.engine.dialect.name != "sqlite":
        with reading(s.engine) as c:
            yield c
        return
    with scratch(s) as near:
        copy = near / "store.db"
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT, 0o600))
        source = s.engine.raw_connection()
        target = sqlite3.connect(copy)
        try:
            source.driver_connection.backup(target)  # type: ignore[union-attr]  # it is open
        finally:
            target.close()
            source.close()
        engine = open_engine(f"sqlite:///{copy}")
        with reading(engine) as c:
            yield c
        engine.dispose()


def _refuse_folder(s: Store, folder: Path) -> None:
    """Refuse a folder that is the store's, or in which something else lies."""
    for own in (s.settings.home, s.objects, s.settings.anchor):
        if folder.is_relative_to(own) or own.is_relative_to(folder):
            raise StoreError(f"{folder} and {own} lie in each other: name another one")
    if folder.is_dir() and any(folder.iterdir()):
        known = read_header(folder, finished=False)
        if known and known.store != s.id:
            raise StoreError(f"{folder} holds a backup of another store: name another")


def read_header(folder: Path, *, finished: bool = True) -> Header | None:
    """Read what a folder is a backup of.

    Args:
        folder: Where the backup lies.
        finished: Refuse a first backup that was interrupted.

    Raises:
        StoreError: It is no backup, or of a newer release.
    """
    file = folder / HEADER
    if file.is_file():
        try:
            return Header.model_validate_json(file.read_bytes())
        except ValidationError:
            raise StoreError(
                f"{file} is damaged, or a newer release wrote it: use that release"
            ) from None
    others = [p for p in folder.iterdir() if not _ours(p)] if folder.is_dir() else []
    if finished or others:
        raise StoreError(f"{folder} holds no finished backup: name another folder")
    return None


def _ours(found: Path) -> bool:
    return found.name.startswith(("state-", f".{HEADER}")) or found.name == "objects"


def present(s: Store) -> set[str]:
    """List the hashes of all bytes that are kept, in a folder or a bucket."""
    if s.bucket is not None:
        return {entry.key.rpartition("/")[2] for entry in bucket.list_all(s.bucket)}
    return {file.name for file in s.objects.glob("??/*")}


def _header(
    s: Store, c: Connection, state: str, tables: dict[str, TableFile]
) -> Header:
    last = c.execute(
        select(run.seq, run.hash).order_by(run.seq.desc()).limit(1)
    ).first()
    return Header(
        store=s.id,
        revision=revision(c) or "",
        seq=last.seq if last else 0,
        head=last.hash if last else "",
        made_at=datetime.now(UTC),
        state=state,
        tables=tables,
    )


def _named(c: Connection) -> set[str]:
    """List the hashes of all bytes that are to be there."""
    return set(c.scalars(select(made.sha256).distinct())) - gone_hashes(c)


def _referred(s: Store, c: Connection, hashes: Iterable[str]) -> set[str]:
    """List the bytes that are kept by reference: the file in the data folder has them.

    Only of what is not there it is asked how a run kept it: the body says so.
    """
    there = present(s)
    absent = [sha256 for sha256 in hashes if sha256 not in there]
    asked = select(run.body).join(RunOutput, out.run == run.hash)
    bodies = among(c, asked.where(out.path.is_not(None)), out.file_sha256, absent)
    found = (made for row in bodies for made in read_body(row["body"])[0].artifacts)
    kept = {m.ref.sha256 for m in found if m.origin and m.origin.retained != "copy"}
    return kept & {*absent}


def _copy_anchor(s: Store, state: Path, seq: int) -> None:
    """Copy the heads signed up to a run: later ones would say that runs were cut."""
    file = anchor.file_of(s, s.settings.anchor)
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    kept = [line for line in lines if line.endswith(b"\n") and _seq(line) <= seq]
    keys = file.with_suffix(".pub")
    known = keys.read_bytes() if keys.is_file() else b""
    for name, content in zip(ANCHOR, (b"".join(kept), known), strict=True):
        private(state / name)
        (state / name).write_bytes(content)
        sync(state / name)
    sync(state)


def _seq(line: bytes) -> int:
    try:
        return int(json.loads(line)["seq"])
    except (ValueError, KeyError, TypeError):
        return 0  # a line that is none is copied too: `verify` speaks of it


class _Copied:
    """Bytes that were brought into a backup, and those that could not be."""

    def __init__(
        self, s: Store, objects: Path, wanted: set[str], referred: set[str]
    ) -> None:
        self.fresh = self.linked = self.by_reference = 0
        self.missing: list[str] = []
        self.damaged: list[str] = []
        self.there: list[str] = []
        shards: set[Path] = set()
        objects.mkdir(exist_ok=True, mode=0o700)
        for sha256 in sorted(wanted):
            target = objects / sha256[:2] / sha256
            if target.exists():
                self.there.append(sha256)
                continue
            target.parent.mkdir(exist_ok=True, mode=0o700)
            came = self._fetch(s, target) if s.bucket else self._bring(s, target)
            if came is None and sha256 in referred:
                self.by_reference += 1
            elif came is None:
                self.missing.append(sha256)
            elif came != sha256:
                self.damaged.append(sha256)
            else:
                self.there.append(sha256)
                self.fresh += 1
                shards |= {target.parent, objects, objects.parent}
                failpoint("backup.object")
        for shard in shards:
            sync(shard)

    def _bring(self, s: Store, target: Path) -> str | None:
        """Link or copy bytes of a folder, if they are sound; give their hash."""
        source = path(s, target.name)
        if not source.is_file():
            return None
        came = digest(source)
        if came == target.name:
            self.linked += bring(source, target)
        return came

    def _fetch(self, s: Store, target: Path) -> str | None:
        """Copy bytes of a bucket, if they are sound; give their hash."""
        part = target.with_name(f".part-{os.getpid()}-{target.name}")
        private(part)
        try:
            assert s.bucket is not None
            came = bucket.fetch(s.bucket, bucket.key_of(target.name), part)
            if came == target.name:
                sync(part)
                os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return came

    def told(self) -> dict[str, object]:
        return {n: said for n, said in vars(self).items() if n != "there"}


def bring(source: Path, target: Path) -> bool:
    """Link a file, or copy it to another disk, whole or not at all; say if linked."""
    if source.stat().st_dev == target.parent.stat().st_dev:
        os.link(source, target)
        return True
    copy(source, target)
    return False


def copy(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all: what happens to one leaves the other."""
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    private(part)
    shutil.copyfile(source, part)
    part.chmod(source.stat().st_mode)
    sync(part)
    os.replace(part, target)


def _listed(state: Path, there: Iterable[str]) -> dict[str, str]:
    """List the bytes that a backup holds, and hash what stands beside its tables."""
    file = state / LISTED
    private(file)
    file.write_text("".join(f"{sha256}\n" for sha256 in there))
    sync(file)
    sync(state)
    return {name: digest(state / name) for name in (*ANCHOR, LISTED)}


def digest_of(header: Header) -> str:
    """Hash all else that a header says."""
    said = header.model_dump_json(exclude={"digest"})
    return hashlib.sha256(said.encode()).hexdigest()


def _write_header(folder: Path, header: Header) -> None:
    part = folder / f".{HEADER}"
    private(part)
    whole = header.model_copy(update={"digest": digest_of(header)})
    part.write_text(whole.model_dump_json(indent=1) + "\n")
    sync(part)
    failpoint("backup.part")
    os.replace(part, folder / HEADER)
    sync(folder)


def _tidy(folder: Path, state: str, wanted: Iterable[str]) -> int:
    """Take away earlier states, and bytes that are no longer named: erased ones."""
    for old in folder.glob("state-*"):
        if old.name != state:
            shutil.rmtree(old)
    kept, removed = {*wanted}, 0
    for file in (folder / "objects").glob("??/*"):
        if file.name not in kept:
            file.unlink()
            removed += 1
    failpoint("backup.tidied")
    return removed
