"""Show the way of the money: loan, pledge, appraisal, asset, product, resource, file.

People read it from top to bottom; ``--json`` carries the same.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from rich.console import Console

from flows.columns import with_levels
from flows.face import erased, roots, table
from schemas.artifact import Stage
from schemas.money import shown
from schemas.rights import IN_CHINESE, IN_ENGLISH
from tasks.store.trail import Frame, Step, Trail

Facts = dict[str, Any]  # JSON
HEADS = {
    Stage.CAPITAL: "capital 资本",
    Stage.ASSET: "asset 资产",
    Stage.PRODUCT: "product 产品",
    Stage.RESOURCE: "resource 资源",
}
FEW = 5  # rules that said no, listed under their frame
OWN = ("poster", "artifact")  # how a register keeps its rows, not what they say


def trail_facts(ref: str, found: Trail) -> Facts:
    """Tell the way of an artifact; money as text in yuan."""
    return {
        "ref": ref,
        "loans": [told(row) for row in found.loans],
        "pledges": [told(row) for row in found.pledges],
        "events": [told(row) for row in found.events],
        "appraisals": [told(row) for row in found.appraisals],
        "rights": [told(row) for row in found.rights],
        "steps": [step.model_dump(mode="json") for step in found.steps],
        "files": [
            {"id": n.id, "sha256": n.sha256, **n.origin.model_dump()}
            for n in found.nodes
            if n.origin
        ],
        "artifacts": with_levels(found.nodes),
        "notes": list(found.notes),
    }


def told(row: Facts) -> Facts:
    """Tell a row of a register: fen as yuan in text, days as ISO dates."""
    said = {}
    for name, value in row.items():
        if name.endswith("_fen"):
            said[name.removesuffix("_fen")] = None if value is None else shown(value)
        elif name not in OWN:
            said[name] = value.isoformat() if isinstance(value, date) else value
    return said


def trail(console: Console, found: Trail, data: Facts) -> None:
    """Show the way from top to bottom, every stage under its name."""
    known = {fact["id"]: fact["lineage"] for fact in data["artifacts"]}
    for head, lines in (
        ("loan 贷款", loans(data)),
        ("pledge 质押", pledges(data)),
        ("appraisal 评估", appraisals(data)),
    ):
        for number, line in enumerate(lines):
            if not number:
                console.print(head, markup=False)
            console.print(f"  {line}", markup=False)
    for stage, head in HEADS.items():
        steps = [step for step in found.steps if step.stage is stage]
        if stage is Stage.ASSET and steps:
            head += "".join(f"\n  {line}" for line in rights(data))
        if steps:
            console.print(f"\n{head}", markup=False)
            console.print(table("", COLUMNS, [*cells(steps, known)]))
            for line in remarks(steps):
                console.print(f"  {line}", markup=False)
    console.print("\nfile 文件", markup=False)
    roots(console, found.nodes)
    if any(node.erased for node in found.nodes):
        console.print("\nerased 清除", markup=False)
        erased(console, data["artifacts"])
    for note in data["notes"]:
        console.print(f"note: {note}", markup=False)


COLUMNS = (
    *("artifact", "rows", "task", "in", "out", "rejected"),
    *("rules", "failed", "gates", "lineage", "id"),
)


def cells(steps: Sequence[Step], known: dict[str, str]) -> Iterator[tuple[object, ...]]:
    """Write one line a frame: what its contract let through, which gates stood open.

    Raw bytes are left out: they follow as files.
    """
    for step in steps:
        tables = [frame for frame in step.frames if known[frame.id] != "bytes"]
        for number, frame in enumerate(tables):
            gates = f"{step.passed} of {step.gates}" if step.gates else ""
            counts = (frame.rows_in, frame.rows_out, frame.rejected)
            asked = (frame.rules, len(frame.failed)) if frame.rules else (None, None)
            yield (
                frame.ref + times(frame),
                f"{frame.rows:,}",
                step.task,
                *("" if n is None else f"{n:,}" for n in (*counts, *asked)),
                *("" if number else gates, known[frame.id], frame.id[:12]),
            )


def times(frame: Frame) -> str:
    """Say of how many parts or versions a line speaks."""
    return f" ×{frame.artifacts:,}" if frame.artifacts > 1 else ""


def remarks(steps: Sequence[Step]) -> Iterator[str]:
    """List the rules that said no and the gates that were shut."""
    for step in steps:
        for frame in step.frames:
            for no in frame.failed[:FEW]:
                yield (
                    f"{frame.ref}: {no.rule} said no to {no.failed:,} of"
                    f" {no.examined:,}"
                )
            if more := len(frame.failed[FEW:]):
                yield f"{frame.ref}: and {more} more rules; see --json"
        for ground in step.shut:
            yield f"{step.factor}, {step.task}: a gate was shut: {ground}"


def loans(data: Facts) -> Iterator[str]:
    """Say who lent how much to whom, until when; a tranche a line."""
    for loan in data["loans"]:
        part = f", tranche {loan['tranche']}" if len(data["loans"]) > 1 else ""
        yield (
            f"{loan['loan']}{part}: {loan['amount']} CNY from {loan['lender']} to"
            f" {loan['borrower']}, {loan['signed_on']} to {loan['matures_on']}"
            f" ({loan['kind'].replace('_', ' ')})"
        )


def pledges(data: Facts) -> Iterator[str]:
    """Say what is pledged, at which rank, under which cap, and what came after."""
    for pledge in data["pledges"]:
        alone = ", exclusive" if pledge["exclusive"] else ""
        yield (
            f"{pledge['request']}: {pledge['principal']} CNY from {pledge['lender']} on"
            f" {pledge['asset']} {pledge['version']}, rank {pledge['rank']}{alone}, cap"
            f" {pledge['cap']} CNY, {pledge['pledged_on']} to {pledge['matures_on']}"
        )
    for event in data["events"]:
        money = f" {event['amount']} CNY" if event["amount"] else ""
        yield (
            f"{event['effective_on']} {event['event'].replace('_', ' ')}{money}:"
            f" {event['evidence']}"
        )


def appraisals(data: Facts) -> Iterator[str]:
    """Say what the asset was appraised at, by whom, until when the report holds."""
    for row in data["appraisals"]:
        what = f"{row['asset']} {row['version']}"
        if row["appraised_on"] is None:
            yield f"{what}: nobody has reported; book value {row['book']} CNY"
            continue
        yield (
            f"{what}: {row['appraised']} CNY by {row['appraiser']}, report"
            f" {row['report']}, {row['approach']}, of {row['appraised_on']}, valid to"
            f" {row['valid_to']}; book value {row['book']} CNY"
        )


def rights(data: Facts) -> Iterator[str]:
    """List the events of the rights over the asset."""
    for row in data["rights"]:
        yield (
            f"{IN_ENGLISH[row['right']]} {IN_CHINESE[row['right']]},"
            f" {row['certificate']}: {row['event']} on {row['effective_on']} to"
            f" {row['holder']}, {row['valid_from']} to {row['valid_to']}"
        )
