"""Answer the decision that a product serves: its rows, its picture, what is refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from flows.face import table
from flows.released import Released, released
from schemas.answer import Plot
from schemas.contract import Column
from schemas.errors import FactorError, StoreError
from schemas.product import ProductTerms
from tasks import store
from tasks.page.figure import WHOLE, Bar, Cell, Point, Tick, bars, heat, points

Facts = dict[str, Any]  # JSON
MASK = "•••"
SECRET = ("personal", "sensitive")


def answer_of(name: str, asked: Sequence[str] = ()) -> Facts:
    """Tell the decision, the rows that answer it, and on what terms they may be used.

    Args:
        name: A factor whose product is offered.
        asked: ``column=value`` that a row must have; they come before those of the
            document.

    Raises:
        Refused: A gate of the product is shut.
        StoreError: It was not made yet, or no row is as asked.
        FactorError: A column is named that the product has not.
    """
    offer = released(name)
    terms = offer.terms
    rows = chosen(offer, wanted(terms, asked))
    if asked and rows.is_empty():
        raise StoreError(
            f"no row of {offer.factor} has {', '.join(asked)}; what is not on record is"
            " not known, which is no clean record: ask for a value that it has"
        )
    kept = list(terms.answer.columns) or [c.name for c in terms.columns]
    units = {c.name: c.unit for c in terms.columns if c.unit}
    shown = masked(rows.select(kept), terms.columns).head(terms.answer.limit)
    said = terms.scenario
    return {
        "factor": offer.factor,
        "product": f"{terms.name} {terms.version}",
        "title": terms.title,
        "as_of": str(offer.as_of),
        "user": said.user if said else "",
        "decision": said.decision if said else "",
        "metric": said.metric if said else "",
        "matching": rows.height,
        "of": offer.ref.rows,
        "columns": kept,
        "units": {n: u for n, u in units.items() if n in kept},
        "rows": [[written(v) for v in row] for row in shown.rows()],
        "licence": terms.licence.name,
        "permissions": list(terms.licence.permissions),
        "prohibitions": list(terms.licence.prohibitions),
        "duties": list(terms.licence.duties),
        "attribution": terms.licence.attribution,
        "prohibited_uses": said.prohibited_uses if said else {},
        "artifact": offer.ref.id,
    }


def wanted(terms: ProductTerms, asked: Sequence[str]) -> dict[str, str]:
    """Say which values rows must have: those asked for, else those of the document."""
    if not asked:
        return dict(terms.answer.where)
    return dict(pair(one, terms.columns) for one in asked)


def chosen(offer: Released, only: Mapping[str, str]) -> pl.DataFrame:
    """Read the product's rows that answer, in the order that the document says."""
    reading = offer.terms.answer
    rows = store.scan(store.current(), offer.ref).collect()
    rows = rows.filter(*(pl.col(n).cast(pl.String) == v for n, v in only.items()))
    names = [name.removeprefix("-") for name in reading.sort]
    down = [name.startswith("-") for name in reading.sort]
    return rows.sort(names, descending=down, nulls_last=True) if names else rows


def pair(asked: str, columns: Sequence[Column]) -> tuple[str, str]:
    """Split ``county=cork``.

    Raises:
        FactorError: It is no pair, or the product has no such column.
    """
    name, equals, value = asked.partition("=")
    known = [c.name for c in columns if c.classification not in SECRET]
    if not equals or name not in known:
        raise FactorError(
            f"--where {name}: write COLUMN=VALUE with one of {', '.join(known)}"
        )
    return name, value


def masked(rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Put dots in place of values that are not for every eye."""
    secret = {c.name for c in columns if c.classification in SECRET}
    return rows.with_columns(
        pl.when(pl.col(n).is_not_null()).then(pl.lit(MASK)).alias(n)
        for n in rows.columns
        if n in secret
    )


def written(value: object) -> str:
    """Write a cell for people: 12345 -> 12,345; null -> –."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def write_plot(name: str, file: Path, asked: Sequence[str] = ()) -> None:
    """Draw the picture of a product's answer as an SVG file.

    Raises:
        FactorError: The document says no picture, or one that its rows do not give.
    """
    offer = released(name)
    plot = offer.terms.answer.plot
    if plot is None:
        raise FactorError(
            f"{offer.factor}: product.answer says no plot; write kind, label and value"
        )
    secret = {c.name for c in offer.terms.columns if c.classification in SECRET}
    if hidden := sorted(secret.intersection(plot.columns)):
        raise FactorError(
            f"{offer.factor}: the plot would show {', '.join(hidden)}, classified as"
            " personal or sensitive; draw a column that is not"
        )
    only = wanted(offer.terms, asked)
    made = figures(chosen(offer, only), plot)
    if made.is_empty():
        raise FactorError(f"{offer.factor}: no row has a figure to draw; widen --where")
    file.write_text(drawn(offer.terms, plot, made, only), "utf-8")


def figures(rows: pl.DataFrame, plot: Plot) -> pl.DataFrame:
    """Find the figure of every place of the picture: a count, a sum or a value.

    Rows (cork, 2), (cork, 3) with ``total`` -> (cork, 5); without -> FactorError.

    Raises:
        FactorError: Several rows share a place, and nobody said to add them up.
    """
    places = [n for n in plot.columns if n != plot.value]
    if not plot.value:
        return rows.group_by(places, maintain_order=True).agg(figure=pl.len())
    # A sum over nulls would be 0: what is not known must not look like nothing.
    known = rows.filter(pl.col(plot.value).is_not_null())
    kept = rows if plot.kind == "heat" and not plot.total else known
    figure = pl.col(plot.value).sum() if plot.total else pl.col(plot.value).first()
    made = kept.group_by(places, maintain_order=True).agg(figure=figure)
    if made.height < kept.height and not plot.total:
        raise FactorError(
            f"product.answer.plot: several rows share {', '.join(places)}; write total:"
            " true to add them up, or where: to choose"
        )
    return made


def drawn(
    terms: ProductTerms, plot: Plot, made: pl.DataFrame, only: Mapping[str, str]
) -> str:
    """Draw the figures in the way that the document says."""
    title = terms.scenario.decision if terms.scenario else terms.title
    about = what_is_drawn(terms.columns, plot, only)
    if plot.kind == "bar":
        return bars(title, about, bars_of(made, plot))
    if plot.kind == "heat":
        lines, columns, cells = cells_of(made, plot)
        return heat(title, about, lines, columns, cells)
    return map_of(title, about, made.head(plot.limit), plot)


def what_is_drawn(
    columns: Sequence[Column], plot: Plot, only: Mapping[str, str]
) -> str:
    """Say what the figures are. balance (m3) by year and province, weather dry: …"""
    by_name: Mapping[str, Column] = {c.name: c for c in columns}
    value = by_name.get(plot.value)
    named = value.name.replace("_", " ") if value else "rows"
    unit = f" ({value.unit})" if value and value.unit else ""
    by = " and ".join(n.replace("_", " ") for n in (plot.label, plot.across) if n)
    of = "".join(f", {n} {v}" for n, v in only.items())
    more = f": {value.description}" if value and value.description else ""
    return f"{named}{unit} by {by}{of}{more}"


def bars_of(made: pl.DataFrame, plot: Plot) -> list[Bar]:
    """Place bars between the least and the largest figure, zero included."""
    kept = made.head(plot.limit)
    values = [float(v) for v in kept["figure"].to_list()]
    low, high = min(0.0, *values), max(0.0, *values)
    return [
        Bar(str(row[plot.label]), written(row["figure"]), share(0, low, high), end)
        for row, end in zip(
            kept.iter_rows(named=True),
            (share(v, low, high) for v in values),
            strict=True,
        )
    ]


def cells_of(
    made: pl.DataFrame, plot: Plot
) -> tuple[list[str], list[str], dict[tuple[str, str], Cell]]:
    """Shade figures by their share of the largest one, whatever its sign."""
    rows = made.with_columns(pl.col(plot.label, plot.across).cast(pl.String))
    lines = rows[plot.label].unique(maintain_order=True).to_list()[: plot.limit]
    found = rows[plot.across].unique().sort().to_list()
    columns = list(plot.order) or found
    most = max(abs(float(v)) for v in [*rows["figure"].drop_nulls(), 0]) or 1.0
    cells = {
        (label, column): Cell(
            written(figure), None if figure is None else int(figure / most * WHOLE)
        )
        for label, column, figure in rows.select(
            plot.label, plot.across, "figure"
        ).iter_rows()
    }
    return lines, columns, cells


def map_of(title: str, about: str, made: pl.DataFrame, plot: Plot) -> str:
    """Place points by degrees; a degree of longitude is narrower away from the equator.

    At 60 degrees north, a box of 2 by 1 degrees is as wide as it is high.
    """
    lat, lon = (
        made[n].cast(pl.Float64).to_list() for n in (plot.latitude, plot.longitude)
    )
    south, north = padded(lat)
    west, east = padded(lon)
    most = max(abs(float(v)) for v in made["figure"].to_list()) or 1.0
    dots = [
        Point(
            str(row[plot.label]),
            written(row["figure"]),
            share(x, west, east),
            share(y, south, north),
            int(abs(float(row["figure"])) / most * WHOLE),
        )
        for row, x, y in zip(made.iter_rows(named=True), lon, lat, strict=True)
    ]
    return points(
        title,
        about,
        dots,
        [Tick(f"{at:g}°E", share(at, west, east)) for at in degrees(west, east)],
        [Tick(f"{at:g}°N", share(at, south, north)) for at in degrees(south, north)],
        shape_of(south, north, west, east),
    )


def shape_of(south: float, north: float, west: float, east: float) -> int:
    """Give height over width of a box of degrees, in millionths (plate carrée)."""
    from math import cos, radians

    wide = (east - west) * cos(radians((south + north) / 2))
    return int((north - south) / wide * WHOLE)


def padded(values: Sequence[float]) -> tuple[float, float]:
    """Leave a twentieth of room on either side, at least a tenth of a degree."""
    low, high = min(values), max(values)
    room = max((high - low) / 20, 0.1)
    return low - room, high + room


def degrees(low: float, high: float) -> list[float]:
    """Choose round degrees between two ends: at most ten. 119.8, 122.1 -> 120 … 122."""
    steps = (0.1, 0.5, 1, 2, 5, 10, 20)
    step = next((s for s in steps if (high - low) / s <= 8), 45)
    first = int(-(-low // step))
    return [
        round(n * step, 1)
        for n in range(first, first + 10)
        if low <= round(n * step, 1) <= high
    ]


def share(value: float, low: float, high: float) -> int:
    """Say where a value lies between two ends, in millionths. 3 in 1…5 -> 500,000."""
    return int((value - low) / ((high - low) or 1) * WHOLE)


def show_answer(console: Console, facts: Facts) -> None:
    """Show the decision, the rows that answer it, licence and prohibited uses."""
    console.print(
        f"{facts['title']} ({facts['product']}, as of {facts['as_of']})", markup=False
    )
    console.print(f"\n{facts['user']} decides 决策:", markup=False)
    console.print(f"  {facts['decision']}", markup=False)
    heads = [f"{n} ({facts['units'][n]})" if n in facts["units"] else n
             for n in facts["columns"]]  # fmt: skip
    shown, matching = len(facts["rows"]), facts["matching"]
    told = f"\n{shown} of {matching:,} rows"
    console.print(table(told, heads, facts["rows"]))
    may = ", ".join(facts["permissions"]) or "nothing"
    may_not = ", ".join(facts["prohibitions"]) or "–"
    console.print(f"\nlicence 许可 {facts['licence']}", markup=False)
    console.print(f"  may: {may}; may not: {may_not}", markup=False)
    if facts["duties"]:
        console.print(f"  must: {', '.join(facts['duties'])}", markup=False)
    if facts["attribution"]:
        console.print(f"  attribution: {facts['attribution']}", markup=False)
    console.print("prohibited uses 禁止用途", markup=False)
    for name, words in facts["prohibited_uses"].items():
        console.print(f"  {name}: {words}", markup=False)
