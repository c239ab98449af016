"""Ask the store: what is this made of, what rests on it, what does a name mean.

Ancestors and descendants come from one recursive query; ``UNION`` keeps an edge once,
however many paths lead over it.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Select, select
from sqlmodel import col

from schemas.artifact import ArtifactRef, Hex, Kind, Origin, Stage
from schemas.errors import StoreError
from schemas.money import shown
from schemas.tables import (
    Artifact,
    CheckResult,
    Derivation,
    JournalLineRow,
    PledgeRow,
    Row,
    RunOutput,
    StageRun,
)
from tasks.store.database import reading
from tasks.store.place import Store, digest, intact, scan
from tasks.store.publish import Run, read_body

BATCH = 500
MASK_BITS = 63  # reasons in one Int64 column; the sign is not used
Edge = tuple[str, str]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Node(_Answer):
    """An artifact in a lineage, ``depth`` steps away from the one asked for."""

    id: Hex
    depth: int
    stage: Stage
    task: str
    factor: str
    frame: str
    rows: int
    kind: Kind
    sha256: Hex
    parents: tuple[Hex, ...]
    origin: Origin | None

    @property
    def name(self) -> str:
        """``factor/stage/frame``."""
        return f"{self.factor}/{self.stage}/{self.frame}"


class Loan(_Answer):
    """A pledge as people speak of it."""

    request: str
    lender: str
    entity: str
    asset: str
    principal_fen: int

    def __str__(self) -> str:
        return f"the loan {self.request} of {shown(self.principal_fen)}"


class Impact(_Answer):
    """All that rests on an artifact; ``booked_fen`` sums the debits posted from it."""

    nodes: tuple[Node, ...]
    products: tuple[str, ...]
    assets: tuple[str, ...]
    pledges: tuple[Loan, ...]
    booked_fen: int

    @property
    def pledged_fen(self) -> int:
        """Principal of all loans that rest on it."""
        return sum(loan.principal_fen for loan in self.pledges)


def trace(s: Store, id: str) -> list[Node]:
    """List an artifact and all it is made of, nearest first, down to raw bytes."""
    with reading(s.engine) as c:
        return _nodes(c, id, _edges(c, id, down=False), down=False)


def impact(s: Store, id: str) -> Impact:
    """List an artifact, all that is made of it, and the money that rests on it."""
    with reading(s.engine) as c:
        nodes = _nodes(c, id, _edges(c, id, down=True), down=True)
        ids = [node.id for node in nodes]
        pledges = [Loan(**p) for p in _rows(c, select(PledgeRow), PledgeRow, ids)]
        lines = select(JournalLineRow).where(col(JournalLineRow.amount_fen) > 0)
        booked = sum(r["amount_fen"] for r in _rows(c, lines, JournalLineRow, ids))
    frames = [n for n in nodes if n.kind != "raw" and not n.frame.endswith(".rejects")]
    return Impact(
        nodes=tuple(nodes),
        products=tuple(sorted({n.name for n in frames if n.stage is Stage.PRODUCT})),
        assets=tuple(sorted({n.name for n in frames if n.stage is Stage.ASSET})),
        pledges=tuple(sorted(pledges, key=lambda loan: loan.request)),
        booked_fen=booked,
    )


def _rows(
    c: Connection, query: Select[Any], table: type[Row], ids: Sequence[str]
) -> list[dict[str, Any]]:  # rows of a register
    """Read rows that were posted from any of the artifacts."""
    artifact = getattr(table, "artifact")  # noqa: B009 - registers share no base
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), BATCH):
        some = query.where(artifact.in_(ids[start : start + BATCH]))
        found += [dict(row) for row in c.execute(some).mappings()]
    return found


def _edges(c: Connection, id: str, *, down: bool) -> list[Edge]:
    """Collect (child, parent) of all ancestors, or of all descendants."""
    child, parent = col(Derivation.child), col(Derivation.parent)
    here = parent if down else child
    found = select(child, parent).where(here == id).cte("found", recursive=True)
    reached = found.c["child" if down else "parent"]
    found = found.union(select(child, parent).join(found, here == reached))
    return [(row[0], row[1]) for row in c.execute(select(found))]


def _nodes(c: Connection, id: str, edges: list[Edge], *, down: bool) -> list[Node]:
    """Describe every artifact of a closure, nearest first."""
    depth = depths(id, edges, down=down)
    described: dict[str, dict[str, Any]] = {}  # columns of three tables
    ids = list(depth)
    for start in range(0, len(ids), BATCH):
        for row in c.execute(_described(ids[start : start + BATCH])).mappings():
            described[row["id"]] = dict(row)  # the newest run comes last
    if id not in described:
        raise StoreError(f"there is no artifact {id[:12]} in this store")
    parents: dict[str, set[str]] = {}
    for child, parent in edges:
        parents.setdefault(child, set()).add(parent)
    return [
        Node(
            **described[i],
            depth=depth[i],
            parents=tuple(sorted(parents.get(i, ()))),
            origin=_origin(described[i]),
        )
        for i in sorted(depth, key=lambda i: (depth[i], described[i]["frame"], i))
    ]


def _origin(row: dict[str, Any]) -> Origin | None:
    found = {name: row[name] for name in Origin.model_fields}
    return None if row["path"] is None else Origin(**found)


def _described(ids: Sequence[str]) -> Select[Any]:
    run, out, made = StageRun, RunOutput, Artifact
    columns = (
        *(made.id, made.sha256, made.rows, made.kind, run.stage, run.task, run.factor),
        *(out.frame, out.path, out.file_sha256, out.member, out.licence),
    )
    return (
        select(*(col(column) for column in columns))
        .join(out, col(out.artifact) == made.id)
        .join(run, col(run.hash) == out.run)
        .where(col(made.id).in_(ids))
        .order_by(col(run.seq))
    )


def depths(id: str, edges: Sequence[Edge], *, down: bool) -> dict[str, int]:
    """Count the steps to each artifact by the shortest way."""
    steps: dict[str, set[str]] = {}
    for child, parent in edges:
        here, there = (parent, child) if down else (child, parent)
        steps.setdefault(here, set()).add(there)
    depth, front = {id: 0}, [id]
    while front:
        far = {n for i in front for n in steps.get(i, ())} - depth.keys()
        depth |= dict.fromkeys(far, depth[front[0]] + 1)
        front = list(far)
    return depth


def runs(s: Store, factor: str = "") -> list[Run]:
    """List the runs of a factor, or of all, newest first."""
    query = select(StageRun).order_by(col(StageRun.seq).desc())
    if factor:
        query = query.where(col(StageRun.factor) == factor)
    with reading(s.engine) as c:
        rows = c.execute(query).mappings().all()
    return [_run(row["seq"], row["hash"], row["body"]) for row in rows]


def _run(seq: int, hash: str, text: str) -> Run:
    publication, who, at = read_body(text)
    return Run(seq=seq, run=hash, reused=False, publication=publication, who=who, at=at)


def factor_of(s: Store, *ids: str) -> str:
    """Name the factor whose run first yielded one of the artifacts; else nothing."""
    query = (
        select(col(StageRun.factor))
        .join(RunOutput, col(RunOutput.run) == StageRun.hash)
        .where(col(RunOutput.artifact).in_(ids))
        .order_by(col(StageRun.seq))
    )
    with reading(s.engine) as c:
        return c.scalars(query).first() or ""


def resolve(s: Store, text: str) -> ArtifactRef:
    """Find the one artifact that a person means.

    Args:
        text: ``factor[/stage[/frame]][@partition]`` (its latest complete run),
            ``loan:NUMBER``, ``sha256:…``, an id's first 8 characters or more, or a
            path to a file that the store has read.

    Raises:
        StoreError: Nothing or more than one thing is meant; the sentence lists what is
            there.
    """
    with reading(s.engine) as c:
        ids = _meant(c, s, text)
        found = [_ref(c, i) for i in sorted(ids)]
        factors = c.scalars(select(col(StageRun.factor)).distinct()).all()
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{ref.id[:12]} ({ref.name})" for ref in found[:10])
        raise StoreError(f"{text} may mean any of {len(found)}: take one of {listed}")
    raise StoreError(
        f"nothing in the store is called {text}: there are the factors"
        f" {sorted(factors)}; or give loan:NUMBER, sha256:…, an id or a file"
    )


def _meant(c: Connection, s: Store, text: str) -> set[str]:
    kind, _, rest = text.partition(":")
    if kind == "loan":
        loan = select(col(PledgeRow.artifact)).where(col(PledgeRow.request) == rest)
        return set(c.scalars(loan))
    if kind == "sha256":
        return _with_bytes(c, rest) if re.fullmatch("[0-9a-f]{64}", rest) else set()
    meant = _named(c, s, text)
    if re.fullmatch("[0-9a-f]{8,64}", text):
        low, high = text.ljust(64, "0"), text.ljust(64, "f")
        meant |= set(
            c.scalars(
                select(col(Artifact.id)).where(col(Artifact.id).between(low, high))
            )
        )
    if not meant and Path(text).expanduser().is_file():
        meant = _with_bytes(c, digest(Path(text).expanduser()))
    return meant


def _with_bytes(c: Connection, sha256: str) -> set[str]:
    """Find artifacts with these bytes, or raw ones out of a file with them."""
    own = select(col(Artifact.id)).where(col(Artifact.sha256) == sha256)
    out = select(col(RunOutput.artifact)).where(col(RunOutput.file_sha256) == sha256)
    return set(c.scalars(own)) | set(c.scalars(out))


def _named(c: Connection, s: Store, text: str) -> set[str]:
    name, _, partition = text.partition("@")
    found = _outputs(c, name)
    if found is None or not partition:
        return {found.artifact} if found else set()
    ref = _ref(c, found.artifact)
    if ref.kind != "manifest":
        raise StoreError(f"{name} has no partitions")
    members = json.loads(intact(s, ref.sha256).read_bytes())
    ids = {m["id"] for m in members if m["value"] == partition}
    if not ids:
        raise StoreError(f"{name} has the partitions {[m['value'] for m in members]}")
    return ids


def _outputs(c: Connection, name: str) -> Any | None:  # a row
    """Find the newest output of this name; without a frame, the stage's main one."""
    factor, stage, frame = [*name.split("/", 2), "", ""][:3]
    run, out = StageRun, RunOutput
    query = (
        select(out)
        .add_columns(col(run.seq))
        .join(run, col(run.hash) == out.run)
        .where(col(run.factor) == factor, col(run.kind) != "snapshot")
        .where(col(run.status) == "COMPLETE")
        .order_by(col(run.seq).desc(), col(out.frame))
    )
    if frame:
        query = query.where(col(out.frame) == frame)
    for one in (stage,) if stage else reversed(Stage):
        rows = c.execute(query.where(col(run.stage) == one)).all()
        if rows:
            return min(rows, key=lambda r: _rank(r, one, rows[0].seq))
    return None


def _rank(row: Any, stage: str, newest: int) -> tuple[bool, bool, bool]:  # a row
    """Prefer the frame named after its stage, then what is no gate and no reject."""
    beside = row.frame == "gates" or row.frame.endswith(".rejects")
    return row.frame != stage, row.seq != newest, beside


def _ref(c: Connection, id: str) -> ArtifactRef:
    """Make the ref of an artifact, under the contract of its newest run."""
    made = c.execute(select(Artifact).where(col(Artifact.id) == id)).mappings().one()
    newest = (
        select(col(RunOutput.contract))
        .join(StageRun, col(StageRun.hash) == RunOutput.run)
        .where(col(RunOutput.artifact) == id)
        .order_by(col(StageRun.seq).desc())
    )
    known = {n: made[n] for n in ("id", "sha256", "name", "rows", "kind")}
    return ArtifactRef(**known, contract=c.scalars(newest).first() or "")


def rejects(s: Store, text: str) -> pl.DataFrame:
    """Read what the newest run rejected from a frame, also when it failed by it.

    Args:
        text: A REF of the frame, or of one certain rejects artifact.

    Returns:
        The stored columns with ``_reasons`` as the list of the rules' names.

    Raises:
        StoreError: No row was rejected.
    """
    ref = None if text.count("/") == 2 else resolve(s, text)
    with reading(s.engine) as c:
        found = _rejected(c, text, ref)
        if found is None:
            raise StoreError(f"the newest run of {text} has rejected no row")
        made, body = _ref(c, found.artifact), found.body
    frame = made.name.removesuffix(".rejects")
    checks = [k.check for k in read_body(body)[0].checks if k.frame == frame]
    return decoded(scan(s, made).collect(), checks)


def _rejected(c: Connection, text: str, ref: ArtifactRef | None) -> Any | None:  # a row
    """Find the output that holds the rejects, with its run's body."""
    run, out, check = StageRun, RunOutput, CheckResult
    query = (
        select(col(out.artifact), col(run.body))
        .join(run, col(run.hash) == out.run)
        .order_by(col(run.seq).desc())
    )
    if ref is not None and ref.name.endswith(".rejects"):
        return c.execute(query.where(col(out.artifact) == ref.id)).first()
    name = text if ref is None else _nodes(c, ref.id, [], down=False)[0].name
    factor, stage, frame = name.removesuffix(".rejects").split("/")
    newest = (
        select(col(check.run))
        .join(run, col(run.hash) == check.run)
        .where(col(run.factor) == factor, col(run.stage) == stage)
        .where(col(check.frame) == frame)
        .order_by(col(run.seq).desc())
        .limit(1)
        .scalar_subquery()
    )
    rejected = query.where(col(out.run) == newest, col(out.frame) == f"{frame}.rejects")
    return c.execute(rejected).first()


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
