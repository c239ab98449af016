"""Walk the recognition tree and say at each step why (财会〔2023〕11号).

The path, not only its end, is the result: an auditor reads question, answer, paragraph
and evidence. An internal project whose five conditions were all met on 2026-03-01, and
that was ready on 2026-06-15, is development expenditure on 2026-05-31 and an intangible
asset on 2026-06-30.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from schemas.asset import CONDITIONS, Answered, Met, Outcome, RecognitionTerms
from schemas.money import shown

Answer = tuple[str, str, str, str]  # question, answer, paragraph, evidence
Step = tuple[int, str, str, str, str, str]  # contract Recognition
RULE = "财会〔2023〕11号"
STATED = "stated in the document"


@dataclass(frozen=True)
class Decision:
    """Where the tree ends, the way there, and from when to when cost counts."""

    outcome: Outcome
    steps: tuple[Step, ...]
    since: date = date.max
    ready: date | None = None

    @property
    def until(self) -> date:
        """The last day of cost that counts: what is spent on a ready asset does not."""
        return self.ready or date.max


def recognize(facts: RecognitionTerms, as_of: date) -> Decision:
    """Decide what the cost of an asset is on a day, first condition to last.

    What is sold or purchased counts all cost of preparing it; what is developed inside
    counts cost from the day the last of the five conditions was met; what is not
    recognised counts none.
    """
    path = [
        asked("lawfully owned or controlled?", facts.controlled, f"{RULE} 基本准则"),
        asked("by a past transaction?", facts.past_transaction, f"{RULE} 基本准则"),
        asked("benefits probable?", facts.probable_benefit, f"{RULE} 基本准则"),
        asked("cost reliably measurable?", facts.measurable, f"{RULE} 基本准则"),
        asked("charged for or used inside?", facts.charged, "数据二十条: free supply"),
    ]
    if any(answer == "no" for _, answer, _, _ in path):
        return decided("not recognised", path)
    ready = facts.available_from
    ready = ready if ready is not None and ready <= as_of else None
    path.append(
        ("held for sale?", yes(facts.purpose == "sale"), "CAS 1 art. 3", STATED)
    )
    if facts.purpose == "sale":
        return decided("inventory", path, date.min, ready)
    path.append(asked("identifiable?", facts.identifiable, "CAS 6 art. 3"))
    if not facts.identifiable.answer:
        return decided("not recognised", path)
    bought = facts.origin == "purchase"
    path.append(("purchased?", yes(bought), f"CAS 6 art. 12; {RULE} 外购", STATED))
    if bought:
        return decided("intangible", path, date.min, ready)
    return developed(facts, path, ready, as_of)


def developed(
    facts: RecognitionTerms, path: list[Answer], ready: date | None, as_of: date
) -> Decision:
    """Decide on an internal project by the five conditions (CAS 6 art. 9)."""
    met = {m.condition: m for m in facts.conditions if m.counts_from <= as_of}
    for name in CONDITIONS:
        found = met.get(name)
        answer, evidence = proved(found) if found else ("no", "none")
        path.append((f"{name.replace('_', ' ')}?", answer, "CAS 6 art. 9", evidence))
    if len(met) < len(CONDITIONS):
        return decided("not recognised", path)
    since = max(m.counts_from for m in met.values())
    when = f"yes, from {ready}" if ready else "no"
    path.append(("ready for use?", when, f"{RULE} 无形资产", STATED))
    return decided(
        "intangible" if ready else "development expenditure", path, since, ready
    )


def proved(met: Met) -> tuple[str, str]:
    """Say from when a condition counts, who signed, and by which evidence.

    Whoever states a day before that of the evidence is told so: what cannot be shown
    to have been met is not met yet.
    """
    late = f", but its evidence is of {met.counts_from}"
    when = f"{met.met_on}{late if met.counts_from > met.met_on else ''}"
    evidence = f"{met.evidence} sha256:{met.evidence_sha256}"
    return f"yes, from {when}, signed by {met.signer}", evidence


def decided(
    outcome: Outcome,
    path: list[Answer],
    since: date = date.max,
    ready: date | None = None,
) -> Decision:
    """Number the steps and write the outcome on the last one."""
    ends = [""] * (len(path) - 1) + [outcome]
    steps = ((i, *s, e) for i, (s, e) in enumerate(zip(path, ends, strict=True), 1))
    return Decision(outcome, tuple(steps), since, ready)


def weighed(decision: Decision, borne: pl.DataFrame) -> tuple[Step, ...]:
    """Add to the path, as its last step, which cost is capitalised and which is not.

    Args:
        decision: The outcome, and from when to when cost counts.
        borne: What the product bears of each voucher line, with ``capitalised``.

    ACC-09 -> "600,000.00 CNY capitalised; expensed 80,000.00 of development before
    2025-01-15, 200,000.00 of research, 20,000.00 of other cost".
    """
    phase, on = pl.col("phase"), pl.col("headed_on")
    developing = phase == "development"
    grounds = {
        f"of development before {decision.since}": developing & (on < decision.since),
        f"of development after {decision.until}": developing & (on > decision.until),
        "of research": phase == "research",
        "of other cost": pl.lit(value=True),
    }
    left = borne.filter(~pl.col("capitalised"))
    said = []
    for ground, which in grounds.items():
        amount = int(left.filter(which)["amount_fen"].sum())
        left = left.filter(~which)
        said += [f"{shown(amount)} {ground}"] if amount else []
    capital = int(borne.filter("capitalised")["amount_fen"].sum())
    spent = ", ".join(said) or "nothing"
    answer = f"{shown(capital)} CNY capitalised; expensed {spent}"
    step = ("which cost counts?", answer, "CAS 6 arts. 7, 9, 12, 13", "the vouchers")
    path = [(q, a, paragraph, by) for _, q, a, paragraph, by, _ in decision.steps]
    return decided(decision.outcome, [*path, step]).steps


def asked(question: str, given: Answered, paragraph: str) -> Answer:
    """Write one question with the answer and evidence given."""
    return question, yes(given.answer), paragraph, given.evidence


def yes(answer: bool) -> str:
    """Write yes or no."""
    return "yes" if answer else "no"
