"""Judge what a document asks of the whole set, by the counts of the pass.

Rows, and the values that a rule of values counted, are judged as they are or as percent
of the rows that came in. ``volume`` is the rows that went out as percent of the median
of earlier runs; the first run has nothing to be compared with. Freshness depends on the
day and is judged where the quality of a resource is assessed.

Limit 5 percent, 31 of 600 rows without a value -> 5.17 percent: not kept.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median

from schemas.rule import BOUNDS, RUNS, Quality
from tasks.contract.compile import Contract
from tasks.contract.verdict import Verdict

COMPARED: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "must_be": operator.eq,
    "must_be_less_than": operator.lt,
    "must_be_less_or_equal_to": operator.le,
    "must_be_greater_than": operator.gt,
    "must_be_greater_or_equal_to": operator.ge,
}


@dataclass(frozen=True)
class SetVerdict:
    """What one rule about the set found.

    ``value`` is null where there was nothing to judge; the rule then counts as kept.
    ``fails`` says whether the run must stop: it is an error and not kept.
    """

    rule: str
    value: Decimal | None
    kept: bool
    fails: bool
    sentence: str


def judge_set(
    contract: Contract, verdict: Verdict, history: Sequence[int] = ()
) -> list[SetVerdict]:
    """Judge every rule about the set but freshness.

    Args:
        contract: The rules.
        verdict: What the pass counted.
        history: Rows that earlier runs put out, the latest last.

    Returns:
        One verdict a rule, in the order of the contract.
    """
    return [
        judged(name, rule, measured(name, rule, verdict, history))
        for name, rule in contract.sets.items()
        if rule.metric != "freshness"
    ]


def measured(
    name: str, rule: Quality, verdict: Verdict, history: Sequence[int]
) -> Fraction | None:
    """Measure a set in the unit of the rule; null where nothing can be measured."""
    if rule.metric == "rowCount":
        return Fraction(verdict.rows_out)
    if rule.metric == "volume":
        earlier = history[-(rule.runs or RUNS) :]
        return share(verdict.rows_out, Fraction(median(map(Fraction, earlier or [0]))))
    found = verdict.warned[name]
    if rule.unit == "rows":
        return Fraction(found)
    return share(found, Fraction(verdict.rows_in))


def share(part: int, whole: Fraction) -> Fraction | None:
    """Give a part in percent, of nothing null."""
    return 100 * part / whole if whole else None


def judged(name: str, rule: Quality, value: Fraction | None) -> SetVerdict:
    """Hold a measured value against the bound, exactly."""
    field, limits = rule.bound
    exact = [Fraction(str(limit)) for limit in limits]
    kept = value is None or (
        exact[0] <= value <= exact[1]
        if len(exact) == 2
        else COMPARED[field](value, exact[0])
    )
    shown = None if value is None else rounded(value)
    asked = f"{BOUNDS[field][1]} {' and '.join(f'{x:,}' for x in limits)} {rule.unit}"
    found = "nothing to judge it by" if shown is None else f"{shown:,} {rule.unit}"
    sentence = f"{name}: {found}; the document asks for {asked}"
    return SetVerdict(
        rule=name,
        value=shown,
        kept=kept,
        fails=not kept and rule.severity == "error",
        sentence=sentence,
    )


def rounded(value: Fraction) -> Decimal:
    """Show a value: rows whole, shares with six decimals at most. 1/3 -> 0.333333."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(f"{exact.quantize(Decimal('1e-6')).normalize():f}")
