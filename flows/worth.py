"""Say what factors are worth over time: cost, revenue, uses, decisions, combining.

Cost is what vouchers say was spent on the product, its part of each line, by the month
it was incurred in; revenue what was invoiced without tax; use what was delivered;
decisions the rows of the month's newest product that answer its decision. The gain
itself is measured by its user, in the words of the scenario's metric.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from flows.answer import chosen, wanted
from flows.counted import written
from flows.document import factor_named
from flows.face import table
from flows.market import rows_of
from flows.released import offers, released_by
from schemas.errors import DatafactorError, StoreError
from schemas.factor import Factor
from schemas.money import shown, yuan
from schemas.registers import Invoice, Order
from tasks import store
from tasks.page.value import value_page
from tasks.store import sales
from tasks.worth import Month, Multiplier, by_month, stated

Facts = dict[str, Any]  # JSON
HEAD = ["factor", "month", "cost", "revenue", "calls", "rows", "decisions"]


def value(names: Sequence[str]) -> Facts:
    """Tell each factor's months, sums and multiplier; without names, of all offered.

    Raises:
        StoreError: Nothing is known of a factor.
    """
    asked = names or sorted({run.publication.factor for run in offers()})
    return {"factors": [factor_facts(name) for name in asked]}


def factor_facts(name: str) -> Facts:
    """Tell one factor."""
    months = months_of(name)
    if not months:
        raise StoreError(
            f"{name}: nothing was spent, published, delivered or invoiced yet:"
            f" `datafactor run {name}`"
        )
    terms = document(name)
    said = terms and terms.scenario
    total = by_month(
        (("all", m.cost_fen) for m in months),
        (("all", m.revenue_fen) for m in months),
        (("all", m.calls, m.rows) for m in months),
        {},
    )[0]
    return {
        "factor": name,
        "title": terms.title if terms else name,
        "illustrative": bool(terms and terms.illustrative),
        "decision": said.decision if said else "",
        "metric": said.metric if said else "",
        "months": [month_facts(m) for m in months],
        "total": {**month_facts(total), "decisions": months[-1].decisions},
        "multiplier": multiplier_facts(combined(terms) if terms else None),
    }


def document(name: str) -> Factor | None:
    """Load the document; one that is gone tells nothing any more."""
    with suppress(DatafactorError):
        return factor_named(name)
    return None


def months_of(name: str) -> list[Month]:
    """Lay out a factor's months."""
    return by_month(spent(name), earned([name]), used(name), decided(name))


def spent(name: str) -> Iterator[tuple[str, int]]:
    """Give the product's part of each voucher line, by the month it was incurred in."""
    s = store.current()
    made = store.newest(s, "assetize", name)
    if not made or not {"allocation", "costs"} <= made[0].refs.keys():
        return
    shares, costs = (store.scan(s, made[0].refs[n]) for n in ("allocation", "costs"))
    mine = shares.filter(pl.col("product") == made[0].publication.terms["product"])
    days = costs.select("voucher", "line", "incurred_on")
    lines = mine.join(days, on=["voucher", "line"]).collect()
    for day, fen in lines.select("incurred_on", "amount_fen").iter_rows():
        yield f"{day:%Y-%m}", fen


def earned(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Give each line that was invoiced for products of some factors, without tax."""
    mine = {o["order"] for name in names for o in rows_of(Order, factor=name)}
    for line in rows_of(Invoice):
        if line["order"] in mine:
            yield line["period"], line["amount_fen"]


def used(name: str) -> Iterator[tuple[str, int, int]]:
    """Give calls and rows that were delivered, by month."""
    for months in sales.months(store.current(), factor=name).values():
        for month in months:
            yield month["month"], month["calls"], month["rows"]


def decided(name: str) -> dict[str, int]:
    """Count by month the rows of its newest product that answer the decision."""
    found: dict[str, int] = {}
    for run in offers(name):  # newest day first
        month = f"{run.publication.as_of or run.at.date():%Y-%m}"
        if month not in found:
            with suppress(DatafactorError):  # it was refused, or its bytes are gone
                offer = released_by(run)
                found[month] = chosen(offer, wanted(offer.terms, ())).height
    return found


def combined(terms: Factor) -> Multiplier | None:
    """Say what its sources bring together and apart; None where none are combined.

    By the newest appraisal that states it; else by what was invoiced for the product
    and for those it takes in: they sell alone too, so what combining adds is its own.
    """
    if (said := appraised(terms)) is not None:
        return said
    others = sorted({ref.partition("/")[0] for ref in terms.inputs.values()})
    if not others:
        return None
    apart, own = (yuan(sum(f for _, f in earned(n))) for n in (others, [terms.factor]))
    ground = f"invoiced for {', '.join(others)} alone, and for {terms.factor} with them"
    return Multiplier(apart + own, apart, "CNY", ground)


def appraised(terms: Factor) -> Multiplier | None:
    """Take the worth of groups of providers from the newest report that states it."""
    reports = terms.asset.appraisal if terms.asset else ()
    told = [report for report in reports if report.contribution]
    if not told:
        return None
    last = max(told, key=lambda report: report.reported_on)
    said = last.contribution
    assert said is not None  # narrowed above, which mypy does not follow
    together, apart = stated(said.providers, said.by_group())
    return Multiplier(together, apart, said.unit, f"{last.report}: {said.source}")


def month_facts(month: Month) -> Facts:
    """Tell a month; money as text in yuan."""
    return {
        "month": month.month,
        "cost": shown(month.cost_fen),
        "revenue": shown(month.revenue_fen),
        "calls": month.calls,
        "rows": month.rows,
        "decisions": month.decisions,
    }


def multiplier_facts(found: Multiplier | None) -> Facts | None:
    """Tell what combining adds."""
    if found is None:
        return None
    return {
        "together": f"{found.together:,}",
        "apart": f"{found.apart:,}",
        "more": f"{found.more:,}",
        "times": None if found.times is None else str(found.times),
        "unit": found.unit,
        "ground": found.ground,
    }


def write(data: Facts, folder: Path) -> list[str]:
    """Write value.csv and value.html into a folder; say where they are."""
    return written(folder, "value", as_csv(data), value_page(data))


def as_csv(data: Facts) -> str:
    """Write a line a factor and month; money in yuan without separators."""
    made = StringIO()
    rows = csv.writer(made)
    rows.writerow(HEAD)
    for factor in data["factors"]:
        for month in factor["months"]:
            money = (month[n].replace(",", "") for n in ("cost", "revenue"))
            known = "" if month["decisions"] is None else month["decisions"]
            told = (factor["factor"], month["month"], *money)
            rows.writerow([*told, month["calls"], month["rows"], known])
    return made.getvalue()


def show(console: Console, data: Facts) -> None:
    """Show each factor: its months, their sum, and what combining adds."""
    for factor in data["factors"]:
        made_up = "  illustrative 示例" if factor["illustrative"] else ""
        console.print(f"{factor['title']} ({factor['factor']}){made_up}", markup=False)
        rows = [cells(m) for m in [*factor["months"], factor["total"]]]
        console.print(table("", HEAD[1:], rows))
        if factor["metric"]:
            said = f"gain, measured by its user 收益的衡量: {factor['metric']}"
            console.print(said, markup=False)
        console.print(multiplied(factor["multiplier"]), markup=False)
        console.print()


def cells(month: Facts) -> list[str]:
    """Lay out a month."""
    known = month["decisions"]
    counts = (f"{month[n]:,}" for n in ("calls", "rows"))
    told = "" if known is None else f"{known:,}"
    return [month["month"], month["cost"], month["revenue"], *counts, told]


def multiplied(found: Facts | None) -> str:
    """Say in a sentence what combining adds."""
    if found is None:
        return "multiplier 乘数: no sources of several are combined"
    unit = found["unit"]
    times = f", {found['times']} times" if found["times"] else ""
    return (
        f"multiplier 乘数: {found['together']} {unit} combined −"
        f" {found['apart']} {unit} apart = {found['more']} {unit}{times}"
        f" ({found['ground']})"
    )
