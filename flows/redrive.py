"""Re-drive rejected rows: an act of a person, after a rule or the rows were mended."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from flows.document import factor_named
from flows.rejected import MASK
from flows.stages import clean_task, redrive_task
from schemas.artifact import ArtifactRef, Chunk
from schemas.contract import DTYPES
from schemas.errors import ContractError, SourceError, StoreError
from schemas.resource import Source
from tasks import store
from tasks.contract import compile_contract
from tasks.resource.partition import driving
from tasks.resource.redrive import (
    MENDED,
    ORIGIN,
    fixed_source,
    may_move,
    mended,
    own_rules,
    read_again,
)
from tasks.stage.call import digest

SHOWN = 5
Refs = Mapping[str, ArtifactRef]


class Piece(NamedTuple):
    """The newest frames of one clean run: what stands, and what was rejected."""

    value: str  # which piece of a partitioned source; else empty
    stands: Refs
    rejects: ArtifactRef


def redrive_rows(ref: str, file: Path | None) -> dict[str, Any]:  # Any: JSON
    """Move exactly the rejects of a source that keep its contract now.

    Args:
        ref: ``factor/resource/source``, of a partitioned source also ``@piece``.
        file: What ``rejects --csv --reveal`` wrote, with some cells mended.

    Raises:
        StoreError: The source was never cleaned, or the file holds other rows.
        ContractError: Rows that stand break the rules as they are now.
    """
    source = source_of(ref)
    pieces = list(pieces_of(ref, source))
    fixed, changed = mended_rows(pieces, file, source) if file and pieces else ({}, 0)
    before = sum(piece.rejects.rows for piece in pieces)
    remain = rows = 0
    for piece in pieces:
        refs = moved(ref, piece, fixed, source)
        left = [r for n, r in refs.items() if n.endswith(".rejects")]
        remain += sum(r.rows for r in left)
        rows += sum(r.rows for n, r in refs.items() if not n.endswith(".rejects"))
    return {
        "frame": ref,
        "rejected": before,
        "moved": before - remain,
        "remain": remain,
        "rows": rows,
        "files": len(pieces),
        "changed": changed,
        "next": f"datafactor run {source.factor}",
    }


def source_of(ref: str) -> Source:
    """Find the source that a REF names, with its partition.

    Raises:
        StoreError: It names no source.
    """
    name, _, frame = ref.partition("@")[0].partition("/resource/")
    terms = factor_named(name)
    source = terms.sources.get(frame)
    if source is None:
        raise StoreError(
            f"{ref} is no source: rows are re-driven where they were rejected as text;"
            f" name one of {', '.join(f'{name}/resource/{n}' for n in terms.sources)};"
            f" for rules of the resource itself `datafactor run {name}` is enough"
        )
    if terms.resource and terms.resource.partition is not None:
        chosen, partition = driving(terms.resource)
        if chosen == source.name:
            source = source.model_copy(update={"partition": partition})
    return source


def pieces_of(ref: str, source: Source) -> Iterator[Piece]:
    """Find the newest frames of a source that has rejects, piece by piece."""
    s = store.current()
    wanted = ref.partition("@")[2]
    for value, refs in newest(ref, source):
        found = store.redriven(s, refs)
        stands = {n: r for n, r in found.items() if not n.endswith(".rejects")}
        rejects = [r for n, r in found.items() if n.endswith(".rejects")]
        if rejects and (not wanted or value == wanted):
            yield Piece(value, stands, rejects[0])


def newest(ref: str, source: Source) -> Iterator[tuple[str, Refs]]:
    """List what the last clean runs yielded: one run, or one for each piece."""
    s = store.current()
    if source.partition is None:
        frame = store.resolve(s, f"{source.factor}/resource/{source.name}")
        if frame.kind == "raw":
            raise StoreError(
                f"{ref} was collected but never cleaned: mend the source or raise its"
                f" max_rejected_rate, `datafactor run {source.factor}`, then redrive"
            )
        yield "", store.made_with(s, frame).refs
        return
    gathered = (
        r.refs
        for r in store.runs(s, source.factor)
        if r.publication.task == "gather" and r.publication.status == "COMPLETE"
    )
    listed = next(gathered, {}).get(f"{source.name}.rejects")
    for value, rejects in store.parts(s, listed) if listed else ():
        yield value, store.made_with(s, rejects).refs


def mended_rows(pieces: list[Piece], file: Path, source: Source) -> tuple[Refs, int]:
    """Keep the file, read it, and see that it holds rejects and nothing else.

    Returns:
        Its rows by name, and how many cells a person changed.
    """
    s, terms = store.current(), fixed_source(source)
    if not file.is_file():
        raise SourceError(f"there is no file {file}: write it with `rejects --csv`")
    mine = [source.factor, terms.name, store.digest(file)]
    raw = store.keep_file(
        s, file, terms, digest(["raw", *mine]), digest(["mend", *mine])
    )
    try:
        cleaned: Any = clean_task(raw, terms)  # Any: refs by name
    except (SourceError, ContractError) as error:
        raise SourceError(
            f"{file.name} is not the table that `rejects --csv --reveal` wrote, saved"
            f" as CSV in UTF-8: {error}"
        ) from error
    rows: ArtifactRef = cleaned[terms.name]
    fixed = store.scan(s, rows)
    rejects = pl.concat([store.scan(s, piece.rejects) for piece in pieces])
    gone = [
        store.scan(s, ref).select(*ORIGIN)
        for piece in pieces
        for ref in store.rejected_before(s, piece.rejects)
    ]
    refuse_strangers(fixed, pl.concat([rejects.select(*ORIGIN), *gone]), file)
    told = mended(rejects, fixed, source).select(pl.col(MENDED).sum()).collect()
    return {terms.name: rows}, int(told.item())


def refuse_strangers(fixed: pl.LazyFrame, known: pl.LazyFrame, file: Path) -> None:
    """Refuse a file that was written masked, or holds rows that were never rejected."""
    cells = [n for n in fixed.collect_schema() if n.startswith(("cell_", "in_ragged"))]
    hidden = fixed.filter(pl.any_horizontal(pl.col(cells) == MASK)).collect().height
    if hidden:
        raise StoreError(
            f"{file.name}: {hidden} rows hold {MASK} in place of a value: write the"
            " file with --reveal"
        )
    line = pl.col("in_line").cast(pl.Int64, strict=False)
    theirs = fixed.select(_source="in_source", _member="in_member", _line=line)
    others = theirs.join(known, on=[*ORIGIN], how="anti", nulls_equal=True).collect()
    if others.height:
        places = [f"{m} line {n}" for _, m, n in others.head(SHOWN).rows()]
        more = " and more" if others.height > SHOWN else ""
        raise StoreError(
            f"{file.name}: {others.height} rows are not among the rejects:"
            f" {', '.join(places)}{more}; leave them out"
        )


def rows_of(refs: Sequence[ArtifactRef], source: Source) -> pl.LazyFrame:
    """Read rows that stand; of none, no rows of the source's columns."""
    types = {c.name: DTYPES[c.logical_type] for c in source.columns}
    read = [store.scan(store.current(), ref) for ref in refs]
    return pl.concat([pl.LazyFrame(schema=types), *read])


def refuse_taken(ref: str, moving: pl.LazyFrame, source: Source) -> None:
    """Refuse to move a row whose key stands in another piece: no run could follow."""
    if source.partition is None or source.keep or source.drop_repeats:
        return
    s, key = store.current(), [*source.key]
    standing = store.scan(s, store.resolve(s, f"{source.factor}/resource/resource"))
    made = factor_named(source.factor).resource
    if not key or made is None or not made.passes:
        return
    taken = moving.join(standing, on=key, how="semi", nulls_equal=True).collect().height
    if taken:
        raise ContractError(
            f"{ref}: {taken} mended rows repeat a key that stands in another file; mend"
            " their key, or leave them as they were"
        )


def moved(ref: str, piece: Piece, fixed: Refs, source: Source) -> Refs:
    """Re-drive one piece, unless no row of it would move."""
    s = store.current()
    before: Refs = {**piece.stands, piece.rejects.name: piece.rejects}
    stands = rows_of([*piece.stands.values()], source)
    refuse_fallen(ref, stands, source)
    mends = {name: store.scan(s, r) for name, r in fixed.items()}
    again = read_again(store.scan(s, piece.rejects), mends, source)
    contract = compile_contract(source.contract(), parsed=True)
    moving = may_move(stands, again, contract)
    if moving.limit(1).collect().is_empty():
        return before
    refuse_taken(ref, moving, source)
    rejects: Any = piece.rejects  # Any: a ref, or one entry of a chunk
    if piece.value:
        rejects = Chunk(each={piece.value: piece.rejects})
    named = {n: f"{source.factor}/resource/{n}" for n in sorted(source.refers)}
    tables = {"tables": {n: store.resolve(s, r) for n, r in named.items()}}
    redrive_task(piece.stands, rejects, fixed, source, **(tables if named else {}))
    return store.redriven(s, before)


def refuse_fallen(ref: str, stands: pl.LazyFrame, source: Source) -> None:
    """Refuse to re-drive beside rows that the rules of now would not let pass."""
    contract = compile_contract(source.contract())
    rules = own_rules(contract, set(contract.dtypes))
    if not rules:
        return
    fallen = stands.select(pl.any_horizontal(*rules).sum()).collect().item()
    if fallen:
        raise ContractError(
            f"{ref}: {fallen:,} of the rows that stand break the rules as they are now;"
            f" `datafactor run {source.factor}` cleans all of them anew"
        )
