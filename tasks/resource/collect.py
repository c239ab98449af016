"""Read one raw file, or one member of nested archives, as a stream of bytes.

``a.tar.gz!data/flights.csv.zip!flights.csv`` steps from the tar into the zip; kinds
are told by their first bytes, not by their names. Nothing is unpacked onto a path: the
named member is streamed, and an inner archive rests in an unnamed temporary file,
because a zip is read from its end. Sources: APPNOTE.TXT 6.3.10 (zip), POSIX.1-2017 pax
(tar), RFC 1952 (gzip).

A 292 kB zip that unfolds to 300 MB (1,027 : 1) -> SourceError after 64 MiB.
"""

import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from posixpath import normpath
from tempfile import TemporaryFile
from typing import IO, Protocol

from schemas.artifact import RawBytes
from schemas.errors import SourceError
from schemas.resource import Source

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
CHUNK = 1 << 20
# Delimited text shrinks 5 to 20 times, a log that repeats itself about 100 times; gzip
# cannot exceed 1,032 and bombs come close to it. Small files may shrink as they like.
MAX_RATIO = 200
RATIO_FREE = 64 << 20
# Beyond what one machine of the house sorts in a night; a mistake below it costs disk.
MAX_BYTES = 256 << 30
# A listing of a million members takes half a GB; the largest source here has 20.
MAX_MEMBERS = 100_000
# The largest header a tar may ask us to hold: pax headers are read whole.
MAX_READ = 16 << 20

# What a broken archive raises; NotImplementedError: a compression unknown to Python,
# RuntimeError: an encrypted member.
DAMAGE = (
    *(EOFError, OSError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)


class Readable(Protocol):
    """What a stream of bytes needs here."""

    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...
    def tell(self) -> int: ...


class Metered:
    """Reads a decompressed stream and stops a bomb while it unfolds."""

    def __init__(self, inner: Readable, packed: int) -> None:
        self.inner, self.packed = inner, packed

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes; refuse to hold more than MAX_READ at once."""
        if not 0 <= size <= MAX_READ:
            raise SourceError(
                "asks for too much memory in one piece; unpack it by hand"
            )
        piece = self.inner.read(size)
        self._weigh(self.inner.tell())
        return piece

    def _weigh(self, unfolded: int) -> None:
        if unfolded > MAX_BYTES:
            raise SourceError(f"holds more than {MAX_BYTES:,} bytes; split it")
        if unfolded > max(RATIO_FREE, MAX_RATIO * self.packed):
            raise SourceError(
                f"unfolds to over {MAX_RATIO} times its size, as a bomb does; unpack it"
                " by hand if you trust it"
            )

    def seek(self, offset: int, /) -> int:
        """Go back at once, or forward by reading, so that a bomb is noticed."""
        if offset < self.inner.tell():
            return self.inner.seek(offset)
        while (ahead := offset - self.inner.tell()) > 0 and self.read(
            min(ahead, CHUNK)
        ):
            pass
        return self.inner.tell()

    def tell(self) -> int:
        """Say how many bytes came before this place."""
        return self.inner.tell()


def collect(file: Path, source: Source) -> RawBytes:
    """Yield the bytes of ``source`` in pieces of at most 1 MiB, decompressed.

    Args:
        file: Where the outermost file of ``source.path`` lies.
        source: Its path names the members; a ``.gz`` alone needs no member.

    Raises:
        SourceError: The file is missing, no regular file, damaged, cut short, beyond a
            limit, or the member is absent, twice there, or no regular file.
    """
    outer, *members = source.path.split("!")
    last = (members or [outer])[-1]
    if last.endswith(".gz") and not last.endswith(".tar.gz"):
        members.append(last.removesuffix(".gz"))
    with ExitStack() as open_files:
        with _named(source, outer):
            stream: IO[bytes] = open_files.enter_context(_open(file))
        for depth, member in enumerate(members, 1):
            place = "!".join([outer, *members[:depth]])
            pieces = _member(stream, member)
            if depth == len(members):
                yield from _watched(source, place, _no_archive(pieces))
                return
            stream = open_files.enter_context(TemporaryFile())
            stream.writelines(_watched(source, place, pieces))
        yield from _watched(source, outer, _no_archive(_pieces(stream)))


@contextmanager
def _named(source: Source, place: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into one sentence that names the place."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"source {source.name}, {place}: {error}") from error
    except (FileNotFoundError, PermissionError) as error:
        raise SourceError(
            f"source {source.name}, {place}: cannot be opened ({error.strerror}); fetch"
            " it, or correct the path or its permissions"
        ) from error
    except DAMAGE as error:
        raise SourceError(
            f"source {source.name}, {place}: is damaged, cut short, encrypted or not"
            " readable; fetch it again"
        ) from error


def _watched(source: Source, place: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with _named(source, place):
        yield from pieces


def _open(file: Path) -> IO[bytes]:
    """Open a regular file; a link, pipe or device is refused without waiting on it."""
    if file.is_symlink():
        raise SourceError("is a symbolic link; name the file itself")
    number = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise SourceError("is not a regular file; name a file")
    return os.fdopen(number, "rb")


def _pieces(stream: Readable) -> Iterator[bytes]:
    while piece := stream.read(CHUNK):
        yield piece


def _no_archive(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Let text pass; say that a member must be named where an archive comes."""
    for number, piece in enumerate(pieces):
        if number == 0 and (piece.startswith((ZIP, GZIP)) or _is_tar(piece)):
            raise SourceError("is an archive; add '!' and the member to read")
        yield piece


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _member(archive: IO[bytes], member: str) -> Iterator[bytes]:
    """Stream one member of a zip, tar, tar.gz or gz, whatever its name says."""
    if member.startswith("/") or ".." in member.split("/") or "\\" in member:
        raise SourceError("the member's path leaves the archive; name it as listed")
    packed = archive.seek(0, os.SEEK_END)
    archive.seek(0)
    magic = archive.read(4)
    archive.seek(0)
    if magic == ZIP:
        yield from _from_zip(archive, member, packed)
        return
    zipped = magic.startswith(GZIP)
    plain = Metered(gzip.GzipFile(fileobj=archive) if zipped else archive, packed)
    head = plain.read(512)
    plain.seek(0)
    if _is_tar(head):
        yield from _from_tar(plain, member)
    elif zipped:
        yield from _pieces(plain)
    else:
        raise SourceError("lies in no archive of kind zip, tar, tar.gz or gz")


def _from_zip(archive: IO[bytes], member: str, packed: int) -> Iterator[bytes]:
    with zipfile.ZipFile(archive) as bundle:
        entries = bundle.infolist()
        index = _only([entry.filename for entry in entries], member)
        entry = entries[index]
        if entry.is_dir() or not _is_regular(entry.external_attr >> 16):
            raise SourceError("is a folder, link or device; name a regular file")
        with bundle.open(entry) as content:
            # The entry's own word on its size may be a lie.
            yield from _pieces(Metered(content, min(entry.compress_size, packed)))


def _is_regular(mode: int) -> bool:
    """Zips made on other systems than Unix have no file type."""
    return stat.S_IFMT(mode) in (0, stat.S_IFREG)


def _from_tar(archive: Metered, member: str) -> Iterator[bytes]:
    """Stream the member where it stands, then read on to see it is the only one.

    One pass over the archive, and to its very end, so that gzip's checksum is compared.
    """
    names: list[str] = []
    # A Metered has what tarfile calls: read, seek, tell.
    with tarfile.open(fileobj=archive, mode="r:") as bundle:  # type: ignore[call-overload]
        while (entry := bundle.next()) is not None:
            bundle.members = []  # tarfile would remember every header
            names.append(entry.name)
            if len(names) > MAX_MEMBERS:
                raise SourceError(f"holds more than {MAX_MEMBERS:,} members; split it")
            if normpath(entry.name) == normpath(member):
                if not entry.isreg() or entry.issparse():
                    raise SourceError(
                        "is a folder, link or device; name a regular file"
                    )
                content = bundle.extractfile(entry)
                assert content is not None  # a regular file has content
                yield from _pieces(content)
    _only(names, member)
    while archive.read(CHUNK):
        pass


def _only(names: list[str], member: str) -> int:
    """Find the one place of ``member`` among the names of an archive."""
    if len(names) > MAX_MEMBERS:
        raise SourceError(f"holds more than {MAX_MEMBERS:,} members; split it")
    found = [i for i, name in enumerate(names) if normpath(name) == normpath(member)]
    if len(found) > 1:
        raise SourceError("is there twice; repack the archive with one of them")
    if not found:
        near = get_close_matches(member, names, n=3, cutoff=0.3) or sorted(names)[:3]
        raise SourceError(f"is no member; members that look like it: {', '.join(near)}")
    return found[0]
