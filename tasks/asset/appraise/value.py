"""Value an asset by every method of an appraisal and reconcile what they find.

Each method is rounded once to fen; the reconciled value is Σ weight × value, rounded
once, half up. 11,769,253.22 × 0.7 + 11,009,565.00 × 0.3 -> 11,541,346.75.
"""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple

from schemas.appraisal import (
    Appraisal,
    Case,
    ComparableDeals,
    Contribution,
    Method,
    PriceIndex,
    ReplacementCost,
)
from schemas.money import PRECISION, fen, yuan
from tasks.asset.appraise.contribute import Part, contributions
from tasks.asset.appraise.cost import by_cost
from tasks.asset.appraise.figures import Path, figures, scaled
from tasks.asset.appraise.income import by_income, timed
from tasks.asset.appraise.market import by_market
from tasks.asset.appraise.metered import growth
from tasks.asset.appraise.result import Found, Note
from tasks.finance import internal_rate, months_later

# One splits the value and moves none; of the other all months would move alike.
UNMOVED = (Contribution, PriceIndex)
LIFE = "economic_life"  # of every method of income


class Swing(NamedTuple):
    """The reconciled value with one figure lower, and higher; in fen."""

    path: Path
    low_fen: int
    high_fen: int

    @property
    def width(self) -> int:
        """How much the value moves."""
        return abs(self.high_fen - self.low_fen)


class Results(NamedTuple):
    """All that follows from a case."""

    methods: tuple[Found, ...]
    value_fen: int
    valid_to: date
    implied_rate: Decimal | None  # return of the income on the reconciled value
    swings: tuple[Swing, ...]
    parts: tuple[Part, ...]
    notes: tuple[Note, ...]


def in_force(appraisals: tuple[Appraisal, ...], on: date) -> Appraisal | None:
    """Pick the latest valuation reported by a day; a later report is not yet known."""
    made = [a for a in appraisals if a.reported_on <= on]
    return max(made, key=lambda a: (a.valuation_date, a.reported_on), default=None)


def valid_to(appraisal: Appraisal, months: int) -> date:
    """Find the last day on which an appraisal may be used.

    Counted from the valuation date: 2026-06-20 and 12 months -> 2027-06-19.
    """
    return months_later(appraisal.valuation_date, months) - timedelta(days=1)


def valued(method: Method, case: Case) -> Found:
    """Value by one method."""
    if isinstance(method, ReplacementCost):
        return by_cost(method)
    if isinstance(method, ComparableDeals):
        return by_market(method, case.appraisal.valuation_date)
    return by_income(method, case)


def appraised(case: Case) -> int:
    """Value in fen: the methods' values by their weights; never below 0."""
    found = [valued(method, case) for method in case.appraisal.methods]
    return reconciled(found)


def reconciled(found: list[Found]) -> int:
    """Weigh what the methods found; what is worth less than nothing is worth 0."""
    with localcontext(prec=PRECISION):
        total = sum((f.weight * yuan(f.value_fen) for f in found), Decimal(0))
        return max(fen(total), 0)


def results(case: Case) -> Results:
    """Work out everything that a report tells."""
    found = [valued(method, case) for method in case.appraisal.methods]
    value = reconciled(found)
    return Results(
        methods=tuple(found),
        value_fen=value,
        valid_to=valid_to(case.appraisal, case.valid_months),
        implied_rate=implied(case, value),
        swings=sensitivity(case, found),
        parts=contributions(case.appraisal.contribution, value),
        notes=tuple(growth(case)),
    )


def sensitivity(case: Case, found: list[Found]) -> tuple[Swing, ...]:
    """Move each figure down and up by the stated share, all others held; widest first.

    No figure is left out, so that nobody chooses what the reader sees.
    """
    by = case.appraisal.swing
    swings = [
        Swing(path, moved(case, found, path, 1 - by), moved(case, found, path, 1 + by))
        for path, figure in figures(case.appraisal)
        if not isinstance(figure, UNMOVED)
    ]
    return tuple(sorted(swings, key=lambda s: (-s.width, s.path)))


def moved(case: Case, found: list[Found], path: Path, by: Decimal) -> int:
    """Appraise with one figure multiplied; methods that do not have it stand."""
    changed = scaled(case.appraisal, path, by)
    other = case.model_copy(update={"appraisal": changed})
    return reconciled(
        [
            valued(method, other) if path[0] in (method.method, LIFE) else stands
            for method, stands in zip(changed.methods, found, strict=True)
        ]
    )


def implied(case: Case, value_fen: int) -> Decimal | None:
    """Find the return of the first income method's flows on the reconciled value."""
    for method in case.appraisal.methods:
        if not isinstance(method, ReplacementCost | ComparableDeals):
            paid = [(-yuan(value_fen), Decimal(0))]
            return internal_rate([*paid, *timed(method, case)])
    return None
