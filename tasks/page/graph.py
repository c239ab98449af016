"""Draw where something comes from as one SVG: each step to the right is made of those
to its left; the stage is told by colour and in words.

raw bytes -> a table -> a resource -> a product: four columns of one box each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

FONT = "font-family=\"system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif\""
WIDE, HIGH, ACROSS, DOWN, EDGE = 184, 58, 232, 76, 16
SIGNS = 23  # of Latin letters in a box
# Fill and border by stage, light enough for dark text.
COLOURS = {
    "raw": ("#f2f2f2", "#595959"),
    "resource": ("#e3f0fa", "#005a94"),
    "product": ("#e2f4ec", "#00664a"),
}


@dataclass(frozen=True)
class Box:
    """One thing: its key, two lines of text, its stage, and what it is made of."""

    key: str
    name: str
    about: str
    stage: str
    parents: tuple[str, ...]


def graph(title: str, boxes: Sequence[Box]) -> str:
    """Draw boxes and arrows.

    Args:
        title: What it shows.
        boxes: At least one; parents that are no box are left out.
    """
    places = placed(boxes)
    columns = 1 + max(column for column, _ in places.values())
    lines = 1 + max(line for _, line in places.values())
    wide = 2 * EDGE + ACROSS * (columns - 1) + WIDE
    high = 2 * EDGE + DOWN * (lines - 1) + HIGH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}"'
        f' width="{wide}" height="{high}" role="img" {FONT} font-size="13">',
        f"<title>{escape(title)}</title>",
    ]
    for box in boxes:
        parts += arrows(box, places)
    for box in boxes:
        parts += drawn(box, *places[box.key])
    return "\n".join([*parts, "</svg>", ""])


def placed(boxes: Sequence[Box]) -> dict[str, tuple[int, int]]:
    """Give each box its column, one beyond all it is made of, and its line."""
    parents = {box.key: box.parents for box in boxes}
    columns: dict[str, int] = {}

    def column(key: str) -> int:
        if key not in columns:
            known = [column(p) for p in parents[key] if p in parents]
            columns[key] = 1 + max(known, default=-1)
        return columns[key]

    taken: dict[int, int] = {}
    places = {}
    for box in boxes:
        place = column(box.key)
        places[box.key] = (place, taken.get(place, 0))
        taken[place] = taken.get(place, 0) + 1
    return places


def corner(column: int, line: int) -> tuple[int, int]:
    """Give the upper left corner of a box."""
    return EDGE + ACROSS * column, EDGE + DOWN * line


def arrows(box: Box, places: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Draw a line from each thing it is made of."""
    x, y = corner(*places[box.key])
    end, middle = x - 2, y + HIGH // 2
    for parent in box.parents:
        if parent in places:
            left, top = corner(*places[parent])
            start, level = left + WIDE, top + HIGH // 2
            bend = (start + end) // 2
            yield (
                f'<path d="M{start} {level}C{bend} {level} {bend} {middle}'
                f' {end} {middle}" fill="none" stroke="#595959" stroke-width="1.5"/>'
            )
    if box.parents:
        yield (
            f'<path d="M{end - 7} {middle - 4}L{end} {middle}L{end - 7} {middle + 4}"'
            ' fill="none" stroke="#595959" stroke-width="1.5"/>'
        )


def drawn(box: Box, column: int, line: int) -> Iterator[str]:
    """Draw one box with its two lines; what is cut off stands in its title."""
    x, y = corner(column, line)
    fill, border = COLOURS[box.stage]
    yield f"<g><title>{escape(f'{box.name}: {box.about}')}</title>"
    yield (
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6" fill="{fill}"'
        f' stroke="{border}"/>'
    )
    yield (
        f'<text x="{x + 10}" y="{y + 24}" font-weight="600" fill="#1a1a1a">'
        f"{escape(cut(box.name))}</text>"
    )
    yield f'<text x="{x + 10}" y="{y + 44}" fill="{border}">{escape(cut(box.about))}'
    yield "</text></g>"


def cut(text: str) -> str:
    """Shorten a text to the width of a box; signs of Chinese are twice as wide."""
    room, kept = SIGNS, ""
    for sign in text:
        room -= 2 if sign >= "⺀" else 1
        if room < 0:
            return kept[:-1] + "…"
        kept += sign
    return kept
