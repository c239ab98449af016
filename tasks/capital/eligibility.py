"""Decide whether an asset may carry a loan: every ground at once.

A loan on a pledge is asked for the data, the right, the value, the borrower and what
else rests on the same data; an unsecured line for the data and the borrower alone. What
nobody has shown is answered no.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple

import polars as pl

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.entity import Role
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.policy import CapitalRules
from schemas.registers import JournalLine
from tasks.capital.agree import agree
from tasks.capital.borrower import is_named, may_issue, serves_its_debt, within_limits
from tasks.capital.collateral import refusal
from tasks.capital.evidence import (
    authorised,
    data_is_free,
    data_speak,
    grade_allows,
    persons_are_cleared,
    quality_reaches,
    renewed_in_time,
    roots_are_known,
)
from tasks.capital.repay import Owed
from tasks.finance import months_later, ratio
from tasks.pledged import Held
from tasks.quality import quality_holds
from tasks.rights import bundle, disputed, standing

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
# What is carried 账面价值: cost, less what was written off it (CAS 6 and 8; CAS 1).
CARRYING: tuple[Role, ...] = (
    *("intangible", "amortisation", "impairment"),
    *("inventory", "provision"),
)


class Valued(NamedTuple):
    """What is read of the valuation (contract Valuation)."""

    outcome: str
    charged: bool
    book_fen: int
    appraised_fen: int
    approach: str
    report: str
    appraised_on: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Case:
    """What a credit officer has on the table."""

    valued: Valued
    rights: pl.DataFrame  # contract Right
    disputes: pl.DataFrame  # contract Dispute: over the factor or the asset
    own: pl.DataFrame  # contract Pledge: this agreement, once it is live
    agreed: pl.DataFrame  # contract Loan: this agreement, once it is written down
    ended: bool  # whether its pledge was released
    met: pl.DataFrame  # contract Met: what rests on the same data
    lent: pl.DataFrame  # contract Lent: what is lent beside it
    journal: pl.DataFrame  # contract JournalLine: what is posted of the asset
    repayment: pl.DataFrame  # contract Repayment
    owed: Owed  # what is left of the principal on the day
    score: pl.DataFrame  # contract Score: of the resource
    quality: pl.DataFrame  # contract Indicator: of the resource
    offered: pl.DataFrame  # contract Gates: with which the product was offered
    roots: pl.DataFrame  # contract Fingerprint: what the asset rests on
    terms: CapitalTerms
    rules: CapitalRules
    as_of: date

    @property
    def live(self) -> bool:
        """Whether the loan is already on record, so that this run monitors it."""
        known = self.own if self.terms.pledged else self.agreed
        return not known.is_empty()

    @property
    def others(self) -> list[Held]:
        """Pledges on the same data, asset by asset, as far as they concern this one."""
        rows = self.met.filter(pl.col("request") != self.terms.agreement)
        return [
            Held(
                {**row, "principal_fen": row["secured_fen"]},
                [
                    {
                        "event": "consent",
                        "junior": self.terms.agreement,
                        "amount_fen": row["consent_fen"],
                    }
                ],
            )
            for row in rows.iter_rows(named=True)
        ]

    @property
    def principal(self) -> int:
        """Principal in fen."""
        return exact_fen(self.terms.principal)

    @property
    def outstanding(self) -> int:
        """What is owed on the day, in fen: as drawn and paid, else as planned."""
        return self.owed.fen

    @property
    def cap(self) -> int:
        """The most that may be lent on it: appraised × max_ltv, rounded down."""
        return int(self.valued.appraised_fen * self.rules.max_ltv)

    @property
    def maturity(self) -> date:
        """The day of the last instalment."""
        return months_later(self.terms.drawdown, self.terms.months)


def eligibility(case: Case, pledge: pl.DataFrame) -> pl.DataFrame:
    """Answer every gate of the fourth stage. Contract: Gates.

    An answer without evidence does not pass, whatever it says.

    Args:
        case: What is known.
        pledge: The pledge as the terms describe it (contract Pledge).
    """
    own = collateral(case, pledge) if case.terms.pledged else unsecured(case)
    answers = [*of_all(case), *own]
    return frame_of(
        Gates,
        [
            (gate, passed and bool(evidence.strip()), ground, evidence, case.as_of)
            for gate, passed, ground, evidence in answers
        ],
    )


def of_all(case: Case) -> Iterator[Answer]:
    """Ask what every loan is asked: about the policy, the data and the borrower."""
    terms, rules, offered = case.terms, case.rules, case.offered
    said = f"policy {rules.policy} applies from {rules.applies_from}"
    yield "policy_in_force", rules.applies_from <= case.as_of, said, rules.policy
    yield grade_allows(terms, rules, offered)
    yield persons_are_cleared(offered)
    yield authorised(terms, case.maturity, case.as_of, offered)
    yield renewed_in_time(terms, case.quality, case.as_of)
    yield quality_holds(case.score)
    yield quality_reaches(terms, rules, case.score)
    yield disputed(case.disputes, (terms.factor, terms.asset), case.as_of)
    yield is_named(terms.borrower)
    yield may_issue(terms.borrower, rules)
    yield serves_its_debt(terms, rules, case.repayment, case.as_of)
    yield from within_limits(terms, rules, case.lent)
    if not case.agreed.is_empty():
        yield as_agreed(case)


def collateral(case: Case, pledge: pl.DataFrame) -> Iterator[Answer]:
    """Ask what a pledge is asked beyond: about the right, the value, other pledges."""
    free, said = data_is_free(case.terms, case.rules, case.valued.charged)
    proof = f"the valuation; {case.rules.policy}/free_supplies"
    yield "not_free", not free, said, proof
    yield recognised(case)
    yield appraisal_stands(case.valued, case.as_of)
    yield right_covers_the_loan(case)
    yield right_can_be_sold(case)
    yield within_ltv(case)
    yield roots_are_known(case.roots)
    yield as_pledged(case, pledge) if case.live else free_to_pledge(case, pledge)


def unsecured(case: Case) -> Iterator[Answer]:
    """Ask a line that pledges nothing what the data show, and for its term."""
    yield data_speak(case.terms, case.score, case.offered)
    if not case.live:
        ground = f"matures on {case.maturity}, asked on {case.as_of}"
        yield "term", case.as_of < case.maturity, ground, case.terms.agreement


def recognised(case: Case) -> Answer:
    """Ask for an asset that the ledger carries, where the policy wants one.

    The valuation keeps the cost of an asset that was impaired or left the books; the
    ledger does not (CAS 6 art. 22: what is disposed of is derecognised).
    """
    outcome, only = case.valued.outcome, case.rules.recognised_only
    fen = carrying(case.journal, case.terms.accounts)
    booked = outcome in ("intangible", "inventory") and (fen or 0) > 0
    asked = "must" if only else "need not"
    ground = f"{outcome}, {in_the_ledger(fen)}; it {asked} be carried as an asset"
    rule = f"{case.rules.policy}/recognised_only"
    return "recognised_asset", booked or not only, ground, rule


def carrying(
    journal: Annotated[pl.DataFrame, JournalLine], accounts: Mapping[Role, str]
) -> int | None:
    """Add up what the ledger carries of an asset now, in fen; None if never carried.

    What was posted counts whatever its day: a late entry is booked in the open month,
    and what has left the books since cannot be pledged for an earlier day.

    Args:
        journal: Lines of one asset.
        accounts: The entity's chart.

    1701 debit 1,155,500.51, 1702 credit 19,258.34 -> 113,624,217; disposed of -> 0.
    """
    own = [accounts[role] for role in CARRYING if role in accounts]
    lines = journal.filter(pl.col("account").is_in(own))
    return None if lines.is_empty() else int(lines["amount_fen"].sum())


def in_the_ledger(fen: int | None) -> str:
    """Say what the ledger carries. 113,624,217 -> carried at 1,136,242.17 CNY …"""
    if fen is None:
        return "not carried: the ledger has no line of it as an asset"
    gone = "" if fen > 0 else ", for it left the books or is written off"
    return f"carried at {shown(fen)} CNY in the ledger{gone}"


def appraisal_stands(valued: Valued, on: date) -> Answer:
    """Ask for an appraisal that is valid on the day, on a right that lasts as long.

    A report without an approach is one whose income lasts beyond the right to operate.
    """
    first, last, report = valued.appraised_on, valued.valid_to, valued.report
    if valued.approach == "none" and report != "none":
        said = (
            f"appraisal {report} does not stand: its income lasts beyond the right to"
            " operate; have it appraised anew, or renew the right"
        )
        return "appraisal", False, said, report
    if first is None or last is None or not report.strip():
        return "appraisal", False, f"no appraisal is known on {on}", "none"
    passed = first <= on <= last and valued.appraised_fen > 0
    value = shown(valued.appraised_fen)
    ground = f"{value} CNY, valid {first} to {last}, asked on {on}"
    return "appraisal", passed, ground, report


def right_covers_the_loan(case: Case) -> Answer:
    """Ask for the borrower's right to operate, live and not ending before the loan."""
    found = standing(case.rights, "operate", case.as_of, case.terms.borrower.name)
    passed = found.live and found.last >= case.maturity
    ground = f"{found.ground}; the loan matures on {case.maturity}"
    return "right_to_operate", passed, ground, found.evidence


def right_can_be_sold(case: Case) -> Answer:
    """Ask for a right to operate that may be handed over: nothing else can be sold.

    Pledged are the right to operate and what it earns 收益权, never the data.
    """
    who, needs = case.terms.borrower.name, case.rules.disposal_needs
    held = [
        spell
        for spell in bundle(case.rights, case.as_of)
        if spell.right == "operate" and spell.holder == who
    ]
    fit = [s for s in held if all(getattr(s, need, False) for need in needs)]
    said = f"the right to operate of {who} must be {' and '.join(needs) or 'held'}"
    ground = said + ("" if fit else ", and it is not: have the right changed")
    return "disposal", bool(fit), ground, "; ".join(s.evidence for s in fit)


def within_ltv(case: Case) -> Answer:
    """Ask whether what is owed stays within the policy's share of the value.

    What others secure by the same data counts.
    """
    owed = case.outstanding if case.live else case.principal
    owed += sum(other.total for other in case.others)
    share = ratio(owed, case.valued.appraised_fen) or "undefined"
    ground = f"loan to value {share}, at most {case.rules.max_ltv}"
    passed = case.valued.appraised_fen > 0 and owed <= case.cap
    return "loan_to_value", passed, ground, f"{case.rules.policy}/max_ltv"


def free_to_pledge(case: Case, pledge: pl.DataFrame) -> Answer:
    """Ask whether the pledge may stand beside what rests on the same data already."""
    if case.met.filter(request=case.terms.agreement).is_empty():
        said = "nobody asked what else rests on the same data"
        return "free_to_pledge", False, said, ""
    others = case.others
    wrong = refusal(Held(pledge.row(0, named=True)), others) if others else ""
    over = case.as_of >= case.maturity
    told = [wrong, *joined(case)]
    if over:
        told.append(f"matures on {case.maturity}, not after {case.as_of}")
    ground = "; ".join(filter(None, told)) or "no other pledge rests on the same data"
    proof = "registers Pledge, PledgeEvent, CollateralRoot"
    return "free_to_pledge", not over and not wrong, ground, proof


def joined(case: Case) -> Iterator[str]:
    """Say by which roots other pledges rest on the same data."""
    for row in case.met.iter_rows(named=True):
        if row["request"] != case.terms.agreement:
            by = f"by {row['shared']}" if row["shared"] else "by the asset itself"
            yield f"{row['request']} ({row['asset']}, rank {row['rank']}) joins it {by}"


def as_agreed(case: Case) -> Answer:
    """Ask whether the document still says what was written down of the loan."""
    now, then = (f.sort("tranche") for f in (agree(case.terms), case.agreed))
    changed = [c for c in now.columns if now[c].to_list() != then[c].to_list()]
    ground = f"differs from the loan in {changed}" if changed else "as it was agreed"
    return "as_agreed", not changed, ground, f"register Loan {case.terms.agreement}"


def as_pledged(case: Case, pledge: pl.DataFrame) -> Answer:
    """Ask whether the document still says what was pledged under the agreement."""
    if case.ended:
        said = f"{case.terms.agreement} is released: nothing is secured by it"
        return "as_pledged", False, said, f"register PledgeEvent {case.terms.agreement}"
    named = [c for c in pledge.columns if c != "cap_fen"]  # a later appraisal moves it
    changed = [c for c in named if case.own[c].to_list() != pledge[c].to_list()]
    ground = f"differs from the pledge in {changed}" if changed else "as it was pledged"
    return "as_pledged", not changed, ground, f"register Pledge {case.terms.agreement}"
