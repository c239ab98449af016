"""Read what was rejected from a frame: of one run, of one part, or of all parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from schemas.artifact import ArtifactRef, Stage
from schemas.errors import StoreError
from tasks.store.counts import check_counts
from tasks.store.database import reading
from tasks.store.lineage import CHECKS, NEWEST, RUNS, check, run
from tasks.store.manifest import members
from tasks.store.place import Store, scan
from tasks.store.publish import read_body
from tasks.store.redriven import made_with, redriven
from tasks.store.refs import resolve

DERIVED = "derived"  # the frame in which rows are set aside to protect persons
MASK_BITS = 63  # reasons in one Int64 column; the sign is not used


def rejects(s: Store, text: str) -> pl.DataFrame:
    """Read what was rejected from a frame, also by a run that failed by it.

    Args:
        text: A REF of the frame, of one part of it, or of a rejects artifact.

    Returns:
        The stored columns with ``_reasons`` as the list of the rules' names.

    Raises:
        StoreError: No such frame was ever checked, or several are meant.
    """
    plain = text.count("/") == 2 and "@" not in text
    ref = None if plain else resolve(s, text)
    if ref is not None and "/" not in text.partition("/")[2] and not exact(text, ref):
        refuse_several(s, text)
    name = text if ref is None else name_of(s, ref)
    with reading(s.engine) as c:
        judged = judging(c, name)
    if judged is None:
        raise StoreError(
            f"no frame {text} was ever checked: name it factor/stage/frame, as"
            " `datafactor show` lists them"
        )
    frame = base_name(name.split("/", 2)[2])
    direct = ref is not None and ref.name.endswith(".rejects")
    found = [ref] if ref and direct else meant(s, ref, judged, frame)
    made = [part for one in found for part in members(s, one)]
    if not made:
        return pl.DataFrame()
    checks = [k.check for k in read_body(judged.body)[0].checks if k.frame == frame]
    return decoded(pl.concat(scan(s, one) for one in made).collect(), checks)


def exact(text: str, ref: ArtifactRef) -> bool:
    """Say whether a text names one artifact by itself: an id, bytes, a loan, a file."""
    return "/" in text or ":" in text or ref.id.startswith(text)


def refuse_several(s: Store, text: str) -> None:
    """Say which frames of a factor have rejects, and how many."""
    told = [*of_resource(s, text), *of_product(s, text)]
    raise StoreError(f"{text} has several frames: name one of {', '.join(told)}")


def of_resource(s: Store, factor: str) -> Iterator[str]:
    """Name the frames behind a resource with their rejects, most first."""
    try:
        counts = check_counts(s, factor)
    except StoreError:  # a factor that combines others has none
        return
    rows = counts.filter(kind="rows").sort("rejected", descending=True)
    for row in rows.iter_rows(named=True):
        yield f"{factor}/resource/{row['frame']} ({row['rejected']:,})"


def of_product(s: Store, factor: str) -> Iterator[str]:
    """Name a product's derived rows, and other frames of it that have rejects."""
    judged = select(check.frame).join(RUNS, run.hash == check.run).distinct()
    judged = judged.where(run.factor == factor, run.stage == Stage.PRODUCT)
    with reading(s.engine) as c:
        names = sorted(f"{factor}/product/{frame}" for frame in c.scalars(judged))
        bodies = {name: row.body for name in names if (row := judging(c, name))}
    for name, body in bodies.items():
        for balance in read_body(body)[0].balances:
            told = balance.rejected or balance.frame == DERIVED
            if told and name.endswith(f"/{balance.frame}"):
                yield f"{name} ({balance.rejected:,})"


def name_of(s: Store, ref: ArtifactRef) -> str:
    """Name an artifact ``factor/stage/frame`` by the run that made it last."""
    said = made_with(s, ref).publication
    frame = next(m.frame for m in said.artifacts if m.ref.id == ref.id)
    return f"{said.factor}/{said.stage}/{frame}"


def base_name(frame: str) -> str:
    """Name the frame that a part or its rejects are of: ``a@b.rejects`` -> ``a``."""
    return frame.partition("@")[0].removesuffix(".rejects")


def judging(c: Connection, name: str) -> Any | None:  # a row
    """Find the run of the newest day that has judged a frame of this name.

    A failure that nothing followed is what a person asks about, whatever its day.
    """
    factor, stage, frame = name.split("/", 2)
    query = select(run.hash, run.seq, run.status, run.body)
    query = query.join(CHECKS, run.hash == check.run)
    query = query.where(run.factor == factor, run.stage == stage)
    query = query.where(check.frame == base_name(frame)).limit(1)
    last = c.execute(query.order_by(run.seq.desc())).first()
    failed = last is not None and last.status == "FAIL"
    return last if failed else c.execute(query.order_by(*NEWEST)).first()


def meant(
    s: Store, ref: ArtifactRef | None, judged: Any, frame: str
) -> list[ArtifactRef]:
    """Find the rejects of one part, of a run that failed, or of all parts.

    A frame made part by part is judged part by part; the run that gathers them names
    all rejects at once, and what was re-driven since stands in place of its part.
    """
    if ref is not None and ref.kind == "frame" and "@" in name_of(s, ref):
        return rejects_among(made_with(s, ref).refs, frame)
    said, _, _ = read_body(judged.body)
    own = rejects_among({m.frame: m.ref for m in said.artifacts}, frame)
    gathered = None if judged.status == "FAIL" else gathering(s, said.factor)
    if gathered is None or f"{frame}.rejects" not in gathered:
        return own
    found: list[ArtifactRef] = []
    for part in members(s, gathered[f"{frame}.rejects"]):
        found += rejects_among(redriven(s, made_with(s, part).refs), frame)
    return found


def rejects_among(refs: Mapping[str, ArtifactRef], frame: str) -> list[ArtifactRef]:
    """Pick the rejects of a frame, or of a part of it."""
    ending = ".rejects"
    return [r for n, r in refs.items() if n.endswith(ending) and base_name(n) == frame]


def gathering(s: Store, factor: str) -> dict[str, ArtifactRef] | None:
    """Read what the last gather of a factor named; nothing where it has no parts."""
    query = select(run.body).where(run.factor == factor, run.task == "gather")
    query = query.where(run.status == "COMPLETE").order_by(run.seq.desc()).limit(1)
    with reading(s.engine) as c:
        text = c.scalars(query).first()
    if text is None:
        return None
    return {m.frame: m.ref for m in read_body(text)[0].artifacts}


def decoded(frame: pl.DataFrame, checks: Sequence[str]) -> pl.DataFrame:
    """Turn masks into names: 5 over the rules a, b, c -> [a, c]."""
    masks = [n for n in frame.columns if re.fullmatch(r"_reasons(_\d+)?", n)]
    said = [
        pl.when(pl.col(masks[bit // MASK_BITS]) & (1 << bit % MASK_BITS) != 0).then(
            pl.lit(check)
        )
        for bit, check in enumerate(checks[: len(masks) * MASK_BITS])
    ]
    names = pl.concat_list(said).list.drop_nulls()
    return frame.with_columns(_reasons=names).drop(masks[1:])
