"""Draw lines over days as one SVG, by itself: no font, script or style from elsewhere.

Figures come ready, in millionths with the text to show; only places on the page are
computed here. The lower end of the scale is the next tenth below the lowest figure, so
that a fall of a few hundredths is seen; the scale says so at its ticks.

3 days at 0.90, 0.95, 0.93 -> scale from 0.8 to 1.0, one line with three dots.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import groupby

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 72, 700, 64, 416  # the frame of the lines
WHOLE, TENTH = 1_000_000, 100_000
TICKS = 6  # dates below the frame, at most
# Okabe and Ito: told apart by people who do not see all colours; black for the first.
COLOURS = (
    *("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
FONT = "font-family=\"system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif\""


@dataclass(frozen=True)
class Line:
    """One line: its name and, day by day, a figure in millionths or a gap."""

    name: str
    points: Sequence[tuple[date, int | None]]


@dataclass(frozen=True)
class Scale:
    """Where a day and a figure lie on the page."""

    first: date
    last: date
    low: int

    def x(self, day: date) -> int:
        """Place a day from left to right; a single day lies in the middle."""
        days = (self.last - self.first).days
        if not days:
            return (LEFT + RIGHT) // 2
        return LEFT + (RIGHT - LEFT) * (day - self.first).days // days

    def y(self, figure: int) -> int:
        """Place a figure from the bottom to the top."""
        return BOTTOM - (BOTTOM - TOP) * (figure - self.low) // (WHOLE - self.low)


def chart(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """Draw the lines, the first one as the main one, with title, axes and legend.

    Args:
        title: What the chart is of.
        across: Name of the axis of days.
        up: Name of the axis of figures, with its unit.
        lines: At least one, with at least one day.
    """
    days = sorted({day for line in lines for day, _ in line.points})
    figures = [f for line in lines for _, f in line.points if f is not None]
    low = max(min(figures, default=0) - 1, 0) // TENTH * TENTH
    scale = Scale(days[0], days[-1], min(low, WHOLE - 2 * TENTH))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" role="img" {FONT} font-size="14">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 32, title, 'font-size="18" font-weight="600"'),
        *figure_axis(scale, up),
        *day_axis(scale, days, across),
    ]
    for line, colour in reversed([*zip(lines, COLOURS, strict=False)]):
        parts += drawn(line, scale, colour, main=line is lines[0])
    for place, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        parts += entry(line, colour, place, main=line is lines[0])
    return "\n".join([*parts, "</svg>", ""])


def text(x: int, y: int, said: str, more: str = "") -> str:
    """Write a text at a place."""
    return f'<text x="{x}" y="{y}" {more}>{escape(said)}</text>'


def shown(figure: int) -> str:
    """Write millionths with three places. 924,981 -> 0.925."""
    thousandths = (figure + 500) // 1_000
    return f"{thousandths // 1_000}.{thousandths % 1_000:03d}"


def figure_axis(scale: Scale, up: str) -> Iterator[str]:
    """Draw a thin line across at every tenth, and name the axis."""
    for figure in range(scale.low, WHOLE + 1, TENTH):
        y = scale.y(figure)
        yield f'<path d="M{LEFT} {y}H{RIGHT}" stroke="#dddddd"/>'
        said = f"{figure // WHOLE}.{figure % WHOLE // TENTH}"
        yield text(LEFT - 8, y + 5, said, 'text-anchor="end" fill="#444444"')
    middle = (TOP + BOTTOM) // 2
    turned = f'text-anchor="middle" transform="rotate(-90 24 {middle})"'
    yield text(24, middle, up, turned)


def day_axis(scale: Scale, days: Sequence[date], across: str) -> Iterator[str]:
    """Mark some of the days, the first and the last among them, and name the axis."""
    yield f'<path d="M{LEFT} {BOTTOM}H{RIGHT}" stroke="#444444"/>'
    marks = min(TICKS, len(days))
    last = len(days) - 1
    chosen = {days[last * n // max(marks - 1, 1)] for n in range(marks)}
    before = -WIDTH
    for day in sorted(chosen):
        x = scale.x(day)
        yield f'<path d="M{x} {BOTTOM}v6" stroke="#444444"/>'
        if x - before >= 90:  # the width of a date
            said = day.isoformat()
            yield text(x, BOTTOM + 22, said, 'text-anchor="middle" fill="#444444"')
            before = x
    middle = (LEFT + RIGHT) // 2
    yield text(middle, HEIGHT - 16, across, 'text-anchor="middle"')


def drawn(line: Line, scale: Scale, colour: str, main: bool) -> Iterator[str]:
    """Draw one line with a dot for each day; a day without a figure breaks it."""
    wide = 3 if main else 1
    for known, run in groupby(line.points, key=lambda point: point[1] is not None):
        if known:
            places = [(scale.x(d), scale.y(f or 0), d, f or 0) for d, f in run]
            path = "L".join(f"{x} {y}" for x, y, _, _ in places)
            yield (
                f'<path d="M{path}" fill="none" stroke="{colour}"'
                f' stroke-width="{wide}" stroke-linejoin="round"/>'
            )
            for x, y, day, figure in places:
                said = f"{line.name}, {day}: {shown(figure)}"
                yield (
                    f'<circle cx="{x}" cy="{y}" r="{wide + 1}" fill="{colour}">'
                    f"<title>{escape(said)}</title></circle>"
                )


def entry(line: Line, colour: str, place: int, main: bool) -> Iterator[str]:
    """Write one line of the legend: colour, name, the last figure."""
    y = TOP + 16 + 40 * place
    known = [figure for _, figure in line.points if figure is not None]
    last = shown(known[-1]) if known else "not evaluated"
    wide, weight = (3, 600) if main else (1, 400)
    x = RIGHT + 24
    yield f'<path d="M{x} {y - 5}h24" stroke="{colour}" stroke-width="{wide + 1}"/>'
    yield text(x + 32, y, line.name, f'font-weight="{weight}"')
    yield text(x + 32, y + 17, last, 'font-size="13" fill="#444444"')
