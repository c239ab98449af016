"""Examine a pack from itself alone: no store, no network, no clock.

What follows from the chain is made again with the project's own functions and compared;
what cannot be is told. Whoever rebuilds a whole pack makes another chain: that is found
by the head that the lender keeps, and by nothing else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from schemas.appraisal import Appraisal
from schemas.errors import DatafactorError, SourceError
from schemas.money import exact_fen, shown
from tasks.asset.appraise import bundle
from tasks.pack import contents
from tasks.pack.again import Lacking, decided_again
from tasks.pack.chain import (
    Head,
    Keys,
    Link,
    bears_signature,
    followed,
    keys_in,
    outputs,
    read_head,
    read_seal,
)
from tasks.pack.chosen import Kept, Loan, concerns, loan_in, others, wanted
from tasks.pack.erased import gone_in, sentences, why
from tasks.pack.facts import Told, erased_facts, rests_on, valuation_row
from tasks.pack.frames import Held, opened, register_rows
from tasks.pack.journal import unbalanced
from tasks.pack.zipped import Files, unzipped
from tasks.store.verify import CORRUPT, UNTRUSTED, UNVERIFIABLE, Finding, Findings


@dataclass(frozen=True)
class Trusted:
    """What the lender keeps outside the pack."""

    head: str = ""  # hash of a head that was handed over before, or told otherwise
    lines: tuple[
        Mapping[str, Any], ...
    ] = ()  # signed heads, JSON as an anchor has them
    keys: Keys = field(default_factory=dict)  # public keys by fingerprint

    @property
    def nothing(self) -> bool:
        """Whether the pack's own word is all there is."""
        return not (self.head or self.lines or self.keys)


@dataclass
class Report:
    """What is found while a pack is examined."""

    found: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    examined: dict[str, int] = field(default_factory=dict)

    def find(self, bit: int, *sentences: str) -> None:
        """Keep findings of one kind."""
        self.found += [Finding(bit=bit, sentence=said) for said in sentences]

    @property
    def findings(self) -> Findings:
        """All of it, as verification tells it."""
        return Findings(
            findings=tuple(self.found),
            examined=self.examined,
            notes=tuple(self.notes),
        )


def examine(data: bytes, trusted: Trusted) -> Findings:
    """Examine a pack that a stranger handed over.

    Args:
        data: Its bytes.
        trusted: What the lender keeps.
    """
    report = Report()
    try:
        entries = unzipped(data)
        manifest = contents.read_manifest(entries)
    except SourceError as error:
        report.find(CORRUPT, str(error))
        return report.findings
    report.find(CORRUPT, *contents.faults_in(entries, manifest))
    report.examined["entries"] = len(entries)
    chained = chain_of(report, entries, manifest, trusted)
    if chained is not None:
        links, head = chained
        examine_seal(report, entries, chained, trusted)
        try:
            examine_loan(report, entries, manifest, links, head)
        except DatafactorError as error:
            report.find(CORRUPT, str(error))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            report.find(CORRUPT, "chain and frames do not fit together: ask anew")
    return report.findings


def chain_of(
    report: Report,
    entries: Files,
    manifest: Mapping[str, Any],
    trusted: Trusted,
) -> tuple[list[Link], Head] | None:
    """Follow the chain to its head, and hold the head against what is trusted."""
    links, faults = followed(entries.get(contents.CHAIN, b""))
    report.find(CORRUPT, *faults)
    report.examined["runs"] = len(links)
    try:
        head = read_head(entries.get(contents.HEAD, b""))
    except ValueError as error:
        report.find(CORRUPT, str(error))
        return None
    said = (head.seq, head.hash, head.store)
    last = (links[-1].seq, links[-1].hash) if links else (0, "")
    if said != (*last, str(manifest["store"])):
        report.find(
            CORRUPT, f"the chain ends at run {last[0]}, the signed head elsewhere"
        )
    if manifest["head"] != {"seq": head.seq, "hash": head.hash}:
        report.find(CORRUPT, "the manifest names another head than the one signed")
    trust(report, links, head, trusted)
    return None if faults or not links else (links, head)


def trust(report: Report, links: Sequence[Link], head: Head, trusted: Trusted) -> None:
    """Hold the head against the lender's own copy, or say that there was none."""
    keys = trusted.keys or keys_in([head.key.encode()])
    if not bears_signature(head, keys):
        kept = "a key that you keep" if trusted.keys else "the key that it names"
        report.find(UNTRUSTED, f"the head is not signed with {kept}")
    if links and links[-1].signer not in ("", head.signed_with):
        report.find(UNTRUSTED, "the last run names another signer than its head")
    runs = {one.seq: one.hash for one in links}
    if trusted.head:
        at = next((seq for seq, hash in runs.items() if hash == trusted.head), 0)
        if not at:
            report.find(UNTRUSTED, "the head that you keep is not in this chain")
        elif at < head.seq:
            after = head.seq - at
            report.notes.append(
                f"the head that you keep is run {at}; {after} came after"
            )
            if not trusted.keys and head.signed_with not in signers(links[:at]):
                report.find(
                    UNVERIFIABLE,
                    f"what came after run {at} is signed with a key that signed nothing"
                    " before: give a copy of the anchor with --anchor",
                )
    for said in outside(runs, head, trusted):
        report.find(UNTRUSTED, said)
    if trusted.nothing:
        report.notes.append(
            "the head is the pack's own word, and so is the key it is signed with: give"
            " the head that you keep with --head, or a copy of the anchor with --anchor"
        )


def examine_seal(
    report: Report, entries: Files, chained: tuple[list[Link], Head], trusted: Trusted
) -> None:
    """Ask whether the manifest is what somebody sealed whose key the chain knows."""
    links, head = chained
    try:
        seal = read_seal(entries.get(contents.SEAL, b""))
    except ValueError as error:
        report.find(CORRUPT, str(error))
        return
    if not seal.holds(entries[contents.MANIFEST]):
        report.find(CORRUPT, "manifest.json is not what its seal was put on: changed")
    known = trusted.keys.keys() or {head.signed_with, *signers(links)}
    if seal.fingerprint not in known:
        report.find(
            UNTRUSTED,
            "the manifest is sealed with a key that signed no run of this chain: let"
            " who published pack it",
        )


def signers(links: Sequence[Link]) -> set[str]:
    """List the keys whose owners published runs."""
    return {one.signer for one in links}


def outside(runs: Mapping[int, str], head: Head, trusted: Trusted) -> Iterator[str]:
    """Compare the chain with the signed heads that the lender keeps."""
    good = [
        n for n in trusted.lines if bears_signature(head._replace(line=n), trusted.keys)
    ]
    if len(good) < len(trusted.lines):
        yield "a line of the anchor is not signed with a key beside it"
    at = [n for n in good if runs.get(int(n["seq"]), n["head"]) != n["head"]]
    if at:
        yield f"run {min(int(n['seq']) for n in at)} is not the one that was signed"
    if trusted.lines and not any(int(n["seq"]) in runs for n in good):
        yield "no signed head that you keep stands in this chain"


def examine_loan(
    report: Report,
    entries: Files,
    manifest: Mapping[str, Any],
    links: Sequence[Link],
    head: Head,
) -> None:
    """Recompute what the pack tells of its loan."""
    loan = loan_in(links, str(manifest["loan"]))
    held = frames_of(report, entries, manifest, links, loan)
    told = Told(loan, links, held)
    report.find(
        CORRUPT,
        *(
            f"the debits of entry {entry} are not its credits"
            for entry in unbalanced(held)
        ),
    )
    report.examined["journal lines"] = len(register_rows(held, "JournalLine"))
    decide(report, manifest, loan, held)
    appraise(report, entries, told)
    follow(report, entries, manifest, head, told)
    report.find(UNVERIFIABLE, *sentences(erased_facts(told)))
    leave_out(report, told, sampled=contents.SAMPLE in entries)


def frames_of(
    report: Report,
    entries: Files,
    manifest: Mapping[str, Any],
    links: Sequence[Link],
    loan: Loan,
) -> list[Held]:
    """Read every frame; name those that are missing, changed, or not of the loan."""
    must = {kept.name: kept for kept in wanted(links, loan)}
    may = {kept.name: kept for kept in others(links, loan)}
    there = [name for name in sorted(entries) if name.startswith("frames/")]
    gone = gone_in(links)
    for name in sorted(must.keys() - there):
        lost = gone.get(must[name].output.made.ref.id)
        bad = must[name].register or (of_this_release(manifest) and not lost)
        said = f": its bytes were {why(lost)}" if lost else ""
        report.find(
            CORRUPT if bad else UNVERIFIABLE, f"{name} is not in the pack{said}"
        )
    held = []
    for name in there:
        kept = must.get(name) or may.get(name)
        if kept is None:
            report.find(
                CORRUPT, f"{name} is no frame that the chain posts for the loan"
            )
            continue
        try:
            held.append(opened(kept, entries[name]))
        except SourceError as error:
            report.find(CORRUPT, str(error))
    report.examined["frames"] = len(held)
    absent(report, [kept for name, kept in may.items() if name not in there])
    return held


def absent(report: Report, left: Sequence[Kept]) -> None:
    """Say which postings of others were not handed over: they may speak of the loan."""
    if left:
        registers = ", ".join(sorted({kept.register for kept in left}))
        report.notes.append(
            f"{len(left)} frames that runs of other factors posted ({registers}) are"
            " not in the pack: that none speaks of the loan is the sender's word"
        )


def decide(
    report: Report, manifest: Mapping[str, Any], loan: Loan, held: Sequence[Held]
) -> None:
    """Make the credit decision again: gates, pledge, schedule, position.

    What a run of another release decided may come out otherwise without a fault.
    """
    decisions = {loan.grant.seq: loan.grant, loan.newest.seq: loan.newest}
    same = 0
    for seq, decision in decisions.items():
        mine = of_this_release(manifest) and decision.said.code == manifest["code"]
        try:
            decided = decided_again(decision, held)
        except Lacking as error:
            said = f"the decision of run {seq} was not made again: {error}"
            report.find(UNVERIFIABLE, said)
            continue
        same += len(decided.same)
        for name in decided.other:
            what = f"{name} of run {seq} does not follow from what it read"
            if mine:
                report.find(CORRUPT, what)
            else:
                report.find(
                    UNVERIFIABLE,
                    f"{what} when this release decides; it was another that did",
                )
    report.examined["frames decided again"] = same


def of_this_release(manifest: Mapping[str, Any]) -> bool:
    """Ask whether this very release wrote a pack."""
    return bool(manifest["release"] == contents.release())


def appraise(report: Report, entries: Files, told: Told) -> None:
    """Recompute the appraised value from the bundle, and hold both values together."""
    valued = valuation_row(told)
    if contents.BUNDLE not in entries:
        if valued.get("appraised_fen"):
            report.find(UNVERIFIABLE, "the bundle of the appraisal is not in the pack")
        return
    found = bundle.reperform(entries[contents.BUNDLE])
    value = exact_fen(Decimal(found["value"]))
    if valued and value != valued.get("appraised_fen"):  # else its frame is missed
        report.find(
            CORRUPT,
            f"the bundle gives {shown(value)}, the valuation another appraised value",
        )
    case = bundle.case_in(bundle.unpacked(entries[contents.BUNDLE]))
    if case.appraisal not in stated(told):
        report.find(CORRUPT, "the bundle is not of an appraisal that the asset states")
    if case.illustrative != told.loan.illustrative:
        report.find(CORRUPT, "bundle and loan differ about what is illustrative")
    report.examined["appraised values"] = 1


def stated(told: Told) -> list[Appraisal]:
    """List the appraisals that the asset's run read in its document."""
    known = outputs(told.links)
    runs = [known[i.id].link for i in told.loan.newest.said.inputs if i.id in known]
    found = []
    for one in runs:
        for given in one.said.terms.get("appraisal", ()) if one.said.task else ():
            try:
                found.append(Appraisal.model_validate_json(json.dumps(given)))
            except ValidationError:  # of another release
                continue
    return found


def follow(
    report: Report,
    entries: Files,
    manifest: Mapping[str, Any],
    head: Head,
    told: Told,
) -> None:
    """Make facts, journal and dossier again, and compare every byte."""
    given = contents.Given(
        *(told.loan, told.links, head, (), told.held, {}),
        sample=entries.get(contents.SAMPLE, b""),
    )
    made = contents.following(given)
    rest = {n for n in entries if not n.startswith("frames/")}
    there = rest - {*contents.GIVEN, contents.MANIFEST, contents.SEAL}
    bit = CORRUPT if of_this_release(manifest) else UNVERIFIABLE
    by = "" if bit == CORRUPT else " when this release writes; it was another that did"
    report.find(bit, *(f"{n} does not belong there{by}" for n in there - made.keys()))
    for name in sorted(made):
        if entries.get(name) != made[name]:
            report.find(bit, f"{name} is not what chain and frames give{by}")
    report.examined["files made again"] = len(made)


def leave_out(report: Report, told: Told, *, sampled: bool) -> None:
    """Say plainly what nobody can recompute from a pack."""
    raw = [o for o in rests_on(told).values() if o.made.origin is not None]
    numbers = sorted(
        {
            row["request"]
            for row in register_rows(told.held, "Pledge")
            if concerns(row, told.loan)
        }
    )
    report.notes += [
        f"the bytes of {len(raw):,} source files are not in the pack, their digests"
        " are: resource, product and quality were not computed again",
        "what an appraiser, a court or an external register states was not asked again",
        *(
            ["the rows of the sample were not held against the product"]
            if sampled
            else []
        ),
        f"pledges examined: {', '.join(numbers) or 'none'}",
    ]
