"""Pictures: figures lie where they belong; what is not known is grey."""

import re
from xml.etree import ElementTree

from tasks.page.figure import Bar, Cell, Point, Tick, bars, heat, points, tint

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_a_bar_of_half_the_axis_is_half_as_wide() -> None:
    figure = drawn(
        bars("t", "a", [Bar("all", "8", 0, 1_000_000), Bar("half", "4", 0, 500_000)])
    )
    widths = [int(r.attrib["width"]) for r in figure.iter(f"{SVG}rect")][1:]

    assert widths == [570, 285]


def test_a_bar_below_zero_ends_left_of_it_in_another_colour() -> None:
    figure = drawn(
        bars(
            "t",
            "a",
            [Bar("up", "1", 500_000, 1_000_000), Bar("down", "-1", 500_000, 0)],
        )
    )
    up, down = list(figure.iter(f"{SVG}rect"))[1:]

    assert int(down.attrib["x"]) + int(down.attrib["width"]) == int(up.attrib["x"])
    assert up.attrib["fill"] != down.attrib["fill"]


def test_an_unknown_cell_is_grey_and_an_absent_one_is_not_drawn() -> None:
    cells = {
        ("a", "x"): Cell("0", 0),
        ("a", "y"): Cell("–", None),
        ("b", "x"): Cell("9", 1_000_000),
    }
    figure = drawn(heat("t", "a", ["a", "b"], ["x", "y"], cells))
    fills = [r.attrib["fill"] for r in figure.iter(f"{SVG}rect")][1:]

    assert fills == ["rgb(255,255,255)", "#e4e4e4", "rgb(0,114,178)"]


def test_long_names_lie_beside_the_table_and_not_off_the_page() -> None:
    name = "zidovudine and zalcitabine"
    figure = drawn(heat("t", "a", [name], ["x"], {(name, "x"): Cell("1", 1)}))
    label = next(t for t in figure.iter(f"{SVG}text") if t.text == name)

    # 26 letters of 8 px end at the label's anchor.
    assert int(label.attrib["x"]) >= 26 * 8


def test_a_point_in_the_north_lies_above_one_in_the_south() -> None:
    made = points(
        "t",
        "a",
        [Point("north", "1", 0, 1_000_000, 0), Point("south", "2", 0, 0, 1_000_000)],
        [Tick("120°E", 0)],
        [Tick("22°N", 0)],
        1_000_000,
    )
    places = dict(re.findall(r'cy="(\d+)".*?<title>(north|south)', made))

    assert {v: int(k) for k, v in places.items()} == {"north": 88, "south": 708}


def test_text_of_the_data_is_never_markup() -> None:
    made = bars("<b>", "&", [Bar('"<script>', "1", 0, 1)])

    assert "<script>" not in made
    assert drawn(made).find(f"{SVG}title").text == "<b>"  # type: ignore[union-attr]  # it has one


def test_half_a_shade_is_half_way_from_white() -> None:
    assert tint(500_000) == "rgb(128,185,217)"
    assert tint(-1_000_000) == "rgb(213,94,0)"
