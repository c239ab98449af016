"""A backup is one moment of a store, and restores on either database, or not at all."""

import gzip
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from schemas.artifact import ArtifactRef
from schemas.errors import StoreError
from schemas.tables.columns import Row
from tasks import store
from tasks.store import Settings, Store, steps, triggers
from tasks.store.backup import Saved, backup, present
from tasks.store.database import reading
from tasks.store.garbage import collect_garbage
from tasks.store.reread import reread
from tasks.store.restore import Restored, restore
from tests import bucket as s3
from tests import postgres
from tests.command import datafactor
from tests.store.build import chain, made, pledge, post_pledge, run, sha
from tests.store.conftest import settings_in
from tests.store.test_erase import erased

Refs = dict[str, ArtifactRef]
NAMES = ("flights/resource/flights", "flights/resource/resource", "flights/product")
FORKED = multiprocessing.get_context("fork")


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(
    request: pytest.FixtureRequest, s: Store, tmp_path: Path
) -> Iterator[Settings]:
    """Another machine: other folders, an empty database of either kind."""
    with machine(request, s, tmp_path, request.param) as settings:
        yield settings


@contextmanager
def machine(
    request: pytest.FixtureRequest, s: Store, folder: Path, kind: str
) -> Iterator[Settings]:
    """Lend a machine that knows who signs, and has no private key of the store."""
    there = folder / "there"
    keys = there / "deployments" / "signers"
    keys.mkdir(parents=True)
    public = s.settings.anchor / f"{s.id}.pub"
    (keys / "house.pub").write_bytes(public.read_bytes() if public.exists() else b"")
    places = {"factors": str(there / "deployments" / "factors")}
    if kind == "sqlite":
        yield settings_in(there, **places)
        return
    server = request.getfixturevalue("postgres_url")
    with postgres.database(server) as url:
        yield settings_in(there, **places, database=url)


def rows_of(s: Store) -> dict[str, list[Any]]:
    """Read all tables, in an order that no database chooses."""
    with reading(s.engine) as c:
        return {
            t.name: sorted(repr(tuple(row)) for row in c.execute(select(t)))
            for t in Row.metadata.sorted_tables
        }


def answered(s: Store) -> dict[str, Any]:
    return {name: store.resolve(s, name) for name in (*NAMES, "loan:BANK-2026-001")}


def restored(settings: Settings, folder: Path) -> tuple[Store, Restored]:
    said = restore(settings, folder)
    return store.opened(settings), said


def test_a_restored_store_is_the_same_on_either_database_and_its_anchor_holds(
    s: Store, refs: Refs, elsewhere: Settings, tmp_path: Path
) -> None:
    saved = backup(s, tmp_path / "backup")

    there, said = restored(elsewhere, tmp_path / "backup")

    assert [f.sentence for f in said.findings.findings] == []
    assert said.findings.exit == 0
    assert said.findings.examined["signed heads"] == saved.runs == 5
    assert there.id == s.id
    assert rows_of(there) == rows_of(s)
    assert answered(there) == answered(s)
    assert store.scan(there, refs["resource"]).collect()["distance"].to_list() == [100]
    with reading(there.engine) as c:
        assert triggers.differing(c) == []
    post_pledge(there, pledge("BANK-2", principal_fen=1), task="more")
    assert store.verify(there, elsewhere.anchor).exit in (0, 2)  # another key signs
    assert not elsewhere.key.is_relative_to(tmp_path / "backup")
    apart = [p for p in there.objects.glob("??/*") if p.stat().st_nlink == 1]
    assert len(apart) == len([*there.objects.glob("??/*")]) > 0


def test_the_private_key_is_never_copied(s: Store, refs: Refs, tmp_path: Path) -> None:
    backup(s, tmp_path / "backup")

    secret = s.settings.key.read_bytes()
    files = [p for p in (tmp_path / "backup").rglob("*") if p.is_file()]
    assert files
    assert all(secret not in p.read_bytes() for p in files)
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "backup").rglob("*"))
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


def test_the_next_backup_copies_only_what_is_new_and_drops_what_was_erased(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    first = backup(s, folder)
    assert (first.fresh, first.removed) == (first.objects, 0)

    store.publish(s, run(made(s, "more", b"more bytes"), task="collect more"))
    second = backup(s, folder)
    assert (second.fresh, second.removed, second.runs) == (1, 0, 6)
    assert len(list(folder.glob("state-*"))) == 1

    erased(s, refs["flights"])
    third = backup(s, folder)
    assert third.removed == 1
    sha256 = refs["flights"].sha256
    assert not (folder / "objects" / sha256[:2] / sha256).exists()


def test_a_byte_that_rots_anywhere_in_a_backup_is_named(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    backup(s, folder)
    sound = reread(folder)
    files = [p for p in folder.rglob("*") if p.is_file() and p.name[0] != "."]
    assert (sound.damaged, sound.missing, sound.complete) == ((), (), True)
    assert sound.files == len(files) - 1  # the header speaks for itself

    unnoticed = []
    for file in files:
        content = file.read_bytes()
        at = len(content) // 2
        file.chmod(0o600)
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        name = file.relative_to(folder).as_posix()
        try:
            if reread(folder).damaged != (name,):
                unnoticed.append(name)
        except StoreError as error:
            if "backup.json is damaged" not in str(error):
                unnoticed.append(name)
        file.write_bytes(content)
    assert unnoticed == []

    backup(s, folder)  # which reads nothing again
    gone = folder / "objects" / refs["product"].sha256[:2] / refs["product"].sha256
    gone.unlink()
    assert reread(folder).missing == (gone.relative_to(folder).as_posix(),)


def test_a_backup_is_checked_where_no_store_is(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    folder, empty = tmp_path / "backup", tmp_path / "elsewhere"
    backup(s, folder)
    file = folder / "objects" / refs["product"].sha256[:2] / refs["product"].sha256
    ask = partial(datafactor, "backup", str(folder), "--check", home=empty)
    assert (sound := ask()).exit == 0, sound.err
    assert "the backup is sound" in sound.out

    file.chmod(0o600)
    file.write_bytes(b"0" + file.read_bytes()[1:])

    told = ask()
    assert told.exit == 1
    assert f"{file.relative_to(folder)} is damaged" in told.out
    assert not (empty / "store").exists()


def test_missing_and_damaged_bytes_are_told_and_never_copied(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    store.path(s, refs["flights"].sha256).unlink()
    file = store.path(s, refs["product"].sha256)
    file.chmod(0o600)
    file.write_bytes(b"damaged")

    saved = backup(s, tmp_path / "backup")

    assert saved.missing == (refs["flights"].sha256,)
    assert saved.damaged == (refs["product"].sha256,)


def publish_on(settings: Settings, go: Any, stop: Any, count: Any) -> None:
    """Publish run after run in a process of its own."""
    there = store.opened(settings)
    go.set()
    while not stop.is_set():
        n = count.value
        frame = made(there, "f", pl.DataFrame({"n": [n]}), sha(f"writer {n}"))
        store.publish(there, run(frame, task=f"write {n}"))
        count.value = n + 1


def test_a_backup_while_a_writer_publishes_is_sound(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    spawned = multiprocessing.get_context("spawn")
    go, stop, count = spawned.Event(), spawned.Event(), spawned.Value("i", 0)
    writer = spawned.Process(target=publish_on, args=(s.settings, go, stop, count))
    writer.start()
    try:
        go.wait(60)
        taken: list[Saved] = []
        while len(taken) < 3 or count.value < 6:
            taken.append(backup(s, tmp_path / "backup"))
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0

    there = settings_in(tmp_path / "there", key=str(s.settings.key))
    said = restore(there, tmp_path / "backup")

    assert [f.sentence for f in said.findings.findings] == []
    assert all(not one.missing for one in taken)
    assert taken[-1].runs > 5


def test_nothing_is_restored_over_a_store(s: Store, refs: Refs, tmp_path: Path) -> None:
    backup(s, tmp_path / "backup")
    before = rows_of(s)

    with pytest.raises(StoreError, match="a store is there already"):
        restore(s.settings, tmp_path / "backup")
    assert rows_of(s) == before

    there = settings_in(tmp_path / "there")
    there.objects.mkdir(parents=True)
    (there.objects / "STORE").write_text("f" * 64)
    with pytest.raises(StoreError, match="a store is there already"):
        restore(there, tmp_path / "backup")


def test_an_older_backup_does_not_hide_runs_that_the_surviving_anchor_knows(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    backup(s, tmp_path / "backup")
    post_pledge(s, pledge("BANK-2", principal_fen=200_000_000), task="later")
    there = settings_in(
        tmp_path / "there", key=str(s.settings.key), anchor=str(s.settings.anchor)
    )

    said = restore(there, tmp_path / "backup")

    assert said.findings.exit == 2
    (found,) = said.findings.findings
    assert "the chain ends at run 5, but run 6 was signed" in found.sentence
    assert "7,000,000.00 were pledged in all" in found.sentence


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("a row", "was changed: take another backup"),
        ("the header", "is damaged, or a newer release wrote it"),
        ("a newer revision", "use a newer release"),
        ("nothing", "holds no finished backup"),
    ],
)
def test_a_changed_backup_is_refused_and_nothing_is_made(
    s: Store, refs: Refs, tmp_path: Path, what: str, how: str
) -> None:
    folder = tmp_path / "backup"
    backup(s, folder)
    header = folder / "backup.json"
    if what == "a row":
        (file,) = folder.glob("state-*/pledgerow.jsonl.gz")
        rows = gzip.decompress(file.read_bytes())
        file.write_bytes(gzip.compress(rows.replace(b"500000000", b"900000000")))
    elif what == "the header":
        header.write_text(header.read_text().replace('"seq"', '"other"'))
    elif what == "a newer revision":
        said = json.loads(header.read_text()) | {"revision": "9999"}
        header.write_text(json.dumps(said))
    else:
        header.unlink()
    there = settings_in(tmp_path / "there")

    with pytest.raises(StoreError, match=how):
        restore(there, folder)

    assert not there.home.exists()


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        ("[not json", "JSONDecodeError"),
        ('[1, "no hash"]', "breaks a rule of its table"),
    ],
    ids=["no JSON", "no hash"],
)
def test_rows_that_no_store_wrote_are_refused_in_a_sentence_and_none_is_kept(
    s: Store, refs: Refs, tmp_path: Path, rows: str, how: str
) -> None:
    folder = tmp_path / "backup"
    backup(s, folder)
    (file,) = folder.glob("state-*/identity.jsonl.gz")
    file.write_bytes(gzip.compress(rows.encode()))
    resealed(folder, "identity", file)
    there = known_there(s, tmp_path)

    with pytest.raises(StoreError, match=how):
        restore(there, folder)

    backup(s, tmp_path / "sound")
    assert restore(there, tmp_path / "sound").findings.exit == 0


def known_there(s: Store, folder: Path) -> Settings:
    """Name an empty place where the key and the signed heads of a store are known."""
    kept = {"key": str(s.settings.key), "anchor": str(s.settings.anchor)}
    return settings_in(folder / "there", **kept)


def resealed(folder: Path, table: str, file: Path) -> None:
    """Write the hash of a changed file into the header, as who changed it would."""
    header = folder / "backup.json"
    said = json.loads(header.read_text())
    said["tables"][table]["sha256"] = sha256(file.read_bytes()).hexdigest()
    header.write_text(json.dumps(said))


@pytest.mark.parametrize("name", ["alembic_version", "../../outside"])
def test_a_backup_names_only_tables_that_a_release_has(
    s: Store, refs: Refs, tmp_path: Path, name: str
) -> None:
    backup(s, tmp_path / "backup")
    header = tmp_path / "backup" / "backup.json"
    said = json.loads(header.read_text())
    said["tables"][name] = said["tables"]["quota"]
    header.write_text(json.dumps(said))

    with pytest.raises(StoreError, match="names a table or column that no release has"):
        restore(settings_in(tmp_path / "there"), tmp_path / "backup")


def test_a_backup_names_no_folder_but_its_own(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    backup(s, tmp_path / "backup")
    header = tmp_path / "backup" / "backup.json"
    said = json.loads(header.read_text()) | {"state": "../another"}
    header.write_text(json.dumps(said))

    with pytest.raises(StoreError, match="is damaged, or a newer release wrote it"):
        restore(settings_in(tmp_path / "there"), tmp_path / "backup")


def test_two_backups_into_one_folder_do_not_take_away_what_the_other_wrote(
    s: Store, refs: Refs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, refused = tmp_path / "backup", list[str]()

    def again(step: str) -> None:
        if step == "backup.anchor":
            with pytest.raises(StoreError, match="another backup writes into") as said:
                backup(s, folder)
            refused.append(str(said.value))

    monkeypatch.setattr(steps, "hook", again)
    backup(s, folder)
    monkeypatch.undo()

    assert len(refused) == 1
    assert restore(known_there(s, tmp_path), folder).findings.exit == 0
    backup(s, folder)  # nobody holds it any more


def test_a_backup_goes_neither_into_the_store_nor_over_another_one(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    for folder in (s.settings.home / "backup", tmp_path):
        with pytest.raises(StoreError, match="lie in each other"):
            backup(s, folder)
    mine = tmp_path / "letters"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="holds no finished backup"):
        backup(s, mine)
    other = store.opened(settings_in(tmp_path / "other"))
    backup(other, tmp_path / "others")
    with pytest.raises(StoreError, match="a backup of another store"):
        backup(s, tmp_path / "others")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.server() as known, s3.named(known):
        yield known["AWS_ENDPOINT_URL"]


def test_a_store_in_a_bucket_is_saved_swept_and_restored_into_another_bucket(
    endpoint: str, tmp_path: Path
) -> None:
    s = store.opened(settings_in(tmp_path, objects=s3.made(endpoint)))
    refs = chain(s, tmp_path)
    made(s, "orphan", b"left by a crash")
    assert s.bucket

    saved = backup(s, tmp_path / "backup")
    assert (saved.objects, saved.fresh, saved.missing) == (6, 6, ())
    assert collect_garbage(s).young == 1
    freed = collect_garbage(s, grace=-60)
    assert freed.orphans == 1
    assert not any(s.objects.glob("??/*"))  # copies: they come again when asked for
    assert store.verify(s, s.settings.anchor).exit == 0

    other = settings_in(
        tmp_path / "there", objects=s3.made(endpoint), key=str(s.settings.key)
    )
    there, said = restored(other, tmp_path / "backup")
    assert said.findings.exit == 0
    assert said.findings.examined["files"] == 6
    assert answered(there) == answered(s)

    erased(s, refs["flights"])
    assert present(s) == present(there) - {refs["flights"].sha256} | {
        m.ref.sha256 for m in store.runs(s)[0].publication.artifacts
    }
