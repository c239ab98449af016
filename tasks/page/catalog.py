"""Write the pages of the catalogue from facts that come ready: no figure is made here.

A page is whole in itself: its style stands in it, pictures are inline SVG, links lead
to its neighbours only. Everything that a document says is escaped.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.page.words import LANGUAGES, NAMES, Language, Words

Facts = Mapping[str, Any]  # JSON


@cache
def environment() -> Environment:
    """Make the one environment: all is escaped, and a missing fact is an error."""
    made = Environment(
        loader=PackageLoader("tasks.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["tongue"] = tongue
    return made


def tongue(text: str) -> str:
    """Say in which language a document's text is, for those who hear the page."""
    return "zh" if any("\u3400" <= sign <= "\u9fff" for sign in text) else "en"


def file_of(name: str, language: Language, languages: Sequence[Language]) -> str:
    """Name a page: the first language has no ending. ``index.html, index.en.html``."""
    return f"{name}.html" if language == languages[0] else f"{name}.{language}.html"


def pages(
    products: Sequence[Facts],
    drawings: Mapping[tuple[str, Language], Facts],
    made_on: str,
    languages: Sequence[Language] = LANGUAGES,
) -> Iterator[tuple[str, str]]:
    """Write every page: its path below the catalogue, and its text.

    Args:
        products: Facts of each product, as ``flows.catalog`` gathers them.
        drawings: By product and language its ``lineage`` and ``quality``, as SVG.
        made_on: The day on which the catalogue is made.
        languages: One or both; the first one is what an address without ending shows.
    """
    for language in languages:
        common = {
            "w": Words(language),
            "language": language,
            "made_on": made_on,
            "facets": facets(products),
        }
        index = environment().get_template("index.html")
        others = switch("index", languages)
        files = {p["name"]: file_of(p["name"], language, languages) for p in products}
        yield (
            file_of("index", language, languages),
            index.render(products=products, others=others, files=files, **common),
        )
        for product in products:
            name = product["name"]
            svg = {n: safe(s) for n, s in drawings[name, language].items()}
            text = (
                environment()
                .get_template("product.html")
                .render(
                    p=product,
                    svg=svg,
                    others=switch(name, languages),
                    index=f"../{file_of('index', language, languages)}",
                    **common,
                )
            )
            yield f"products/{files[name]}", text


def safe(drawing: str | Sequence[str]) -> Any:  # Any: one drawing, or several
    """Take drawings of this house as they are: their texts are escaped already."""
    if isinstance(drawing, str):
        return Markup(drawing)
    return [Markup(one) for one in drawing]


def switch(name: str, languages: Sequence[Language]) -> list[dict[str, str]]:
    """Link a page to itself in the other language."""
    return [
        {"code": n, "name": NAMES[n], "file": file_of(name, n, languages)}
        for n in languages
    ]


def facets(products: Sequence[Facts]) -> dict[str, list[str]]:
    """List what products can be chosen by, each with the values that occur."""
    names = ("industry", "price_mode", "release", "forms", "state")
    return {n: sorted({v for p in products for v in listed(p[n])}) for n in names}


def listed(value: str | Sequence[str]) -> Sequence[str]:
    """Take one value for a list of one."""
    return (value,) if isinstance(value, str) else value
