"""Find the store of the present environment, and make it on first use."""

import os
import secrets
from functools import cache
from re import fullmatch
from threading import Lock

from pydantic import ValidationError
from sqlalchemy import insert, select
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlmodel import col

from schemas.errors import StoreError
from schemas.tables.lineage import Identity, StageRun
from tasks.store import bucket
from tasks.store.database import migrate, open_engine, reading, revision, writing
from tasks.store.migrations import HEAD
from tasks.store.place import Store, sync
from tasks.store.settings import Settings
from tasks.store.steps import failpoint

# The first tasks of a flow start together; a cache alone lets both open.
FIRST = Lock()
ADDRESS = "[0-9a-f]{2}/[0-9a-f]{64}"  # of an artifact, below its place
NAME = "STORE"  # under which a place of objects says whose they are


def current() -> Store:
    """Open the store that the environment names; the same one while it stays so.

    Raises:
        StoreError: A setting does not fit, or the store cannot be opened.
    """
    return opened(settings_here())


def settings_here() -> Settings:
    """Read the settings of the environment, and open nothing.

    Raises:
        StoreError: A setting does not fit.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(["DATAFACTOR", *map(str, first["loc"])]).upper()
        # Not chained: the settings it quotes hold a password.
        raise StoreError(f"{name}: {first['msg']}") from None


def opened(settings: Settings) -> Store:
    """Open a store once a process, whichever thread comes first.

    Raises:
        StoreError: The database belongs to another folder of objects.
    """
    with FIRST:
        return _opened(settings)


@cache
def _opened(settings: Settings) -> Store:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        engine = open_engine(settings.database)
    except (ArgumentError, ValueError):
        raise StoreError("DATAFACTOR_DATABASE is no database URL: mend it") from None
    # A forked child must not talk on its parent's connections.
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    try:
        with reading(engine) as connection:
            at_head = revision(connection) == HEAD
    except DatabaseError:
        # Not the URL, nor the driver's words: both may hold a password.
        raise StoreError(
            f"cannot open the {engine.dialect.name} database of DATAFACTOR_DATABASE:"
            " start it, mend the URL, or restore the file"
        ) from None
    if not at_head:
        migrate(engine)
    store = Store(settings, engine, "")
    return Store(settings, engine, _identity(store))


def _identity(s: Store) -> str:
    """Read which store this is; the folder of objects and the database must agree."""
    with reading(s.engine) as connection:
        known = connection.scalar(select(col(Identity.store)))
    if known is None:
        with writing(s.engine) as connection:
            known = connection.scalar(select(col(Identity.store)))
            if known is None:
                known = _name_objects(s)
                connection.execute(insert(Identity).values(one=1, store=known))
    if s.bucket is not None:
        _name_bucket(s, s.bucket, known)
    named = root_identity(s)
    if named != known:
        where = s.settings.bucket or s.objects
        raise StoreError(
            f"{where} is not the place of this database's artifacts: set"
            " DATAFACTOR_OBJECTS to that place, or DATAFACTOR_DATABASE to another one"
        )
    return known


def root_identity(s: Store) -> str:
    """Read the name that the place of objects carries; empty when it has none."""
    if s.bucket is not None:
        return bucket.text(s.bucket, NAME).strip()
    file = s.objects / NAME
    return file.read_text().strip() if file.exists() else ""


def _name_objects(s: Store) -> str:
    """Name a new folder of objects; after a crash in between the name is kept.

    A bucket is named after the database is: many databases may reach it. A folder that
    holds artifacts already is another database's: to this one they would be orphans,
    which ``gc`` removes.

    Raises:
        StoreError: The folder holds artifacts.
    """
    if s.bucket is not None:
        return secrets.token_hex(32)
    if named := root_identity(s):
        if any(s.objects.glob(f"{'[0-9a-f]' * 2}/{'[0-9a-f]' * 64}")):
            raise StoreError(
                f"{s.objects} holds artifacts of another database, and this one is new:"
                " set DATAFACTOR_DATABASE to theirs, `datafactor restore` a backup, or"
                " set DATAFACTOR_OBJECTS to an empty folder"
            )
        return named
    named = secrets.token_hex(32)
    part = s.objects / f".STORE-{os.getpid()}"
    part.touch(0o600)
    part.write_text(named + "\n")
    sync(part)
    os.replace(part, s.objects / NAME)
    sync(s.objects)
    failpoint("store.named")
    return named


def _name_bucket(s: Store, b: bucket.Bucket, known: str) -> None:
    """Name the bucket of a database that holds no run yet, and see that names stay.

    Raises:
        StoreError: The bucket holds artifacts and no name, or the service overwrites
            what is there although it is told not to.
    """
    with reading(s.engine) as connection:
        if connection.scalar(select(col(StageRun.seq)).limit(1)) is not None:
            return
    body = f"{known}\n".encode()
    if bucket.look(b, NAME) is not None:
        return
    if any(fullmatch(ADDRESS, entry.key) for entry in bucket.list_all(b)):
        raise StoreError(
            f"{b.url} holds artifacts of another database, and its object {NAME} is"
            " gone: put that back, or set DATAFACTOR_OBJECTS to an empty prefix"
        )
    if bucket.put_new(b, NAME, body) and bucket.put_new(b, NAME, body):
        raise StoreError(
            f"{b.url}: this service does not honour If-None-Match, so one run may"
            " overwrite another's bytes: use one that does"
        )
    failpoint("store.named")
