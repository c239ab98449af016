"""Make capital of an asset: gates, pledge, repayment, position."""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.capital import Capital, CapitalTerms, Position, Repayment
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.registers import Pledge, Right
from tasks.capital.eligibility import Case, eligibility
from tasks.finance import equal_instalments, equal_principal, months_later, ratio

METHODS = {
    "equal_principal": equal_principal,
    "equal_instalments": equal_instalments,
}


def capitalize(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    terms: CapitalTerms,
    as_of: date,
) -> Capital:
    """Pledge the asset and plan the repayment, if every gate is open.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: Pledges of the asset so far; when the agreement is among them, the loan
            is monitored and nothing new is pledged.
        terms: The document's financing with asset and policy filled in.
        as_of: The day the stage speaks of.

    Returns:
        Gates first; then the pledge to post, the schedule, and where the loan stands.

    Raises:
        FactorError: The terms lack their policy.

    5,000,000.00 on 10,019,400.00 appraised -> LTV 0.499032 (COL-02).
    """
    if terms.rules is None:
        raise FactorError("capital: no policy was resolved; name one in the document")
    row = valuation.collect().row(0, named=True)
    held = pledges.collect()
    case = Case(row, rights.collect(), held, terms, terms.rules, as_of)
    live = terms.agreement in held["request"].to_list()
    schedule = repayment(case)
    return Capital(
        gates=eligibility(case).lazy(),
        pledge=frame_of(Pledge, [] if live else [pledge(case)]).lazy(),
        repayment=schedule.lazy(),
        position=position(case, schedule, live).lazy(),
    )


def pledge(case: Case) -> tuple[object, ...]:
    """Write the pledge as a register row."""
    terms = case.terms
    return (
        *(terms.agreement, terms.entity, terms.asset, terms.version, terms.lender),
        *(case.principal, max(case.cap, 1), case.rules.exclusive_pledge),
        *(terms.drawdown, case.maturity),
    )


def repayment(case: Case) -> pl.DataFrame:
    """Plan every instalment; due days step whole months from the drawdown."""
    terms = case.terms
    plan = METHODS[terms.method](case.principal, terms.annual_rate, terms.months)
    rows = [
        (month, months_later(terms.drawdown, month), part, interest, part + interest, left)
        for month, part, interest, left in plan
    ]
    return frame_of(Repayment, rows)


def position(case: Case, schedule: pl.DataFrame, live: bool) -> pl.DataFrame:
    """Say where the loan stands on the day, if it was repaid as planned."""
    terms = case.terms
    due = schedule.filter(pl.col("due_on") <= case.as_of)["principal_fen"].sum()
    outstanding = case.principal - int(due)
    row = (
        *(terms.agreement, terms.asset, terms.version, "live" if live else "new"),
        *(case.principal, outstanding, case.appraised),
        ratio(outstanding, case.appraised),
        ratio(case.appraised, outstanding),
        case.maturity,
    )
    return frame_of(Position, [row])
