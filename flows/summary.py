"""Say in five lines what a run made, from its artifacts, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flows.versions import ending, offered_now
from schemas.artifact import ArtifactRef, Snapshot
from schemas.entity import Role
from schemas.money import shown
from schemas.quality import TOTAL, WHOLE, Score
from schemas.registers import JournalLine
from tasks import store
from tasks.capital.eligibility import carrying, in_the_ledger

STAGES = ("raw", "resource", "product", "asset", "capital")


@dataclass(frozen=True)
class Chain:
    """What one run of the value chain handed over, stage by stage."""

    factor: str
    title: str
    as_of: date
    illustrative: bool
    frames: Mapping[str, Mapping[str, ArtifactRef]]
    accounts: Mapping[Role, str]  # the entity's chart; empty where nothing is booked

    @property
    def last(self) -> ArtifactRef:
        """The artifact at the end of the chain: what all the others lead to."""
        stage = next(s for s in reversed(STAGES) if self.frames.get(s))
        found = self.frames[stage]
        names = (
            *("pledge", "position", "interests", "decision"),
            *("valuation", "product", "resource"),
        )
        return next((found[n] for n in names if n in found), next(iter(found.values())))


def lines(chain: Chain) -> list[tuple[str, str]]:
    """Write the five lines: stage and what it holds."""
    label = " (illustrative)" if chain.illustrative else ""
    made = {s: describe(s, refs) for s, refs in chain.frames.items()}
    if "asset" in made:
        made["asset"] += f", {carried(chain)}"
    if "resource" in made:  # what the sources rejected counts as well
        made["resource"] += f", {rejected(chain.factor):,} rejected{quality(chain)}"
    if "product" in made and (ends := ending(offered_now(chain.factor))):
        made["product"] += f", {ends}"
    made |= {s: made[s] + label for s in ("asset", "capital") if s in made}
    return [(stage, made.get(stage, "not asked for")) for stage in STAGES]


def describe(stage: str, refs: Mapping[str, ArtifactRef]) -> str:
    """Say in words what one stage made."""
    if stage == "raw" and not refs:
        return "no table of its own"
    if stage == "raw":
        return f"{len(refs)} tables, bytes fixed by sha256"
    if stage in ("resource", "product"):
        main = refs.get(stage) or next(iter(refs.values()))
        return f"{main.rows:,} rows"
    if stage == "asset":
        row = first_row(refs["valuation"])
        return (
            f"book value {shown(row['book_fen'])} CNY at cost, appraised value"
            f" {shown(row['appraised_fen'])} CNY"
        )
    return financing(refs)


def financing(refs: Mapping[str, ArtifactRef]) -> str:
    """Say in words what became of an asset in the fourth stage."""
    if "interests" in refs:
        row = first_row(refs["interests"])
        return f"settled in trust {row['trust']} for {refs['interests'].rows} people"
    if "decision" in refs:
        return "given for equity; the close of the month books it"
    row = first_row(refs["position"])
    stands = f"LTV {row['ltv']}" if row["ltv"] else "nothing is pledged"
    return (
        f"loan {row['agreement']} of {shown(row['principal_fen'])} CNY,"
        f" {row['status']}, {stands}"
    )


def carried(chain: Chain) -> str:
    """Say what the ledger carries of a chain's asset: cost less what was written off.

    A run before the close of its first month -> carried at what it cost.
    """
    row = first_row(chain.frames["asset"]["valuation"])
    where = {name: row[name] for name in ("entity", "asset")}
    asked = Snapshot(register=JournalLine, where=where)
    journal = store.snapshot(store.current(), asked, "")[0]
    return in_the_ledger(carrying(journal, chain.accounts))


def rejected(factor: str) -> int:
    """Count what the contracts of a factor's sources and resource let go."""
    counted = store.check_counts(store.current(), factor)
    return int(counted["rejected"].sum())


def quality(chain: Chain) -> str:
    """Say the score of the day's assessment; its parts are `datafactor quality`'s."""
    scores = store.series(store.current(), chain.factor, Score)
    total = scores.filter(as_of=chain.as_of, dimension=TOTAL)["score_ppm"].to_list()
    known = [ppm for ppm in total if ppm is not None]
    return f", quality {known[-1] / WHOLE:.1%}" if known else ""


def first_row(ref: ArtifactRef) -> dict[str, Any]:  # Any: a row of any contract
    """Read the one row of a small frame."""
    return store.scan(store.current(), ref).head(1).collect().row(0, named=True)


def traced(chain: Chain) -> list[store.Node]:
    """List all that the last artifact is made of."""
    return store.trace(store.current(), chain.last.id)


def next_commands(chain: Chain) -> list[str]:
    """Name the questions people ask next."""
    loan = chain.frames.get("capital", {}).get("position")
    end = f"loan:{first_row(loan)['agreement']}" if loan else chain.factor
    tables = [f"resource/{ref.name}" for ref in chain.frames["raw"].values()]
    first = next(iter(tables), "product")
    return [
        f"datafactor trace {end}",
        f"datafactor impact {chain.factor}/{first}",
        *([f"datafactor pack {end.removeprefix('loan:')} -o pack.zip"] if loan else []),
        *appraised_by(chain),
        "datafactor verify",
    ]


def appraised_by(chain: Chain) -> list[str]:
    """Say how to recompute the appraised value, where there is one."""
    valuation = chain.frames.get("asset", {}).get("valuation")
    if valuation is None or not first_row(valuation)["appraised_fen"]:
        return []
    return [f"datafactor appraise {chain.factor} --as-of {chain.as_of} -o appraisal"]
