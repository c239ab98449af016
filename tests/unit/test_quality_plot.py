"""The line chart: places counted by hand on a frame of 628 by 352 points."""

from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

from tasks.page.plot import BOTTOM, LEFT, RIGHT, TOP, Line, chart

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2024, 5, 1)


def days(*figures: int | None) -> list[tuple[date, int | None]]:
    return [(FIRST + timedelta(days=n), f) for n, f in enumerate(figures)]


def drawn(*lines: Line) -> ET.Element:
    return ET.fromstring(chart("Title", "day", "score", lines))


def dots(svg: ET.Element, colour: str = "#000000") -> list[tuple[int, int]]:
    found = [c.attrib for c in svg.iter(f"{SVG}circle") if c.get("fill") == colour]
    return [(int(c["cx"]), int(c["cy"])) for c in found]


def paths(svg: ET.Element, colour: str = "#000000") -> list[str]:
    every = svg.iter(f"{SVG}path")
    return [p.attrib["d"] for p in every if p.get("fill") and p.get("stroke") == colour]


def said(svg: ET.Element) -> list[str]:
    return [t.text or "" for t in svg.iter(f"{SVG}text")]


def test_days_run_from_left_to_right_and_figures_from_bottom_to_top() -> None:
    svg = drawn(Line("total", days(1_000_000, 700_000, 850_000)))

    # Scale from 0.6 to 1.0: 352 points for 0.4, so 88 a tenth.
    assert dots(svg) == [(LEFT, TOP), (386, TOP + 264), (RIGHT, TOP + 132)]
    assert paths(svg) == [f"M{LEFT} {TOP}L386 {TOP + 264}L{RIGHT} {TOP + 132}"]
    assert (BOTTOM - TOP, RIGHT - LEFT) == (352, 628)


def test_a_day_without_a_figure_breaks_the_line() -> None:
    svg = drawn(Line("total", days(900_000, None, 900_000, 950_000)))

    assert len(dots(svg)) == 3
    assert len(paths(svg)) == 2


def test_title_axes_ticks_and_last_figures_are_written() -> None:
    lines = (Line("total", days(800_000, 924_981)), Line("other", days(None, None)))

    words = said(drawn(*lines))

    assert {"Title", "day", "score", "total", "other"} <= set(words)
    assert {"0.7", "0.8", "0.9", "1.0", "2024-05-01", "2024-05-02"} <= set(words)
    assert {"0.925", "not evaluated"} <= set(words)


def test_a_single_day_is_a_dot_in_the_middle() -> None:
    assert dots(drawn(Line("total", days(1_000_000)))) == [(386, TOP)]


def test_of_a_year_a_few_days_are_marked_and_their_texts_do_not_meet() -> None:
    svg = drawn(Line("total", days(*[900_000] * 366)))

    marks = [t for t in svg.iter(f"{SVG}text") if (t.text or "").startswith("202")]
    places = [int(t.attrib["x"]) for t in marks]
    assert (marks[0].text, marks[-1].text) == ("2024-05-01", "2025-05-01")
    assert min(b - a for a, b in pairwise(places)) >= 90


def test_text_of_people_is_escaped() -> None:
    svg = chart('<b>&"', "day", "score", [Line("<i>", days(1))])

    assert "<b>" not in svg
    assert '<b>&"' in said(ET.fromstring(svg))


def test_it_draws_without_anything_from_elsewhere() -> None:
    svg = chart("Title", "day", "score", [Line("total", days(1))])

    assert svg.count("http") == 1  # the name of the format
    assert "<script" not in svg
