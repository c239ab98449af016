"""Examine the installation: what runs, where things lie, what is not in order."""

import os
import platform
import shutil
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlmodel import col

from schemas.tables.lineage import StageRun
from tasks.store import anchor, bucket, triggers
from tasks.store.database import journal_mode, reading, revision
from tasks.store.migrations import HEAD
from tasks.store.opening import NAME
from tasks.store.place import Store

ENGINES = ("polars", "pandera", "sqlmodel", "sqlalchemy", "alembic", "prefect")
LEAST_FREE = 1_000_000_000
APART = timedelta(minutes=5)  # what clocks of two machines may differ
State = Literal["good", "warn", "bad"]


class Fact(BaseModel):
    """One thing looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    sentence: str


def doctor(s: Store) -> list[Fact]:
    """Look at the installation without changing it.

    A store whose folder of objects belongs to another database does not even open.
    """
    return [
        Fact(name="python", state="good", sentence=platform.python_version()),
        *_database(s),
        _objects(s),
        _anchor(s),
        _clock(s),
        _key(s),
        Fact(
            name="engines",
            state="good",
            sentence=", ".join(f"{name} {version(name)}" for name in ENGINES),
        ),
    ]


def _database(s: Store) -> list[Fact]:
    with reading(s.engine) as c:
        at, wrong = revision(c), triggers.differing(c)
    chosen = f"SQLite {sqlite3.sqlite_version}, journal {journal_mode()}"
    where = s.engine.url.set(query={}).render_as_string(hide_password=True)
    guards = f"missing or changed: {wrong}" if wrong else "all guards are in place"
    return [
        Fact(name="sqlite", state="good", sentence=chosen),
        Fact(
            name="database",
            state="good" if at == HEAD else "bad",
            sentence=f"{where} is at revision {at}, this release wants {HEAD}",
        ),
        Fact(name="guards", state="bad" if wrong else "good", sentence=guards),
    ]


def _objects(s: Store) -> Fact:
    free = shutil.disk_usage(s.objects).free
    where = f"{s.objects}"
    state: State = "good" if free >= LEAST_FREE else "warn"
    if s.bucket is not None:
        where = f"{s.settings.bucket} with copies in {s.objects}"
        # Nothing changes where the service is sound: the name is there already.
        if bucket.put_new(s.bucket, NAME, f"{s.id}\n".encode()):
            state, where = "bad", f"{where}; it overwrites what is there: use another"
    return Fact(
        name="objects",
        state=state,
        sentence=f"{where} of store {s.id[:12]}, {free / 1e9:,.1f} GB free",
    )


def _anchor(s: Store) -> Fact:
    folder = s.settings.anchor
    lines, faults = anchor.read(s, folder / f"{s.id}.jsonl")
    state: State = "bad" if faults else "good"
    sentence = f"{folder} holds {len(lines)} signed heads"
    if faults:
        sentence = faults[0]
    elif folder.is_relative_to(s.settings.home):
        state = "warn"
        sentence += "; it lies inside home, so who takes one takes both: move it"
    return Fact(name="anchor", state=state, sentence=sentence)


def _clock(s: Store) -> Fact:
    """Compare the clock with the newest run: the chain keeps its order without one."""
    with reading(s.engine) as c:
        newest = c.scalar(select(func.max(col(StageRun.at))))
    now = datetime.now(UTC)
    if newest is None or newest - now <= APART:
        return Fact(name="clock", state="good", sentence=f"{now:%Y-%m-%d %H:%M} UTC")
    return Fact(
        name="clock",
        state="warn",
        sentence=f"it is {now:%Y-%m-%d %H:%M} UTC, but a run says it was made at"
        f" {newest:%Y-%m-%d %H:%M}: set the clock of this machine, or of the one that"
        " published; runs keep their order",
    )


def _key(s: Store) -> Fact:
    file = s.settings.key
    if not file.exists():
        later = f"{file} will be made by the first publication"
        return Fact(name="key", state="good", sentence=later)
    mode = stat.S_IMODE(file.stat().st_mode)
    open_to_others = mode & 0o077 or file.stat().st_uid != os.geteuid()
    return Fact(
        name="key",
        state="bad" if open_to_others else "good",
        sentence=f"{file} has mode {mode:04o}"
        + ("; others may sign with it: chmod 600" if open_to_others else ""),
    )
