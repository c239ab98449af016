"""See that each column has the role that a document gives it: subject, sensitive value.

A pseudonym says that a person may have several rows, so somebody must be named whom k
counts. A sensitive value is one that many share: a name that is listed as sensitive has
as many values as there are persons, and l does not hold it.

8 persons, k 2, ``sensitive: [ill]`` with 4 diagnoses -> 4 × 2 <= 8, many share them;
with 5 -> 5 × 2 > 8, refused.

Source: Machanavajjhala and others (2007), 3: a sensitive attribute is not known of a
person, and l-diversity needs l >= 2; GB/T 37964-2019, 3.7: an identifier is.
"""

from collections.abc import Iterator

import polars as pl

from schemas.privacy import Deidentification
from schemas.product import ProductTerms
from tasks.product.derive import persons
from tasks.product.lineage import PERSONAL, Held, held_values, sourced

INSIDE = "enclave"  # the one release that shows nobody outside a row
LEAST_DIVERSE = 2


def undeclared(terms: ProductTerms) -> Iterator[str]:
    """Say which roles the document alone leaves open, a sentence each."""
    asked = terms.deidentification
    if not asked.cells:
        yield from unnamed(asked)
    if asked.sensitive and terms.release != INSIDE and asked.diversity < LEAST_DIVERSE:
        yield (
            f"{', '.join(asked.sensitive)} is sensitive, and outside an enclave its"
            f" values must differ in each class; write diversity: {LEAST_DIVERSE} or"
            " more"
        )


def identifying(terms: ProductTerms) -> Iterator[str]:
    """Say which sensitive columns hold what a person is known by, in parts or changed.

    ``SPLIT_PART(name, ' ', 1) AS surname``, listed as sensitive, has few values, and
    names persons with the next part. Only what comes of sensitive columns may be known
    of no one; a personal one is a quasi-identifier, or a step treats it.
    """
    asked = terms.deidentification
    treated = {name for name, _ in asked.by_column}
    read = held_values(terms) if asked.sensitive else ()
    for name in asked.sensitive:
        if name in treated:
            continue
        shows = [one.held for one in read if one.output == name]
        told = sorted(
            {
                one.name
                for one in shows
                for one in (one, *made_of(terms, one))
                if one.rank == PERSONAL
            }
        )
        if told:
            yield (
                f"{name} is listed as sensitive, but comes of {', '.join(told)}"
                " (personal), by which a person may be known; list it in"
                " quasi_identifiers, or treat it in a step"
            )


def made_of(terms: ProductTerms, held: Held) -> list[Held]:
    """List the source columns that a column of a resource is made of."""
    table, _, column = held.name.partition(".")
    upstream = terms.upstream.get(table)
    return (
        [one for name, one in sourced(upstream) if name == column] if upstream else []
    )


def misplaced(rows: pl.LazyFrame, terms: ProductTerms) -> Iterator[str]:
    """Say which columns are not what their role says, a sentence each.

    Args:
        rows: The published rows.
        terms: The product's terms, with the policy's k filled in.
    """
    asked = terms.deidentification
    if told := nearly_unique(rows, asked, terms.threshold or 1):
        yield (
            f"{', '.join(told)} is listed as sensitive, but has nearly as many values"
            " as there are persons, so it names them; round or generalise it, put a"
            " pseudonym in its place, or drop it"
        )


def unnamed(asked: Deidentification) -> Iterator[str]:
    """Ask whom k counts, where a pseudonym says that rows are not persons."""
    if asked.pseudonyms and asked.subject not in asked.pseudonyms:
        told = ", ".join(sorted(asked.pseudonyms))
        whose = next(iter(sorted(asked.pseudonyms)))
        yield (
            f"{told} holds a pseudonym, and one person may have several rows; write"
            f" deidentification.subject: {whose}, or whichever pseudonym is the"
            " person's, so that k counts persons"
        )


def nearly_unique(
    rows: pl.LazyFrame, asked: Deidentification, least: int
) -> tuple[str, ...]:
    """Name the sensitive columns that fewer than k persons share on average.

    Null is no value; a column of one value tells nobody from another.
    """
    names = asked.sensitive
    if not names:
        return ()
    values = [pl.col(name).drop_nulls().n_unique().alias(name) for name in names]
    found = rows.select(*values, persons(asked).alias("_persons"))
    counted = found.collect(engine="streaming").row(0, named=True)
    few = (n for n in names if counted[n] > 1)
    return tuple(n for n in few if counted[n] * least > counted["_persons"])
