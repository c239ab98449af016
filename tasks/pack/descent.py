"""Draw together where a loan comes from: what is alike stands in one box.

A month of hourly files is one box with their number. What only passes rows on, or an
empty register, is left out, and the lines lead over it.
"""

from collections.abc import Mapping
from typing import Any

from tasks.pack.chain import Output, inputs_of
from tasks.pack.chosen import LENDING, Loan

Facts = dict[str, Any]  # JSON
# Task and frame that are drawn; of the others only the lines.
DRAWN = {
    "transform": ("resource",),
    "gather": ("resource",),
    "assess": ("score",),
    "productize": ("product",),
    "assetize": ("valuation",),
    LENDING: ("pledge", "loan"),
}
TOP = ("Pledge", "Loan")  # the posting that is the loan, whichever there is
REGISTERS = ("rights.snapshot", "journal.snapshot")


def lineage_of(loan: Loan, known: Mapping[str, Output]) -> list[Facts]:
    """List the boxes from the loan down, each with the boxes it is made of."""
    posted = {p.register: p.artifact for p in loan.grant.said.postings}
    start = next(posted[n] for n in (*TOP, *posted) if n in posted)
    members: dict[str, list[Output]] = {}
    parents: dict[str, set[str]] = {}
    seen: set[str] = set()
    front = [start]
    while front:
        id = front.pop()
        if id in seen or id not in known:
            continue
        seen.add(id)
        box = box_of(known[id])
        members.setdefault(box, []).append(known[id])
        above = drawn_above(id, known)
        parents.setdefault(box, set()).update(
            b for i in above if (b := box_of(known[i])) != box
        )
        front += sorted(above)
    return [
        box_facts(box, members[box], sorted(parents[box])) for box in sorted(members)
    ]


def is_drawn(output: Output) -> bool:
    """Say whether an artifact has a box of its own."""
    task, frame = output.link.said.task, output.made.frame
    if output.made.origin is not None or task == "clean":
        return not frame.endswith(".rejects")
    if task == "snapshot":
        return frame in REGISTERS and output.made.ref.rows > 0
    return frame.partition("@")[0] in DRAWN.get(task, ())


def drawn_above(id: str, known: Mapping[str, Output]) -> set[str]:
    """List the nearest drawn artifacts that one is made of."""
    found: set[str] = set()
    seen, front = {id}, [i.id for i in inputs_of(known[id])]
    while front:
        near = front.pop()
        if near in seen or near not in known:
            continue
        seen.add(near)
        if is_drawn(known[near]):
            found.add(near)
        else:
            front += [i.id for i in inputs_of(known[near])]
    return found


def box_of(output: Output) -> str:
    """Name the box of an artifact: factor, layer and table."""
    said, frame = output.link.said, output.made.frame.partition("@")[0]
    layer = "raw" if output.made.origin is not None else said.task
    return f"{said.factor}/{layer}/{frame}"


def box_facts(box: str, held: list[Output], parents: list[str]) -> Facts:
    """Tell one box: how many artifacts, rows and bytes, and the digest of one alone."""
    first = held[0]
    alone = len(held) == 1
    origin = first.made.origin
    return {
        "box": box,
        "stage": "raw" if origin else str(first.link.said.stage),
        "task": first.link.said.task,
        "name": first.made.frame.partition("@")[0],
        "many": len(held),
        "rows": None if origin else sum(o.made.ref.rows for o in held),
        "bytes": sum(o.made.bytes for o in held),
        "sha256": first.made.ref.sha256 if alone else "",
        "parents": parents,
    }
