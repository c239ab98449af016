"""Walk the recognition tree and say at each step why (财会〔2023〕11号).

The path, not only its end, is the result: an auditor reads question, answer, paragraph
and evidence. An internal project whose five conditions were all met on 2026-03-01, and
that was ready on 2026-06-15, is development expenditure on 2026-05-31 and an intangible
asset on 2026-06-30.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.asset import CONDITIONS, AssetTerms, RecognitionTerms

Outcome = Literal[
    "intangible", "development expenditure", "inventory", "not recognised"
]
Step = tuple[int, str, str, str, str]  # contract Recognition
RULE = "财会〔2023〕11号"


@dataclass(frozen=True)
class Decision:
    """Where the tree ends, and the way there."""

    outcome: Outcome
    steps: tuple[Step, ...]
    capitalise_from: date | None


def recognize(terms: AssetTerms, as_of: date) -> Decision:
    """Decide what the cost of an asset is on a day."""
    facts = terms.recognition
    path: list[tuple[str, str, str, str]] = [
        (question, said(answer.answer), f"{RULE} 一、基本准则", answer.evidence)
        for question, answer in (
            ("lawfully owned or controlled?", facts.controlled),
            ("benefits probable?", facts.probable_benefit),
            ("cost reliably measurable?", facts.measurable),
        )
    ]
    if any(answer == "no" for _, answer, _, _ in path):
        return decision("not recognised", path, None)
    sale = facts.purpose == "sale"
    path.append(("held for sale?", said(sale), "CAS 1 存货 art. 3", "the document"))
    if sale:
        return decision("inventory", path, date.min)
    if facts.origin == "purchase":
        path.append(("purchased?", "yes", "CAS 6 无形资产 art. 12", "the document"))
        return decision("intangible", path, date.min)
    return develop(facts, path, as_of)


def develop(
    facts: RecognitionTerms, path: list[tuple[str, str, str, str]], as_of: date
) -> Decision:
    """Decide on an internal project by the five conditions (CAS 6 art. 9)."""
    met = {m.condition: m for m in facts.conditions if m.met_on <= as_of}
    for name in CONDITIONS:
        found = met.get(name)
        answer = f"yes, from {found.met_on}, {found.signer}" if found else "no"
        evidence = found.evidence if found else "none"
        question = f"{name.replace('_', ' ')}?"
        path.append((question, answer, "CAS 6 无形资产 art. 9", evidence))
    if len(met) < len(CONDITIONS):
        return decision("not recognised", path, None)
    start = max(m.met_on for m in met.values())
    ready = facts.available_from is not None and facts.available_from <= as_of
    when = str(facts.available_from) if ready else "no"
    path.append(("ready for use?", when, f"{RULE} 二、无形资产", "the document"))
    return decision("intangible" if ready else "development expenditure", path, start)


def decision(
    outcome: Outcome, path: list[tuple[str, str, str, str]], start: date | None
) -> Decision:
    """Number the steps and add the end of the path."""
    end = ("outcome", outcome, RULE, "the steps above")
    steps = tuple((i, *step) for i, step in enumerate((*path, end), 1))
    return Decision(outcome, steps, start)


def said(answer: bool) -> str:
    """Write yes or no."""
    return "yes" if answer else "no"
