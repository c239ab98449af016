"""Draw which figures move a value most: a tornado plot, as SVG without any font file.

Each bar runs from the value with a figure lower to the value with it higher; the widest
stands on top, and the line down the middle is the value itself.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from schemas.money import shown
from tasks.page.plot import FONT, text

WIDTH, LEFT, RIGHT = 1100, 480, 1000  # the frame of the bars
TOP, ROW, BAR = 92, 34, 20
LOW, HIGH = "#0072b2", "#d55e00"  # told apart by people who do not see all colours
MOST = 12  # bars; the table has them all
LABEL = 48  # letters of a name


class Bar(NamedTuple):
    """One figure, and the value with it lower and higher, in fen."""

    name: str
    low: int
    high: int


class Scale(NamedTuple):
    """Where an amount lies from left to right."""

    least: int
    most: int

    def x(self, amount: int) -> int:
        """Place an amount; where nothing moves all lie in the middle."""
        if self.most == self.least:
            return (LEFT + RIGHT) // 2
        return LEFT + (RIGHT - LEFT) * (amount - self.least) // (self.most - self.least)


def tornado(title: str, sides: tuple[str, str], value: int, bars: Sequence[Bar]) -> str:
    """Draw the bars, at most twelve, widest first as they come.

    Args:
        title: What is drawn, with its unit.
        sides: Names of the lower and the higher side.
        value: The value itself, in fen.
        bars: One a figure.
    """
    drawn = bars[:MOST]
    ends = [value, *(e for bar in drawn for e in (bar.low, bar.high))]
    scale = Scale(min(ends), max(ends))
    bottom = TOP + ROW * len(drawn)
    middle = scale.x(value)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 48}"'
        f' width="{WIDTH}" height="{bottom + 48}" role="img" {FONT} font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{bottom + 48}" fill="#ffffff"/>',
        text(24, 30, title, 'font-size="17" font-weight="600"'),
        *legend(sides),
        *(part for n, bar in enumerate(drawn) for part in row(bar, n, value, scale)),
        f'<path d="M{middle} {TOP - 8}V{bottom + 6}" stroke="#1a1a1a"/>',
        text(middle, bottom + 26, shown(value), 'text-anchor="middle"'),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def legend(sides: tuple[str, str]) -> Iterator[str]:
    """Name the two colours."""
    for place, (name, colour) in enumerate(zip(sides, (LOW, HIGH), strict=True)):
        x = 24 + 170 * place
        yield f'<rect x="{x}" y="46" width="14" height="14" fill="{colour}"/>'
        yield text(x + 20, 58, name)


def row(bar: Bar, number: int, value: int, scale: Scale) -> Iterator[str]:
    """Draw one bar: its two sides, its name, and the amount at each end."""
    y, middle = TOP + ROW * number, scale.x(value)
    yield text(LEFT - 96, y + 15, shortened(bar.name), 'text-anchor="end"')
    for amount, colour in ((bar.low, LOW), (bar.high, HIGH)):
        x = scale.x(amount)
        said = escape(f"{bar.name}: {shown(amount)}")
        yield (
            f'<rect x="{min(x, middle)}" y="{y}" width="{abs(x - middle)}"'
            f' height="{BAR}" fill="{colour}"><title>{said}</title></rect>'
        )
    least, most = sorted((bar.low, bar.high))
    end = 'text-anchor="end" font-size="11" fill="#444444"'
    yield text(scale.x(least) - 5, y + 14, shown(least), end)
    yield text(scale.x(most) + 5, y + 14, shown(most), 'font-size="11" fill="#444444"')


def shortened(name: str) -> str:
    """Cut a name that would leave the page; the bar's title tells it whole."""
    room = LABEL
    for place, sign in enumerate(name):
        room -= 2 if sign > "\u2e80" else 1  # a Chinese character is twice as wide
        if room < 0:
            return f"{name[:place]}…"
    return name
