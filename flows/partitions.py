"""Make a resource of its sources: whole, or partition by partition in chunks."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from flows.runpage import gathered
from flows.stages import clean_task, collect_task, gather_task, transform_task
from schemas.artifact import ArtifactRef, Chunk
from schemas.errors import FactorError, StoreError
from schemas.resource import ResourceTerms, Source, in_order
from tasks import store
from tasks.resource.partition import driving
from tasks.stage.log import LOGGER

Refs = Mapping[str, ArtifactRef]
Members = dict[str, dict[str, ArtifactRef]]  # by frame, then by value
# A chunk is one box on the run page; more than these would hide the chain.
CHUNKS = 2 * (os.cpu_count() or 1)


def resource_of(
    raw: Mapping[str, Any], terms: ResourceTerms, within: tuple[str, str] | None
) -> Any:  # Any: refs by name
    """Clean every source, then consolidate, label, sort and check.

    Args:
        raw: What ``collect`` handed over, by source.
        terms: The document's resource.
        within: First and last partition to make; the others stay as they are.
    """
    if terms.partition is None:
        return transform_task(cleaned_whole(raw, terms.sources), terms)
    name, partition = driving(terms)
    source = next(s for s in terms.sources if s.name == name)
    others = cleaned_whole(raw, [s for s in terms.sources if s is not source])
    parted = source.model_copy(update={"partition": partition})
    pieces = cleaned(raw[name], parted, tables_of(source, others))
    parts: Members = {f"{name}.rejects": rejects_of(pieces)}
    fragments = fragments_of(pieces)
    chosen = {
        value: refs
        for value, refs in fragments.items()
        if within is None or within[0] <= value <= within[1]
    }
    refuse_nothing(fragments, chosen, within)
    parts |= transformed(name, chosen, others, terms)
    if within is not None:
        kept = earlier(terms, within)
        tell_behind({v: r for v, r in fragments.items() if v not in chosen}, kept)
        parts["resource"] = kept | parts["resource"]
    return gather_task(parts, terms)


def refuse_nothing(
    found: Mapping[str, Any], chosen: Mapping[str, Any], within: tuple[str, str] | None
) -> None:
    """Say what there is where a range names no part, or the source has none."""
    if chosen:
        return
    values = list(found)
    there = f"there are {values[0]} to {values[-1]}" if values else "no row stands"
    span = f" in {within[0]}..{within[1]}" if within else ""
    raise FactorError(f"there is no partition{span}: {there}; name parts as they are")


def cleaned_whole(raw: Mapping[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """Clean each source as soon as those are clean that its rules refer to.

    Any: refs by frame, or their future.
    """
    begun: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    for source in in_order(sources):
        asked = source.refers & begun.keys() - rows.keys()
        rows |= {n: followed(raw[n], begun[n]) for n in asked}
        tables = tables_of(source, rows)
        begun[source.name] = clean_task.start(raw[source.name], source, **tables)
    return {n: rows.get(n) or followed(raw[n], one) for n, one in begun.items()}


def tables_of(source: Source, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Hand on what the rules of a source refer to; nothing where there is nothing.

    Any: refs by frame, or their future.
    """
    asked = {n: rows[n] for n in sorted(source.refers) if n in rows}
    return {"tables": asked} if asked else {}


def vouchers_of(costs: Source) -> Any:  # Any: refs by name
    """Read the voucher file as any other source."""
    return clean_task(collect_task(costs.place, costs), costs)


def span_of(partitions: str) -> tuple[str, str] | None:
    """Read ``2024-05-01..2024-05-31``, or one value; nothing means all.

    Raises:
        FactorError: The last comes before the first.
    """
    if not partitions:
        return None
    first, dots, last = partitions.partition("..")
    span = (first, last if dots else first)
    if not first or not span[1] or span[0] > span[1]:
        raise FactorError(
            f"partitions {partitions!r}: write FIRST..LAST, the earlier one first"
        )
    return span


def cleaned(raw: Any, source: Source, tables: Mapping[str, Any]) -> dict[str, Refs]:
    """Clean each piece of a source; a piece holds the rows of one or more partitions.

    Any: a ref of raw bytes or of a manifest of them, or its future.
    """
    (whole,) = gathered([raw])
    s = store.current()
    manifest = whole.kind == "manifest"
    pieces = store.parts(s, whole) if manifest else [(source.file, whole)]
    chunks = shared_out(pieces)
    begun = [
        clean_task.start(Chunk(each=dict(some), whole=whole), source, **tables)
        for some in chunks
    ]
    done = gathered(begun, [*map(len, chunks)], source.factor, f"clean[{source.name}]")
    made = {piece: refs for chunk in done for piece, refs in chunk.items()}
    if not store.was_redriven(s, source.factor):
        return made
    return {piece: store.redriven(s, refs) for piece, refs in made.items()}


def followed(raw: Any, begun: Any) -> Any:  # Any: refs by frame, or their future
    """Go on from the newest form of what was cleaned, where a person re-drove it."""
    # Of a file that failed, what waited for it would tell only that it waited.
    _, refs = gathered([raw, begun])
    newest = store.redriven(store.current(), refs)
    return begun if newest == refs else newest


def shared_out(items: Sequence[tuple[str, Any]]) -> list[Sequence[tuple[str, Any]]]:
    """Share items out among at most ``CHUNKS`` chunks, in their order."""
    size = max(1, -(-len(items) // CHUNKS))
    return [items[at : at + size] for at in range(0, len(items), size)]


def rejects_of(pieces: Mapping[str, Refs]) -> dict[str, ArtifactRef]:
    """Pick the rejects of each piece."""
    return {
        piece: ref
        for piece, refs in pieces.items()
        for frame, ref in refs.items()
        if frame.endswith(".rejects")
    }


def fragments_of(pieces: Mapping[str, Refs]) -> dict[str, tuple[ArtifactRef, ...]]:
    """List for each partition the rows that the pieces hold of it."""
    found: dict[str, list[ArtifactRef]] = {}
    for refs in pieces.values():
        for frame, ref in refs.items():
            if not frame.endswith(".rejects"):
                found.setdefault(frame.partition("@")[2], []).append(ref)
    return {value: tuple(refs) for value, refs in sorted(found.items())}


def transformed(
    name: str,
    chosen: Mapping[str, tuple[ArtifactRef, ...]],
    others: Mapping[str, Any],
    terms: ResourceTerms,
) -> Members:
    """Make each partition; rows that need nothing more are the partition already."""
    ready = {
        value: refs[0]
        for value, refs in chosen.items()
        if terms.passes and len(refs) == 1
    }
    rest = [(v, {name: refs, **others}) for v, refs in chosen.items() if v not in ready]
    chunks = shared_out(rest)
    begun = [transform_task.start(Chunk(each=dict(some)), terms) for some in chunks]
    parts: Members = {"resource": ready}
    done = gathered(begun, [*map(len, chunks)], terms.factor, "transform")
    made = [item for chunk in done for item in chunk.items()]
    for value, frame, ref in ((v, f, r) for v, refs in made for f, r in refs.items()):
        end = ".rejects" if frame.endswith(".rejects") else ""
        parts.setdefault(frame.partition("@")[0] + end, {})[value] = ref
    return parts


def earlier(terms: ResourceTerms, within: tuple[str, str]) -> dict[str, ArtifactRef]:
    """Keep the partitions outside a range as the last run left them."""
    s = store.current()
    try:
        before = store.resolve(s, f"{terms.factor}/resource/resource")
    except StoreError:  # there was no run before
        return {}
    if before.kind != "manifest":
        return {}
    if store.made_with(s, before).publication.terms != terms.identity():
        raise FactorError(
            "the document has changed since the other partitions were made: run all of"
            " them, without partitions"
        )
    return {v: r for v, r in store.parts(s, before) if not within[0] <= v <= within[1]}


def tell_behind(
    left: Mapping[str, tuple[ArtifactRef, ...]], kept: Mapping[str, ArtifactRef]
) -> None:
    """Say which of the partitions that were left out do not show their files of now."""
    behind = [v for v, rows in left.items() if not rests_on(kept.get(v), rows)]
    if behind:
        span = behind[0] if len(behind) == 1 else f"{behind[0]} to {behind[-1]}"
        LOGGER.warning(
            "left behind their files: %s partitions (%s); run them too, or all without"
            " --partitions",
            *(len(behind), span),
        )


def rests_on(part: ArtifactRef | None, rows: Sequence[ArtifactRef]) -> bool:
    """Say whether a partition is, or was made of, the rows that its files hold now."""
    if part is None:
        return False
    wanted = {ref.id for ref in rows}
    if wanted == {part.id}:
        return True
    made = store.made_with(store.current(), part).publication
    return wanted <= {i.id for i in made.inputs}
