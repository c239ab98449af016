"""Put an appraisal under another price, or another quality: one question, all methods.

A price moves what comes in: the forecast of each income method, which the guide price
goes on to cap, and the deals that the asset is held against. A quality moves the
factors that tell of it: δ of the cost approach, X1 of the market approach; no figure of
an income tells how it follows quality, so income stands. Costs, charges, rates and
lives stay as they were stated.

Revenue 300,000, 320,000, 340,000 at 12 %, a fifth down -> 611,971.57 for 764,964.47.
"""

from decimal import Decimal

from schemas.appraisal import Appraisal, IncomeMethod
from schemas.errors import ContractError
from tasks.asset.appraise.figures import Path, figures, scaled


def at_price(appraisal: Appraisal, change: Decimal) -> Appraisal:
    """Let the price of the data move by a share; −0.2 is a fifth down.

    Raises:
        ContractError: A forecast is stated as profit, of which a price tells nothing.
    """
    for method in appraisal.methods:
        if isinstance(method, IncomeMethod) and method.forecast.measure != "revenue":
            raise ContractError(
                f"{appraisal.report}, {method.method}: its forecast is stated as"
                f" {method.forecast.measure}, of which a price tells nothing; state it"
                " as revenue, less expenses"
            )
    return moved(appraisal, [p for p, _ in figures(appraisal) if priced(p)], 1 + change)


def at_quality(appraisal: Appraisal, ratio: Decimal) -> Appraisal:
    """Let the quality score be another: new over old; 0.95 / 0.98 after a fall."""
    told = [path for path, _ in figures(appraisal) if of_quality(path)]
    return moved(appraisal, told, ratio)


def moved(appraisal: Appraisal, paths: list[Path], by: Decimal) -> Appraisal:
    """Multiply some figures, all others held."""
    for path in paths:
        appraisal = scaled(appraisal, path, by)
    return appraisal


def priced(path: Path) -> bool:
    """Say whether a figure is a price, or what a price brings in."""
    return path[1:] == ("forecast", "inflow") or path[:2] == (
        *("comparable_deals", "deals"),
    )


def of_quality(path: Path) -> bool:
    """Say whether a figure tells of quality: δ, or X1 of a deal."""
    if path[0] == "comparable_deals":
        return path[-1] == "quality"
    return path == ("replacement_cost", "delta")
