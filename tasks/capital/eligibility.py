"""Decide whether an asset may carry a loan: every ground at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple

import polars as pl

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.entity import Role, credit_code_is_sound
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.policy import CapitalRules
from schemas.registers import JournalLine
from tasks.finance import months_later, ratio
from tasks.quality import quality_holds
from tasks.rights import disputed, standing

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
    others: pl.DataFrame  # contract Pledge: every other pledge of the asset
    journal: pl.DataFrame  # contract JournalLine: what is posted of the asset
    repayment: pl.DataFrame  # contract Repayment
    score: pl.DataFrame  # contract Score: of the resource
    terms: CapitalTerms
    rules: CapitalRules
    as_of: date

    @property
    def live(self) -> bool:
        """Whether the agreement is already pledged, so that this run monitors it."""
        return not self.own.is_empty()

    @property
    def principal(self) -> int:
        """Principal in fen."""
        return exact_fen(self.terms.principal)

    @property
    def outstanding(self) -> int:
        """What is owed on the day, in fen, if it was repaid as planned."""
        due = self.repayment.filter(pl.col("due_on") <= self.as_of)
        return self.principal - int(due["principal_fen"].sum())

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

    Args:
        case: What is known.
        pledge: The pledge as the terms describe it (contract Pledge).
    """
    rules, valued = case.rules, case.valued
    said = f"policy {rules.policy} applies from {rules.applies_from}"
    begun = rules.applies_from <= case.as_of
    paid = "charged for or used inside" if valued.charged else "free to all"
    answers = [
        ("policy_in_force", begun, said, rules.policy),
        ("not_free", valued.charged, paid, "the valuation"),
        recognised(case),
        appraisal_stands(valued, case.as_of),
        right_covers_the_loan(case),
        within_ltv(case),
        borrower_is_named(case),
        as_pledged(case, pledge) if case.live else free_to_pledge(case),
        quality_holds(case.score),
        disputed(case.disputes, (case.terms.factor, case.terms.asset), case.as_of),
    ]
    return frame_of(Gates, [(*answer, case.as_of) for answer in answers])


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


def within_ltv(case: Case) -> Answer:
    """Ask whether what is owed stays within the policy's share of the value."""
    owed = case.outstanding if case.live else case.principal
    owed += int(case.others["principal_fen"].sum())
    share = ratio(owed, case.valued.appraised_fen) or "undefined"
    ground = f"loan to value {share}, at most {case.rules.max_ltv}"
    passed = case.valued.appraised_fen > 0 and owed <= case.cap
    return "loan_to_value", passed, ground, f"{case.rules.policy}/max_ltv"


def borrower_is_named(case: Case) -> Answer:
    """Ask for a credit code that names one borrower."""
    borrower = case.terms.borrower
    sound = credit_code_is_sound(borrower.credit_code)
    ground = f"{borrower.name}, {borrower.credit_code}"
    return "borrower", sound, ground, "check character of GB 32100"


def free_to_pledge(case: Case) -> Answer:
    """Ask whether no other agreement holds the asset, and the loan still runs."""
    held = ", ".join(sorted(case.others["request"]))
    exclusive = case.rules.exclusive_pledge or bool(case.others["exclusive"].any())
    over = case.as_of >= case.maturity
    ground = f"pledged under {held}" if held else "no other pledge"
    if over:
        ground += f"; matures on {case.maturity}, not after {case.as_of}"
    passed = not over and not (held and exclusive)
    return "free_to_pledge", passed, ground, "register Pledge"


def as_pledged(case: Case, pledge: pl.DataFrame) -> Answer:
    """Ask whether the document still says what was pledged under the agreement."""
    named = [c for c in pledge.columns if c != "cap_fen"]  # a later appraisal moves it
    changed = [c for c in named if case.own[c].to_list() != pledge[c].to_list()]
    ground = f"differs from the pledge in {changed}" if changed else "as it was pledged"
    return "as_pledged", not changed, ground, f"register Pledge {case.terms.agreement}"
