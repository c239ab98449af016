"""Write the dossier of a loan from facts that come ready: no figure is made here."""

from collections.abc import Mapping
from typing import Any

from tasks.page.catalog import environment
from tasks.page.dossier_words import DOSSIER_WORDS
from tasks.page.words import Pair

Facts = Mapping[str, Any]  # JSON
SOURCES = (
    *("dossier.py", "dossier_words.py", "plot.py"),
    *("templates/dossier.html", "templates/style.css"),
)


def page(facts: Facts, end: Facts) -> bytes:
    """Write the dossier as one page that needs nothing else.

    Args:
        facts: All that is told of the loan, section by section.
        end: The signed head, and what else lies in the pack.
    """
    made = environment().get_template("dossier.html")
    return made.render(f=facts, end=end, w=word).encode()


def word(key: str, **given: str) -> Pair:
    """Say a word in both languages, with what it speaks of filled in."""
    zh, en = (text.format(**given) for text in DOSSIER_WORDS[key])
    return zh, en
