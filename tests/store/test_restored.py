"""What a backup leaves out, and what a restore takes over from a place or a release."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from schemas.artifact import ArtifactRef, Origin
from schemas.errors import StoreError
from tasks import store
from tasks.store import Store, bucket, steps, triggers
from tasks.store.backup import backup
from tasks.store.database import (
    open_engine,
    reading,
    revision,
    upgraded,
    writing,
)
from tasks.store.migrations import HEAD
from tasks.store.restore import restore
from tests import bucket as s3
from tests.store.build import chain, made, run
from tests.store.conftest import settings_in
from tests.store.test_backup import known_there
from tests.store.test_migrations import RELEASED, database, published

Refs = dict[str, ArtifactRef]
__all__ = ["database"]  # a fixture


def test_heads_signed_after_the_rows_were_written_stay_out(
    s: Store, refs: Refs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would say of the copy that its last runs were cut off."""

    def publishing(step: str) -> None:
        if step == "backup.tables":
            monkeypatch.undo()
            store.publish(s, run(made(s, "late", b"late"), task="collect late"))

    monkeypatch.setattr(steps, "hook", publishing)
    assert backup(s, tmp_path / "backup").runs == 5
    assert len(store.runs(s)) == 6

    there = settings_in(tmp_path / "there", key=str(s.settings.key))
    assert restore(there, tmp_path / "backup").findings.exit == 0


def test_damaged_bytes_are_in_no_backup(s: Store, refs: Refs, tmp_path: Path) -> None:
    sha256 = refs["product"].sha256
    file = store.path(s, sha256)
    file.chmod(0o600)
    file.write_bytes(b"damaged")

    backup(s, tmp_path / "backup")

    assert not (tmp_path / "backup" / "objects" / sha256[:2] / sha256).exists()


def test_a_damaged_object_of_a_bucket_is_in_no_backup(tmp_path: Path) -> None:
    with s3.server() as known, s3.named(known):
        place = s3.made(known["AWS_ENDPOINT_URL"])
        s = store.opened(settings_in(tmp_path, objects=place))
        sha256 = chain(s, tmp_path)["product"].sha256
        assert s.bucket
        assert bucket.remove(s.bucket, bucket.key_of(sha256))
        bucket.put_new(s.bucket, bucket.key_of(sha256), b"damaged")

        saved = backup(s, tmp_path / "backup")

    assert saved.damaged == (sha256,)
    assert not [*(tmp_path / "backup" / "objects" / sha256[:2]).iterdir()]


def test_bytes_kept_by_reference_are_counted_and_not_missing(
    s: Store, tmp_path: Path
) -> None:
    file = s.settings.data / "people.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"id,name\n1,Ada\n")
    kept: dict[str, Any] = {"member": "", "licence": "own", "retained": "reference"}
    origin = Origin(path="people.csv", file_sha256=store.digest(file), **kept)
    raw = made(s, "people", file.read_bytes(), origin=origin)
    store.path(s, raw.ref.sha256).unlink()
    store.publish(s, run(raw, task="collect people"))

    saved = backup(s, tmp_path / "backup")

    assert (saved.by_reference, saved.missing) == (1, ())


def test_a_backup_lies_beside_the_signed_heads_and_not_among_them(
    s: Store, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="lie in each other"):
        backup(s, s.settings.anchor / "backup")


def test_bytes_without_the_name_of_a_store_are_somebodys(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    backup(s, tmp_path / "backup")
    there = settings_in(tmp_path / "there")
    there.objects.mkdir(parents=True)
    (there.objects / "letter.txt").write_text("dear")

    with pytest.raises(StoreError, match="a store is there already"):
        restore(there, tmp_path / "backup")


def test_other_heads_of_the_store_are_not_written_over(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    backup(s, tmp_path / "backup")
    there = settings_in(tmp_path / "there")
    there.anchor.mkdir(parents=True)
    heads = there.anchor / f"{s.id}.jsonl"
    heads.write_text('{"seq": 1}\n')

    with pytest.raises(StoreError, match="holds other heads of this store"):
        restore(there, tmp_path / "backup")

    assert heads.read_text() == '{"seq": 1}\n'


def test_half_a_file_that_a_crash_left_in_a_backup_is_not_brought_back(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    saved = backup(s, tmp_path / "backup")
    sha256 = refs["product"].sha256
    part = tmp_path / "backup" / "objects" / sha256[:2] / f".part-1-{sha256}"
    part.write_bytes(b"half")
    there = known_there(s, tmp_path)

    assert restore(there, tmp_path / "backup").objects == saved.objects
    assert not [*there.objects.rglob(".part-*")]


def test_a_backup_names_only_columns_that_a_release_has(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    backup(s, tmp_path / "backup")
    header = tmp_path / "backup" / "backup.json"
    said = json.loads(header.read_text())
    said["tables"]["quota"]["columns"]["x); DROP TABLE quota; --"] = "text"
    header.write_text(json.dumps(said))

    with pytest.raises(StoreError, match="names a table or column that no release has"):
        restore(settings_in(tmp_path / "there"), tmp_path / "backup")


@pytest.mark.parametrize("release", RELEASED)
def test_a_backup_of_each_release_comes_up_on_either_database(
    database: str, tmp_path: Path, release: str
) -> None:
    new = store.opened(settings_in(tmp_path))
    published(new, tmp_path, release)
    backup(new, tmp_path / "backup")
    made_old(tmp_path / "backup", release, columns_of(release, tmp_path))
    there = settings_in(
        tmp_path / "there", key=str(new.settings.key), database=database
    )

    said = restore(there, tmp_path / "backup")

    assert [f.sentence for f in said.findings.findings] == []
    up = store.opened(there)
    assert len(store.runs(up)) == len(store.runs(new))
    with reading(up.engine) as c:
        assert revision(c) == HEAD
        assert triggers.differing(c) == []


def columns_of(release: str, folder: Path) -> dict[str, list[str]]:
    """List the tables and columns that a release had, by its own statements."""
    engine = open_engine(f"sqlite:///{folder / 'then.db'}")
    with writing(engine) as c:
        upgraded(c, release)
        there = inspect(c)
        found = {n: there.get_columns(n) for n in there.get_table_names()}
    engine.dispose()
    return {table: [one["name"] for one in of] for table, of in found.items()}


def made_old(folder: Path, release: str, known: dict[str, list[str]]) -> None:
    """Leave in a backup what a release knew, and seal it as that did."""
    header = folder / "backup.json"
    said = json.loads(header.read_text()) | {"revision": release, "digest": ""}
    for table in {*said["tables"]} - known.keys():
        del said["tables"][table]
    for table, of in said["tables"].items():
        file = folder / said["state"] / f"{table}.jsonl.gz"
        all_ = [*of["columns"]]
        of["columns"] = {n: k for n, k in of["columns"].items() if n in known[table]}
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        rows = (dict(zip(all_, json.loads(line), strict=True)) for line in lines)
        cut = [json.dumps([row[n] for n in of["columns"]]) + "\n" for row in rows]
        file.write_bytes(gzip.compress("".join(cut).encode()))
        of["sha256"] = store.digest(file)
    header.write_text(json.dumps(said))
