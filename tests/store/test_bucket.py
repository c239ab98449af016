"""Artifacts in object storage: the same protocol, ids and answers as in a folder."""

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from schemas.errors import StoreError
from tasks import store
from tasks.store import bucket, steps
from tasks.store.garbage import collect_garbage
from tasks.store.place import intact
from tests import bucket as s3
from tests.store.build import made, run
from tests.store.conftest import settings_in

CONTENT = b"what was collected"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run one server for the module."""
    with s3.server() as known, s3.named(known):
        yield known["AWS_ENDPOINT_URL"]


@pytest.fixture
def lake(endpoint: str) -> str:
    """Make a bucket of its own."""
    return f"{s3.made(endpoint)}/house"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    file = tmp_path / "part"
    file.write_bytes(CONTENT)
    return file


def test_an_object_lies_at_its_hash_below_the_prefix(lake: str, part: Path) -> None:
    b = bucket.opened(lake)

    bucket.put(b, part, SHA256)

    whole = bucket.opened(lake.removesuffix("/house"))
    keys = [e.key for e in bucket.list_all(whole)]
    assert keys == [f"house/{SHA256[:2]}/{SHA256}"]
    assert bucket.size(b, SHA256) == len(CONTENT)
    assert bucket.digest(b, bucket.key_of(SHA256)) == SHA256


def test_an_object_put_again_is_not_written_again(lake: str, part: Path) -> None:
    b = bucket.opened(lake)
    key = bucket.key_of(SHA256)

    assert bucket.put_new(b, key, part)
    before = bucket.look(b, key)
    bucket.put(b, part, SHA256)

    assert not bucket.put_new(b, key, b"other")
    assert bucket.look(b, key) == before
    assert bucket.digest(b, key) == SHA256


def test_an_old_object_put_again_is_as_young_as_a_new_one(
    lake: str, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep by age must not take an old orphan that a run is about to name."""
    b = bucket.opened(lake)
    bucket.put(b, part, SHA256)
    first = bucket.look(b, bucket.key_of(SHA256))
    assert first is not None
    monkeypatch.setattr(bucket, "YOUNG", timedelta(0))
    while datetime.now(UTC) < first.changed + timedelta(seconds=1):
        time.sleep(0.05)  # S3 tells whole seconds

    bucket.put(b, part, SHA256)

    again = bucket.look(b, bucket.key_of(SHA256))
    assert again is not None
    assert again.changed > first.changed


RACE = """
import sys
from pathlib import Path
from threading import Event, Thread
from tasks.store import bucket
b, part = bucket.opened(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print("".join("01"[bucket.put_new(b, f"ab/{n}", part)] for n in range(20)), flush=True)
"""


def test_of_two_processes_that_put_one_object_one_wins(lake: str, part: Path) -> None:
    """Twenty times each; who comes second is told so, and nothing is overwritten."""
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, lake, str(part)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].strip() for process in racing]

    assert [int(a) + int(b) for a, b in zip(*told, strict=True)] == [1] * 20
    assert bucket.digest(bucket.opened(lake), "ab/0") == SHA256


@pytest.mark.parametrize("damaged", [b"short", b"WHAT WAS COLLECTED"])
def test_a_damaged_object_is_put_right_by_the_same_content(
    lake: str, part: Path, damaged: bytes
) -> None:
    b = bucket.opened(lake)
    bucket.put_new(b, bucket.key_of(SHA256), damaged)

    bucket.put(b, part, SHA256)

    assert bucket.digest(b, bucket.key_of(SHA256)) == SHA256


def test_what_is_fetched_is_hashed_on_the_way(lake: str, part: Path) -> None:
    b = bucket.opened(lake)
    bucket.put_new(b, "ab/x", b"other")

    assert bucket.fetch(b, "ab/x", part) == hashlib.sha256(b"other").hexdigest()
    assert part.read_bytes() == b"other"
    assert bucket.fetch(b, "ab/none", part) is None


def test_what_is_removed_is_gone_and_removing_it_again_says_so(lake: str) -> None:
    b = bucket.opened(lake)
    bucket.put_new(b, "ab/x", b"x")

    assert bucket.remove(b, "ab/x")
    assert not bucket.remove(b, "ab/x")
    assert bucket.look(b, "ab/x") is None
    assert bucket.digest(b, "ab/x") is None
    assert bucket.text(b, "ab/x") == ""


def test_a_server_that_is_gone_is_said_in_a_sentence_that_may_be_tried_again() -> None:
    """Nor endpoint nor key is told; an OSError is what the seam tries again."""
    with s3.server() as known, s3.named(known | {"AWS_ACCESS_KEY_ID": "hidden"}):
        b = bucket.opened(s3.made(known["AWS_ENDPOINT_URL"]))
    port = known["AWS_ENDPOINT_URL"].rpartition(":")[2]

    with pytest.raises(OSError, match="does not answer") as failed:
        bucket.size(b, SHA256)

    assert isinstance(failed.value, StoreError)
    assert not [word for word in (port, "hidden") if word in str(failed.value)]


@pytest.mark.parametrize("url", ["s3://", "s3://ab", "s3://Lake", "http://lake"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="no address of a bucket"):
        bucket.opened(url)


def test_a_bucket_that_was_never_made_is_told_without_the_endpoint(
    endpoint: str, part: Path
) -> None:
    b = bucket.opened("s3://never-made/house")
    for attempt in (
        lambda: bucket.put(b, part, SHA256),
        lambda: bucket.put_new(b, "STORE", b"x"),
        lambda: list(bucket.list_all(b)),
    ):
        with pytest.raises(StoreError, match="no bucket of s3://never-made") as failed:
            attempt()
        assert endpoint not in str(failed.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AWS_ACCESS_KEY_ID", "", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:9000", "AWS_ENDPOINT_URL names no service"),
    ],
)
def test_variables_that_do_not_say_where_or_who_are_refused_before_anyone_is_asked(
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(StoreError, match=words) as failed:
        bucket.opened("s3://lake/house")

    assert not value or value not in str(failed.value)


def test_a_key_within_the_address_is_not_told() -> None:
    with pytest.raises(StoreError, match="no address of a bucket") as failed:
        bucket.opened("s3://me:hidden@lake/house")

    assert "hidden" not in str(failed.value)


def test_an_object_is_put_without_being_held_in_memory(
    lake: str, tmp_path: Path
) -> None:
    """128 MB in less than 32 MB; read as a whole they took 1.6 times their size."""
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(128_000_000)
    before, most, done = held_now(), [0], Event()

    def watch() -> None:
        while not done.wait(0.002):
            most[0] = max(most[0], held_now())

    watching = Thread(target=watch)
    watching.start()
    bucket.put(bucket.opened(lake), big, SHA256)
    done.set()
    watching.join()

    assert bucket.size(bucket.opened(lake), SHA256) == 128_000_000
    assert most[0] - before < 32_000
    assert most[0]


def held_now() -> int:
    """Read how many kilobytes this process itself holds, mapped files apart."""
    (line,) = re.findall(r"RssAnon:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(line)


def test_nothing_at_all_is_an_object_too(lake: str, tmp_path: Path) -> None:
    part = tmp_path / "empty"
    part.touch()
    sha256 = hashlib.sha256(b"").hexdigest()

    bucket.put(bucket.opened(lake), part, sha256)

    assert bucket.size(bucket.opened(lake), sha256) == 0
    assert bucket.digest(bucket.opened(lake), bucket.key_of(sha256)) == sha256


def test_an_orphan_that_is_placed_while_it_is_swept_stays(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was old when the sweep listed it, and is not when its turn comes."""
    s = store.opened(settings_in(tmp_path, objects=s3.made(endpoint)))
    orphan = made(s, "orphan", CONTENT)
    time.sleep(3)  # S3 tells the age of an object in whole seconds
    b, key = s.bucket, bucket.key_of(SHA256)
    assert b is not None

    def again(step: str) -> None:
        if step == "gc.looked":
            assert bucket.remove(b, key)
            assert bucket.put_new(b, key, CONTENT)

    monkeypatch.setattr(steps, "hook", again)
    assert collect_garbage(s, grace=1.5).orphans == 0
    store.publish(s, run(orphan))
    assert store.verify(s).exit == 0


def test_an_orphan_that_is_published_while_it_is_swept_stays(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was old and nobody's when the sweep listed it."""
    s = store.opened(settings_in(tmp_path, objects=s3.made(endpoint)))
    orphan = made(s, "orphan", CONTENT)

    def publishing(step: str) -> None:
        if step == "gc.looked":
            monkeypatch.undo()
            store.publish(s, run(orphan))

    monkeypatch.setattr(steps, "hook", publishing)
    assert collect_garbage(s, grace=-60).orphans == 0
    assert store.verify(s).exit == 0


def test_a_new_database_does_not_take_over_a_bucket_that_lost_its_name(
    lake: str, tmp_path: Path
) -> None:
    bucket.put_new(bucket.opened(lake), bucket.key_of(SHA256), CONTENT)

    for _ in range(2):
        with pytest.raises(StoreError, match="its object STORE is gone"):
            store.opened(settings_in(tmp_path, objects=lake))
    assert bucket.look(bucket.opened(lake), "STORE") is None


def test_two_stores_lie_beside_each_other_under_prefixes_of_one_bucket(
    lake: str, tmp_path: Path
) -> None:
    """Even where one prefix lies below the other, a sweep takes only its own."""
    inner = store.opened(settings_in(tmp_path / "inner", objects=lake))
    orphan = made(inner, "orphan", CONTENT)
    outer = store.opened(settings_in(tmp_path, objects=lake.removesuffix("/house")))
    mine = made(outer, "orphan", b"other")

    assert collect_garbage(outer, grace=-60).orphans == 1
    with pytest.raises(StoreError, match="not in the store"):
        store.publish(outer, run(mine))
    store.publish(inner, run(orphan))


def test_a_changed_object_is_never_copied_here(lake: str, tmp_path: Path) -> None:
    s = store.opened(settings_in(tmp_path, objects=lake))
    ref = made(s, "flights", CONTENT).ref
    store.path(s, SHA256).unlink()
    assert s.bucket is not None
    bucket.remove(s.bucket, bucket.key_of(SHA256))
    bucket.put_new(s.bucket, bucket.key_of(SHA256), b"WHAT WAS COLLECTED")

    for _ in range(2):
        with pytest.raises(StoreError, match="have changed"):
            store.raw(s, ref)
    assert not any(s.objects.glob("??/*"))


def test_a_damaged_copy_of_an_object_that_is_gone_is_not_read(
    lake: str, tmp_path: Path
) -> None:
    s = store.opened(settings_in(tmp_path, objects=lake))
    ref = made(s, "flights", CONTENT).ref
    copy = store.path(s, SHA256)
    copy.chmod(0o600)
    copy.write_bytes(b"damaged")
    assert s.bucket is not None
    bucket.remove(s.bucket, bucket.key_of(SHA256))

    with pytest.raises(StoreError, match="are missing"):
        store.raw(s, ref)
    with pytest.raises(StoreError, match="are missing"):
        intact(s, SHA256)


def test_a_bucket_that_does_not_answer_is_no_news_of_a_finished_run(
    tmp_path: Path,
) -> None:
    """Taken for a loss it would be run again, though nothing is lost."""
    with s3.server() as known, s3.named(known):
        place = s3.made(known["AWS_ENDPOINT_URL"])
        s = store.opened(settings_in(tmp_path, objects=place))
        done = run(made(s, "flights", CONTENT))
        store.publish(s, done)
        assert store.finished(s, done.key) is not None
    with s3.named(known), pytest.raises(OSError, match="does not answer"):
        store.finished(s, done.key)
