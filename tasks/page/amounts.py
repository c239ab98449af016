"""Draw figures over days as one SVG that prints in black and white as well.

Figures come ready as integers, with a function that writes them; only places on the
page are computed here. The legend stands below, so that a name may be long. Lines
differ in colour and in their dashes, levels are thin lines with their name.

500,000,000 fen as the most -> the scale ends at 5,000,000.00 yuan.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from html import escape
from typing import NamedTuple

from tasks.page.plot import COLOURS, FONT

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 104, 744, 16, 256
DASHES = ("", "7 4", "2 3", "10 3 2 3", "1 4", "4 4")
MARKS = 6  # days below the frame, at most
TICKS = 5
ROW = 20  # px of a line of the legend
LETTERS = 7  # px of a Latin letter in the legend
Write = Callable[[int], str]


class Series(NamedTuple):
    """A line: its name, and a figure a day; ``step``: it holds until the next one."""

    name: str
    points: Sequence[tuple[date, int]]
    step: bool = False


class Level(NamedTuple):
    """A line across: its name and its figure."""

    name: str
    figure: int


class Scale(NamedTuple):
    """Where a day and a figure lie on the page."""

    first: date
    last: date
    low: int
    high: int

    def x(self, day: date) -> int:
        """Place a day from left to right; a single day lies in the middle."""
        days = (self.last - self.first).days
        if not days:
            return (LEFT + RIGHT) // 2
        return LEFT + (RIGHT - LEFT) * (day - self.first).days // days

    def y(self, figure: int) -> int:
        """Place a figure from the bottom to the top."""
        return BOTTOM - (BOTTOM - TOP) * (figure - self.low) // (self.high - self.low)


def amounts(
    title: str,
    lines: Sequence[Series],
    write: Write,
    levels: Sequence[Level] = (),
    low: int = 0,
) -> str:
    """Draw lines over days.

    Args:
        title: What is drawn, for those who hear the page.
        lines: At least one, with at least one day.
        write: How a figure is written at its tick.
        levels: Lines across.
        low: The lower end of the scale.
    """
    days = sorted({day for line in lines for day, _ in line.points})
    figures = [f for line in lines for _, f in line.points]
    step = tick(max([*figures, *(level.figure for level in levels)]) - low)
    top = max([*figures, *(level.figure for level in levels)])
    scale = Scale(days[0], days[-1], low, low + -(-(top - low) // step) * step)
    parts = [*figure_axis(scale, step, write), *day_axis(scale, days)]
    for level in levels:
        parts += across(level, scale, write)
    for place, line in enumerate(lines):
        parts += drawn(line, scale, place, write)
    names = [line.name for line in lines]
    return page(title, parts, names, bars=False)


def stacked(
    title: str,
    names: Sequence[str],
    columns: Sequence[tuple[date, Sequence[int]]],
    write: Write,
) -> str:
    """Draw a column a day whose parts stand one on another.

    Args:
        title: What is drawn.
        names: Of the parts, the lowest first.
        columns: At least one, each with a figure a part.
        write: How a figure is written.
    """
    most = max(sum(parts) for _, parts in columns)
    step = tick(most)
    scale = Scale(columns[0][0], columns[-1][0], 0, max(-(-most // step) * step, 1))
    wide = (RIGHT - LEFT) // len(columns)
    parts = [*figure_axis(scale, step, write)]
    for place, (day, figures) in enumerate(columns):
        x, base = LEFT + wide * place, 0
        for part, figure in enumerate(figures):
            y, end = scale.y(base + figure), scale.y(base)
            said = escape(f"{names[part]}, {day}: {write(figure)}")
            parts.append(
                f'<rect x="{x + 1}" y="{y}" width="{max(wide - 2, 1)}"'
                f' height="{max(end - y, 0)}" fill="{COLOURS[part + 1]}">'
                f"<title>{said}</title></rect>"
            )
            base += figure
    shown = -(-len(columns) // MARKS)
    for place, (day, _) in enumerate(columns):
        if place % shown == 0:
            x = LEFT + wide * place + wide // 2
            parts.append(text(x, BOTTOM + 20, str(day), 'text-anchor="middle"'))
    return page(title, parts, names, bars=True)


def page(title: str, parts: Sequence[str], names: Sequence[str], *, bars: bool) -> str:
    """Put the drawing and its legend on the page."""
    told = [*legend(names, bars)]
    high = BOTTOM + 36 + ROW * (1 + max((row for row, _ in told), default=0))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}"'
            f' width="{WIDTH}" height="{high}" role="img" {FONT} font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{high}" fill="#ffffff"/>',
            *parts,
            *(part for _, part in told),
            "</svg>",
        ]
    )


def legend(names: Sequence[str], bars: bool) -> Iterator[tuple[int, str]]:
    """Name the lines in rows below the frame, as many in one as there is room for."""
    x, row = LEFT, 0
    for place, name in enumerate(names):
        wide = 44 + sum(2 if sign >= "⺀" else 1 for sign in name) * LETTERS
        if x > LEFT and x + wide > RIGHT:
            x, row = LEFT, row + 1
        y = BOTTOM + 44 + ROW * row
        colour = COLOURS[place + 1] if bars else COLOURS[place % len(COLOURS)]
        mark = (
            f'<rect x="{x}" y="{y - 9}" width="14" height="10" fill="{colour}"/>'
            if bars
            else f'<path d="M{x} {y - 4}h26" {stroke(place)}/>'
        )
        yield row, mark + text(x + 34, y, name)
        x += wide


def tick(span: int) -> int:
    """Choose a step of 1, 2 or 5 with zeros, so that few lie in a span. 47 -> 10."""
    step = 1
    while True:
        for times in (1, 2, 5):
            if step * times * TICKS >= span:
                return step * times
        step *= 10


def figure_axis(scale: Scale, step: int, write: Write) -> Iterator[str]:
    """Draw a thin line across at every step."""
    for figure in range(scale.low, scale.high + 1, step):
        y = scale.y(figure)
        yield f'<path d="M{LEFT} {y}H{RIGHT}" stroke="#dddddd"/>'
        yield text(LEFT - 8, y + 4, write(figure), 'text-anchor="end" fill="#444444"')


def day_axis(scale: Scale, days: Sequence[date]) -> Iterator[str]:
    """Mark some of the days, the first and the last among them."""
    yield f'<path d="M{LEFT} {BOTTOM}H{RIGHT}" stroke="#444444"/>'
    marks, last = min(MARKS, len(days)), len(days) - 1
    chosen = {days[last * n // max(marks - 1, 1)] for n in range(marks)}
    before = -WIDTH
    for day in sorted(chosen):
        x = scale.x(day)
        yield f'<path d="M{x} {BOTTOM}v5" stroke="#444444"/>'
        if x - before >= 80:
            anchor = "end" if x > RIGHT - 40 else "middle"
            yield text(x, BOTTOM + 20, str(day), f'text-anchor="{anchor}"')
            before = x


def across(level: Level, scale: Scale, write: Write) -> Iterator[str]:
    """Draw a level with its name above it."""
    y = scale.y(level.figure)
    yield f'<path d="M{LEFT} {y}H{RIGHT}" stroke="#97171c" stroke-dasharray="3 3"/>'
    said = f"{level.name} {write(level.figure)}"
    yield text(RIGHT, y - 4, said, 'text-anchor="end" font-size="11" fill="#97171c"')


def drawn(line: Series, scale: Scale, place: int, write: Write) -> Iterator[str]:
    """Draw one line with a dot for each day, as long as they can be told apart."""
    places = [(scale.x(d), scale.y(f), d, f) for d, f in line.points]
    path = f"M{places[0][0]} {places[0][1]}"
    for x, y, _, _ in places[1:]:
        path += f"H{x}V{y}" if line.step else f"L{x} {y}"
    yield f'<path d="{path}" fill="none" {stroke(place)} stroke-linejoin="round"/>'
    for x, y, day, figure in places if len(places) <= 60 else ():
        said = escape(f"{line.name}, {day}: {write(figure)}")
        yield (
            f'<circle cx="{x}" cy="{y}" r="3" fill="{COLOURS[place % len(COLOURS)]}">'
            f"<title>{said}</title></circle>"
        )


def stroke(place: int) -> str:
    """Tell a line by colour and dashes."""
    dashes = DASHES[place % len(DASHES)]
    colour = COLOURS[place % len(COLOURS)]
    return f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'


def text(x: int, y: int, said: str, more: str = "") -> str:
    """Write a text at a place."""
    return f'<text x="{x}" y="{y}" {more}>{escape(said)}</text>'
