"""Garbage goes by age; what an artifact names stays, whoever publishes meanwhile."""

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.artifact import ArtifactRef
from schemas.errors import StoreError
from tasks import store
from tasks.store import Settings, Store, steps
from tasks.store.garbage import GRACE, collect_garbage
from tests.store.build import made, run, sha
from tests.store.test_erase import recorded

Refs = dict[str, ArtifactRef]
YESTERDAY = 2 * GRACE


def aged(*files: Path) -> None:
    """Let files be two days old."""
    for file in files:
        os.utime(file, (time.time() - YESTERDAY,) * 2)


def all_of(s: Store) -> list[Path]:
    return [p for p in s.objects.glob("??/*") if p.is_file()]


def test_what_a_reader_can_reach_stays_whatever_its_age(s: Store, refs: Refs) -> None:
    orphan = store.path(s, made(s, "orphan", b"nobody names it").ref.sha256)
    aged(*all_of(s))

    freed = collect_garbage(s)

    assert (freed.orphans, freed.bytes) == (1, len(b"nobody names it"))
    assert not orphan.exists()
    assert store.verify(s, s.settings.anchor).exit == 0
    assert store.scan(s, refs["resource"]).collect().height == 1


def test_an_orphan_that_may_still_be_named_stays_for_its_grace(s: Store) -> None:
    young = made(s, "young", b"about to be published")

    freed = collect_garbage(s)

    assert (freed.orphans, freed.young) == (0, 1)
    store.publish(s, run(young))


def test_bytes_that_are_placed_again_are_young_again(s: Store) -> None:
    file = store.path(s, made(s, "f", b"left by a crash").ref.sha256)
    aged(file)

    again = made(s, "f", b"left by a crash")

    assert collect_garbage(s).orphans == 0
    store.publish(s, run(again))


def test_an_orphan_that_is_published_after_it_was_looked_at_stays(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = made(s, "late", b"placed long ago, published at the last moment")
    aged(store.path(s, late.ref.sha256))
    published: list[Any] = []

    def publishing(step: str) -> None:
        if step == "gc.looked" and not published:
            published.append(None)  # publishing passes steps too
            store.publish(s, run(late))

    monkeypatch.setattr(steps, "hook", publishing)

    assert collect_garbage(s).orphans == 0
    assert published
    assert store.path(s, late.ref.sha256).exists()
    assert store.verify(s, s.settings.anchor).exit == 0


def test_bytes_placed_while_they_are_being_removed_are_put_back(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: they are looked at, old, and then somebody places them."""
    file = store.path(s, made(s, "f", b"left by a crash").ref.sha256)
    aged(file)
    placed: list[Path] = []

    def placing(step: str) -> None:
        if step == "gc.aside" and not placed:
            aside = file.with_name(f".gc-{file.name}")
            os.utime(aside)  # touched by who found it there a moment ago
            placed.append(aside)

    monkeypatch.setattr(steps, "hook", placing)

    assert collect_garbage(s).orphans == 0
    assert placed
    assert file.read_bytes() == b"left by a crash"
    assert list(s.objects.glob("??/.gc-*")) == []


def test_bytes_placed_just_after_they_were_set_aside_are_linked_anew(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = store.path(s, made(s, "f", b"left by a crash").ref.sha256)
    aged(file)
    again: list[Any] = []

    def placing(step: str) -> None:
        if step == "gc.aside" and not again:
            again.append(None)  # placing passes steps too
            again[0] = made(s, "f", b"left by a crash")

    monkeypatch.setattr(steps, "hook", placing)

    assert collect_garbage(s).orphans == 1
    monkeypatch.undo()
    store.publish(s, run(again[0]))
    assert file.read_bytes() == b"left by a crash"


def test_scratch_and_parts_of_crashed_runs_go_and_those_of_live_ones_stay(
    s: Store,
) -> None:
    tmp = s.settings.home / "tmp"
    dead, live = tmp / "1-dead", tmp / "2-live"
    for folder in (dead, live):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"1234567")
    shard = s.objects / "ab"
    shard.mkdir(exist_ok=True)
    left = [s.objects / ".part-x", s.objects / ".STORE-1", shard / ".gc-x"]
    for file in left:
        file.write_bytes(b"123")
    aged(dead / "part", dead, live, *left)  # live still writes

    freed = collect_garbage(s)

    assert (freed.scratch, freed.bytes) == (4, 16)
    assert not dead.exists()
    assert (live / "part").exists()
    assert (s.objects / "STORE").read_text().strip() == s.id


def test_erased_bytes_go_at_once(s: Store, refs: Refs) -> None:
    recorded(s, refs["flights"])

    assert collect_garbage(s).erased == 1
    assert not store.path(s, refs["flights"].sha256).exists()


def publish_orphans(settings: Settings, who: int, times: int, told: Any) -> None:
    """Publish frames whose bytes many processes place at once, and leave orphans."""
    s = store.opened(settings)
    unfinished = 0
    for n in range(times):
        content = pl.DataFrame({"n": [n]})  # the same bytes in all processes
        try:
            frame = made(s, "f", content, sha(f"{who} {n}"))
            store.publish(s, run(frame, task=f"write {who} {n}"))
            made(s, "orphan", f"{who} {n}".encode())
        except (StoreError, FileNotFoundError):  # swept away before it was named
            unfinished += 1
    told.put(unfinished)


def hammer(settings: Settings, grace: float, stop: Any) -> None:
    s = store.opened(settings)
    while not stop.is_set():
        collect_garbage(s, grace)


def raced(s: Store, grace: float, publishers: int, times: int) -> int:
    """Let processes publish while another collects; count what did not finish."""
    spawned = multiprocessing.get_context("spawn")
    stop, told = spawned.Event(), spawned.Queue()
    cleaner = spawned.Process(target=hammer, args=(s.settings, grace, stop))
    writers = [
        spawned.Process(target=publish_orphans, args=(s.settings, n, times, told))
        for n in range(publishers)
    ]
    for process in (cleaner, *writers):
        process.daemon = True
        process.start()
    unfinished = sum(int(told.get(timeout=60)) for _ in writers)
    stop.set()
    for process in (cleaner, *writers):
        process.join(60)
        assert process.exitcode == 0
    return unfinished


FAR_TOO_SHORT, AN_HOUR = 0.05, 3600.0


def test_nothing_dangles_while_a_collector_hammers_at_publishers(s: Store) -> None:
    unfinished = raced(s, AN_HOUR, publishers=2, times=10)

    assert store.verify(s).exit == 0
    assert (len(store.runs(s)), unfinished) == (20, 0)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("grace", [FAR_TOO_SHORT, AN_HOUR])
def test_nothing_dangles_after_many_such_races(s: Store, grace: float) -> None:
    unfinished = raced(s, grace, publishers=6, times=100)

    assert store.verify(s).exit == 0
    assert unfinished == 0 or grace == FAR_TOO_SHORT
