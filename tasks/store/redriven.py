"""Follow rows to their newest re-driven form, and keep what a person mended."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, select

from schemas.artifact import (
    NO_CONTRACT,
    ArtifactRef,
    Made,
    Origin,
    Publication,
    Published,
    Stage,
)
from schemas.errors import StoreError
from schemas.resource import Source
from schemas.tables.columns import table_of
from schemas.tables.lineage import Derivation, RunOutput, StageRun
from tasks.store.database import reading
from tasks.store.lineage import NEWEST
from tasks.store.manifest import members
from tasks.store.place import Store, place, scratch
from tasks.store.publish import publish, read_body
from tasks.store.refs import resolve

REDRIVE = "redrive"
run, out = table_of(StageRun).c, table_of(RunOutput).c
edge = table_of(Derivation).c


def redriven(s: Store, refs: Mapping[str, ArtifactRef]) -> dict[str, ArtifactRef]:
    """Follow the frames of one run to what re-driving made of them, if anything.

    A frame that was not re-driven stays; rejects that were are replaced by those that
    remain. ``{people, people.rejects}`` whose last reject moved -> ``{people}``.
    """
    found = dict(refs)
    with reading(s.engine) as c:
        while made := _again(c, found):
            found = made
    return found


def _again(
    c: Connection, refs: Mapping[str, ArtifactRef]
) -> dict[str, ArtifactRef] | None:
    """Take one step: the newest run that re-drove any of the frames."""
    ids = {ref.id: name for name, ref in refs.items()}
    query = (
        select(run.body)
        .join(RunOutput, out.run == run.hash)
        .join(Derivation, edge.child == out.artifact)
        .where(run.task == REDRIVE, run.status == "COMPLETE")
        .where(edge.parent.in_(list(ids)))
        .order_by(run.seq.desc())
        .limit(1)
    )
    body = c.scalars(query).first()
    if body is None:
        return None
    said = read_body(body)[0]
    taken = {i.id for i in said.inputs}
    left = {name: ref for name, ref in refs.items() if ref.id not in taken}
    return left | {m.frame: m.ref for m in said.artifacts}


def made_with(s: Store, ref: ArtifactRef) -> Published:
    """Find the newest day's finished run that yielded an artifact, with all it yielded.

    Raises:
        StoreError: No finished run did.
    """
    query = (
        select(run.hash, run.body)
        .join(RunOutput, out.run == run.hash)
        .where(out.artifact == ref.id, run.status == "COMPLETE")
        .order_by(*NEWEST)
    )
    with reading(s.engine) as c:
        row = c.execute(query).first()
    if row is None:
        raise StoreError(f"no finished run has made {ref.name}: run the factor first")
    return Published(run=row.hash, reused=True, publication=read_body(row.body)[0])


def fragments(s: Store, text: str, found: ArtifactRef) -> list[ArtifactRef]:
    """List all rows of one part of a source that lie in several files.

    Args:
        s: The store.
        text: ``factor/resource/source@part``; anything else has no fragments.
        found: What ``resolve`` took it for.

    Returns:
        What the newest clean run of each file yielded of the part, or a re-drive made
        of it since: ``f/resource/levels@2024-05-01`` of two files -> two frames.
    """
    name, at, _ = text.partition("@")
    if not at or name.count("/") != 2:
        return [found]
    raws = members(s, resolve(s, name))
    if any(raw.kind != "raw" for raw in raws):
        return [found]
    frame = text.rpartition("/")[2]
    made = [redriven(s, cleaned(s, raw)) for raw in raws]
    return [refs[frame] for refs in made if frame in refs] or [found]


def cleaned(s: Store, raw: ArtifactRef) -> dict[str, ArtifactRef]:
    """Find what the newest clean run of one raw piece yielded; of none, nothing."""
    query = (
        select(run.body)
        .join(RunOutput, out.run == run.hash)
        .join(Derivation, edge.child == out.artifact)
        .where(run.task == "clean", run.status == "COMPLETE", edge.parent == raw.id)
        .order_by(run.seq.desc())
        .limit(1)
    )
    with reading(s.engine) as c:
        body = c.scalars(query).first()
    return (
        {} if body is None else {m.frame: m.ref for m in read_body(body)[0].artifacts}
    )


def rejected_before(s: Store, ref: ArtifactRef) -> list[ArtifactRef]:
    """List the rejects that a re-driven frame came from, the newest first."""
    found = []
    while (said := made_with(s, ref).publication).task == REDRIVE:
        (id,) = {i.id for i in said.inputs if i.role == "rejects"}
        ref = resolve(s, id)
        found.append(ref)
    return found


def was_redriven(s: Store, factor: str) -> bool:
    """Say whether any rows of a factor were ever re-driven."""
    query = select(run.hash).where(run.task == REDRIVE, run.factor == factor)
    with reading(s.engine) as c:
        return c.execute(query.limit(1)).first() is not None


def keep_file(s: Store, file: Path, source: Source, id: str, key: str) -> ArtifactRef:
    """Keep a file that a person wrote as a raw artifact, private like its source.

    Args:
        s: The store.
        file: Where it lies; only its name is written down.
        source: Whose rows it holds, and under which licence.
        id: Identity of the artifact, as ``key`` a hash of what it depends on.
        key: Of the run that keeps it; keeping the same file again changes nothing.
    """
    with scratch(s) as folder:
        part = folder / "kept"
        part.write_bytes(file.read_bytes())
        size = part.stat().st_size
        sha256 = place(s, part, private=True)
    ref = ArtifactRef(
        id=id, sha256=sha256, name=source.name, rows=0, contract=NO_CONTRACT, kind="raw"
    )
    origin = Origin(
        path=file.name, file_sha256=sha256, member="", licence=source.licence
    )
    act = Publication(
        task="mend",
        stage=Stage.RESOURCE,
        kind="act",
        status="COMPLETE",
        factor=source.factor,
        key=key,
        code="0" * 64,
        terms={"source": source.name},
        artifacts=(Made(frame=source.name, ref=ref, bytes=size, origin=origin),),
    )
    return publish(s, act).refs[source.name]
