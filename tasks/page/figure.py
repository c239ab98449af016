"""Draw bars, a shaded table or points on a map as one SVG, by itself.

Figures come ready: the text to show, and where they lie between the ends of their axis
in millionths; only places on the page are computed here. Nothing is fetched: no font,
script, style or tile from elsewhere.

A bar from 0 to 500,000 on an axis of 400 px -> 200 px wide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 960
WHOLE = 1_000_000
FONT = "font-family=\"system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif\""
# Okabe and Ito: blue and vermilion are told apart by people who do not see all colours.
ABOVE, BELOW = (0, 114, 178), (213, 94, 0)
UNKNOWN = "#e4e4e4"
TOP, LINE = 88, 26
LEFT, RIGHT = 270, 840  # the frame of the bars
MAP_LEFT, MAP_WIDTH, MAP_HIGH = 72, 620, 620
NARROW = 44  # px: the least width of a column of a shaded table


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its figure in words, and its ends in millionths."""

    name: str
    figure: str
    begin: int
    end: int


@dataclass(frozen=True)
class Cell:
    """One cell: its figure in words; its shade, -1 to 1 in millionths, or unknown."""

    figure: str
    shade: int | None


@dataclass(frozen=True)
class Point:
    """One point: its name, its figure in words; place and size in millionths."""

    name: str
    figure: str
    x: int
    y: int
    size: int


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: its text, and where it lies in millionths."""

    name: str
    at: int


def bars(title: str, about: str, drawn: Sequence[Bar]) -> str:
    """Draw horizontal bars, the first one on top.

    Args:
        title: The decision that they answer.
        about: What the figures are, with their unit.
        drawn: At least one; a bar to the left of its beginning is below zero.
    """
    parts = []
    for line, bar in enumerate(drawn):
        y = TOP + LINE * line
        begin, end = (across(at) for at in (bar.begin, bar.end))
        colour = ABOVE if bar.end >= bar.begin else BELOW
        wide = max(abs(end - begin), 1)
        parts += [
            said(LEFT - 10, y + 16, bar.name, 'text-anchor="end"'),
            f'<rect x="{min(begin, end)}" y="{y + 2}" width="{wide}"'
            f' height="{LINE - 6}" fill="rgb{colour}"/>',
            said(max(begin, end) + 8, y + 16, bar.figure, 'fill="#444444"'),
        ]
    zero, bottom = across(drawn[0].begin), TOP + LINE * len(drawn)
    parts.append(f'<path d="M{zero} {TOP - 4}V{bottom}" stroke="#444444"/>')
    return page(title, about, parts, bottom + 24)


def heat(
    title: str,
    about: str,
    lines: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
) -> str:
    """Draw a shaded table; what is not known is grey, what there is none of is white.

    Args:
        title: The decision that it answers.
        about: What the figures are, with their unit.
        lines: Names from top to bottom, at least one.
        columns: Names from left to right, at least one.
        cells: By line and column.
    """
    left = max(120, *(length(name) + 40 for name in lines))
    longest = max(length(name) for name in columns)
    room = max((WIDTH - left - 24) // len(columns), NARROW)
    wide = min(room, max(longest + 16, 100))
    head = TOP + (20 if longest <= wide else longest * 9 // 10 + 12)
    parts = []
    for place, name in enumerate(columns):
        x = left + wide * place + wide // 2
        turned = f'transform="rotate(-60 {x} {head - 8})"' if longest > wide else ""
        anchor = "start" if turned else "middle"
        parts.append(said(x, head - 8, name, f'text-anchor="{anchor}" {turned}'))
    for line, name in enumerate(lines):
        y = head + LINE * line
        parts.append(said(left - 10, y + 18, name, 'text-anchor="end"'))
        for place, column in enumerate(columns):
            if cell := cells.get((name, column)):
                parts += shaded(cell, left + wide * place, y, wide)
    full = max(WIDTH, left + wide * len(columns) + 24)
    return page(title, about, parts, head + LINE * len(lines) + 24, full)


def points(
    title: str,
    about: str,
    drawn: Sequence[Point],
    east: Sequence[Tick],
    north: Sequence[Tick],
    shape: int,
) -> str:
    """Draw points where they lie, the larger the figure the larger and darker.

    Args:
        title: The decision that they answer.
        about: What the figures are, with their unit.
        drawn: At least one; x grows to the east, y to the north.
        east: Marks of the lower edge.
        north: Marks of the left edge.
        shape: Height of the map for a width of 1, in millionths.
    """
    high = min(MAP_WIDTH * shape // WHOLE, MAP_HIGH)
    wide = min(MAP_WIDTH, high * WHOLE // max(shape, 1))
    bottom = TOP + high
    parts = [
        f'<rect x="{MAP_LEFT}" y="{TOP}" width="{wide}" height="{high}"'
        ' fill="#f6f6f6"/>'
    ]
    for tick in east:
        x = MAP_LEFT + wide * tick.at // WHOLE
        parts.append(f'<path d="M{x} {TOP}V{bottom}" stroke="#dddddd"/>')
        parts.append(said(x, bottom + 20, tick.name, 'text-anchor="middle"'))
    for tick in north:
        y = bottom - high * tick.at // WHOLE
        parts.append(f'<path d="M{MAP_LEFT} {y}h{wide}" stroke="#dddddd"/>')
        parts.append(said(MAP_LEFT - 6, y + 5, tick.name, 'text-anchor="end"'))
    for point in sorted(drawn, key=lambda point: point.size):
        x = MAP_LEFT + wide * point.x // WHOLE
        y = bottom - high * point.y // WHOLE
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{3 + 12 * point.size // WHOLE}"'
            f' fill="{tint(point.size)}" fill-opacity="0.8" stroke="#333333">'
            f"<title>{escape(f'{point.name}: {point.figure}')}</title></circle>"
        )
    # The largest stand beside the map with their figures: on it they would cover it.
    for line, point in enumerate(sorted(drawn, key=lambda p: -p.size)[:16]):
        y = TOP + 18 + LINE * line
        text = f"{point.name}: {point.figure}"
        parts.append(said(MAP_LEFT + wide + 28, y, text, 'font-size="13"'))
    return page(title, about, parts, max(bottom, TOP + 18 + LINE * 16) + 40)


def page(
    title: str, about: str, parts: Sequence[str], high: int, wide: int = WIDTH
) -> str:
    """Put title and parts on a white page."""
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}"'
        f' width="{wide}" height="{high}" role="img" {FONT} font-size="14">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        said(24, 34, title, 'font-size="18" font-weight="600"'),
        said(24, 60, about, 'fill="#444444"'),
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def shaded(cell: Cell, x: int, y: int, wide: int) -> Iterator[str]:
    """Draw one cell; on a dark one the figure is white."""
    ink = "#ffffff" if abs(cell.shade or 0) > WHOLE * 55 // 100 else "#222222"
    fill = UNKNOWN if cell.shade is None else tint(cell.shade)
    yield (
        f'<rect x="{x}" y="{y}" width="{wide - 2}" height="{LINE - 2}" fill="{fill}"/>'
    )
    size = 13 if length(cell.figure) <= wide else 11
    middle = f'text-anchor="middle" font-size="{size}" fill="{ink}"'
    yield said(x + wide // 2 - 1, y + 17, cell.figure, middle)


def tint(shade: int) -> str:
    """Mix white with blue, or below zero with vermilion. 0 -> white, 1 -> blue."""
    full = ABOVE if shade >= 0 else BELOW
    mixed = (255 - (255 - part) * abs(shade) // WHOLE for part in full)
    return f"rgb({','.join(str(part) for part in mixed)})"


def length(words: str) -> int:
    """Guess the width of a text of 14 px; signs of Chinese are twice as wide."""
    return sum(15 if sign >= "⺀" else 8 for sign in words)


def across(at: int) -> int:
    """Place a share of the axis between the left and the right end of the bars."""
    return LEFT + (RIGHT - LEFT) * at // WHOLE


def said(x: int, y: int, words: str, more: str = "") -> str:
    """Write a text at a place."""
    return f'<text x="{x}" y="{y}" {more}>{escape(words)}</text>'
