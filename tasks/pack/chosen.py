"""Choose what a loan's pack holds of the frames that the chain names.

Chosen are the posted frames that speak of the loan, its asset and its factor, what the
credit decision read, and the scores of quality. A row of the data themselves stands in
none of them: only the tasks of ``TELLING`` are taken from, and they hold figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.artifact import Publication
from schemas.errors import RegisterError
from tasks.pack.chain import Link, Output, outputs

LENDING = "capitalize"  # the task that decides on a loan
# Registers of which a pack holds what concerns its loan.
REGISTERS = (
    *("Right", "Dispute", "AssetCard", "AssetEvent", "JournalLine", "Approval"),
    *("Pledge", "Loan", "LoanFact", "CollateralRoot", "PledgeEvent", "CoverState"),
)
TELLING = (
    *("snapshot", "assess", "assetize", "post", "fingerprint", "survey"),
    LENDING,
)
ANSWERS = "gates"  # frames of this name hold answers, whichever task gave them
ASSET_FRAMES = ("valuation", "amortization", "recognition")
QUALITY_FRAMES = ("score", "quality")
Row = Mapping[str, Any]  # a row of any register


class Loan(NamedTuple):
    """A loan as the chain knows it."""

    number: str
    grant: Link  # the run that pledged
    newest: Link  # the last run that looked at it

    @property
    def terms(self) -> Mapping[str, Any]:  # Any: JSON of the terms
        """Its terms, as the last run read them."""
        return self.newest.said.terms

    @property
    def factor(self) -> str:
        """The factor whose data it rests on."""
        return self.grant.said.factor

    @property
    def asset(self) -> str:
        """The pledged asset."""
        return str(self.grant.said.terms.get("asset", ""))

    @property
    def illustrative(self) -> bool:
        """Whether its document says that rights, parties and money are made up."""
        return bool(self.terms.get("illustrative", False))

    @property
    def entity(self) -> str:
        """Whose books the asset stands in."""
        return str(self.grant.said.terms.get("entity", ""))


class Kept(NamedTuple):
    """A frame that a pack holds, under its name there."""

    name: str
    output: Output
    register: str  # the register it was posted to; empty: none


def loan_in(links: Sequence[Link], number: str) -> Loan:
    """Find a loan by the number of its agreement.

    Raises:
        RegisterError: No complete run pledged anything for it.
    """
    seen = [
        one
        for one in links
        if one.said.task == LENDING
        and one.said.status == "COMPLETE"
        and one.said.terms.get("agreement") == number
        and all(gate.passed for gate in one.said.gates)
    ]
    granted = [one for one in seen if one.said.postings]
    if not granted:
        known = sorted({n for one in links if (n := number_of(one.said))})
        raise RegisterError(
            f"nothing is pledged for the loan {number}: there are {', '.join(known)}"
            if known
            else f"nothing is pledged for the loan {number}, nor for any other"
        )
    return Loan(number, granted[0], seen[-1])


def number_of(said: Publication) -> str:
    """Read the number of the loan that a run posted; nothing of any other run."""
    lent = said.task == LENDING and said.status == "COMPLETE" and said.postings
    return str(said.terms.get("agreement", "")) if lent else ""


def wanted(links: Sequence[Link], loan: Loan) -> list[Kept]:
    """List the frames that the pack of a loan must hold, as the chain names them."""
    found: dict[str, Kept] = {}
    for output, register in [*of_factor(links, loan), *decided_on(links, loan)]:
        kept = Kept(frame_name(output), output, register)
        if kept.name not in found or register:
            found[kept.name] = kept
    return [found[name] for name in sorted(found)]


def of_factor(links: Sequence[Link], loan: Loan) -> Iterator[tuple[Output, str]]:
    """List what runs of the loan's factor and its entity posted, and its scores."""
    for one in links:
        if not is_near(one, loan):
            continue
        yield from posted(one)
        if (one.said.task, one.said.factor) == ("assess", loan.factor):
            yield from named(one, QUALITY_FRAMES[:1])


def is_near(one: Link, loan: Loan) -> bool:
    """Ask whether a complete run is of the loan's factor, or an act of its entity."""
    near = (loan.factor, loan.entity)
    return one.said.status == "COMPLETE" and one.said.factor in near


def posted(one: Link) -> Iterator[tuple[Output, str]]:
    """List the frames that a run posted to registers of which a pack tells."""
    for posting in one.said.postings:
        for made in one.said.artifacts:
            told = posting.register in REGISTERS and posting.rows
            if told and made.ref.id == posting.artifact:
                yield Output(one, made), posting.register


def named(one: Link, frames: Sequence[str]) -> Iterator[tuple[Output, str]]:
    """List frames of a run by their names."""
    for made in one.said.artifacts:
        if made.frame in frames and made.ref.kind == "frame":
            yield Output(one, made), ""


def decided_on(links: Sequence[Link], loan: Loan) -> Iterator[tuple[Output, str]]:
    """List what the credit decision read and wrote, first and last."""
    known = outputs(links)
    for decision in {
        loan.grant.hash: loan.grant,
        loan.newest.hash: loan.newest,
    }.values():
        yield from named(decision, [made.frame for made in decision.said.artifacts])
        for given in decision.said.inputs:
            output = known.get(given.id)
            if output is None or not tells(output):
                continue
            yield output, ""
            if output.made.frame == "valuation":
                yield from named(output.link, ASSET_FRAMES)
            if output.made.frame == "score":
                yield from named(output.link, QUALITY_FRAMES)


def tells(output: Output) -> bool:
    """Say whether a frame holds figures and answers, and no row of the data."""
    known = output.link.said.task in TELLING or output.made.frame == ANSWERS
    return known and output.made.ref.kind == "frame"


def frame_name(output: Output) -> str:
    """Name a frame after the run that made it. ``frames/000032-pledge.parquet``."""
    return f"frames/{output.link.seq:06}-{output.made.frame}.parquet"


def others(links: Sequence[Link], loan: Loan) -> list[Kept]:
    """List what runs of others posted to those registers: wide watches, for one."""
    return [
        Kept(frame_name(output), output, register)
        for one in links
        if not is_near(one, loan) and one.said.status == "COMPLETE"
        for output, register in posted(one)
    ]


def concerns(row: Row, loan: Loan) -> bool:
    """Say whether a row of a register speaks of the loan or of its asset."""
    numbers = {str(row.get(name, "")) for name in ("request", "loan", "junior")}
    return loan.number in numbers or (
        row.get("entity", loan.entity) == loan.entity
        and row.get("asset") in (loan.asset, loan.factor)
    )
