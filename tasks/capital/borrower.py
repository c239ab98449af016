"""Ask whether a borrower can bear a loan: issuer, cash flow, limits, conditions.

Debt service coverage 偿债备付率 of a year is the cash flow that is stated for it over
the principal and interest that fall due in it. It is held against the floor exactly, as
integers of fen; only what is shown is rounded, half up to six decimals.

600,000.00 of cash flow, 500,000.00 due -> 1.200000, which a floor of 1.20 lets pass.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, NamedTuple

import polars as pl

from schemas.capital import Borrower, CapitalTerms, Condition, Repayment
from schemas.entity import credit_code_is_sound
from schemas.money import exact_fen, shown
from schemas.policy import CapitalRules
from schemas.registers import LoanFact
from schemas.survey import Lent
from tasks.finance import ratio

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


class Service(NamedTuple):
    """What a year asks of the borrower, and what it has; None where nobody says."""

    year: int
    due_fen: int
    flow_fen: int | None

    @property
    def cover(self) -> str:
        """Its coverage with six decimals, half up; empty where it is undefined."""
        if self.flow_fen is None:
            return ""
        sign = "-" if self.flow_fen < 0 else ""
        return sign + ratio(abs(self.flow_fen), self.due_fen)

    def reaches(self, floor: Decimal) -> bool:
        """Say whether the coverage is no lower than a floor."""
        return (
            self.flow_fen is not None
            and self.flow_fen >= Fraction(floor) * self.due_fen
        )


def services(
    borrower: Borrower, repayment: Annotated[pl.DataFrame, Repayment], since: int
) -> list[Service]:
    """Set the debt service of each calendar year against its stated cash flow.

    Args:
        borrower: With its cash flows.
        repayment: The schedule, all tranches together.
        since: First year that counts.
    """
    flows = {one.year: exact_fen(one.amount) for one in borrower.cash_flows}
    due = repayment.group_by(pl.col("due_on").dt.year().alias("year")).agg(
        pl.col("payment_fen").sum()
    )
    return [
        Service(year, fen, flows.get(year))
        for year, fen in due.sort("year").iter_rows()
        if year >= since and fen > 0
    ]


def serves_its_debt(
    terms: CapitalTerms,
    rules: CapitalRules,
    repayment: Annotated[pl.DataFrame, Repayment],
    as_of: date,
) -> Answer:
    """Ask for cash flows that cover the debt service of each year to come.

    They must be stated where the loan is larger than the policy lets pass without, and
    where its covenants name a floor. Cash flow is before this loan and after all other
    debts: who states it has taken those off.
    """
    floor = max(rules.min_dscr, terms.covenants.min_dscr or rules.min_dscr)
    asked = terms.principal > rules.dscr_above or terms.covenants.min_dscr is not None
    rule = f"{rules.policy}/min_dscr"
    if not terms.borrower.cash_flows:
        above = shown(exact_fen(rules.dscr_above))
        said = f"no cash flow is stated; above {above} CNY it must be"
        if terms.covenants.min_dscr is not None:
            said = f"no cash flow is stated, and the covenants ask for {floor}"
        return "debt_service", not asked, said, f"{rules.policy}/dscr_above"
    years = services(terms.borrower, repayment, as_of.year)
    short = [*shortfalls(years, floor)]
    told = ", ".join(f"{one.year} {one.cover}" for one in years if one.cover)
    ground = "; ".join(short) or f"debt service coverage {told}, at least {floor}"
    proof = "; ".join(dict.fromkeys(f.evidence for f in terms.borrower.cash_flows))
    return "debt_service", not short, ground, f"{proof}; {rule}"


def shortfalls(years: list[Service], floor: Decimal) -> Iterator[str]:
    """Name the years that are not covered, or of which nobody says anything."""
    for one in years:
        if one.flow_fen is None:
            yield (
                f"no cash flow is stated for {one.year}, in which"
                f" {shown(one.due_fen)} CNY fall due"
            )
        elif not one.reaches(floor):
            yield (
                f"debt service coverage {one.cover} in {one.year} is below {floor}:"
                f" {shown(one.flow_fen)} over {shown(one.due_fen)} CNY"
            )


def is_named(borrower: Borrower) -> Answer:
    """Ask for a credit code that names one borrower."""
    sound = credit_code_is_sound(borrower.credit_code)
    ground = f"{borrower.name}, {borrower.credit_code}"
    return "borrower", sound, ground, "check character of GB 32100"


def may_issue(borrower: Borrower, rules: CapitalRules) -> Answer:
    """Refuse those who may not borrow on data: administrative organs 行政机关.

    The first digit of a credit code names who registers, the second what: 11 is an
    organ, 12 a public institution 事业单位, 91 an enterprise (GB 32100-2015, table 1).
    """
    code, refused = borrower.credit_code, rules.refused_issuers
    barred = [digits for digits in refused if code.startswith(digits)]
    said = f"{borrower.name} is registered under {code[:2]}"
    told = f"{said}, whose bodies may not pledge or borrow on data; another must"
    ground = told if barred else f"{said}, not under {' or '.join(refused) or 'any'}"
    return "issuer", not barred, ground, f"{rules.policy}/refused_issuers"


def within_limits(
    terms: CapitalTerms, rules: CapitalRules, lent: Annotated[pl.DataFrame, Lent]
) -> Iterator[Answer]:
    """Hold this loan, with all that is lent already, against the limits of the policy.

    Args:
        terms: The loan.
        rules: The limits.
        lent: What is lent under other agreements, by borrower, industry and lender;
            without a row nobody has asked, and the gate stays shut.
    """
    limits = {
        "borrower": rules.borrower_limit,
        "industry": rules.industry_limit,
        "lender": rules.lender_limit,
    }
    for measure, limit in limits.items():
        answers = [
            within_limit(measure, name, fen, limit, lent)
            for name, fen in exposures(terms)[measure].items()
        ]
        ground = "; ".join(said for _, said in answers)
        passed = all(kept for kept, _ in answers)
        yield f"{measure}_limit", passed, ground, f"{rules.policy}/{measure}_limit"


def exposures(terms: CapitalTerms) -> dict[str, dict[str, int]]:
    """Say what this loan adds, in fen, by borrower, industry and lender."""
    whole, lenders = exact_fen(terms.principal), dict[str, int]()
    for one in terms.parts:
        lenders[one.lender] = lenders.get(one.lender, 0) + exact_fen(one.amount)
    return {
        "borrower": {terms.borrower.credit_code: whole},
        "industry": {section(terms.borrower.industry): whole},
        "lender": lenders,
    }


def within_limit(
    measure: str,
    name: str,
    fen: int,
    limit: Decimal,
    lent: Annotated[pl.DataFrame, Lent],
) -> tuple[bool, str]:
    """Say whether one borrower, industry or lender stays within its limit, and why."""
    known = lent.filter(measure=measure, name=name)
    who = f"{measure} {name or 'that nobody named'}"
    if known.is_empty():
        return False, f"{who}: nobody asked what is lent already"
    other = int(known["lent_fen"].sum())
    kept = other + fen <= exact_fen(limit)
    than = "at most" if kept else "more than the limit of"
    return kept, (
        f"{who}: {shown(fen)} with {shown(other)} CNY of other loans, {than}"
        f" {shown(exact_fen(limit))}"
    )


def section(industry: str) -> str:
    """Take the section 门类 of GB/T 4754. I65 software -> I."""
    return industry[:1]


def conditions_met(
    loan: str,
    conditions: Sequence[Condition],
    facts: Annotated[pl.DataFrame, LoanFact],
    on: date,
) -> Answer:
    """Ask for the record of every condition precedent by a day; else nothing is paid.

    Args:
        loan: Number of the agreement.
        conditions: What was agreed.
        facts: What is recorded of loans; a condition without evidence is not met.
        on: The day of the drawdown.
    """
    known = facts.filter(
        pl.col("effective_on") <= on,
        pl.col("evidence").str.strip_chars() != "",
        loan=loan,
        event="condition",
    )
    proofs = dict(known.select("name", "evidence").iter_rows())
    if unmet := [one for one in conditions if one.name not in proofs]:
        named = "; ".join(f"{one.name} ({one.text})" for one in unmet)
        ground = (
            f"not met by {on}: {named}: record each with `datafactor condition"
            f" {loan} NAME`"
        )
        return "conditions_precedent", False, ground, "register LoanFact"
    ground = "every condition precedent 先决条件 is met" if conditions else "none"
    proof = "; ".join(proofs[one.name] for one in conditions)
    return "conditions_precedent", True, ground, proof or f"agreement {loan}"
