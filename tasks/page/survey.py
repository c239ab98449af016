"""Write the page of a survey: bars and tables by year, industry, region; bilingual.

No figure is made here: counts, sizes and growth come as text; only the lengths of bars
are computed, against the longest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from tasks.page.catalog import environment
from tasks.page.figure import WHOLE, Bar, bars
from tasks.page.sheet import tongues
from tasks.page.survey_words import SURVEY_WORDS

Row = Mapping[str, Any]  # Any: a line of a survey
TABLES = (("years", "year"), ("industries", "industry"), ("regions", "region"))
MOST = 40  # bars of one picture


def survey_page(data: Mapping[str, Any]) -> str:
    """Write the page of what ``flows.counted.survey`` found."""
    template = environment().get_template("survey.html")
    return template.render(
        both=tongues(SURVEY_WORDS),
        data=data,
        tables=[(title, name, data[title]) for title, name in TABLES],
        pictures={
            title: Markup(picture(title, data[title]))
            for title, _ in TABLES
            if data[title]
        },
    )


def picture(title: str, rows: Sequence[Row]) -> str:
    """Draw the bytes of each line; of many lines the last year's, largest first."""
    last = rows if title == "years" else [r for r in rows if r["year"] == latest(rows)]
    most = max(int(r["bytes"]) for r in last) or 1
    if title != "years":
        last = sorted(last, key=lambda r: -int(r["bytes"]))[:MOST]
    drawn = [
        Bar(r["name"] or str(r["year"]), r["size"], 0, int(r["bytes"]) * WHOLE // most)
        for r in last
    ]
    year = "" if title == "years" else f" {latest(rows)}"
    return bars(label(title) + year, label("bytes"), drawn)


def latest(rows: Sequence[Row]) -> int:
    """Find the last year of a table."""
    return int(max(r["year"] for r in rows))


def label(key: str) -> str:
    """Say a word in both languages as plain text."""
    return " ".join(SURVEY_WORDS[key])
