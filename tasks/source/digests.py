"""Hash what a raw piece holds once it is unpacked."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

from schemas.resource import Source
from tasks.source.opening import levels_in, opened
from tasks.source.pieces import bytes_of, matching, named


def is_packed(source: Source) -> bool:
    """Say whether a piece must be unpacked before its text is there."""
    return bool(levels_in(source)[1])


def member_digests(raw: Path | IO[bytes], source: Source) -> Iterator[tuple[str, str]]:
    """Give each member that is meant, with the sha256 of its decompressed bytes.

    Args:
        raw: What ``collect`` gave or, where the source is kept by reference, the
            outermost file; or that file open.
        source: Its ``path`` names one file and the members.

    Raises:
        SourceError: A member is damaged, a link, there twice, or none matches.
    """
    outer, levels = levels_in(source)
    with opened(raw) as archive, named(source, source.path):
        for name, content in matching(archive, levels):
            hashed = sha256()
            for piece in bytes_of(content):
                hashed.update(piece)
            yield f"{outer}!{name}".removesuffix("!"), hashed.hexdigest()
