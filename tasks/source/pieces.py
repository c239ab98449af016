"""Read members of nested archives as streams: one by its name, or all of a pattern.

Kinds are told by their first bytes, not by their names. Nothing is unpacked onto a
path: members are streamed in one pass over their archive, and an inner archive rests in
an unnamed temporary file, because a zip is read from its end. Sources: APPNOTE.TXT
6.3.10 (zip), POSIX.1-2017 pax (tar), RFC 1952 (gzip).

A 292 kB zip that unfolds to 300 MB (1,027 : 1) -> SourceError after 64 MiB.
"""

import errno
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from fnmatch import translate
from pathlib import Path
from posixpath import normpath
from tempfile import TemporaryFile
from typing import IO, Protocol

from schemas.errors import SourceError
from schemas.resource import GLOB, JOINED, Source

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
CHUNK = 1 << 20
# Delimited text shrinks 5 to 20 times, a log that repeats itself about 100 times; gzip
# cannot exceed 1,032 and bombs come close to it. Small files may shrink as they like.
MAX_RATIO = 200
RATIO_FREE = 64 << 20
# Beyond what one machine of the house sorts in a night; a mistake below it costs disk.
MAX_BYTES = 256 << 30
# A listing of a million members takes half a GB; the largest source here has 288.
MAX_MEMBERS = 100_000
# The largest header a tar may ask us to hold: pax headers are read whole.
MAX_READ = 16 << 20

# What a broken archive raises; NotImplementedError: a compression unknown to Python,
# RuntimeError: an encrypted member.
DAMAGE = (
    *(EOFError, OSError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)
# What the readers of archives stumble on when bytes were changed.
STUMBLES = (ValueError, IndexError, KeyError, OverflowError, struct.error)
# Trouble of this machine, not of the file.
OURS = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EEXIST)


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
        with sound():
            piece = self.inner.read(size)
        weigh(self.inner.tell(), self.packed)
        return piece

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


class Unzipped(gzip._GzipReader):
    """Decompresses as ``gzip.GzipFile`` does, and counts the members (RFC 1952, 2.2).

    The library joins them without a word; a second scan would cost as much again.
    """

    members = 0

    def _read_gzip_header(self) -> bool:
        found: bool = super()._read_gzip_header()  # type: ignore[misc]  # unlisted
        self.members += found
        return found

    def _rewind(self) -> None:
        super()._rewind()  # type: ignore[misc]  # unlisted
        self.members = 0


class Span:
    """The bytes of one tar member; what tarfile gives copies each three times."""

    def __init__(self, archive: Metered, size: int) -> None:
        self.archive, self.size, self.start = archive, size, archive.tell()

    def read(self, size: int = -1, /) -> bytes:
        """Read on to the end of the member; an archive may be cut short before it."""
        wanted = min(size, self.size - self.tell())
        piece = self.archive.read(wanted) if wanted else b""
        if len(piece) < wanted:
            raise EOFError
        return piece

    def seek(self, offset: int, /) -> int:
        """Go to a byte of the member."""
        return self.archive.seek(self.start + offset) - self.start

    def tell(self) -> int:
        """Say how many bytes came before this place."""
        return self.archive.tell() - self.start


def weigh(unfolded: int, packed: int) -> None:
    """Refuse what became too large for its packed size."""
    if unfolded > MAX_BYTES:
        raise SourceError(f"holds more than {MAX_BYTES:,} bytes; split it")
    if unfolded > max(RATIO_FREE, MAX_RATIO * packed):
        raise SourceError(
            f"unfolds to over {MAX_RATIO} times its size, as a bomb does; unpack it"
            " by hand if you trust it"
        )


@contextmanager
def named(source: Source, place: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into one sentence that names the place, once."""
    try:
        yield
    except SourceError as error:
        if str(error).startswith(f"source {source.name}, "):
            raise
        raise SourceError(f"source {source.name}, {place}: {error}") from error
    except (FileNotFoundError, PermissionError) as error:
        raise SourceError(
            f"source {source.name}, {place}: cannot be opened ({error.strerror}); fetch"
            " it, or correct the path or its permissions"
        ) from error
    except DAMAGE as error:
        if getattr(error, "errno", None) in OURS:
            raise
        raise SourceError(
            f"source {source.name}, {place}: is damaged, cut short, encrypted or not"
            " readable; fetch it again"
        ) from error


@contextmanager
def sound() -> Iterator[None]:
    """Let a reader's stumbling mean that the archive is damaged."""
    try:
        yield
    except STUMBLES as error:
        raise EOFError from error


def open_file(file: Path) -> IO[bytes]:
    """Open a regular file; a link, pipe or device is refused without waiting on it."""
    if file.is_symlink():
        raise SourceError("is a symbolic link; name the file itself")
    return open(file, "rb", opener=regular)


def regular(file: str, flags: int) -> int:
    """Open the file itself, and look at what was opened."""
    number = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise SourceError("is not a regular file; name a file")
    return number


def bytes_of(stream: Readable) -> Iterator[bytes]:
    """Read a stream to its end, at most 1 MiB at a time."""
    while piece := stream.read(CHUNK):
        yield piece


def is_archive(head: bytes) -> bool:
    """Tell an archive by its first 512 bytes."""
    return head.startswith((ZIP, GZIP)) or is_tar(head)


def is_tar(head: bytes) -> bool:
    """Tell a tar by its first block."""
    return head[257:262] == b"ustar"


def levels_of(path: str) -> list[str]:
    """Divide a path; a ``.gz`` alone needs no member, and gets the nameless one."""
    levels = path.split("!")
    if levels[-1].endswith(".gz") and not levels[-1].endswith(".tar.gz"):
        levels.append("")
    return levels


def matching(
    archive: IO[bytes], levels: Sequence[str], notes: Counter[str] | None = None
) -> Iterator[tuple[str, Readable]]:
    """Stream every member that matches, each with its path inside the archive.

    Args:
        archive: A zip, tar, tar.gz or gz, whatever its name says.
        levels: A name or pattern for each level of nesting.
        notes: Where gzip members that are one text are counted.

    Returns:
        Members by name from a zip, in the order they stand in from a tar, so that each
        is decompressed once. Read a member before asking for the next one.

    Raises:
        SourceError: None matches, one is there twice, is a link or device, leaves the
            archive, or a limit is passed.
    """
    level, *deeper = levels
    packed, unfolded = archive.seek(0, os.SEEK_END), 0
    notes = Counter() if notes is None else notes
    for name, content in entries(archive, level, packed, notes):
        if not deeper:
            yield name, content
            continue
        with TemporaryFile() as inner:
            inner.writelines(bytes_of(content))
            for inside, text in matching(inner, deeper, notes):
                yield f"{name}!{inside}" if inside else name, text
                unfolded += text.tell()
                weigh(unfolded, packed)


def entries(
    archive: IO[bytes], level: str, packed: int, notes: Counter[str]
) -> Iterator[tuple[str, Readable]]:
    """Stream the members of one archive that a name or pattern means."""
    refuse_escape(level)
    archive.seek(0)
    magic = archive.read(4)
    archive.seek(0)
    if magic == ZIP:
        yield from of_zip(archive, level, packed)
        return
    unzipped = Unzipped(archive) if magic.startswith(GZIP) else None
    plain = Metered(io.BufferedReader(unzipped) if unzipped else archive, packed)
    head = plain.read(512)
    plain.seek(0)
    if is_tar(head):
        yield from of_tar(plain, level)
    elif unzipped:
        yield "" if GLOB.search(level) else level, plain
    else:
        raise SourceError("lies in no archive of kind zip, tar, tar.gz or gz")
    if unzipped and unzipped.members > 1:
        notes[JOINED] += unzipped.members


class Wanted:
    """Picks members of one archive by a name or pattern, each name once."""

    def __init__(self, level: str) -> None:
        self.level, self.exact = level, GLOB.search(level) is None
        self.match: Callable[[str], object] = (
            normpath(level).__eq__ if self.exact else re.compile(translate(level)).match
        )
        self.seen: list[str] = []
        self.taken: set[str] = set()

    def takes(self, name: str, folder: bool, regular: bool) -> bool:
        """Say whether this member is meant; refuse it if it must not be read."""
        self.seen.append(name)
        if len(self.seen) > MAX_MEMBERS:
            raise SourceError(f"holds more than {MAX_MEMBERS:,} members; split it")
        plain = normpath(name)
        if not self.match(plain) or (folder and not self.exact):
            return False
        said = "" if self.exact else f"{shown(name)} "
        if not regular:
            raise SourceError(f"{said}is a folder, link or device; name a regular file")
        if plain in self.taken:
            raise SourceError(
                f"{said}is there twice; repack the archive with one of them"
            )
        self.taken.add(plain)
        refuse_escape(name)
        return True

    def found(self) -> None:
        """Refuse an archive without any member that is meant."""
        if self.taken:
            return
        near = get_close_matches(self.level, self.seen, n=3, cutoff=0.3)
        looks = ", ".join(shown(n) for n in near or sorted(self.seen)[:3])
        what = "is no member" if self.exact else "no member matches"
        raise SourceError(f"{what}; members that look like it: {looks}")


def refuse_escape(name: str) -> None:
    """Refuse a path that would lead out of a folder it is unpacked into."""
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise SourceError(
            f"the member's path {shown(name)} leaves the archive; name it as listed,"
            " or repack the archive without it"
        )


def shown(name: str) -> str:
    """Write a member's name so that it can be read and stored."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return text if text.isprintable() else ascii(text)[1:-1]


def of_zip(
    archive: IO[bytes], level: str, packed: int
) -> Iterator[tuple[str, Readable]]:
    """Stream members of a zip by name; its own word on sizes may be a lie."""
    with sound(), zipfile.ZipFile(archive) as bundle:
        wanted, unfolded = Wanted(level), 0
        chosen = [
            entry
            for entry in bundle.infolist()
            if wanted.takes(
                entry.filename, entry.is_dir(), is_regular(entry.external_attr >> 16)
            )
        ]
        wanted.found()
        for entry in sorted(chosen, key=lambda e: e.filename):
            with bundle.open(entry) as content:
                yield (
                    shown(normpath(entry.filename)),
                    Metered(content, min(entry.compress_size, packed)),
                )
                # Members may lie on each other: together they must not weigh too much.
                unfolded += content.tell()
                weigh(unfolded, packed)
                if content.tell() != entry.file_size:
                    raise SourceError(
                        "is damaged: its size is not as listed; fetch it again"
                    )


def is_regular(mode: int) -> bool:
    """Zips made on other systems than Unix have no file type."""
    return stat.S_IFMT(mode) in (0, stat.S_IFREG)


def of_tar(archive: Metered, level: str) -> Iterator[tuple[str, Readable]]:
    """Stream members of a tar where they stand.

    One pass over the archive, and to its very end, so that gzip's checksum is compared.
    """
    wanted = Wanted(level)
    # A Metered has what tarfile calls: read, seek, tell.
    with sound(), tarfile.open(fileobj=archive, mode="r:") as bundle:  # type: ignore[call-overload]
        while (entry := bundle.next()) is not None:
            bundle.members = []  # tarfile would remember every header
            regular = entry.isreg() and not entry.issparse()
            if wanted.takes(entry.name, entry.isdir(), regular):
                archive.seek(entry.offset_data)
                yield shown(normpath(entry.name)), Span(archive, entry.size)
    wanted.found()
    while archive.read(CHUNK):
        pass
