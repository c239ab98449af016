"""Say what must be approved before it is posted, and whether it was.

What is above the threshold is approved by its digest: the entries as they would be
posted, and the terms they follow from. Another amount, account, day or term is another
digest, which nobody has approved yet.
"""

import hashlib
from datetime import date
from typing import Annotated, NamedTuple

import polars as pl
import rfc8785

from schemas.asset import AssetTerms, PostTerms
from schemas.close import CloseTerms
from schemas.errors import FactorError
from schemas.money import exact_fen, shown
from schemas.registers import JournalLine

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
ENTRY = ["entity", "entry"]
BESIDE = {"appraisal", "national_accounts", "at_hand"}  # of the terms, no part of books


class Asked(NamedTuple):
    """The lines that need an approval, and its subject; empty if none do."""

    lines: pl.DataFrame
    subject: str


def posting(terms: AssetTerms) -> PostTerms:
    """Say on which terms an asset's recognition is posted.

    What was appraised, or is told to the statistics, is left out of the digest: it has
    no part in the books, so another appraisal leaves an approval standing.

    Raises:
        FactorError: The terms lack their policy.
    """
    if terms.rules is None:
        raise FactorError("asset: no policy was resolved; name one in the document")
    own = {} if terms.approval_above is None else {terms.name: terms.approval_above}
    booked = terms.model_dump(mode="json", exclude=BESIDE)
    return PostTerms(
        factor=terms.factor,
        entity=terms.entity,
        asset=terms.name,
        complete=("incur", "recognise", "expense"),
        policy=terms.rules.policy,
        approval_above=terms.rules.approval_above,
        thresholds=own,
        terms_sha256=hashlib.sha256(rfc8785.dumps(booked)).hexdigest(),
    )


def closing(terms: CloseTerms) -> PostTerms:
    """Say on which terms the close of a month is posted, and that it closes it."""
    booked = terms.model_dump(mode="json", exclude={"closed_on"})
    return PostTerms(
        factor=terms.factor,
        entity=terms.entity,
        policy=terms.rules.policy,
        approval_above=terms.rules.approval_above,
        thresholds=terms.thresholds,
        terms_sha256=hashlib.sha256(rfc8785.dumps(booked)).hexdigest(),
        closes=terms.period,
        closed_on=terms.closed_on,
    )


def subject_of(lines: Annotated[pl.DataFrame, JournalLine], terms_sha256: str) -> str:
    """Name by a digest what is approved: sha256 over canonical JSON (RFC 8785).

    Args:
        lines: As they would be posted, with no approval yet; the order is of no matter.
        terms_sha256: Digest of the terms from which they follow.

    Returns:
        64 hex digits.
    """
    rows = lines.with_columns(approval=pl.lit("")).sort(*ENTRY, "line")
    said = [[v if isinstance(v, int) else str(v) for v in r] for r in rows.iter_rows()]
    stated = rfc8785.dumps([terms_sha256, rows.columns, *said])
    return hashlib.sha256(stated).hexdigest()


def asked(fresh: Annotated[pl.DataFrame, JournalLine], terms: PostTerms) -> Asked:
    """Find the entries whose debits exceed the threshold of their asset.

    A factor's own threshold may be lower than the policy's, never higher: who prepares
    an entry also writes the document.
    """
    most = exact_fen(terms.approval_above)
    own = {name: min(exact_fen(y), most) for name, y in terms.thresholds.items()}
    above = pl.col("asset").replace_strict(own, default=most, return_dtype=pl.Int64)
    debits = pl.col("amount_fen").clip(lower_bound=0).sum()
    found = fresh.group_by(ENTRY).agg(over=debits > above.min())
    lines = fresh.join(found.filter("over"), on=ENTRY, how="semi")
    subject = subject_of(lines, terms.terms_sha256) if lines.height else ""
    return Asked(lines, subject)


def approved(needs: Asked, given: pl.DataFrame, terms: PostTerms) -> Answer:
    """Answer the gate ``approval`` 审批.

    Args:
        needs: What stands above the threshold.
        given: Approvals of the entity. Contract: Approval. A rejection of the same day
            or later shuts what was approved before.
        terms: They name the policy in the ground.

    9,000,000.00 above 5,000,000.00, nobody has decided -> shut, with the command.
    """
    rule = f"{terms.policy}/approval_above"
    if not needs.subject:
        return "approval", True, "no entry stands above its threshold", rule
    total = shown(int(needs.lines["amount_fen"].clip(lower_bound=0).sum()))
    count = needs.lines.select(ENTRY).n_unique()
    what = f"{count} entries of {total} CNY in all stand above their threshold"
    said = {
        decision: given.filter(subject=needs.subject, decision=decision)["decided_on"]
        for decision in ("approve", "reject")
    }
    first, last = (max(said[d].to_list(), default=date.min) for d in said)
    if first > last:
        ground = f"{what}; approved on {first}"
        return "approval", True, ground, needs.subject
    refused = f" were rejected on {last} and" if last > date.min else ""
    ground = (
        f"{what} and{refused} wait for another person: `datafactor approve"
        f" {needs.subject}`"
    )
    return "approval", False, ground, needs.subject
