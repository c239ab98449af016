"""Value by the market approach: what comparable data were sold for.

P = Σ Q_i × X1 × X2 × X3 × X4 × X5 over the datasets of the asset (中评协〔2023〕17号).
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext

from schemas.appraisal import Adjustment, ComparableDeals
from schemas.money import PRECISION, fen
from tasks.asset.appraise.result import Found, Step


def by_market(method: ComparableDeals, valuation_date: date) -> Found:
    """Adjust the deals beside each dataset, average them, and sum the datasets.

    577,269.00 + 232,560.00 -> 809,829.00 (VAL-05).
    """
    steps: list[Step] = []
    value = Decimal(0)
    with localcontext(prec=PRECISION):
        for dataset, references in method.datasets.items():
            total = Decimal(0)
            for number, x in references.items():
                factors = [*adjusting(method, number, x, valuation_date)]
                price = method.deals[number].value
                for _, factor in factors:
                    price *= factor
                total += price
                item = f"{dataset}/{number}"
                deal = method.deals[number].value
                steps += [Step("deal", item, 0, deal)]
                steps += [Step(n, item, 0, f, "ratio") for n, f in factors]
                steps += [Step("adjusted", item, 0, price)]
            mean = total / len(references)
            steps.append(Step("dataset", dataset, 0, mean))
            value += mean
    return Found(
        method.method, method.approach, method.weight, fen(value), tuple(steps)
    )


def adjusting(
    method: ComparableDeals, number: str, x: Adjustment, valuation_date: date
) -> Iterator[tuple[str, Decimal]]:
    """Give X1 to X5 of a deal; of time by the index where no factor is stated."""
    yield "quality", x.quality.value
    yield "supply_demand", x.supply_demand.value
    if x.time:
        yield "time", x.time.value
    elif method.index:
        now = method.index.values[f"{valuation_date:%Y-%m}"]
        yield "time", now / method.index.values[f"{method.deals[number].dated:%Y-%m}"]
    yield "capacity", x.capacity.value
    yield "other", x.other.value
