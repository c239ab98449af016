"""The tornado plot: where its bars lie, read back from the drawing."""

from xml.etree import ElementTree

from tasks.page.tornado import HIGH, LOW, Bar, tornado

SVG = "{http://www.w3.org/2000/svg}"
SIDES = ("lower", "higher")


def bars(drawing: str) -> list[tuple[str, str, int, int]]:
    """Title, colour, left end and right end of each bar, from top to bottom."""
    found = []
    for rect in ElementTree.fromstring(drawing).iter(f"{SVG}rect"):
        title = rect.find(f"{SVG}title")
        if title is not None:
            left = int(rect.attrib["x"])
            right = left + int(rect.attrib["width"])
            found.append((str(title.text), rect.attrib["fill"], left, right))
    return found


def test_bars_run_from_the_value_to_where_each_figure_takes_it() -> None:
    drawn = bars(
        tornado("t", SIDES, 100, [Bar("income", 50, 150), Bar("cost", 125, 75)])
    )

    # 50 to 150 fills the frame from 480 to 1,000; the value lies in its middle.
    assert drawn == [
        ("income: 0.50", LOW, 480, 740),
        ("income: 1.50", HIGH, 740, 1000),
        ("cost: 1.25", LOW, 740, 870),
        ("cost: 0.75", HIGH, 610, 740),
    ]


def test_twelve_bars_are_drawn_at_most_and_what_does_not_move_has_no_width() -> None:
    many = bars(tornado("t", SIDES, 100, [Bar(f"f{n}", 50, 150) for n in range(30)]))
    still = bars(tornado("t", SIDES, 100, [Bar("f", 100, 100)]))

    assert len(many) == 24
    assert {(left, right) for _, _, left, right in still} == {(740, 740)}


def test_a_name_is_text_and_a_long_one_is_cut_where_its_title_is_whole() -> None:
    name = "成交价 <b>" + "可比" * 40

    drawing = tornado("a & b", SIDES, 100, [Bar(name, 50, 150)])

    shown = [e.text or "" for e in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    (cut,) = (text for text in shown if text.endswith("…"))
    assert name.startswith(cut[:-1])
    assert sum(2 if sign > "\u2e80" else 1 for sign in cut[:-1]) <= 48
    assert bars(drawing)[0][0] == f"{name}: 0.50"
