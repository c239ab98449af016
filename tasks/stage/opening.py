"""Open what a stage function was given: frames for refs, texts for raw bytes."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from schemas.artifact import ArtifactRef, Made, Publication, Snapshot
from schemas.contract import Column
from schemas.errors import ContractError, StoreError
from schemas.resource import Source
from tasks import store
from tasks.source import Text, is_packed, member_digests, open_text
from tasks.stage.call import Call, digest, refs_of
from tasks.stage.signature import (
    MEMBERS,
    TEXT,
    Declaration,
    model_contract,
    schema_of,
)

# Running line numbers of a piece stay below this: each piece has a block of its own.
BLOCK = 1 << 32


def opened(call: Call, scratch: Path) -> dict[str, Any]:
    """Open every argument."""
    arguments: dict[str, Any] = {}
    for name, value in call.given.items():
        if isinstance(value, Snapshot):
            arguments[name] = take_snapshot(call, name, value, scratch)
        elif name in call.refs:
            arguments[name] = open_ref(call, name, call.refs[name], scratch)
        elif name in call.shape.mappings:
            arguments[name] = {
                entry: pl.concat(
                    open_one(call, f"{name}.{entry}", ref)
                    for ref in refs_of(call, entry, given)
                )
                for entry, given in value.items()
            }
            call.tables |= arguments[name]
        else:
            arguments[name] = value
    return arguments | ({call.shape.keys: call.keys} if call.shape.keys else {})


def open_ref(call: Call, role: str, ref: ArtifactRef, scratch: Path) -> pl.LazyFrame:
    """Open one argument as its parameter wants it: as text, or as checked rows."""
    if call.shape.inputs.get(role) == TEXT:
        return open_raw(call, role, ref, scratch)
    return open_frame(call, role, ref)


def open_one(call: Call, role: str, ref: ArtifactRef) -> pl.LazyFrame:
    """Open one entry of a mapping: as checked rows, or as digests of raw bytes."""
    if call.shape.inputs.get(role.partition(".")[0]) == MEMBERS:
        return open_members(call, ref)
    return open_frame(call, role, ref)


def open_members(call: Call, ref: ArtifactRef) -> pl.LazyFrame:
    """Hash what one raw piece holds: ``member``, where it was found, and ``sha256``.

    A piece that was unpacked when it was collected has that digest already.
    """
    run = store.made_with(call.store, ref).publication
    (origin,) = {m.origin for m in run.artifacts if m.ref.id == ref.id and m.origin}
    path = f"{origin.path}!{origin.member}".removesuffix("!")
    # Of its terms only the place and the way of keeping matter here.
    any_column = Column(name="any", logical_type="string")
    source = Source(
        name=ref.name.partition("@")[0],
        path=path,
        licence=origin.licence,
        retain=origin.retained,
        columns=(any_column,),
    )
    held = [(path, ref.sha256)]
    if is_packed(source):
        with store.raw_file(call.store, ref) as file:
            held = [*member_digests(file, source)]
    return pl.LazyFrame(held, ["member", "sha256"], orient="row")


def open_frame(call: Call, role: str, ref: ArtifactRef) -> pl.LazyFrame:
    """Open one frame and see that it is what the parameter asks for."""
    if ref.kind == "raw":
        before = ", ".join(call.stage.before)
        first = (
            f"it must pass the stages {before} first" if before else "clean it first"
        )
        raise ContractError(
            f"{call.title}.{role} was handed {ref.name!r}, which is raw: {first}"
        )
    frame = store.scan(call.store, ref)
    declared = call.shape.inputs.get(role.partition(".")[0])
    if declared is not None:
        fits(call, role, ref, frame, declared)
    return frame


def fits(
    call: Call, role: str, ref: ArtifactRef, frame: pl.LazyFrame, declared: Declaration
) -> None:
    """Refuse an artifact that lacks the columns its parameter's contract names."""
    wanted = schema_of(declared, call.terms)
    have = frame.collect_schema()
    lacking = [n for n, c in wanted.columns.items() if have.get(n) != c.dtype.type]
    if lacking:
        raise ContractError(
            f"{call.title}.{role} wants {wanted.name or 'its contract'}, but was handed"
            f" {ref.name!r}, which lacks {lacking}"
        )


def open_raw(call: Call, role: str, ref: ArtifactRef, scratch: Path) -> pl.LazyFrame:
    """Open raw bytes, or all pieces of a manifest of them, as one text."""
    source = call.terms
    if not isinstance(source, Source):
        raise ContractError(f"{call.title}.{role}: raw bytes need their source's terms")
    texts = [
        open_piece(call, piece, source, scratch / f"text-{n}")
        for n, piece in enumerate(store.members(call.store, ref))
    ]
    rows, places = [], []
    for n, text in enumerate(texts):
        call.notes.update(text.notes)
        shift = pl.lit(n * BLOCK, pl.Int64)
        rows.append(text.rows.with_columns(pl.col("_line").cast(pl.Int64) + shift))
        places.append(text.places.with_columns(pl.col("_from").cast(pl.Int64) + shift))
    call.places = pl.concat(places)
    return pl.concat(rows)


def open_piece(call: Call, piece: ArtifactRef, source: Source, scratch: Path) -> Text:
    """Open one piece under the name it was found by."""
    if piece.kind != "raw":
        raise ContractError(
            f"{call.title}: was handed {piece.name!r}, which is no raw text"
        )
    scratch.mkdir()
    _, _, file = piece.name.partition("@")
    named = source.at(file) if file else source
    with store.raw_file(call.store, piece) as opened_once:
        return open_text(opened_once, named, scratch)


def take_snapshot(
    call: Call, name: str, asked: Snapshot, scratch: Path
) -> pl.LazyFrame:
    """Publish the register rows as they stand, and read them from there."""
    if name in call.healing:  # the damaged run saw the register before it posted
        with suppress(StoreError):  # unless that very snapshot is what is damaged
            before = store.resolve(call.store, call.healing[name])
            frame = store.scan(call.store, before)
            call.refs[name] = before
            return frame
    rows = call.snapshots[name]  # as the key saw them: a later event is a later run's
    part = scratch / f"snapshot-{name}"
    rows.write_parquet(part)
    register = asked.register.__name__
    sha256 = store.place(call.store, part, private=False)
    size = store.path(call.store, sha256).stat().st_size
    ref = ArtifactRef(
        id=digest(["snapshot", name, register, asked.where, sha256]),
        sha256=sha256,
        name=f"{name}.snapshot",
        rows=rows.height,
        contract=model_contract(asked.register).digest,
        kind="frame",
    )
    store.publish(
        call.store,
        Publication(
            task="snapshot",
            stage=call.stage,
            kind="snapshot",
            status="COMPLETE",
            factor=call.factor,
            key=digest(["snapshot", call.factor, ref.id]),
            code="0" * 64,
            terms={"register": register, "where": asked.where},
            artifacts=(Made(frame=ref.name, ref=ref, bytes=size),),
        ),
    )
    call.refs[name] = ref
    return store.scan(call.store, ref)
