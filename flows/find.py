"""Find resources and products by words, with what decides whether they can be reused.

Every word must occur, upper and lower case alike, in a factor's document. It counts 8
in the name or title, 4 in a column's name, also as its file writes it, 2 in a column's
unit or description or a label, 1 in the scenario or the name of a source; twice as much
where it is a whole word. The sums order the answer; among equals the larger table comes
first.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from flows.document import factor_named
from flows.released import released
from flows.versions import ending
from schemas.contract import Column
from schemas.errors import DatafactorError, Refused, StoreError
from schemas.factor import Factor
from schemas.quality import TOTAL, Score
from tasks import store
from tasks.quality import shown
from tasks.resource.grade import highest

Facts = dict[str, Any]  # JSON
NAME, COLUMN, MEANING, CONTEXT = 8, 4, 2, 1
Text = tuple[int, str, str]  # weight, what it is, text


def find(words: Sequence[str]) -> Facts:
    """Search the documents of the factors folder.

    Returns:
        ``found``: one entry a resource or product, best first. ``unreadable``: factors
        whose document is wrong, so that nothing is known of them.
    """
    folder = store.current().settings.factors
    found, unreadable = [], []
    for name in sorted(path.stem for path in folder.glob("*.yaml")):
        try:
            terms = factor_named(name)
        except DatafactorError:
            unreadable.append(name)
            continue
        found += [entry for entry in entries(terms, words) if entry["rank"]]
    found.sort(key=lambda e: (-e["rank"], -(e["rows"] or 0), e["ref"]))
    return {"words": list(words), "found": found, "unreadable": unreadable}


def entries(terms: Factor, words: Sequence[str]) -> Iterator[Facts]:
    """Describe the resource of a factor, and its product if it has one."""
    if terms.resource:
        licences = sorted({source.licence for source in terms.sources.values()})
        texts = [*of_factor(terms), *of_columns(terms.resource.columns)]
        texts += [(MEANING, "label", label) for label in terms.resource.labels]
        texts += [(CONTEXT, "source", name) for name in terms.sources]
        texts += of_files(terms)
        yield entry(terms, "resource", terms.factor, texts, words) | {
            "grade": highest(terms.resource.columns),
            "licence": "; ".join(licences),
            "ending": "",
        }
    if terms.product:
        product = f"{terms.product.name} {terms.product.version}"
        texts = [*of_factor(terms), *of_columns(terms.product.columns)]
        texts.append((NAME, "product", terms.product.name))
        yield (
            entry(terms, "product", product, texts, words)
            | {
                "grade": highest(terms.product.columns),
                "licence": terms.product.licence.name,
                "ending": ending(terms.product),
            }
            | standing_of(terms.factor)
        )


def standing_of(factor: str) -> Facts:
    """Say of a product that is not offered that it is not, and tell no rows of it."""
    try:
        released(factor)
    except Refused:
        return {"rows": None, "ending": "refused at its last run: not offered"}
    except StoreError:
        return {"rows": None, "ending": "not made yet"}
    return {}


def of_factor(terms: Factor) -> Iterator[Text]:
    """List what the document says of the factor as a whole."""
    yield NAME, "factor", terms.factor
    yield NAME, "title", terms.title
    scenario = terms.scenario
    for said in (scenario.user, scenario.decision, scenario.benefit, scenario.industry):
        yield CONTEXT, "scenario", said


def of_columns(columns: Sequence[Column]) -> Iterator[Text]:
    """List what the document says of its columns."""
    for column in columns:
        yield COLUMN, f"column {column.name}", column.name
        yield MEANING, f"unit of {column.name}", column.unit
        yield MEANING, f"description of {column.name}", column.description


def of_files(terms: Factor) -> Iterator[Text]:
    """List the columns' names as the files write them: often in another language."""
    for source in terms.sources.values():
        for column in source.columns:
            if column.physical_name:
                yield COLUMN, f"{column.written} of {source.name}", column.written


def entry(
    terms: Factor, stage: str, name: str, texts: Sequence[Text], words: Sequence[str]
) -> Facts:
    """Rank one resource or product, and say what the store knows of it."""
    rank, matched = ranked(texts, words)
    held = held_of(terms.factor, stage) if rank else {}
    return {
        "ref": f"{terms.factor}/{stage}",
        "kind": stage,
        "name": name,
        "title": terms.title,
        "rank": rank,
        "matched": matched,
        **{n: held.get(n) for n in ("rows", "score")},
        "used": held.get("used", []),
    }


def ranked(texts: Sequence[Text], words: Sequence[str]) -> tuple[int, list[str]]:
    """Add up the best place of each word; 0 where a word occurs nowhere.

    ``delay`` in the column ``dep_delay`` -> 4 × 2, for it is a whole word there.
    """
    rank, matched = 0, []
    for word in words:
        best, where = max(
            ((weight * times(word, text), what) for weight, what, text in texts),
            key=lambda pair: pair[0],
            default=(0, ""),
        )
        if not best:
            return 0, []
        rank += best
        matched.append(where)
    return rank, list(dict.fromkeys(matched))


def times(word: str, text: str) -> int:
    """Say 2 for a whole word, 1 for a part of one, 0 where it does not occur."""
    word, text = word.casefold(), text.casefold()
    if word not in text:
        return 0
    return 1 + (word in re.split(r"[\W_]+", text) or word == text)


def held_of(factor: str, stage: str) -> Facts:
    """Say how many rows the newest version has, how good it is, and who used any."""
    s, ref = store.current(), f"{factor}/{stage}"
    try:
        newest = store.resolve(s, ref)
    except StoreError:  # it never ran
        return {}
    used = store.uses(s, store.every(s, f"{ref}/{newest.name}"))
    return {
        "rows": newest.rows,
        "score": score_of(factor) if stage == "resource" else None,
        "used": [use.model_dump(mode="json") for use in used],
    }


def score_of(factor: str) -> str | None:
    """Read the newest total score, as text with six places."""
    scores = store.series(store.current(), factor, Score)
    totals = scores.filter(pl.col("dimension") == TOTAL)["score_ppm"].to_list()
    return shown(totals[-1]) if totals and totals[-1] is not None else None
