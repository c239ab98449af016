"""Draw what answers a decision: from rows to figures, from figures to their places.

Places are shares of a picture in millionths, so that the same rows give the same text.
"""

from collections.abc import Mapping, Sequence
from math import cos, radians

import polars as pl

from schemas.answer import Plot
from schemas.contract import Column
from schemas.errors import FactorError
from schemas.product import ProductTerms
from tasks.page.figure import WHOLE, Bar, Cell, Point, Tick, bars, heat, points


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


def written(value: object) -> str:
    """Write a cell for people: 12345 -> 12,345; null -> –."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
