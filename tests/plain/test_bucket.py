"""The whole chain over object storage: the ids of a folder, and what may go wrong."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.artifact import Made
from schemas.errors import StoreError
from tasks import store
from tasks.store import Store, bucket, steps
from tests import bucket as s3
from tests.archive import small_archive
from tests.builders import temporary_store

DIES_AT = 12  # objects: after the sources, within the resource
Ids = dict[tuple[str, str], str]  # task and frame -> artifact


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    small_archive(folder)
    return folder


@pytest.fixture(scope="module")
def in_a_folder(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Ids:
    """Run the chain once as most people do."""
    home = tmp_path_factory.mktemp("folder")
    with temporary_store(home, DATAFACTOR_DATA=str(data)):
        value_chain.fn(FACTOR, AS_OF)
        return ids()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.server() as known, s3.named(known):
        yield known["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def s(
    tmp_path_factory: pytest.TempPathFactory, data: Path, endpoint: str
) -> Iterator[Store]:
    """Run the chain once over a bucket."""
    home, url = tmp_path_factory.mktemp("bucket"), f"{s3.made(endpoint)}/house"
    with temporary_store(home, DATAFACTOR_DATA=str(data), DATAFACTOR_OBJECTS=url):
        value_chain.fn(FACTOR, AS_OF)
        yield store.current()


def ids() -> Ids:
    return {
        (run.publication.task, made.frame): made.ref.id
        for run in store.runs(store.current())
        for made in run.publication.artifacts
    }


def made_by(task: str) -> Made:
    """Find the main frame of a task."""
    made = [r for r in store.runs(store.current()) if r.publication.task == task]
    return made[0].publication.artifacts[0]


def key_of(made: Made) -> str:
    return bucket.key_of(made.ref.sha256)


def opened(s: Store) -> bucket.Bucket:
    assert s.bucket is not None
    return s.bucket


def test_the_ids_are_those_of_a_folder_and_all_is_sound(
    s: Store, in_a_folder: Ids
) -> None:
    assert ids() == in_a_folder
    assert len(in_a_folder) > 20
    assert store.verify(s, s.settings.anchor).exit == 0


def test_a_machine_without_a_copy_reads_the_bucket(s: Store) -> None:
    ref = made_by("transform").ref
    before = store.scan(s, ref).collect()
    store.path(s, ref.sha256).unlink()

    assert store.scan(s, ref).collect().equals(before)
    assert store.path(s, ref.sha256).stat().st_mode & 0o077 == 0


def test_a_damaged_copy_is_renewed_and_never_read(s: Store) -> None:
    ref = made_by("transform").ref
    file = store.path(s, ref.sha256)
    file.chmod(0o600)
    file.write_bytes(b"damaged")

    assert store.scan(s, ref).collect().height == ref.rows
    assert store.verify(s, s.settings.anchor).exit == 0


@pytest.mark.parametrize("task", ["collect", "productize"])
def test_a_deleted_object_is_made_again_with_the_same_id(s: Store, task: str) -> None:
    """Though this machine holds a copy: the others do not."""
    before, lost = ids(), made_by(task)
    assert bucket.remove(opened(s), key_of(lost))
    assert store.verify(s, s.settings.anchor).exit == 4

    value_chain.fn(FACTOR, AS_OF)

    assert bucket.size(opened(s), lost.ref.sha256) == lost.bytes
    assert ids() == before
    assert store.verify(s, s.settings.anchor).exit == 0


def test_a_damaged_object_is_found_although_the_copy_is_sound(s: Store) -> None:
    hurt = made_by("productize")
    bucket.remove(opened(s), key_of(hurt))
    bucket.put_new(opened(s), key_of(hurt), b"x" * hurt.bytes)

    assert store.path(s, hurt.ref.sha256).exists()
    assert store.verify(s, s.settings.anchor).exit == 1

    bucket.put(opened(s), store.path(s, hurt.ref.sha256), hurt.ref.sha256)
    assert store.verify(s, s.settings.anchor).exit == 0


def test_a_damaged_object_is_refused_where_there_is_no_copy(s: Store) -> None:
    hurt = made_by("productize")
    file = store.path(s, hurt.ref.sha256)
    sound = file.read_bytes()
    file.unlink()
    bucket.remove(opened(s), key_of(hurt))
    bucket.put_new(opened(s), key_of(hurt), b"x" * hurt.bytes)

    with pytest.raises(StoreError, match="have changed"):
        store.scan(s, hurt.ref)

    assert not file.exists()
    assert [*s.objects.glob(".part-*")] == []
    bucket.remove(opened(s), key_of(hurt))
    bucket.put_new(opened(s), key_of(hurt), sound)
    assert store.scan(s, hurt.ref).collect().height == hurt.ref.rows


def test_another_database_on_the_same_bucket_is_refused(
    s: Store, tmp_path: Path
) -> None:
    for _ in range(2):  # also the next time
        with (
            pytest.raises(StoreError, match="set DATAFACTOR_OBJECTS"),
            temporary_store(tmp_path, DATAFACTOR_OBJECTS=s.settings.bucket),
        ):
            pass
    assert bucket.text(opened(s), "STORE").strip() == s.id


def test_the_doctor_names_the_bucket_and_no_credential_is_kept(
    s: Store, endpoint: str
) -> None:
    """Neither the key nor the endpoint lies in any file of the home."""
    (fact,) = [f for f in store.doctor(s) if f.name == "objects"]
    home = s.settings.home.parent
    files = [f.read_bytes() for f in home.rglob("*") if f.is_file()]
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()

    assert fact.state == "good"
    assert fact.sentence.startswith(f"{s.settings.bucket} with copies in ")
    assert len(files) > 20
    assert not [w for w in (secret, endpoint.encode()) if any(w in f for f in files)]


def test_a_bucket_that_dies_is_told_and_the_next_run_completes(
    data: Path, tmp_path: Path, in_a_folder: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies in the middle, and comes back without what it held."""
    alive = ExitStack()
    known = alive.enter_context(s3.server())
    with alive, s3.named(known):
        endpoint = known["AWS_ENDPOINT_URL"]
        url = s3.made(endpoint)
        places = {"DATAFACTOR_DATA": str(data), "DATAFACTOR_OBJECTS": url}
        kept = count()

        def dying(step: str) -> None:
            if step == "bucket.put" and next(kept) == DIES_AT:
                alive.close()

        monkeypatch.setattr(steps, "hook", dying)
        with temporary_store(tmp_path, **places) as s:
            with pytest.raises(StoreError, match="does not answer"):
                value_chain.fn(FACTOR, AS_OF)
            assert [r.publication.status for r in store.runs(s)].count("FAIL") == 1
    port = int(endpoint.rpartition(":")[2])
    with s3.server(port), s3.named(known), temporary_store(tmp_path, **places) as s:
        s3.made(endpoint, url.removeprefix("s3://"))
        bucket.put_new(opened(s), "STORE", s.id.encode())
        value_chain.fn(FACTOR, AS_OF)
        assert ids() == in_a_folder
        assert store.verify(s).exit == 0


def test_a_bucket_without_room_is_told_and_the_next_run_completes(
    data: Path, tmp_path: Path, in_a_folder: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers 507 to every PUT from the twelfth object on, until room is made."""
    full = tmp_path / "full"
    with s3.server(full=full) as known, s3.named(known):
        places = {"DATAFACTOR_OBJECTS": s3.made(known["AWS_ENDPOINT_URL"])}
        kept = count()

        def filling(step: str) -> None:
            if step == "bucket.put" and next(kept) == DIES_AT:
                full.touch()

        monkeypatch.setattr(steps, "hook", filling)
        with temporary_store(tmp_path, DATAFACTOR_DATA=str(data), **places) as s:
            with pytest.raises(StoreError, match="has no room left: make room there"):
                value_chain.fn(FACTOR, AS_OF)
            assert store.verify(s).exit == 0
            full.unlink()
            value_chain.fn(FACTOR, AS_OF)
            assert ids() == in_a_folder
            assert store.verify(s).exit == 0
