"""Appraise by the income approach, every input laid open (中评协〔2023〕17号)."""

from collections.abc import Iterator
from datetime import date

from schemas.asset import AssetTerms, IncomeAppraisal
from schemas.money import fen
from tasks.finance import months_later, present_value


def in_force(
    appraisals: tuple[IncomeAppraisal, ...], on: date
) -> IncomeAppraisal | None:
    """Pick the latest appraisal made by a day; one made later is not yet known."""
    made = [a for a in appraisals if a.appraised_on <= on]
    return max(made, key=lambda a: a.appraised_on, default=None)


def appraise(appraisal: IncomeAppraisal) -> int:
    """Value in fen: P = Σ F_t/(1+i)^t at year ends, rounded once, half up.

    300,000, 320,000, 340,000 at 12 % -> 764,964.47 (VAL-06).
    """
    return fen(present_value(appraisal.cash_flows, appraisal.discount_rate))


def horizon(appraisal: IncomeAppraisal) -> date:
    """Find the day to which income is expected: a year each from the valuation date."""
    return months_later(appraisal.appraised_on, 12 * len(appraisal.cash_flows))


def inputs_of(
    appraisal: IncomeAppraisal, terms: AssetTerms
) -> Iterator[tuple[object, ...]]:
    """List what a stranger needs to recompute the value. Contract: AppraisalInputs."""
    stated = [
        ("formula", 0, "sum of F_t / (1 + i) ^ t, t = 1 to n, at year ends", "text"),
        ("rounding", 0, "once, the sum, half up to 0.01 CNY", "text"),
        ("appraised_on", 0, str(appraisal.appraised_on), "date"),
        ("premises", 0, appraisal.premises, "text"),
        ("discount_rate", 0, str(appraisal.discount_rate), "fraction per year"),
        *(
            ("cash_flow", t, str(f), "CNY")
            for t, f in enumerate(appraisal.cash_flows, 1)
        ),
    ]
    for row in stated:
        known = (terms.name, terms.version, appraisal.approach)
        yield *known, *row, appraisal.report
