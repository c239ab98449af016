"""Write the report of an appraisal from its inputs and results, in both languages.

No figure is made here: every number on the page stands in one of the two.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from markupsafe import Markup

from schemas.money import exact_fen, shown
from tasks.page.appraisal_words import APPRAISAL_WORDS
from tasks.page.catalog import environment
from tasks.page.tornado import Bar, tornado
from tasks.page.words import LANGUAGES, Words

Facts = Mapping[str, Any]  # JSON
SOURCES = (
    *("appraisal.py", "appraisal_words.py", "tornado.py", "plot.py"),
    *("templates/appraisal.html", "templates/style.css"),
)
BY_YEAR = "present"  # a method with this step has a table by years


class Table(NamedTuple):
    """A table of one method: its head, and its rows with a name each."""

    head: list[str]
    rows: list[tuple[str, list[str]]]


@cache
def writer() -> str:
    """Digest of all that writes these pages: another one may word them otherwise."""
    room = files("tasks.page")
    texts = [room.joinpath(name).read_bytes() for name in SOURCES]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def pages(inputs: Facts, results: Facts, digest: str) -> dict[str, bytes]:
    """Write report and plot in Chinese and English, by file name.

    Args:
        inputs: The case, as ``inputs.json`` holds it.
        results: What follows from it, as ``results.json`` holds it.
        digest: SHA-256 of ``inputs.json``.
    """
    made = {}
    for language in LANGUAGES:
        words = Words(language, APPRAISAL_WORDS)
        drawing = plot(inputs, results, words)
        page = report(inputs, results, digest, drawing, words)
        made[f"tornado.{language}.svg"] = drawing.encode()
        made[f"report.{language}.html"] = page.encode()
    return made


def plot(inputs: Facts, results: Facts, words: Words) -> str:
    """Draw the tornado plot."""
    swing = percent(inputs["appraisal"]["swing"])
    bars = [
        Bar(placed(s["figure"], words), in_fen(s["low"]), in_fen(s["high"]))
        for s in results["sensitivity"]
    ]
    sides = (words("tornado_low"), words("tornado_high"))
    title = words("tornado_title", swing=swing)
    return tornado(title, sides, in_fen(results["value"]), bars)


def report(
    inputs: Facts, results: Facts, digest: str, drawing: str, words: Words
) -> str:
    """Write one report."""
    stated = inputs["appraisal"]
    by_name = {m["method"]: m for m in stated["methods"]}
    return (
        environment()
        .get_template("appraisal.html")
        .render(
            w=words,
            language=words.language,
            case=inputs,
            a=stated,
            r=results,
            digest=digest,
            drawing=Markup(drawing),
            money=money,
            percent=percent,
            placed=lambda name: placed(name, words),
            said=lambda note: said(note, words),
            tables={m["method"]: table(m, words) for m in results["methods"]},
            by_name=by_name,
            figures=[*figures(stated, ())],
        )
    )


def in_fen(amount: str) -> int:
    """Read an amount of the results."""
    return exact_fen(Decimal(amount))


def money(amount: str) -> str:
    """Write an amount for people. 1122400.00 -> 1,122,400.00."""
    return shown(in_fen(amount))


def percent(share: str) -> str:
    """Write a share for people. 0.10 -> 10 %."""
    return f"{(Decimal(share) * 100).normalize():f} %"


def placed(figure: str, words: Words) -> str:
    """Say which figure stands at a place, what it is first.

    ``direct/rate/parts/risk_free`` -> ``risk-free · discount rate · direct income``.
    """
    first, *rest = figure.split("/")
    known = [words.fixed("method" if rest else "place", first)]
    known += [words.fixed("place", part) for part in rest]
    return " · ".join(part.replace("_", " ") for part in reversed(known) if part)


def said(note: Facts, words: Words) -> str:
    """Say what a reader must be told."""
    told = [
        words.fixed("end", words.fixed("method", part)) if part.islower() else part
        for part in note["said"]
    ]
    return APPRAISAL_WORDS[f"note_{note['code']}"][
        LANGUAGES.index(words.language)
    ].format(*told)


def table(method: Facts, words: Words) -> Table:
    """Lay out the steps of a method: by year, by deal, or one under another."""
    steps: Sequence[Facts] = method["steps"]
    if any(step["name"] == BY_YEAR for step in steps):
        return by_year(steps, words)
    if method["method"] == "comparable_deals":
        return by_deal(steps, words)
    rows = [(named(step, words), [figure_of(step)]) for step in steps]
    return Table([words("item"), words("amount")], rows)


def by_year(steps: Sequence[Facts], words: Words) -> Table:
    """Put the years across."""
    years = sorted({s["period"] for s in steps if s["period"]})
    rows: dict[str, dict[int, str]] = {}
    for step in steps:
        rows.setdefault(named(step, words), {})[step["period"]] = figure_of(step)
    return Table(
        [words("item"), *map(str, years)],
        [(n, [by.get(y, by.get(0, "")) for y in years]) for n, by in rows.items()],
    )


def by_deal(steps: Sequence[Facts], words: Words) -> Table:
    """Put the deals across, and the value of the datasets below."""
    items = list(dict.fromkeys(s["item"] for s in steps if s["name"] == "deal"))
    rows: dict[str, dict[str, str]] = {}
    for step in steps:
        if step["item"] in items:
            name = "x_time" if step["name"] == "time" else step["name"]
            said = words.fixed("step", name)
            rows.setdefault(said, {})[step["item"]] = figure_of(step)
    below = [
        (
            f"{words('step_dataset')} {s['item']}",
            [figure_of(s)] + [""] * (len(items) - 1),
        )
        for s in steps
        if s["name"] == "dataset"
    ]
    across = [(n, [by.get(i, "") for i in items]) for n, by in rows.items()]
    return Table([words("item"), *items], [*across, *below])


def named(step: Facts, words: Words) -> str:
    """Name a step, with its item."""
    name = words.fixed("step", step["name"])
    item = step["item"].replace("_", " ")
    between = "" if name.endswith((" ", "：")) or not item else " "
    return f"{name}{between}{item}"


def figure_of(step: Facts) -> str:
    """Write a step's amount for people."""
    amount = step["amount"]
    return money(amount) if step["unit"] == "CNY" else str(amount)


def figures(part: Any, at: tuple[str, ...]) -> Iterator[Facts]:  # Any: JSON
    """List every figure with its source, by its place."""
    if isinstance(part, dict) and "derivation" in part:
        yield {**part, "place": "/".join(at), "given": given(part)}
    elif isinstance(part, dict):
        for name, value in part.items():
            inner = at if name == "methods" else (*at, name)
            yield from figures(value, inner)
    elif isinstance(part, list):
        for value in part:
            if isinstance(value, dict) and "method" in value:
                yield from figures(value, (*at, value["method"]))


def given(part: Facts) -> list[str]:
    """List the values of a figure."""
    held = part.get("values", part.get("worth", part.get("value")))
    if isinstance(held, dict):
        return [f"{name} {value}" for name, value in held.items()]
    return [str(v) for v in held] if isinstance(held, list) else [str(held)]
