"""Draw what a loan rests on, from the loan on top down to the bytes, as one SVG.

It is as wide as a printed page: what does not fit beside stands below.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from tasks.page.graph import COLOURS, FONT, cut

WIDTH, WIDE, HIGH, ACROSS, GAP, LAYER = 760, 176, 62, 190, 14, 34
BESIDE = 4  # boxes in a row
MORE = {"asset": ("#fdf1dc", "#7a4100"), "capital": ("#fbeaea", "#97171c")}


class Box(NamedTuple):
    """One thing: its key, three lines of text, its stage, and what it is made of."""

    key: str
    name: str
    about: str
    mark: str
    stage: str
    parents: tuple[str, ...]


def descent(title: str, boxes: Sequence[Box]) -> str:
    """Draw boxes in layers, each below all that is made of it.

    Args:
        title: What it shows.
        boxes: At least one; parents that are no box are left out.
    """
    known = {box.key: box for box in boxes}
    direct = [box._replace(parents=tuple(nearest(box, known))) for box in boxes]
    places = placed(direct)
    high = max(y for _, y in places.values()) + HIGH + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}"'
        f' width="{WIDTH}" height="{high}" role="img" {FONT} font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{high}" fill="#ffffff"/>',
        *(part for box in direct for part in lines(box, places)),
        *(part for box in boxes for part in drawn(box, *places[box.key])),
        "</svg>",
    ]
    return "\n".join(parts)


def placed(boxes: Sequence[Box]) -> dict[str, tuple[int, int]]:
    """Give each box its corner: layers from the top, at most four beside each other."""
    y, places = 8, {}
    for layer in layered(boxes):
        for start in range(0, len(layer), BESIDE):
            row = layer[start : start + BESIDE]
            left = (WIDTH - ACROSS * len(row) + ACROSS - WIDE) // 2
            for place, key in enumerate(row):
                places[key] = (left + ACROSS * place, y)
            y += HIGH + GAP
        y += LAYER - GAP
    return places


def layered(boxes: Sequence[Box]) -> list[list[str]]:
    """Sort boxes into layers: each lies below the lowest thing that is made of it."""
    known = {box.key: box for box in boxes}
    depth = dict.fromkeys(known, 0)
    for _ in boxes:  # as often as the longest way may have steps
        for box in boxes:
            for parent in box.parents:
                if parent in known:
                    depth[parent] = max(depth[parent], depth[box.key] + 1)
    deepest = max(depth.values())
    for box in boxes:
        if box.stage == "raw":  # all bytes lie at the bottom
            depth[box.key] = deepest
    layers: list[list[str]] = [[] for _ in range(deepest + 1)]
    for box in boxes:
        layers[depth[box.key]].append(box.key)
    return [layer for layer in layers if layer]


def nearest(box: Box, known: Mapping[str, Box]) -> Iterator[str]:
    """List what a box is made of at one step: no line leads over another box."""
    over: set[str] = set()
    front = [p for p in box.parents if p in known]
    for parent in front:
        far = [*known[parent].parents]
        while far:
            near = far.pop()
            if near in known and near not in over:
                over.add(near)
                far += known[near].parents
    yield from (p for p in front if p not in over)


def lines(box: Box, places: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Draw a line up from each thing that a box is made of."""
    x, y = places[box.key]
    end, foot = x + WIDE // 2, y + HIGH
    for parent in box.parents:
        if parent in places:
            left, top = places[parent]
            start, bend = left + WIDE // 2, (top + foot) // 2
            yield (
                f'<path d="M{start} {top}C{start} {bend} {end} {bend} {end} {foot}"'
                ' fill="none" stroke="#8a8a8a" stroke-width="1.2"/>'
            )


def drawn(box: Box, x: int, y: int) -> Iterator[str]:
    """Draw one box; what is cut off stands in its title."""
    fill, border = {**COLOURS, **MORE}[box.stage]
    whole = f"{box.name}: {box.about} {box.mark}"
    yield f"<g><title>{escape(whole)}</title>"
    yield (
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6" fill="{fill}"'
        f' stroke="{border}"/>'
    )
    for place, (said, more) in enumerate(
        (
            (box.name, 'font-weight="600" fill="#1a1a1a"'),
            (box.about, f'fill="{border}"'),
            (box.mark, 'fill="#444444" font-size="11"'),
        )
    ):
        at = f'x="{x + 9}" y="{y + 19 + 17 * place}"'
        yield f"<text {at} {more}>{escape(cut(said))}</text>"
    yield "</g>"
