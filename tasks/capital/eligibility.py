"""Decide whether an asset may carry a loan: every ground at once, evidence or no."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from schemas.capital import CapitalTerms
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.policy import CapitalRules
from tasks.finance import months_later, ratio
from tasks.rights import live_right

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


@dataclass(frozen=True)
class Case:
    """What a credit officer has on the table."""

    valuation: dict[str, object]  # the one row of contract Valuation
    rights: pl.DataFrame
    pledges: pl.DataFrame
    terms: CapitalTerms
    rules: CapitalRules
    as_of: date

    @property
    def principal(self) -> int:
        """Principal in fen."""
        return exact_fen(self.terms.principal)

    @property
    def appraised(self) -> int:
        """Appraised value in fen; 0 when nobody appraised."""
        return int(str(self.valuation["appraised_fen"]))

    @property
    def cap(self) -> int:
        """The most that may be lent on it: appraised × max_ltv, rounded down."""
        return int(self.appraised * self.rules.max_ltv)

    @property
    def maturity(self) -> date:
        """The day of the last instalment."""
        return months_later(self.terms.drawdown, self.terms.months)


def eligibility(case: Case) -> pl.DataFrame:
    """Answer every gate of the fourth stage. Contract: Gates."""
    answers = [
        recognised(case),
        appraisal_stands(case),
        within_ltv(case),
        right_covers_the_loan(case),
        not_pledged_elsewhere(case),
    ]
    return frame_of(Gates, [(*answer, case.as_of) for answer in answers])


def recognised(case: Case) -> Answer:
    """Ask for an asset in the books."""
    outcome, book = case.valuation["outcome"], int(str(case.valuation["book_fen"]))
    passed = outcome in ("intangible", "inventory") and book > 0
    ground = f"{outcome}, book value {shown(book)} CNY"
    return "recognised_asset", passed, ground, "valuation"


def appraisal_stands(case: Case) -> Answer:
    """Ask for an appraisal that is valid on the day."""
    first, last = case.valuation["appraised_on"], case.valuation["valid_to"]
    if not isinstance(first, date) or not isinstance(last, date):
        return "appraisal", False, "nobody has appraised the asset", "none"
    passed = first <= case.as_of <= last and case.appraised > 0
    ground = f"{shown(case.appraised)} CNY, valid {first} to {last}, asked {case.as_of}"
    return "appraisal", passed, ground, str(case.valuation["appraiser"])


def within_ltv(case: Case) -> Answer:
    """Ask whether the loan stays below the policy's share of the appraised value."""
    share = ratio(case.principal, case.appraised) or "undefined"
    ground = f"loan to value {share}, at most {case.rules.max_ltv}"
    passed = 0 < case.principal <= case.cap
    return "loan_to_value", passed, ground, "policy rule max_ltv"


def right_covers_the_loan(case: Case) -> Answer:
    """Ask for a live right to operate that outlasts the loan."""
    held = live_right(case.rights, "operate", case.as_of)
    if held is None:
        ground = f"no right to operate is live on {case.as_of}"
        return "right_to_operate", False, ground, "register Right"
    ground = f"held to {held.valid_to}, the loan matures on {case.maturity}"
    return (
        "right_to_operate",
        held.valid_to >= case.maturity,
        ground,
        held.certificate,
    )


def not_pledged_elsewhere(case: Case) -> Answer:
    """Ask whether another agreement already holds the asset."""
    others = case.pledges.filter(pl.col("request") != case.terms.agreement)
    held = ", ".join(sorted(others["request"]))
    exclusive = case.rules.exclusive_pledge or bool(others["exclusive"].any())
    passed = not held or not exclusive
    ground = f"already pledged under {held}" if held else "no other pledge"
    return "free_of_other_pledges", passed, ground, "register Pledge"
