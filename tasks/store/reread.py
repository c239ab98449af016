"""Read a backup again, every byte of it: what rots on a disk is silent until then.

The next backup into a folder trusts what lies there by its name. Here each file is
hashed: bytes against their names, tables and lists against the header, the header
against itself. No store is opened, so that it is done where the copy lies.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from schemas.errors import StoreError
from tasks.store.backup import HEADER, LISTED, Header, digest_of, read_header, still
from tasks.store.place import digest


class Reread(BaseModel):
    """What was read of a backup, and which files of it nobody can rely on.

    ``complete`` says whether the backup lists what must be there: older ones do not.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    made_at: datetime
    seq: int
    files: int
    complete: bool
    damaged: tuple[str, ...]
    missing: tuple[str, ...]


def reread(folder: Path) -> Reread:
    """Hash all that a backup holds and compare it with what was written.

    Raises:
        StoreError: The folder is no finished backup, its header is damaged, or a
            backup writes into it.
    """
    folder = folder.expanduser().absolute()
    with still(folder):
        header = read_header(folder)
        if header is None or header.digest not in ("", digest_of(header)):
            raise StoreError(f"{folder / HEADER} is damaged: take another backup")
        wanted = dict(expected(folder, header))
        found = {name: hashed(folder / name) for name in sorted(wanted)}
    return Reread(
        folder=folder,
        made_at=header.made_at,
        seq=header.seq,
        files=len(found),
        complete=LISTED in header.files,
        damaged=tuple(n for n, sha in found.items() if sha not in (wanted[n], None)),
        missing=tuple(n for n, sha in found.items() if sha is None),
    )


def expected(folder: Path, header: Header) -> Iterator[tuple[str, str]]:
    """List the files of a backup, by their place in it, with the hash of each."""
    for name, table in header.tables.items():
        yield f"{header.state}/{name}.jsonl.gz", table.sha256
    for name, sha256 in header.files.items():
        yield f"{header.state}/{name}", sha256
    listed = folder / header.state / LISTED
    if hashed(listed) == header.files.get(LISTED, ""):
        for sha256 in listed.read_text("ascii").split():
            yield f"objects/{sha256[:2]}/{sha256}", sha256
    for file in (folder / "objects").glob("??/[!.]*"):  # a part of a crash is none
        yield file.relative_to(folder).as_posix(), file.name


def hashed(file: Path) -> str | None:
    """Hash a file; None where it is not there, no hash where a disk cannot read it."""
    if not file.is_file():
        return None
    try:
        return digest(file)
    except OSError:
        return "unreadable"
