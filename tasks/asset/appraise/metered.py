"""Hold a forecast against what was really invoiced for the product."""

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Annotated

import polars as pl

from schemas.appraisal import Case, IncomeMethod, Metered
from schemas.errors import ContractError
from schemas.money import PRECISION, exact_fen, fen, shown, yuan
from schemas.registers import Invoice, Order
from tasks.asset.appraise.result import Note
from tasks.finance import months_later


def metered(
    orders: Annotated[pl.LazyFrame, Order],
    invoices: Annotated[pl.LazyFrame, Invoice],
    valuation_date: date,
    reported_on: date,
) -> Metered | None:
    """Sum what was invoiced in the twelve whole months before the valuation date.

    Args:
        orders: Of the product.
        invoices: Of any product; corrections included.
        valuation_date: 2026-06-20 -> the months 2025-06 to 2026-05.
        reported_on: What was invoiced later was not known.

    Returns:
        None where nothing was invoiced.
    """
    month = valuation_date.replace(day=1)
    periods = [f"{months_later(month, -n):%Y-%m}" for n in range(12, 0, -1)]
    own = invoices.join(orders.select("order").unique(), on="order", how="semi")
    known = (pl.col("issued_on") <= reported_on) & pl.col("period").is_in(periods)
    found = own.filter(known).select("period", "amount_fen").collect()
    if found.is_empty():
        return None
    return Metered(
        first=periods[0],
        last=periods[-1],
        months=found["period"].n_unique(),
        amount=yuan(int(found["amount_fen"].sum())),
    )


def refuse_untied(case: Case) -> None:
    """Ask that a forecast can be held against revenue where there is any.

    Raises:
        ContractError: It is stated as profit.
    """
    for method in case.appraisal.methods:
        forecast = method.forecast if isinstance(method, IncomeMethod) else None
        if case.metered and forecast and forecast.measure != "revenue":
            raise ContractError(
                f"{method.method}: the product has invoiced revenue, so its forecast"
                " is held against it: state it as revenue, less expenses"
            )


def growth(case: Case) -> Iterator[Note]:
    """Say by how much the first year's forecast exceeds what was invoiced.

    2,500,000.00 invoiced, 3,000,000.00 forecast -> 20.00 %.
    """
    for method in case.appraisal.methods:
        if not isinstance(method, IncomeMethod):
            continue
        if case.metered is None:
            yield Note("not_metered", (method.method,))
            continue
        before, first = case.metered.amount, method.forecast.inflow.values[0]
        said = (case.metered.first, case.metered.last, str(case.metered.months))
        money = (shown(exact_fen(before)), shown(fen(first)))
        yield Note("growth", (method.method, *said, *money, percent(first, before)))


def percent(now: Decimal, before: Decimal) -> str:
    """Write a change in percent, two places, half up; a dash if from nothing."""
    if before <= 0:
        return "–"
    with localcontext(prec=PRECISION):
        change = (now / before - 1) * 100
        return f"{change.quantize(Decimal('0.01'), ROUND_HALF_UP):+} %"
