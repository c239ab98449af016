"""Look for personal data in the columns that nobody has classified.

The answers are counts, never values, and proposals until a person writes
``classification:`` on the column. Only the first ``SAMPLE`` rows are read: what stands
further down is not seen, and names and addresses in free text are not recognised.

Three texts, one with a sound resident ID, undecided -> resident_id examined 3,
shaped 1, matched 1, proposed sensitive.
"""

from collections.abc import Iterator
from typing import Annotated

import polars as pl

from schemas.contract import Column, frame_of
from schemas.grade import Finding
from schemas.resource import ResourceTerms
from tasks.resource.recognise import RECOGNISERS, hint_of, is_telling, plain

SAMPLE = 100_000
READ = ("string", "integer")  # an identifier is written as text or as digits
SECRET = ("personal", "sensitive")  # the stricter last
Row = tuple[str, str, int, int, int, bool, str, bool, int]


def classify(
    resource: pl.LazyFrame, terms: ResourceTerms
) -> Annotated[pl.LazyFrame, Finding]:
    """Count what each recogniser finds, and say what each column's name speaks for.

    Args:
        resource: The contract's columns.
        terms: Which columns somebody has classified.

    Returns:
        One row a recogniser and column of text or integers that is undecided; for each
        undecided column one row ``name`` (with the kind it hints at, ``name:health``);
        for each decided one a row ``person``.
    """
    undecided = [c for c in terms.columns if c.classification is None]
    counts = counted(resource, [c.name for c in undecided if c.logical_type in READ])
    decided = [c for c in terms.columns if c.classification is not None]
    rows = [row for c in undecided for row in found(c, counts)]
    rows += [row for c in undecided for row in inherited(c, terms)]
    return frame_of(Finding, [*map(by_person, decided), *rows]).lazy()


def counted(rows: pl.LazyFrame, columns: list[str]) -> dict[str, int]:
    """Count values, shapes and matches of the sample in one pass."""
    if not columns:
        return {}
    texts = rows.head(SAMPLE).select(
        plain(pl.col(name).cast(pl.String)) for name in columns
    )
    counts = texts.select(count for name in columns for count in counts_of(name))
    made: dict[str, int] = counts.collect(engine="streaming").row(0, named=True)
    return made


def counts_of(name: str) -> Iterator[pl.Expr]:
    """Write the counts of one column, each called ``column/recogniser/what``."""
    text = pl.col(name)
    yield text.count().cast(pl.Int64).alias(f"{name}//examined")
    for each in RECOGNISERS:
        for what, test in (("shaped", each.shaped), ("matched", each.sound)):
            total = test(text).sum().cast(pl.Int64)
            yield total.alias(f"{name}/{each.name}/{what}")


def found(column: Column, counts: dict[str, int]) -> Iterator[Row]:
    """Write the findings of one column that nobody has classified."""
    name = column.name
    hint = hint_of(name, column.written)
    kind = f"name:{hint.kind}" if hint else "name"
    proposed = hint.proposal if hint else "internal"
    yield (name, kind, 0, 0, 0, hint is not None, proposed, False, SAMPLE)
    if f"{name}//examined" not in counts:
        return
    examined = counts[f"{name}//examined"]
    for each in RECOGNISERS:
        shaped = counts[f"{name}/{each.name}/shaped"]
        matched = counts[f"{name}/{each.name}/matched"]
        told = is_telling(shaped, matched, each.chance)
        proposal = each.proposal if told else "internal"
        yield (
            *(name, each.name, examined, shaped, matched),
            *(False, proposal, False, SAMPLE),
        )


def inherited(column: Column, terms: ResourceTerms) -> Iterator[Row]:
    """Propose what a source says: of a column of this name or, after SQL, of any.

    SQL may give a column another name, so where a source holds something personal every
    column that nobody has decided is suspected: 就高从严.
    """
    every = [c for source in terms.sources for c in source.columns]
    same = [c.classification for c in every if c.name == column.name]
    said = [one for one in same if one is not None]
    if not said and (terms.consolidate or terms.labels):
        said = [c.classification for c in every if c.classification in SECRET]
    secret = [one for one in SECRET if one in said]
    if secret:
        yield (column.name, "source", 0, 0, 0, True, secret[-1], False, SAMPLE)


def by_person(column: Column) -> Row:
    """Say that a person has decided."""
    assert column.classification is not None
    return (column.name, "person", 0, 0, 0, False, column.classification, True, SAMPLE)
