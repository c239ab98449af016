"""Find the declared columns among the names a file has, and refuse doubtful names.

A name that a person cannot tell from another is no name: signs that are not shown
(direction marks, zero width), two names that are one after Unicode normalisation, or
that only look alike (one Cyrillic, one Latin). Names are quoted only where the line
surely is a heading, for else they are data.

Source: Unicode TR39, 4 (skeletons), narrowed to the Cyrillic and Greek letters that
look like Latin ones. ``a`` beside ``\\u0430`` -> refused.
"""

import re
import unicodedata

from schemas.errors import SourceError
from schemas.resource import Source

SHOWN = 8  # names in a message
VALUE = re.compile(r"[0-9]{5}|@")  # a heading holds a year at most
MAX_COLUMNS = 4_096  # the widest table of the house has 55
FOREIGN = "АВЕЅІЈКМНОРСТХҮасеіјорѕухԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧνο"  # noqa: RUF001 - that is the point
LATIN = "ABESIJKMHOPCTXYaceijopsyxdqwhABEZHIKMNOPTYXvo"
LOOKS = str.maketrans(FOREIGN, LATIN)


def positions(found: list[str], source: Source) -> list[int]:
    """Give for each declared column its place among the file's names, from 0.

    Raises:
        SourceError: A declared column is missing or there twice; a name is not declared
            (unless that is to be ignored), cannot be seen or looks like another.
    """
    wanted = [column.written for column in source.columns]
    refuse_doubtful(found)
    missing = [name for name in wanted if name not in found]
    repeated = [name for name in wanted if found.count(name) > 1]
    extra = {at: name for at, name in enumerate(found, 1) if name not in wanted}
    said = {"missing": missing, "repeated": repeated}
    if extra and source.undeclared == "refuse":
        shown = [str(at) if missing or not name else name for at, name in extra.items()]
        said["not declared (name or place)"] = shown
    if any(said.values()):
        parts = [f"{word}: {names(which)}" for word, which in said.items() if which]
        raise SourceError(
            f"columns {'; '.join(parts)}; declare the columns that the file has, with"
            " physicalName where the name differs"
        )
    refuse_wide(len(found))
    return [found.index(name) for name in wanted]


def refuse_wide(columns: int) -> None:
    """Refuse a table of more columns than any person declared or ignored knowingly."""
    if columns > MAX_COLUMNS:
        raise SourceError(
            f"there are {columns:,} columns, over the limit of {MAX_COLUMNS:,}; store"
            " such a table as rows of name and value, or only the columns needed"
        )


def refuse_doubtful(found: list[str]) -> None:
    """Refuse names that hold unseen signs, or that look like another."""
    seen: dict[str, int] = {}
    for at, name in enumerate(found, 1):
        if any(unicodedata.category(sign) == "Cf" for sign in name):
            raise SourceError(
                f"the name of column {at} holds a sign that is not shown; write the"
                " heading without it"
            )
        skeleton = unicodedata.normalize("NFKC", name).translate(LOOKS)
        twin = seen.setdefault(skeleton, at) if skeleton else at
        if twin != at and found[twin - 1] != name:
            raise SourceError(
                f"the names of columns {twin} and {at} look alike but are not the same;"
                " rename one of them"
            )


def names(listed: list[str]) -> str:
    """List names, a few of many; a sign that cannot be seen is written out.

    A number plate or an address where a name should be is not repeated.
    """
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    short = [
        "one that looks like a value" if VALUE.search(name) else name[:64]
        for name in listed[:SHOWN]
    ]
    shown = [n if n.isprintable() and n else ascii(n) for n in short]
    return ", ".join(shown) + more
