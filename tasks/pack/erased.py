"""Say which bytes that a loan rests on were erased 清除, by what the chain tells of it.

An act of erasure is a run: it names each artifact, the day, the reason and the person.
Bytes that an artifact has which no act names are still there, and not told.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from tasks.pack.chain import Link, outputs

ERASING = "erase"  # the task that records it
NAMED = 5  # artifacts that a sentence names
Facts = dict[str, Any]  # JSON


def gone_in(links: Sequence[Link]) -> dict[str, Facts]:
    """List the artifacts whose bytes nobody has any more, by id: when, why, by whom."""
    acts = [
        one.said.terms
        for one in links
        if (one.said.task, one.said.status) == (ERASING, "COMPLETE")
    ]
    told = {
        one["id"]: {
            "on": str(act["erased_on"]),
            "reason": str(act["reason"]),
            "person": str(act["person"]),
            **{n: str(one[n]) for n in ("name", "kind", "id", "sha256")},
        }
        for act in acts
        for one in act["artifacts"]
    }
    known = outputs(links).items()
    kept = {output.made.ref.sha256 for id, output in known if id not in told}
    return {id: one for id, one in told.items() if one["sha256"] not in kept}


def why(one: Mapping[str, str]) -> str:
    """Say when, why and by whom. ``erased on 2026-06-30 because request 12, by Li``."""
    return f"erased on {one['on']} because {one['reason']}, by {one['person']}"


def sentences(gone: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Say of artifacts that were erased what a lender must know, once a reason."""
    for reason, same in groupby(sorted(gone, key=why), why):
        names = list(dict.fromkeys(sorted(one["name"] for one in same)))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield (
            f"the loan rests on bytes that were {reason}: {', '.join(names[:NAMED])}"
            f"{more}; their digests stand in the chain, nobody can show them any more"
        )
