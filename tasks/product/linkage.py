"""Compare a release with earlier ones: what tells a few persons apart is a difference.

Two releases may each keep k and still give a person away: a class of 5 that was a class
of 6 says of one person that they left it. So the persons of each class, by the
quasi-identifiers that both releases have, must be as many as before or differ by k or
more; so must the subjects that only one of them names, where both name subjects.

Classes (A 6, B 7) after (A 6, B 6), k 5 -> one class differs by 1.

Source: GB/T 42460-2023, re-identification by linking; Dwork, Differential privacy
(2006), 1: the differencing attack.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from schemas.product import ProductTerms
from tasks.product.case import Answer


class Difference(NamedTuple):
    """How often two releases differ by few persons, and by how few at least."""

    release: str
    classes: int
    least: int


def linkage(
    now: pl.LazyFrame, earlier: Mapping[str, pl.LazyFrame], terms: ProductTerms
) -> list[Difference]:
    """Find the earlier releases that differ by fewer persons than k.

    Args:
        now: The published rows.
        earlier: Earlier releases of the same resource, by a name for people.
        terms: Quasi-identifiers or cells, subject and release of the product.
    """
    found = []
    for name, before in earlier.items():
        least = terms.threshold or 1
        gaps = [gap for gap in differences(now, before, terms) if 0 < abs(gap) < least]
        if gaps:
            found.append(Difference(name, len(gaps), min(map(abs, gaps))))
    return found


def differences(
    now: pl.LazyFrame, before: pl.LazyFrame, terms: ProductTerms
) -> list[int]:
    """List by how many persons each class differs, and then the two sets of subjects.

    Without a common quasi-identifier the whole is one class. A withheld cell differs by
    nobody knows how many.
    """
    table = terms.deidentification.cells
    names = table.by if table else terms.deidentification.quasi_identifiers
    have, had = now.collect_schema(), before.collect_schema()
    common = [name for name in names if had.get(name) == have[name]]
    one = sizes(now, common, terms).rename({"persons": "a"})
    other = sizes(before, common, terms).rename({"persons": "b"})
    joined = one.join(other, on=["_all", *common], how="full", nulls_equal=True)
    gap = pl.col("a").fill_null(0) - pl.col("b").fill_null(0)
    gaps = joined.select(gap)["a"].to_list()
    subject = terms.deidentification.subject
    if subject and had.get(subject) == have[subject]:
        gaps += [apart(now, before, subject), apart(before, now, subject)]
    return gaps


def sizes(frame: pl.LazyFrame, common: list[str], terms: ProductTerms) -> pl.DataFrame:
    """Count the persons of each class; cells that are withheld are left out.

    A row without a subject counts as a person of its own: whoever left is missed.
    """
    asked = terms.deidentification
    has = frame.collect_schema()
    if asked.cells and asked.cells.cells in has:
        told = frame.filter(pl.col(asked.cells.cells).is_not_null())
        count = pl.col(asked.cells.cells).sum()
    else:
        who = asked.subject if asked.subject in has else None
        told, count = frame, (subjects(who) if who else pl.len().cast(pl.Int64))
    by = [pl.lit(0).alias("_all"), *common]
    return told.group_by(by).agg(persons=count).collect(engine="streaming")


def subjects(name: str) -> pl.Expr:
    """Count distinct subjects, and each row that names none."""
    who = pl.col(name)
    return (who.drop_nulls().n_unique() + who.null_count()).cast(pl.Int64)


def apart(one: pl.LazyFrame, other: pl.LazyFrame, subject: str) -> int:
    """Count the subjects of one release that the other one does not name."""
    only = one.select(subject).unique().join(other, on=subject, how="anti")
    return int(only.drop_nulls().select(pl.len()).collect().item())


def linkage_gate(
    now: pl.LazyFrame, earlier: Mapping[str, pl.LazyFrame], terms: ProductTerms
) -> Answer:
    """Answer the gate ``linkage``: name, open, ground, evidence."""
    found = linkage(now, earlier, terms)
    told = [
        f"it differs from the release {gap.release} in {gap.classes} classes by fewer"
        f" than {terms.threshold} persons (the least by {gap.least})"
        for gap in found
    ]
    ground = (
        f"{'; '.join(told)}, so who came or left can be told; offer it when more has"
        " changed, or generalise further"
        if found
        else "no earlier release differs by a few persons"
    )
    evidence = f"{len(earlier)} earlier releases compared"
    return "linkage", not found, ground, evidence
