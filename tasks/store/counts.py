"""Read what the runs that made a resource counted, and how it was judged before.

Both answer a stage that asks for a snapshot: the counts of the resource as it stands,
and the earlier assessments of it, the newest of each day.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import pandera.polars as pa
import polars as pl
import rfc8785
from sqlalchemy import func, select

from schemas.artifact import ArtifactRef, Made, Publication, Snapshot
from schemas.contract import frame_of
from schemas.errors import SourceError, StoreError
from schemas.quality import CheckCounts, Indicator, Score
from schemas.resource import NOTES
from schemas.usage import Unsealed
from tasks.store import registers
from tasks.store.database import reading
from tasks.store.lineage import OUTPUTS, RUNS, out, run, trace
from tasks.store.manifest import members
from tasks.store.place import Store, held, locate, scan
from tasks.store.publish import read_body
from tasks.store.redriven import REDRIVE
from tasks.store.refs import resolve
from tasks.store.usage import unsealed

# A re-drive judges a source's rows anew, in place of its clean run.
COUNTED = ("clean", "transform", REDRIVE)  # tasks whose checks are the resource's
ASSESS = "assess"  # the task that measures
FRAMES: dict[type[pa.DataFrameModel], str] = {Indicator: "quality", Score: "score"}
Key = tuple[str, str, str, str]  # task, frame, kind, rule
Numbers = tuple[int, ...]  # examined, failed, rows in, out, rejected, dropped


def snapshot(s: Store, wanted: Snapshot, poster: str) -> tuple[pl.DataFrame, str]:
    """Read what a stage asked for as it stands now: counts, history, use or a register.

    Args:
        s: The store.
        wanted: Contract and, for counts and history, the factor.
        poster: "task@factor"; what it made itself stays out of the digest.

    Returns:
        All rows in the contract's columns, and the digest.

    Raises:
        StoreError: No factor is named, or there is no such register.
    """
    if wanted.register is Unsealed:
        loose = unsealed(s, wanted.where.get("factor", ""))
        names = [*Unsealed.to_schema().columns]
        frame = frame_of(Unsealed, [[row[n] for n in names] for row in loose])
        frame = frame.sort("delivery")
        return frame, digest_of(frame)
    if wanted.register not in (CheckCounts, Indicator):
        return registers.snapshot(s, wanted, poster)
    factor = wanted.where.get("factor", "")
    if not factor or len(wanted.where) > 1:
        raise StoreError(f"{wanted.register.__name__} is asked for by factor alone")
    if wanted.register is CheckCounts:
        frame = check_counts(s, factor)
        return frame, digest_of(frame)
    frame = series(s, factor)
    own = poster == f"{ASSESS}@{factor}"
    return frame, digest_of(frame.clear() if own else frame)


def digest_of(frame: pl.DataFrame) -> str:
    """Hash rows as text."""
    rows = [[str(value) for value in row] for row in frame.iter_rows()]
    return hashlib.sha256(rfc8785.dumps(rows)).hexdigest()


def check_counts(s: Store, factor: str) -> pl.DataFrame:
    """Add up the checks and balances behind a factor's resource.

    Contract CheckCounts, sorted by key. The runs are those that yielded the resource's
    ancestors last, so a partition that was kept counts with the run that made it.

    Raises:
        StoreError: The factor has no resource yet.
    """
    resource = resolve(s, f"{factor}/resource/resource")
    above = {node.id for node in trace(s, resource.id)}
    sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0] * 6)
    runs = list(newest_runs(s, factor, above))
    for said in standing(runs):
        for key, numbers in [*counted(said), *looked_for(s, said, above)]:
            sums[key] = [a + b for a, b in zip(sums[key], numbers, strict=True)]
    for key, times in (note for said in runs for note in noted(said, above)):
        sums[key][0] += times
    for key, numbers in kept(s, resource):
        sums[key] = list(numbers)
    return frame_of(CheckCounts, [(factor, *k, *n) for k, n in sorted(sums.items())])


def newest_runs(s: Store, factor: str, made: set[str]) -> Iterator[Publication]:
    """Read the runs that yielded any of the artifacts last, each once."""
    yielded = (
        select(out.artifact, func.max(run.seq))
        .select_from(OUTPUTS.join(RUNS, run.hash == out.run))
        .where(run.factor == factor, run.kind != "snapshot", run.status == "COMPLETE")
        .group_by(out.artifact)
    )
    with reading(s.engine) as c:
        last = {seq for artifact, seq in c.execute(yielded) if artifact in made}
        texts = [
            str(c.scalar(select(run.body).where(run.seq == seq)))
            for seq in sorted(last)
        ]
    for text in texts:
        yield read_body(text)[0]


def standing(runs: list[Publication]) -> list[Publication]:
    """Leave out the runs whose rows and rejects were judged anew by a re-drive."""
    taken = {
        i.id
        for said in runs
        if said.task == REDRIVE
        for i in said.inputs
        if i.role.startswith(("stands", "rejects"))
    }
    return [r for r in runs if not taken & {made.ref.id for made in r.artifacts}]


def counted(said: Publication) -> Iterator[tuple[Key, Numbers]]:
    """List the rules and the balances of one run."""
    if said.task not in COUNTED:
        return
    task = "clean" if said.task == REDRIVE else said.task
    for check in (c for c in said.checks if c.check not in NOTES):
        key = (task, plain(check.frame), "rule", check.check)
        yield key, (check.examined, check.failed, 0, 0, 0, 0)
    for b in said.balances:
        key = (task, plain(b.frame), "rows", "")
        yield key, (0, 0, b.rows_in, b.rows_out, b.rejected, b.dropped)


def noted(said: Publication, above: set[str]) -> Iterator[tuple[Key, int]]:
    """List what reading passed over or joined; a re-drive does not read it again."""
    pieces = {made.frame for made in said.artifacts if made.ref.id in above}
    for c in (c for c in said.checks if c.check in NOTES):
        if said.task == "clean" or c.frame in pieces:
            yield (said.task, plain(c.frame), "note", c.check), c.examined


def plain(frame: str) -> str:
    """Name a frame without its partition: ``flights@2024-05-01`` -> ``flights``."""
    return frame.partition("@")[0]


def looked_for(
    s: Store, said: Publication, above: set[str]
) -> Iterator[tuple[Key, Numbers]]:
    """Look whether the raw bytes that a run landed still lie where it says."""
    for made in said.artifacts:
        if made.origin is not None and made.ref.id in above:
            gone = not lies_there(s, made)
            yield ("collect", plain(made.frame), "bytes", ""), (1, gone, 0, 0, 0, 0)


def lies_there(s: Store, made: Made) -> bool:
    """Look for the file by name and size; ``verify`` is what re-hashes it."""
    if made.origin is not None and made.origin.retained == "reference":
        try:
            return locate(s, made.origin.path).stat().st_size == made.bytes
        except SourceError:
            return False
    return held(s, made.ref.sha256) == made.bytes


def kept(s: Store, resource: ArtifactRef) -> Iterator[tuple[Key, Numbers]]:
    """Look whether the resource's own parts lie in the store."""
    parts = members(s, resource)
    gone = sum(held(s, part.sha256) is None for part in parts)
    key = ("transform", "resource", "bytes", "")
    yield key, (len(parts), gone, 0, 0, 0, 0)


def series(
    s: Store, factor: str, contract: type[pa.DataFrameModel] = Indicator
) -> pl.DataFrame:
    """Read every assessment of a factor, the newest of each day, in order of days.

    Args:
        s: The store.
        factor: Whose resource was assessed.
        contract: Indicator or Score.

    Returns:
        Rows of the contract; empty before the first assessment.
    """
    query = (
        select(run.as_of, out.artifact)
        .select_from(OUTPUTS.join(RUNS, run.hash == out.run))
        .where(run.factor == factor, run.task == ASSESS, run.status == "COMPLETE")
        .where(out.frame == FRAMES[contract])
        .order_by(run.seq)
    )
    with reading(s.engine) as c:
        newest = {row.as_of: row.artifact for row in c.execute(query)}
    columns = frame_of(contract, [])
    found = [
        scan(s, resolve(s, newest[day])).select(columns.columns).collect()
        for day in sorted(newest)
    ]
    return pl.concat([columns, *found])
