"""Keep objects in a bucket (S3): the only place that speaks to object storage.

An object is put once, under the condition that nothing is there yet
(``If-None-Match: *``); S3 has no conditional copy, so nothing is staged in the bucket
and renamed. What is there is compared, not overwritten: an address by content says
what its bytes must be. Endpoint, region and credentials stand in the ``AWS_*``
variables that obstore reads; they are told nowhere.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from schemas.errors import StoreError
from tasks.store.steps import failpoint

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
MOST = 5_000_000_000  # bytes of one PUT
CHUNK, PAGE = 1 << 20, 1_000
AGAIN = 5  # times: S3 answers 409 where two put the same key in one instant
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
# One of them says who acts. Without any, obstore would ask the address that clouds give
# their machines (169.254.169.254), and wait for it wherever there is none.
WHO = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_METADATA_ENDPOINT"),
    "AWS_SKIP_SIGNATURE",  # a public bucket
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
YOUNG = timedelta(hours=1)  # well below the grace of a sweep, a day
RETRY_FOR = timedelta(seconds=30)
NO_ROOM = "507 Insufficient Storage"  # RFC 4918, 11.5


class BucketError(StoreError, OSError):
    """Object storage does not answer: as other I/O, what may pass by itself."""


class Entry(NamedTuple):
    """One object of a bucket, by its key below the prefix."""

    key: str
    bytes: int
    changed: datetime
    tag: str


class Bucket(NamedTuple):
    """A bucket, or the part of one below a prefix; make it by ``opened``."""

    url: str
    client: "S3Store"


def opened(url: str) -> Bucket:
    """Open ``s3://bucket/prefix``, once a process and set of ``AWS_*`` variables.

    Raises:
        StoreError: It is no such address, the variables do not say where or who, or
            obstore is not installed.
    """
    given = ((n, v) for n, v in os.environ.items() if n.startswith("AWS_"))
    return _opened(url, tuple(sorted(given)))


@cache
def _opened(url: str, given: tuple[tuple[str, str], ...]) -> Bucket:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise StoreError(
            f"{url} is in object storage, and obstore is not installed: pip install"
            " 'datafactor[s3]'"
        ) from None
    name, prefix = address(url)
    known = dict(given)
    variable = next((n for n in ENDPOINTS if known.get(n)), "")
    endpoint = known.get(variable, "")
    if variable and not endpoint.startswith(("https://", "http://")):
        raise StoreError(f"{variable} names no service: begin it with https://")
    if not any(known.get(n) for n in WHO):
        raise StoreError(
            f"nobody is named who opens {url}: set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY"
        )
    client = S3Store(
        name,
        prefix=prefix or None,
        config={"checksum_algorithm": "SHA256"},  # S3 weighs what arrives
        # Plain text only where the address itself says so.
        client_options={"allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 4, "retry_timeout": RETRY_FOR},
    )
    return Bucket(url, client)


def address(url: str) -> tuple[str, str]:
    """Take an address apart: ``s3://lake/a/b`` -> ("lake", "a/b").

    Raises:
        StoreError: It is none.
    """
    if (parts := URL.fullmatch(url)) is None:
        said = url.rpartition("@")[2]  # before it some write their key
        raise StoreError(f"{said} is no address of a bucket: write s3://BUCKET/PREFIX")
    return parts[1], (parts[2] or "").strip("/")


def key_of(sha256: str) -> str:
    """Say under which key bytes lie, as below a folder: ``ab/abcd…``."""
    return f"{sha256[:2]}/{sha256}"


def put(b: Bucket, part: Path, sha256: str) -> None:
    """Bring a finished file to its content address; what is there sound stays.

    Damaged bytes are put right, as in a folder: the address says what they must be.
    Old ones are put anew, the same bytes: a sweep goes by age, and S3 has no touch.

    Raises:
        StoreError: It is longer than one PUT may be (5 GB).
        BucketError: The bucket does not answer, or refuses.
    """
    key, size = key_of(sha256), part.stat().st_size
    if size > MOST:
        raise StoreError(
            f"bytes sha256:{sha256[:12]} are {size / 1e9:,.1f} GB, and one object is at"
            " most 5 GB: partition the resource, or split the file"
        )
    failpoint("bucket.put")
    if not put_new(b, key, part) and not _stands(b, key, part, sha256):
        _put(b, key, part, "overwrite")
    failpoint("bucket.kept")


def put_new(b: Bucket, key: str, body: Path | bytes) -> bool:
    """Put an object where there is none; say whether there was none."""
    from obstore.exceptions import AlreadyExistsError

    for _ in range(AGAIN):
        try:
            _put(b, key, body, "create")
        except AlreadyExistsError:
            if look(b, key) is not None:
                return False
        else:
            return True
    raise BucketError(f"{b.url} keeps refusing an object: run again")


def _put(
    b: Bucket, key: str, body: Path | bytes, mode: Literal["create", "overwrite"]
) -> None:
    import obstore

    try:
        with _asked(b):
            obstore.put(b.client, key, _mapped(body), mode=mode, use_multipart=False)
    except FileNotFoundError:
        raise _no_bucket(b) from None


def _mapped(body: Path | bytes) -> bytes | mmap:
    """Lend a file as it lies on the disk: what is given open is read as a whole."""
    if isinstance(body, bytes) or body.stat().st_size == 0:
        return body if isinstance(body, bytes) else b""
    with body.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _stands(b: Bucket, key: str, part: Path, sha256: str) -> bool:
    """Say whether an object is young, and the file's bytes.

    Sizes are compared, then tags; where a tag is not the bytes' MD5, the bytes.
    """
    there = look(b, key)
    if there is None or there.bytes != part.stat().st_size:
        return False
    if datetime.now(UTC) - there.changed > YOUNG:
        return False
    with part.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return there.tag == md5.hexdigest() or digest(b, key) == sha256


def look(b: Bucket, key: str) -> Entry | None:
    """Ask for size, age and tag of an object; nothing where there is none."""
    import obstore

    with suppress(FileNotFoundError), _asked(b):
        return _entry(obstore.head(b.client, key))
    return None


def size(b: Bucket, sha256: str) -> int | None:
    """Ask how many bytes lie at a content address; nothing where there are none."""
    there = look(b, key_of(sha256))
    return None if there is None else there.bytes


def digest(b: Bucket, key: str) -> str | None:
    """Read an object through and hash it; nothing where there is none."""
    hashed = hashlib.sha256()
    try:
        for piece in _read(b, key):
            hashed.update(piece)
    except FileNotFoundError:
        return None
    return hashed.hexdigest()


def fetch(b: Bucket, key: str, part: Path) -> str | None:
    """Bring an object into a file and hash it on the way; nothing where there is none.

    Returns:
        The sha256 of what came: the caller compares before the file gets a name.
    """
    hashed = hashlib.sha256()
    try:
        with part.open("wb") as file:
            for piece in _read(b, key):
                hashed.update(piece)
                file.write(piece)
    except FileNotFoundError:
        return None
    return hashed.hexdigest()


def text(b: Bucket, key: str) -> str:
    """Read a small object; empty where there is none."""
    with suppress(FileNotFoundError):
        return b"".join(_read(b, key)).decode()
    return ""


def _read(b: Bucket, key: str) -> Iterator[bytes]:
    import obstore

    with _asked(b):
        for piece in obstore.get(b.client, key).stream(min_chunk_size=CHUNK):
            yield bytes(piece)


def remove(b: Bucket, key: str) -> bool:
    """Take an object away; say whether it was there."""
    import obstore

    if look(b, key) is None:
        return False
    with _asked(b):
        obstore.delete(b.client, key)
    return True


def list_all(b: Bucket, prefix: str = "") -> Iterator[Entry]:
    """List the objects below a prefix, by pages: a bucket may hold millions."""
    import obstore

    with _asked(b):
        for page in obstore.list(b.client, prefix or None, chunk_size=PAGE):
            yield from map(_entry, page)


def _entry(found: "ObjectMeta") -> Entry:
    tag = (found["e_tag"] or "").strip('"')
    return Entry(found["path"], found["size"], found["last_modified"], tag)


@contextmanager
def _asked(b: Bucket) -> Iterator[None]:
    """Say in one sentence what object storage answers; its own words name endpoints."""
    from obstore import exceptions as known

    try:
        yield
    except (FileNotFoundError, known.AlreadyExistsError):
        raise
    except known.NotFoundError as error:
        raise FileNotFoundError(b.url) from error
    except (known.PermissionDeniedError, known.UnauthenticatedError):
        raise StoreError(
            f"{b.url} is not open to these credentials: set AWS_ACCESS_KEY_ID,"
            " AWS_SECRET_ACCESS_KEY and AWS_REGION to those of who may read and write"
        ) from None
    except known.BaseError as error:
        if "<Code>NoSuchBucket<" in str(error):
            raise _no_bucket(b) from None
        if NO_ROOM in str(error):
            raise BucketError(
                f"{b.url} has no room left: make room there, or raise its quota, then"
                " run again"
            ) from None
        raise BucketError(
            f"{b.url} does not answer ({type(error).__name__}): see that the service"
            " at AWS_ENDPOINT_URL runs, then run again"
        ) from None


def _no_bucket(b: Bucket) -> StoreError:
    return StoreError(f"there is no bucket of {b.url}: make it, or correct the address")
