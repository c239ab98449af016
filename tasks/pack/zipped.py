"""Write files as one zip whose bytes follow from them alone, and read a stranger's.

Entries stand in the order of their names, with a fixed time, and as they are: nothing
is compressed, so nothing swells, and no release of a compressor changes a byte. What
is read must be, byte for byte, what would be written of its entries: no second
directory, no hidden bytes, no link.
"""

import io
import re
import zipfile
from collections.abc import Mapping

from schemas.errors import SourceError

Files = dict[str, bytes]
MAX_BYTES = 256 << 20  # of a pack; the demo's has 1.3 MB
MAX_ENTRIES = 5_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}")
LONGEST = 200  # signs of a name
THEN = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can tell


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order of their names; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, THEN)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def unzipped(data: bytes) -> Files:
    """Read the files of a pack that a stranger handed over.

    Raises:
        SourceError: It is too large, holds too much, a name leads elsewhere, something
            is compressed or hidden, or it is no zip at all.
    """
    if len(data) > MAX_BYTES:
        raise SourceError(f"the pack is longer than {MAX_BYTES >> 20} MB: it is none")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            refuse_odd(entries)
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise SourceError("this is no pack, or it was changed: ask anew") from error
    except (NotImplementedError, RuntimeError) as error:  # a password, a newer zip
        raise SourceError("the pack is not written as one is: ask anew") from error
    if zipped(files) != data:
        raise SourceError(
            "the pack holds bytes beside its entries, or was packed anew: take the file"
            " as it was handed over"
        )
    return files


def refuse_odd(entries: list[zipfile.ZipInfo]) -> None:
    """Look at the directory alone, before a byte of an entry is read."""
    if len(entries) > MAX_ENTRIES:
        raise SourceError(
            f"the pack holds more than {MAX_ENTRIES:,} entries: it is none"
        )
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise SourceError("the pack's entries are larger than the pack: it is none")
    names = [entry.filename for entry in entries]
    if any(len(n) > LONGEST or not NAME.fullmatch(n) for n in names):
        raise SourceError("a name in the pack leads elsewhere: ask anew")
    if len(set(names)) < len(names):
        raise SourceError("a name stands twice in the pack: ask anew")
    if any(e.compress_type != zipfile.ZIP_STORED for e in entries):
        raise SourceError("an entry is compressed, which none of a pack is: ask anew")
