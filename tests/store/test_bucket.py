"""Artifacts in object storage: the same protocol, ids and answers as in a folder."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import StoreError
from tasks.store import bucket
from tests import bucket as s3

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
