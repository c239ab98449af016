"""Ask the store: what is this made of, what rests on it, what does a name mean.

Ancestors and descendants come from one recursive query; ``UNION`` keeps an edge once,
however many paths lead over it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Select, func, select

from schemas.artifact import ArtifactRef, Hex, Kind, Origin, Stage
from schemas.errors import StoreError
from schemas.money import shown
from schemas.tables.columns import table_of
from schemas.tables.ledger import JournalLineRow
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    RunOutput,
    StageRun,
)
from schemas.tables.pledge import PledgeRow
from tasks.store.database import reading
from tasks.store.manifest import parts
from tasks.store.place import Store, digest
from tasks.store.publish import PLACE, Run, read_body, signer_of

BATCH = 500
RUNS, OUTPUTS = table_of(StageRun), table_of(RunOutput)
run, out, made = RUNS.c, OUTPUTS.c, table_of(Artifact).c
CHECKS = table_of(CheckResult)
edge, check = table_of(Derivation).c, CHECKS.c
pledge, line = table_of(PledgeRow).c, table_of(JournalLineRow).c
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


def every(s: Store, text: str) -> list[str]:
    """List what a name has ever stood for, newest first; else the one thing meant.

    Money hangs on the artifact that was pledged, not on the newest of its name.

    Raises:
        StoreError: Nothing or more than one thing is meant.
    """
    factor, stage, frame = [*text.split("/", 2), "", ""][:3]
    query = yielded(out.artifact).where(run.factor == factor)
    query = query.where(run.kind != "snapshot").order_by(run.seq.desc())
    if stage:
        query = query.where(run.stage == stage)
    if frame:
        query = query.where(out.frame == frame)
    with reading(s.engine) as c:
        named = list(dict.fromkeys(c.scalars(query)))
    return named or [resolve(s, text).id]


def impact(s: Store, *starts: str) -> Impact:
    """List artifacts, all that is made of them, and the money that rests on them."""
    with reading(s.engine) as c:
        found: dict[str, Node] = {}
        for start in starts:
            for node in _nodes(c, start, _edges(c, start, down=True), down=True):
                found.setdefault(node.id, node)
        nodes = list(found.values())
        ids = [node.id for node in nodes]
        pledges = _among(c, select(*pledge), pledge.artifact, ids)
        debits = select(line.amount_fen).where(line.amount_fen > 0)
        booked = sum(r["amount_fen"] for r in _among(c, debits, line.artifact, ids))
    frames = [n for n in nodes if n.kind != "raw" and not n.frame.endswith(".rejects")]
    loans = sorted((Loan(**row) for row in pledges), key=lambda loan: loan.request)
    return Impact(
        nodes=tuple(nodes),
        products=tuple(sorted({n.name for n in frames if n.stage is Stage.PRODUCT})),
        assets=tuple(sorted({n.name for n in frames if n.stage is Stage.ASSET})),
        pledges=tuple(loans),
        booked_fen=booked,
    )


def _among(
    c: Connection, query: Select[Any], column: Any, ids: Sequence[str]
) -> list[dict[str, Any]]:  # rows of any shape
    """Read the rows whose column is one of many ids."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), BATCH):
        some = query.where(column.in_(ids[start : start + BATCH]))
        found += [dict(row) for row in c.execute(some).mappings()]
    return found


def _edges(c: Connection, id: str, *, down: bool) -> list[Edge]:
    """Collect (child, parent) of all ancestors, or of all descendants."""
    here, far = (edge.parent, "child") if down else (edge.child, "parent")
    both = select(edge.child, edge.parent)
    found = both.where(here == id).cte("found", recursive=True)
    found = found.union(both.join(found, here == found.c[far]))
    return [(row.child, row.parent) for row in c.execute(select(found))]


def _nodes(c: Connection, id: str, edges: list[Edge], *, down: bool) -> list[Node]:
    """Describe every artifact of a closure, nearest first, by its newest run."""
    depth = depths(id, edges, down=down)
    columns = (*made, run.stage, run.task, run.factor, *out)
    query = yielded(*dict.fromkeys(columns)).join(Artifact, made.id == out.artifact)
    rows = _among(c, query, out.artifact, list(depth))
    described = {row["id"]: row for row in reversed(rows)}
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


def _origin(row: dict[str, Any]) -> Origin | None:  # a row
    found = {name: row[name] for name in PLACE}
    return None if row["path"] is None else Origin(**found)


def yielded(*columns: Any) -> Select[Any]:  # columns
    """Ask what runs yielded, newest first."""
    joined = OUTPUTS.join(RUNS, run.hash == out.run)
    return select(*columns).select_from(joined).order_by(run.seq.desc(), out.frame)


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


def runs(s: Store, factor: str = "", task: str = "") -> list[Run]:
    """List the runs of a factor, of a task, or of all, newest first."""
    query = select(run.seq, run.hash, run.body).order_by(run.seq.desc())
    query = query.where(run.factor == factor) if factor else query
    query = query.where(run.task == task) if task else query
    with reading(s.engine) as c:
        rows = c.execute(query).all()
    return [_run(*row) for row in rows]


def newest(s: Store, task: str, factor: str = "") -> list[Run]:
    """List the newest complete run of a task, one a factor, by the factors' names."""
    last = select(func.max(run.seq)).where(run.task == task, run.status == "COMPLETE")
    last = last.where(run.factor == factor) if factor else last.group_by(run.factor)
    query = select(run.seq, run.hash, run.body).where(run.seq.in_(last))
    with reading(s.engine) as c:
        rows = c.execute(query.order_by(run.factor)).all()
    return [_run(*row) for row in rows]


def volumes(s: Store, factor: str, task: str, frame: str, last: int = 100) -> list[int]:
    """List how many rows of a frame the last complete runs put out, the latest last."""
    query = select(run.body).where(run.factor == factor, run.task == task)
    query = query.where(run.status == "COMPLETE").order_by(run.seq.desc()).limit(last)
    with reading(s.engine) as c:
        said = [read_body(text)[0] for text in c.scalars(query)]
    return [b.rows_out for p in said[::-1] for b in p.balances if b.frame == frame]


def _run(seq: int, hash: str, text: str) -> Run:
    said, who, at = read_body(text)
    known = {"who": who, "at": at, "signer": signer_of(text)}
    return Run(seq=seq, run=hash, reused=False, publication=said, **known)


def factor_of(s: Store, *ids: str) -> str:
    """Name the factor whose run yielded one of the artifacts last; else nothing."""
    with reading(s.engine) as c:
        query = yielded(run.factor).where(out.artifact.in_(ids))
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
        factors = c.scalars(select(run.factor).distinct()).all()
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
    """Collect the ids that a text may stand for."""
    kind, _, rest = text.partition(":")
    if kind == "loan":
        loan = select(pledge.artifact).where(pledge.request == rest)
        return set(c.scalars(loan))
    if kind == "sha256":
        return _with_bytes(c, rest) if re.fullmatch("[0-9a-f]{64}", rest) else set()
    meant = _named(c, s, text)
    if re.fullmatch("[0-9a-f]{8,64}", text):
        low, high = text.ljust(64, "0"), text.ljust(64, "f")
        meant |= set(c.scalars(select(made.id).where(made.id.between(low, high))))
    if not meant and Path(text).expanduser().is_file():
        meant = _with_bytes(c, digest(Path(text).expanduser()))
    return meant


def _with_bytes(c: Connection, sha256: str) -> set[str]:
    """Find artifacts with these bytes, or raw ones out of a file with them."""
    own = select(made.id).where(made.sha256 == sha256)
    inside = select(out.artifact).where(out.file_sha256 == sha256)
    return set(c.scalars(own.union(inside)))


def _named(c: Connection, s: Store, text: str) -> set[str]:
    name, _, partition = text.partition("@")
    found = _latest(c, name)
    if found is None or not partition:
        exact = found or _latest(c, text)
        return {exact} if exact else set()
    # The whole says which part stands; a part may also have been made before.
    ref = _ref(c, found)
    known = dict(parts(s, ref)) if ref.kind == "manifest" else {}
    if partition not in known and (exact := _latest(c, text)):
        return {exact}
    if ref.kind != "manifest":
        raise StoreError(f"{name} has no partitions")
    if partition not in known:
        few = ", ".join([*known][:8]) + (" and more" if len(known) > 8 else "")
        raise StoreError(f"{name} has no partition {partition}; it has {few}")
    return {known[partition].id}


def _latest(c: Connection, name: str) -> str | None:
    """Find the newest complete output; without a frame, the stage's main one."""
    factor, stage, frame = [*name.split("/", 2), "", ""][:3]
    query = (
        yielded(run.seq, out.frame, out.artifact)
        .where(run.factor == factor, run.kind != "snapshot")
        .where(run.status == "COMPLETE")
    )
    if frame:
        query = query.where(out.frame == frame)
    for one in (stage,) if stage else reversed(Stage):
        rows = c.execute(query.where(run.stage == one)).all()
        if rows:
            return str(min(rows, key=lambda row: _rank(one, *row))[2])
    return None


def _rank(stage: str, seq: int, frame: str, _: str) -> tuple[bool, bool, int]:
    """Prefer the frame named after its stage, then what is no gate and no reject."""
    beside = frame == "gates" or frame.endswith(".rejects")
    return frame != stage, beside, -seq


def _ref(c: Connection, id: str) -> ArtifactRef:
    """Make the ref of an artifact, under the contract of its newest run."""
    row = c.execute(select(*made).where(made.id == id)).mappings().one()
    newest = c.scalars(yielded(out.contract).where(out.artifact == id)).first()
    known = {n: row[n] for n in ("id", "sha256", "name", "rows", "kind")}
    return ArtifactRef(**known, contract=newest or "")
