"""Make a store anew from a backup, on either database, and examine it.

Bytes first, then the signed heads, and all rows in one transaction: what a crash leaves
is no store yet, and the same restore goes on from there.
"""

import os
import zlib
from gzip import BadGzipFile
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    StatementError,
)

from schemas.errors import StoreError
from schemas.tables.columns import table_of
from schemas.tables.lineage import StageRun
from tasks.store import bucket, triggers
from tasks.store.backup import Header, copy, read_header
from tasks.store.database import open_engine, revision, upgraded, writing
from tasks.store.migrations import HEAD
from tasks.store.opening import opened
from tasks.store.place import sync
from tasks.store.portable import check_tables, load_tables
from tasks.store.settings import Settings
from tasks.store.steps import failpoint
from tasks.store.verify import Findings, verify

# What cells raise that no store wrote: as JSON, as a hash or day, in their column.
BROKEN = (ValueError, TypeError, OverflowError, EOFError, BadGzipFile, zlib.error)
BREACHES = (IntegrityError, DataError)


class Restored(BaseModel):
    """What a store was made of, and what `verify` says of it."""

    model_config = ConfigDict(frozen=True)

    header: Header
    objects: int
    findings: Findings
    anchor: Path


def restore(settings: Settings, folder: Path) -> Restored:
    """Make the store that the settings name from a backup, and verify it.

    Raises:
        StoreError: Something is there already, or the folder is no sound backup.
    """
    folder = folder.expanduser().absolute()
    header = read_header(folder)
    if header is None:
        raise StoreError(f"{folder} holds no finished backup: name another folder")
    if header.revision > HEAD:
        raise StoreError(
            f"the backup is of revision {header.revision}, which this release ({HEAD})"
            " does not know: use a newer release"
        )
    state = folder / header.state
    check_tables(state, header.tables)
    _refuse_taken(settings, header)
    _name(settings, header)
    objects = _bring_objects(settings, folder / "objects")
    anchor = _bring_anchor(settings, state, header)
    _load(settings, state, header)
    s = opened(settings)
    return Restored(
        header=header, objects=objects, findings=verify(s, anchor), anchor=anchor
    )


def _refuse_taken(settings: Settings, header: Header) -> None:
    """Refuse a database with anything in it, and objects of another store."""
    engine = open_engine(settings.database)
    try:
        with engine.connect() as c:
            taken = revision(c) is not None
    except DatabaseError:
        raise StoreError(
            f"cannot open the {engine.dialect.name} database of DATAFACTOR_DATABASE:"
            " start it, or mend the URL"
        ) from None
    finally:
        engine.dispose()
    named, begun = _named(settings)
    if taken or (named or header.store) != header.store or (begun and not named):
        raise StoreError(
            "a store is there already, and nothing is restored over it: set"
            " DATAFACTOR_HOME (and DATAFACTOR_DATABASE, DATAFACTOR_OBJECTS) to an empty"
            " place"
        )


def _named(settings: Settings) -> tuple[str, bool]:
    """Read whose objects a place holds, and whether it holds anything."""
    if settings.bucket:
        b = bucket.opened(settings.bucket)
        return bucket.text(b, "STORE").strip(), any(bucket.list_all(b))
    file, there = settings.objects / "STORE", settings.objects
    named = file.read_text().strip() if file.exists() else ""
    return named, there.is_dir() and any(there.iterdir())


def _name(settings: Settings, header: Header) -> None:
    """Say whose bytes come, so that an interrupted restore is known again."""
    for folder in (settings.home, settings.objects):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.bucket:
        b = bucket.opened(settings.bucket)
        bucket.put_new(b, "STORE", f"{header.store}\n".encode())
        return
    part = settings.objects / f".STORE-{os.getpid()}"
    part.write_text(header.store + "\n")
    sync(part)
    os.replace(part, settings.objects / "STORE")
    sync(settings.objects)
    failpoint("restore.named")


def _bring_objects(settings: Settings, objects: Path) -> int:
    count, shards = 0, {settings.objects}
    if settings.bucket:
        return _put_objects(settings, objects)
    for source in _files(objects):
        target = settings.objects / source.parent.name / source.name
        target.parent.mkdir(exist_ok=True, mode=0o700)
        if not target.exists():
            copy(source, target)
            shards.add(target.parent)
            failpoint("restore.object")
        count += 1
    for shard in shards:
        sync(shard)
    return count


def _files(objects: Path) -> list[Path]:
    """List the files of a backup; a part that a crash left has another name."""
    return sorted(f for f in objects.glob("??/*") if not f.name.startswith("."))


def _put_objects(settings: Settings, objects: Path) -> int:
    b, files = bucket.opened(settings.bucket), _files(objects)
    for source in files:
        bucket.put(b, source, source.name)
        failpoint("restore.object")
    return len(files)


def _bring_anchor(settings: Settings, state: Path, header: Header) -> Path:
    """Put the signed heads where they are looked for; longer ones there stay.

    An anchor that outlived its store knows of runs that the backup lacks: it is the
    truth, and `verify` then says that they are cut off.

    Raises:
        StoreError: Other heads are there.
    """
    settings.anchor.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = (state / "anchor.jsonl").read_bytes()
    file = settings.anchor / f"{header.store}.jsonl"
    there = file.read_bytes() if file.exists() else b""
    if not (there.startswith(kept) or kept.startswith(there)):
        raise StoreError(
            f"{file} holds other heads of this store than the backup: one of the two"
            " was changed; set DATAFACTOR_ANCHOR to an empty folder and compare them"
        )
    if len(kept) > len(there):
        _replace(file, kept)
    keys = file.with_suffix(".pub")
    if not keys.exists():
        _replace(keys, (state / "anchor.pub").read_bytes())
    failpoint("restore.anchor")
    return file


def _replace(file: Path, content: bytes) -> None:
    part = file.with_name(f".{file.name}-{os.getpid()}")
    part.write_bytes(content)
    sync(part)
    os.replace(part, file)
    sync(file.parent)


def _load(settings: Settings, state: Path, header: Header) -> None:
    """Make the tables as they were, fill them, bring them to this release, and guard.

    Raises:
        StoreError: A row breaks a rule of its table, so it was not ours.
    """
    engine = open_engine(settings.database)
    try:
        with writing(engine) as c:
            upgraded(c, header.revision)
            load_tables(c, state, header.tables)
            _count(c, header)
            failpoint("restore.rows")
            upgraded(c, "head")
            triggers.install(c)
    except (*BROKEN, StatementError) as error:
        if isinstance(error, DBAPIError) and not isinstance(error, BREACHES):
            raise  # a full disk is no changed row
        name = type(getattr(error, "orig", None) or error).__name__
        raise StoreError(
            f"a row of the backup breaks a rule of its table ({name}): it was changed;"
            " take another backup"
        ) from None
    finally:
        engine.dispose()


def _count(c: Connection, header: Header) -> None:
    runs = c.scalar(select(func.count()).select_from(table_of(StageRun)))
    if runs != header.tables["stagerun"].rows:
        raise StoreError("the backup holds fewer runs than it says: take another one")
