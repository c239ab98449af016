"""Read one raw file, or one member of nested archives, as a stream of bytes.

``a.tar.gz!data/flights.csv.zip!flights.csv`` steps from the tar into the zip. Where a
pattern begins inside an archive, that archive is taken as it is found, and its members
are matched when it is opened: ``a.tar.gz!*.csv`` -> the bytes of ``a.tar.gz``.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from schemas.artifact import RawBytes
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.source.pieces import (
    bytes_of,
    is_archive,
    levels_of,
    matching,
    named,
    open_file,
)


def collect(file: Path | IO[bytes], source: Source) -> RawBytes:
    """Yield the bytes of ``source`` in pieces of at most 1 MiB.

    Args:
        file: Where the outermost file of ``source.path`` lies, or that file open.
        source: Its path names the members; a ``.gz`` alone needs no member.

    Returns:
        At the end, how many gzip members were joined, where there were several.

    Raises:
        SourceError: The file is missing, no regular file, damaged, cut short, beyond a
            limit, or the member is absent, twice there, or no regular file.
    """
    outer, *members = path_of(source)
    notes = Counter[str]()
    with ExitStack() as open_files:
        with named(source, outer):
            if isinstance(file, Path):
                file = open_files.enter_context(open_file(file))
            stream = file
            stream.seek(0)
        for depth, member in enumerate(members, 1):
            place = "!".join([outer, *members[:depth]]).removesuffix("!")
            pieces = only(stream, member, notes)
            if depth == len(members):
                yield from watched(source, place, fit(pieces, source))
                return notes
            stream = open_files.enter_context(TemporaryFile())
            stream.writelines(watched(source, place, pieces))
        yield from watched(source, outer, fit(bytes_of(stream), source))
    return notes


def path_of(source: Source) -> list[str]:
    """Divide the path as far as it is exact."""
    if source.member_pattern:
        exact = f"{source.file}!{source.member}".removesuffix("!")
        return exact.split("!")
    return levels_of(source.path)


def only(archive: IO[bytes], member: str, notes: Counter[str]) -> Iterator[bytes]:
    """Stream the one member of this name, and read on to see that it is the only."""
    for _, content in matching(archive, [member], notes):
        yield from bytes_of(content)


def watched(source: Source, place: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Let whatever goes wrong say where."""
    with named(source, place):
        yield from pieces


def fit(pieces: Iterator[bytes], source: Source) -> Iterator[bytes]:
    """Let text pass; say that a member must be named where an archive comes."""
    archive_wanted = source.member_pattern or source.format == "xlsx"  # which is a zip
    for number, piece in enumerate(pieces):
        if number == 0 and is_archive(piece) and not archive_wanted:
            raise SourceError("is an archive; add '!' and the member to read")
        yield piece
