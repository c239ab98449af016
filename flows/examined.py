"""Examine what surrounds a store: the Prefect server, its workers, the settings.

The store tells of itself (``tasks.store.doctor``); each finding here, too, says what to
do about it.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectNotFound

from flows.places import relative
from schemas.errors import StoreError
from tasks import store
from tasks.store import Fact, Store

LEAST_FREE = 1_000_000_000
FEW = 3


def examined(s: Store) -> list[Fact]:
    """Look at everything, the store first."""
    return [*store.doctor(s), modes(s), scratch(), places(), runner(), *server()]


def modes(s: Store) -> Fact:
    """Look for what gives anything to others below home: a folder, then its files."""
    home = s.settings.home
    seen = (home, *home.rglob("*"))
    wide = [p for p in seen if not p.is_symlink() and is_open(p)]
    if not wide:
        return Fact(name="modes", state="good", sentence=f"{home} is yours alone")
    few = ", ".join(str(p) for p in wide[:FEW])
    return Fact(
        name="modes",
        state="bad",
        sentence=f"{len(wide)} places are open to others ({few}): chmod -R go= {home}",
    )


def is_open(place: Path) -> bool:
    """Say whether others may read, write or enter; what is gone meanwhile is not."""
    try:
        return bool(stat.S_IMODE(place.stat().st_mode) & 0o077)
    except FileNotFoundError:
        return False


def scratch() -> Fact:
    """Look at the disk on which pieces are unpacked."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    said = f"{folder}, {free / 1e9:,.1f} GB free"
    if free >= LEAST_FREE:
        return Fact(name="scratch", state="good", sentence=said)
    return Fact(
        name="scratch", state="warn", sentence=f"{said}: free some, or set TMPDIR"
    )


def places() -> Fact:
    """Look for settings that mean another place on a worker."""
    if wrong := relative():
        return Fact(
            name="places",
            state="warn",
            sentence=f"{', '.join(wrong)} is relative, and a deployed run starts in an"
            " empty folder: write the whole path",
        )
    return Fact(name="places", state="good", sentence="all settings name whole paths")


def runner() -> Fact:
    """Look at what carries the tasks."""
    from flows.runner import refuse_alone
    from flows.runner import runner as made

    said = store.current().settings.runner
    try:
        made()
        refuse_alone()
    except StoreError as error:
        return Fact(name="runner", state="bad", sentence=str(error))
    return Fact(name="runner", state="good", sentence=said)


def server() -> Iterator[Fact]:
    """Ask the Prefect server that the environment names, and for its workers."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        said = "no PREFECT_API_URL: runs are plain, without a server"
        yield Fact(name="server", state="good", sentence=said)
        return
    from flows.deploy import server as connected

    try:
        with connected() as client:
            yield version_of(url, client)
            yield workers(client)
    except StoreError as error:
        yield Fact(name="server", state="bad", sentence=str(error))


def version_of(url: str, client: SyncPrefectClient) -> Fact:
    """Compare the server's version with the one that is installed here."""
    theirs, mine = client.api_version(), version("prefect")
    said = f"{url} runs Prefect {theirs}"
    if theirs == mine:
        return Fact(name="server", state="good", sentence=said)
    more = f", here is {mine}: install the same on both"
    return Fact(name="server", state="warn", sentence=said + more)


def workers(client: SyncPrefectClient) -> Fact:
    """Ask whether somebody takes up runs."""
    from flows.deployed import POOL

    try:
        known = client.read_workers_for_work_pool(POOL)
    except ObjectNotFound:
        said = f"there is no work pool {POOL}: `datafactor deploy`"
        return Fact(name="workers", state="warn", sentence=said)
    alive = [one for one in known if one.status == WorkerStatus.ONLINE]
    if not alive:
        said = f"nobody takes up runs: `prefect worker start --pool {POOL}`"
        return Fact(name="workers", state="warn", sentence=said)
    return Fact(name="workers", state="good", sentence=f"{len(alive)} on pool {POOL}")
