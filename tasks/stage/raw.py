"""Land raw bytes: one piece as it is, or many and the list of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from schemas.artifact import NO_CONTRACT, ArtifactRef, Made, Origin
from schemas.errors import ContractError, SourceError
from schemas.resource import Source
from tasks import store
from tasks.stage.call import Call, File, digest
from tasks.stage.parts import land_manifest


def collected(call: Call, scratch: Path) -> None:
    """Land each file of the source; of a pattern, name them all in one manifest."""
    source = call.terms
    if not isinstance(source, Source):
        raise ContractError(f"{call.title}: raw bytes need the terms of their source")
    if not source.is_glob:
        (file,) = call.files.values()
        land_raw(call, source.name, source, file, scratch)
        return
    members = {}
    for name, file in call.files.items():
        frame = f"{source.name}@{name}"
        members[name] = land_raw(call, frame, source.at(name), file, scratch)
    land_manifest(call, source.name, members, scratch)


def land_raw(
    call: Call, frame: str, source: Source, file: File, scratch: Path
) -> ArtifactRef:
    """Keep one piece: its bytes or, by reference, only its hash."""
    sha256 = file.sha256
    size = file.path.stat().st_size
    there = is_whole(source) and store.is_kept(call.store, sha256)
    if source.retain != "reference" and not there:
        sha256, size = copied(call, frame, source, file, scratch)
    if (sha256 if is_whole(source) else hash_of(file)) != file.sha256:
        raise SourceError(f"{source.file} changed while it was read: run again")
    ref = ArtifactRef(
        id=digest(["raw", call.factor, source.name, source.member, sha256]),
        sha256=sha256,
        name=source.name,
        rows=0,
        contract=NO_CONTRACT,
        kind="raw",
    )
    origin = Origin(
        path=source.file,
        file_sha256=file.sha256,
        member=source.path.partition("!")[2],
        licence=source.licence,
        retained=source.retain,
    )
    call.made.append(Made(frame=frame, ref=ref, bytes=size, origin=origin))
    return ref


def hash_of(file: File) -> str:
    """Hash a file again, open as it is."""
    if file.handle is None:
        return store.digest(file.path)
    file.handle.seek(0)
    return hashlib.file_digest(file.handle, "sha256").hexdigest()  # type: ignore[arg-type]  # IO is wider


def is_whole(source: Source) -> bool:
    """Say whether the piece is the file as found: no member, nothing unpacked."""
    if source.retain == "reference" or source.member_pattern:
        return not source.member
    return not source.member and not source.file.endswith(".gz")


def copied(
    call: Call, frame: str, source: Source, file: File, scratch: Path
) -> tuple[str, int]:
    """Write the bytes of one piece into the store; say their hash and number."""

    def pieces() -> Iterator[bytes]:
        told = yield from call.function(file.handle or file.path, source)
        call.note(frame, told)

    part = scratch / "raw"
    with part.open("wb") as written:
        written.writelines(pieces())
    size = part.stat().st_size
    return store.place(call.store, part, private=True), size
