"""Write the page of what factors are worth over time: tables and bars; bilingual.

No figure is made here; only the lengths of bars are computed, against the longest.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from tasks.page.catalog import environment
from tasks.page.figure import WHOLE, Bar, bars
from tasks.page.sheet import tongues
from tasks.page.value_words import VALUE_WORDS

Row = Mapping[str, Any]  # Any: a month
DRAWN = ("cost", "revenue")


def value_page(data: Mapping[str, Any]) -> str:
    """Write the page of what ``flows.worth.value`` found."""
    template = environment().get_template("value.html")
    pictures = {
        (factor["factor"], name): Markup(picture(name, factor["months"]))
        for factor in data["factors"]
        for name in DRAWN
        if any(figure(m, name) for m in factor["months"])
    }
    return template.render(
        both=tongues(VALUE_WORDS), data=data, drawn=DRAWN, pictures=pictures
    )


def picture(name: str, months: Sequence[Row]) -> str:
    """Draw the money of each month; what is taken back lies left of the line."""
    most = max(abs(figure(m, name)) for m in months)
    drawn = [
        Bar(m["month"], m[name], 0, int(figure(m, name) * WHOLE / most)) for m in months
    ]
    return bars(" ".join(VALUE_WORDS[name]), " ".join(VALUE_WORDS["yuan"]), drawn)


def figure(month: Row, name: str) -> Decimal:
    """Read an amount as it is shown."""
    return Decimal(str(month[name]).replace(",", ""))
