"""Follow money to the bytes: loan, pledge, appraisal, asset, product, resource, file.

Registers say what was lent, pledged and registered, the bodies of the runs how many
rows each step took in and gave out, which rules were asked and which gates stood open.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from schemas.artifact import Hex, Stage
from schemas.asset import Valuation
from schemas.errors import StoreError
from schemas.resource import NOTES
from schemas.tables.columns import Row, table_of
from schemas.tables.pledge import LoanRow, PledgeEventRow, PledgeRow
from schemas.tables.rights import RightEvent
from tasks.store.database import reading
from tasks.store.lineage import Node, among, run, trace
from tasks.store.place import Store, scan
from tasks.store.refs import resolve

RowOf = dict[str, Any]  # a row of a register, as its table has it


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Failed(_Answer):
    """A rule that said no, and how often."""

    frame: str
    rule: str
    examined: int
    failed: int


class Frame(_Answer):
    """A frame on the way; partitions and versions of one name are counted together.

    ``ref`` names the one with this id, as every command takes it. ``rows_in`` to
    ``dropped`` are None where nothing was checked (bytes, snapshots).
    """

    name: str
    ref: str
    id: Hex
    artifacts: int
    rows: int
    rows_in: int | None
    rows_out: int | None
    rejected: int | None
    dropped: int | None
    rules: int
    failed: tuple[Failed, ...]


class Step(_Answer):
    """What one task of one factor did on the way, its runs counted together."""

    stage: Stage
    factor: str
    task: str
    runs: int
    last: int
    as_of: str | None
    frames: tuple[Frame, ...]
    gates: int
    passed: int
    shut: tuple[str, ...]


class Trail(_Answer):
    """The way of the money, in the order in which an auditor reads it."""

    loans: tuple[RowOf, ...]
    pledges: tuple[RowOf, ...]
    events: tuple[RowOf, ...]
    appraisals: tuple[RowOf, ...]
    rights: tuple[RowOf, ...]
    steps: tuple[Step, ...]
    nodes: tuple[Node, ...]
    notes: tuple[str, ...]


def trail(s: Store, id: str) -> Trail:
    """Follow an artifact to the bytes at its root, with what was checked on the way."""
    nodes = trace(s, id)
    appraisals, notes = _appraised(s, nodes)
    assets = {(row["entity"], row["asset"]) for row in appraisals}
    with reading(s.engine) as c:
        loans, pledges = (_posted(c, t, [id]) for t in (LoanRow, PledgeRow))
        # A loan's tranches and its pledge may be posted by one run in several frames.
        numbers = {r["loan"] for r in loans} | {r["request"] for r in pledges}
        loans = _numbered(c, LoanRow, "loan", numbers)
        pledges = _numbered(c, PledgeRow, "request", numbers)
        events = _numbered(c, PledgeEventRow, "request", numbers)
        assets |= {(row["entity"], row["asset"]) for row in pledges}
        rights = [r for e, a in sorted(assets) for r in _over(c, e, a)]
        steps = [*_steps(c, nodes)]
    return Trail(
        loans=tuple(loans),
        pledges=tuple(pledges),
        events=tuple(events),
        appraisals=tuple(appraisals),
        rights=tuple(rights),
        steps=tuple(steps),
        nodes=tuple(nodes),
        notes=tuple(notes),
    )


def _posted(c: Connection, table: type[Row], ids: Sequence[str]) -> list[RowOf]:
    columns = table_of(table).c
    return among(c, select(*columns), columns.artifact, ids)


def _numbered(
    c: Connection, table: type[Row], name: str, numbers: Iterable[str]
) -> list[RowOf]:
    columns, key = table_of(table).c, table_of(table).primary_key
    query = select(*columns).order_by(*key)
    return among(c, query, columns[name], sorted(numbers))


def _over(c: Connection, entity: str, asset: str) -> list[RowOf]:
    """Read every event of the rights over an asset, in order."""
    right = table_of(RightEvent).c
    query = select(*right).where(right.entity == entity, right.asset == asset)
    order = (right.effective_on, right.certificate, right.right, right.number)
    return [dict(row) for row in c.execute(query.order_by(*order)).mappings()]


def _appraised(s: Store, nodes: Iterable[Node]) -> tuple[list[RowOf], list[str]]:
    """Read the valuations on the way; bytes that are damaged hide one, not the rest."""
    found: list[RowOf] = []
    notes: list[str] = []
    names = [*Valuation.to_schema().columns]
    for node in nodes:
        if (node.stage, node.frame) != (Stage.ASSET, "valuation"):
            continue
        try:
            rows = scan(s, resolve(s, node.id)).collect()
            found += [{n: row.get(n) for n in names} for row in rows.to_dicts()]
        except (StoreError, pl.exceptions.PolarsError):
            notes.append(
                f"{node.name} ({node.id[:12]}) cannot be read: verify says why"
            )
    return found, notes


def _steps(c: Connection, nodes: Sequence[Node]) -> Iterator[Step]:
    """Group what is on the way by task: the last stage first, the nearest first."""
    bodies = _bodies(c, {node.seq for node in nodes})
    groups: dict[tuple[str, str, str], list[Node]] = {}
    for node in nodes:
        groups.setdefault((node.stage, node.factor, node.task), []).append(node)
    order = [*Stage]
    for key in sorted(
        groups, key=lambda k: (-order.index(Stage(k[0])), _near(groups[k]))
    ):
        yield _step(groups[key], bodies)


def _near(nodes: Sequence[Node]) -> tuple[bool, int, int]:
    """Put what was read from registers behind what was made."""
    first = min(nodes, key=lambda n: (n.depth, -n.seq))
    return first.task == "snapshot", first.depth, -first.seq


def _bodies(c: Connection, seqs: Iterable[int]) -> dict[int, RowOf]:
    """Read what runs counted, without what they were told."""
    rows = among(c, select(run.seq, run.body), run.seq, sorted(seqs))
    wanted = ("as_of", "balances", "checks", "gates")
    said = ((row["seq"], json.loads(row["body"])) for row in rows)
    return {seq: {n: body[n] for n in wanted} for seq, body in said}


def _step(nodes: Sequence[Node], bodies: dict[int, RowOf]) -> Step:
    runs = sorted({node.seq for node in nodes})
    gates = [gate for seq in runs for gate in bodies[seq]["gates"]]
    by_name: dict[str, list[Node]] = {}
    for node in nodes:
        by_name.setdefault(_plain(node.frame), []).append(node)
    return Step(
        **{n: getattr(nodes[0], n) for n in ("stage", "factor", "task")},
        runs=len(runs),
        last=runs[-1],
        as_of=bodies[runs[-1]]["as_of"],
        frames=tuple(_frame(n, found, bodies) for n, found in by_name.items()),
        gates=len(gates),
        passed=sum(gate["passed"] for gate in gates),
        shut=tuple(gate["ground"] for gate in gates if not gate["passed"]),
    )


def _plain(frame: str) -> str:
    """Name a frame without its part: ``flights@2024-05.rejects`` -> ``….rejects``."""
    name, _, part = frame.partition("@")
    return f"{name}.rejects" if part.endswith(".rejects") else name


def _frame(name: str, nodes: Sequence[Node], bodies: dict[int, RowOf]) -> Frame:
    """Add up what the runs counted of one frame."""
    mine = {(node.seq, node.frame) for node in nodes}
    said = [(seq, bodies[seq]) for seq in sorted({seq for seq, _ in mine})]
    balances = [
        b for q, body in said for b in body["balances"] if (q, b["frame"]) in mine
    ]
    rules = [
        k
        for q, body in said
        for k in body["checks"]
        if (q, k["frame"]) in mine and k["check"] not in NOTES
    ]
    counted = ("rows_in", "rows_out", "rejected", "dropped")
    sums = {n: sum(b[n] for b in balances) if balances else None for n in counted}
    return Frame(
        name=name,
        ref=nodes[0].name,
        id=nodes[0].id,
        artifacts=len(nodes),
        rows=sum(node.rows for node in nodes),
        **sums,
        rules=len(rules),
        failed=tuple(_failed(rules)),
    )


def _failed(rules: Iterable[RowOf]) -> Iterator[Failed]:
    """Add up the rules that said no, those that did so most often first."""
    counts: dict[tuple[str, str], list[int]] = {}
    for asked in rules:
        sums = counts.setdefault((_plain(asked["frame"]), asked["check"]), [0, 0])
        sums[0] += asked["examined"]
        sums[1] += asked["failed"]
    for (frame, rule), (examined, failed) in sorted(
        counts.items(), key=lambda i: (-i[1][1], i[0])
    ):
        if failed:
            yield Failed(frame=frame, rule=rule, examined=examined, failed=failed)
