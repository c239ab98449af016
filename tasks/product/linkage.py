"""Compare a release with earlier ones: what tells a few persons apart is a difference.

Two releases may each keep k and still give a person away: a class of 5 that was a class
of 6 says of one person that they left it. So the persons of each class, by the
quasi-identifiers that both releases have, must be as many as before or differ by k or
more; so must the subjects that only one of them names, where both name subjects.

Each release is counted by its own terms: a count that is called otherwise now is still
the count it was.

Classes (A 6, B 7) after (A 6, B 6), k 5 -> one class differs by 1. Classes that only
one of the two has are held against each other as a whole: (under 32: 10, from 32: 8)
after (under 31: 9, from 31: 9) cuts the same persons otherwise, and tells who is 31.

Source: GB/T 42460-2023, re-identification by linking; Dwork, Differential privacy
(2006), 1: the differencing attack.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from schemas.earlier import Earlier
from schemas.errors import FactorError
from schemas.product import ProductTerms
from tasks.columns import column_lineage
from tasks.product.case import Answer

Facts = Mapping[str, Any]  # JSON
SHOWN = 5  # releases in a sentence


class Difference(NamedTuple):
    """How often two releases differ by few persons, and by how few at least.

    No class, and 0: the same persons, or nearly, are cut into other classes.
    """

    release: str
    classes: int
    least: int


def linkage(
    now: pl.LazyFrame,
    earlier: Mapping[str, pl.LazyFrame],
    terms: ProductTerms,
    told: Sequence[Earlier] = (),
) -> list[Difference]:
    """Find the earlier releases that differ by fewer persons than k.

    One after the other, so that many of them need no more memory than one.

    Args:
        now: The published rows.
        earlier: Earlier releases of the same resource, by a name for people.
        terms: Quasi-identifiers or cells, subject and release of the product.
        told: By which columns each of them tells of persons; of what is not there, by
            those of the product itself.
    """
    mine = telling(terms.version, terms.model_dump(mode="json"))
    mine = mine or Earlier(release=terms.version)
    ways = {way.release: way for way in told}
    known: dict[tuple[str, ...], pl.DataFrame] = {}  # each grouping counted once
    found = []
    for name, before in earlier.items():
        least = terms.threshold or 1
        way = ways.get(name, mine)
        each, recut = differences(now, mine, before, way, known)
        gaps = [gap for gap in each if 0 < abs(gap) < least]
        if gaps:
            found.append(Difference(name, len(gaps), min(map(abs, gaps))))
        elif recut is not None and abs(recut) < least:
            found.append(Difference(name, 0, 0))
    return found


def telling(release: str, terms: Facts) -> Earlier | None:
    """Say by which columns a product tells of persons; nothing where of none.

    The terms are read as they were written: those of an older edition may not fit.
    """
    asked = terms.get("deidentification", {})
    names = asked.get("quasi_identifiers") or ()
    table = next((step for step in asked.get("steps", ()) if "cells" in step), None)
    if not names and table is None:
        return None
    classes = tuple(table["by"] if table else names)
    return Earlier(
        release=release,
        classes=classes,
        count=table["cells"] if table else "",
        subject=asked.get("subject") or "",
        shows=shown(terms, classes),
    )


def shown(terms: Facts, classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Find the columns that each class is made of, as far as its query reads.

    Their tables are left out: each factor calls the same resource as it likes.
    """
    tables = {t: tuple(names) for t, names in terms.get("classified", {}).items()}
    try:
        edges = column_lineage(terms.get("query", ""), tables) if tables else ()
    except FactorError:  # a task in Python, or a query of an older edition
        return {}
    found: dict[str, set[str]] = {}
    for edge in edges:
        found.setdefault(edge.output, set()).add(edge.column)
    return {n: tuple(sorted(found[n])) for n in classes if n in found}


def differences(
    now: pl.LazyFrame,
    mine: Earlier,
    before: pl.LazyFrame,
    way: Earlier,
    known: dict[tuple[str, ...], pl.DataFrame],
) -> tuple[list[int], int | None]:
    """List by how many persons each class differs, and then the two sets of subjects.

    Without a common quasi-identifier the whole is one class. A withheld cell differs by
    nobody knows how many. ``known``: what was counted of ``now``, by its grouping. Last
    is by how many all classes that only one of the two has differ, if both have some.
    """
    have, had = now.collect_schema(), before.collect_schema()
    same = {n: was for n in mine.classes if (was := called(n, mine, way, have, had))}
    common = tuple(same)
    if common not in known:
        known[common] = sizes(now, common, mine).rename({"persons": "a"})
    renamed = before.rename({was: n for n, was in same.items() if was != n})
    other = sizes(renamed, common, way).rename({"persons": "b"})
    joined = known[common].join(
        other, on=["_all", *common], how="full", nulls_equal=True
    )
    gap = pl.col("a").fill_null(0) - pl.col("b").fill_null(0)
    gaps = joined.select(gap)["a"].to_list()
    names = mine.subject, way.subject
    if all(names) and had.get(names[1]) == have.get(names[0]) is not None:
        gaps += [apart(now, before, *names), apart(before, now, *reversed(names))]
    return gaps, recut(joined)


def recut(joined: pl.DataFrame) -> int | None:
    """Hold the classes of one release that the other has not against each other.

    As many persons in other classes are the same persons under other limits or words;
    None where one of the two has no class of its own.
    """
    come, gone = (joined.filter(pl.col(n).is_null()) for n in ("b", "a"))
    if come.is_empty() or gone.is_empty():
        return None
    return int(come["a"].sum()) - int(gone["b"].sum())


def called(
    name: str, mine: Earlier, way: Earlier, have: pl.Schema, had: pl.Schema
) -> str:
    """Find how an earlier release calls a class: so, or as what is made of the same.

    ``town AS place`` now, ``town`` before: ``place`` was ``town``. Empty: it has none.
    """
    kind, shows = have[name], mine.shows.get(name)
    if name in had:
        return name if had[name] == kind else ""
    others = [n for n in way.classes if n not in have and had.get(n) == kind]
    return next((n for n in others if shows and way.shows.get(n) == shows), "")


def sizes(frame: pl.LazyFrame, common: Sequence[str], way: Earlier) -> pl.DataFrame:
    """Count the persons of each class; cells that are withheld are left out.

    A row without a subject counts as a person of its own: whoever left is missed.
    """
    has = frame.collect_schema()
    if way.count in has:
        told = frame.filter(pl.col(way.count).is_not_null())
        count = pl.col(way.count).sum().cast(pl.Int64)
    else:
        who = way.subject if way.subject in has else ""
        told, count = frame, (subjects(who) if who else pl.len().cast(pl.Int64))
    by = [pl.lit(0).alias("_all"), *common]
    return told.group_by(by).agg(persons=count).collect(engine="streaming")


def subjects(name: str) -> pl.Expr:
    """Count distinct subjects, and each row that names none."""
    who = pl.col(name)
    return (who.drop_nulls().n_unique() + who.null_count()).cast(pl.Int64)


def apart(one: pl.LazyFrame, other: pl.LazyFrame, subject: str, named: str) -> int:
    """Count the subjects of one release that the other one does not name."""
    persons = one.select(subject).drop_nulls().unique()
    only = persons.join(other, left_on=subject, right_on=named, how="anti")
    return int(only.select(pl.len()).collect(engine="streaming").item())


def sentence(gap: Difference, terms: ProductTerms) -> str:
    """Say how a release differs from an earlier one."""
    if not gap.classes:
        return (
            "it cuts the same persons into other classes than the release"
            f" {gap.release}: keep its classes, so that nobody stands between two"
        )
    return (
        f"it differs from the release {gap.release} in {gap.classes} classes by fewer"
        f" than {terms.threshold} persons (the least by {gap.least})"
    )


def linkage_gate(
    now: pl.LazyFrame,
    earlier: Mapping[str, pl.LazyFrame],
    terms: ProductTerms,
    told: Sequence[Earlier] = (),
) -> Answer:
    """Answer the gate ``linkage``: name, open, ground, evidence."""
    found = linkage(now, earlier, terms, told)
    said = [sentence(gap, terms) for gap in found[:SHOWN]]
    if len(found) > SHOWN:
        said.append(f"and so from {len(found) - SHOWN} more releases")
    ground = (
        f"{'; '.join(said)}, so who came or left can be told; offer it when more has"
        " changed, or generalise further"
        if found
        else "no earlier release differs by a few persons"
    )
    evidence = f"{len(earlier)} earlier releases compared"
    return "linkage", not found, ground, evidence
