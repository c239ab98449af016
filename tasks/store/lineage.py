"""Ask the store what is made of what, and which runs made it.

Ancestors and descendants come from one recursive query; ``UNION`` keeps an edge once,
however many paths lead over it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    any_,
    bindparam,
    func,
    select,
)

from schemas.artifact import Hex, Kind, Origin, Stage
from schemas.errors import StoreError
from schemas.money import shown
from schemas.tables.columns import table_of
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    RunOutput,
    StageRun,
)
from tasks.store.database import reading
from tasks.store.erased import whys_gone
from tasks.store.place import Store
from tasks.store.publish import PLACE, Run, read_body, signer_of

BATCH = 500
STARTS = 10_000  # below what either database takes as parameters
RUNS, OUTPUTS = table_of(StageRun), table_of(RunOutput)
run, out, made = RUNS.c, OUTPUTS.c, table_of(Artifact).c
CHECKS = table_of(CheckResult)
edge, check = table_of(Derivation).c, CHECKS.c
# The newest first: of the newest day, where a task speaks of one; then the last to run.
# So a late run of an older day takes no name away. See ``Run.when``.
NEWEST = (func.coalesce(run.as_of, "").desc(), run.seq.desc())
Edge = tuple[str, str]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Node(_Answer):
    """An artifact in a lineage, ``depth`` steps away from the one asked for.

    ``erased`` says when, why and by whom its bytes were removed; of others nothing.
    """

    id: Hex
    depth: int
    seq: int
    stage: Stage
    task: str
    factor: str
    frame: str
    rows: int
    kind: Kind
    sha256: Hex
    parents: tuple[Hex, ...]
    origin: Origin | None
    erased: str = ""

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
    secured: bool = True

    def __str__(self) -> str:
        return f"the loan {self.request} of {shown(self.principal_fen)}"


def trace(s: Store, id: str) -> list[Node]:
    """List an artifact and all it is made of, nearest first, down to raw bytes."""
    with reading(s.engine) as c:
        nodes = described(c, *closure(c, [id], down=False))
    if not nodes:
        raise StoreError(f"there is no artifact {id[:12]} in this store")
    return nodes


def among(
    c: Connection,
    query: Select[Any],
    column: Any,
    ids: Sequence[str | int],
    batch: int = BATCH,
) -> list[dict[str, Any]]:  # rows of any shape
    """Read the rows whose column is one of many ids, batch by batch."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), batch):
        some = query.where(one_of(c, column, ids[start : start + batch]))
        found += [dict(row) for row in c.execute(some).mappings()]
    return found


def one_of(
    c: Connection, column: Any, ids: Sequence[str | int | bytes]
) -> ColumnElement[bool]:  # Any: a column of any table
    """Ask for any of many values.

    On PostgreSQL they go as one array: parsing a thousand parameters takes longer than
    the query.
    """
    if c.dialect.name == "sqlite":
        return column.in_(ids)  # type: ignore[no-any-return]  # a column is untyped
    return column == any_(bindparam(None, [*ids], type_=ARRAY(column.type)))  # type: ignore[no-any-return]  # see above


def closure(
    c: Connection, starts: Sequence[str], *, down: bool
) -> tuple[dict[str, int], list[Edge]]:
    """Collect all ancestors, or all descendants, with their depth and their edges."""
    edges: dict[Edge, None] = {}
    for first in range(0, len(starts), STARTS):
        edges |= dict.fromkeys(_edges(c, starts[first : first + STARTS], down=down))
    return depths(starts, edges, down=down), [*edges]


def _edges(c: Connection, starts: Sequence[str], *, down: bool) -> list[Edge]:
    """Collect (child, parent) of all ancestors, or of all descendants."""
    here, far = (edge.parent, "child") if down else (edge.child, "parent")
    both = select(edge.child, edge.parent)
    found = both.where(one_of(c, here, starts)).cte("found", recursive=True)
    found = found.union(both.join(found, here == found.c[far]))
    return [(row.child, row.parent) for row in c.execute(select(found))]


def reached(c: Connection, starts: Sequence[str], *, down: bool) -> list[str]:
    """List artifacts with all their ancestors, or descendants, in no order."""
    here, there = (edge.parent, edge.child) if down else (edge.child, edge.parent)
    ids = dict.fromkeys(starts)
    for first in range(0, len(starts), STARTS):
        some = starts[first : first + STARTS]
        beside = select(there.label("id")).where(one_of(c, here, some))
        found = beside.cte(recursive=True)
        found = found.union(select(there).join(found, here == found.c.id))
        ids |= dict.fromkeys(c.scalars(select(found.c.id)))
    return [*ids]


def nearest(
    c: Connection, starts: Sequence[str], limit: int
) -> tuple[dict[str, int], list[Edge]]:
    """Collect the nearest descendants, level by level, until there are enough."""
    depth = dict.fromkeys(starts[:limit], 0)
    edges: list[Edge] = []
    front = [*depth]
    while front and len(depth) < limit:
        far = depth[front[0]] + 1
        for start in range(0, len(front), BATCH):
            some = select(edge.child, edge.parent).distinct()
            some = some.where(one_of(c, edge.parent, front[start : start + BATCH]))
            some = some.order_by(edge.child, edge.parent).limit(limit)
            for child, parent in c.execute(some):
                if child in depth or len(depth) < limit:
                    depth.setdefault(child, far)
                    edges.append((child, parent))
        front = [id for id, steps in depth.items() if steps == far]
    return depth, edges


def described(
    c: Connection, depth: dict[str, int], edges: Iterable[Edge]
) -> list[Node]:
    """Describe every artifact of a closure, nearest first, by its newest day's run."""
    columns = (*made, run.seq, run.stage, run.task, run.factor, *out)
    query = yielded(*dict.fromkeys(columns)).join(Artifact, made.id == out.artifact)
    rows = among(c, query, out.artifact, list(depth))
    said = {row["id"]: row for row in reversed(rows)}
    gone = whys_gone(c)
    parents: dict[str, set[str]] = {}
    for child, parent in edges:
        parents.setdefault(child, set()).add(parent)
    return [
        Node(
            **said[i],
            erased=gone.get(said[i]["sha256"], "").removeprefix("were "),
            depth=depth[i],
            parents=tuple(sorted(parents.get(i, ()))),
            origin=_origin(said[i]),
        )
        for i in sorted(said, key=lambda i: (depth[i], said[i]["frame"], i))
    ]


def _origin(row: dict[str, Any]) -> Origin | None:  # a row
    found = {name: row[name] for name in PLACE}
    return None if row["path"] is None else Origin(**found)


def yielded(*columns: Any) -> Select[Any]:  # columns
    """Ask what runs yielded, the newest day first, within a day the last run.

    What speaks of no day (raw bytes, a resource) comes after all that does: compare
    one task with itself alone.
    """
    joined = OUTPUTS.join(RUNS, run.hash == out.run)
    return select(*columns).select_from(joined).order_by(*NEWEST, out.frame)


def depths(
    starts: Sequence[str], edges: Iterable[Edge], *, down: bool
) -> dict[str, int]:
    """Count the steps to each artifact by the shortest way from any start."""
    steps: dict[str, set[str]] = {}
    for child, parent in edges:
        here, there = (parent, child) if down else (child, parent)
        steps.setdefault(here, set()).add(there)
    depth, front, far = dict.fromkeys(starts, 0), [*starts], 0
    while front:
        far += 1
        found = {n for i in front for n in steps.get(i, ())} - depth.keys()
        depth |= dict.fromkeys(found, far)
        front = list(found)
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
    """List the newest complete run of a task, one a factor, by the factors' names.

    Of the newest day, and of runs of one day the last: 06-29 that ran late, after
    06-30, is not the newest.
    """
    place = func.row_number().over(partition_by=run.factor, order_by=NEWEST)
    known = select(run.seq, place.label("place"))
    known = known.where(run.task == task, run.status == "COMPLETE")
    known = known.where(run.factor == factor) if factor else known
    last = known.subquery()
    query = select(run.seq, run.hash, run.body).join(last, last.c.seq == run.seq)
    query = query.where(last.c.place == 1)
    with reading(s.engine) as c:
        rows = c.execute(query.order_by(run.factor)).all()
    return [_run(*row) for row in rows]


def volumes(s: Store, factor: str, task: str, frame: str, last: int = 100) -> list[int]:
    """List how many rows of a frame the last complete runs put out, the latest last."""
    query = select(run.body).where(run.factor == factor, run.task == task)
    query = query.where(run.status == "COMPLETE").order_by(*NEWEST).limit(last)
    with reading(s.engine) as c:
        said = [read_body(text)[0] for text in c.scalars(query)]
    return [b.rows_out for p in said[::-1] for b in p.balances if b.frame == frame]


def _run(seq: int, hash: str, text: str) -> Run:
    said, who, at = read_body(text)
    known = {"who": who, "at": at, "signer": signer_of(text)}
    return Run(seq=seq, run=hash, reused=False, publication=said, **known)


def factor_of(s: Store, *ids: str) -> str:
    """Name the factor whose run yielded one of the artifacts; else nothing."""
    with reading(s.engine) as c:
        query = yielded(run.factor).where(out.artifact.in_(ids))
        return c.scalars(query).first() or ""
