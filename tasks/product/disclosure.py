"""Measure what a published file still discloses, and hold it against its release.

k is the size of the smallest class of equal quasi-identifiers (null is a value), l the
least number of distinct values of a sensitive column in a class (null is none). Both
are measured on the published rows, after the last step: not what was planned. A column
that a step has treated and that stands in no role must form classes of k by itself.

Classes (30, m) 6 persons, (40, f) 4 persons at threshold 5 -> k 4, at risk 4, level 2.

Source: GB/T 42460-2023 for the levels of identifiability 可识别性 (1 direct, 2 by
quasi-identifiers, 3 acceptable risk, 4 aggregate); Samarati and Sweeney (1998) for k;
Machanavajjhala and others (2007) for l.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.earlier import Earlier
from schemas.privacy import Cells, Disclosure
from schemas.product import ProductTerms
from tasks.product.case import Answer, Case
from tasks.product.cells import recoverable
from tasks.product.counts import in_words, miscounted, repeated, telling_groups
from tasks.product.derive import distinct, persons
from tasks.product.lineage import PERSONAL, RANK, Taken, peopled, showing
from tasks.product.linkage import linkage_gate
from tasks.product.relabel import relabel_gate
from tasks.product.roles import identifying, misplaced, undeclared
from tasks.product.treatment import changed

NEEDED = (
    "write deidentification.quasi_identifiers (by what a person may be singled out), or"
    " make a table of counts with a step cells"
)


class Answers(NamedTuple):
    """The gates of de-identification, and what was measured for them."""

    gates: tuple[Answer, ...]
    disclosure: pl.DataFrame


class Fine(NamedTuple):
    """A treated column, and the persons who share its rarest value."""

    name: str
    least: int


class Alone(NamedTuple):
    """Columns that tell of persons by themselves: untreated, or too little.

    ``groups`` are those that name the cells of a table of counts.
    """

    direct: tuple[str, ...]
    fine: tuple[Fine, ...]
    groups: tuple[str, ...]


class Leaks(NamedTuple):
    """Withheld counts that sums give back, and those with a measure beside them."""

    given: int
    beside: int


class Measured(NamedTuple):
    """One row of ``Disclosure``, without the release."""

    rows: int
    persons: int | None
    classes: int
    k: int | None
    median_class: int | None
    largest_class: int | None
    diversity: int | None
    at_risk: int
    withheld: int
    threshold: int
    level: int


def disclosed(
    rows: pl.LazyFrame,
    case: Case,
    earlier: Mapping[str, pl.LazyFrame],
    told: Sequence[Earlier] = (),
) -> Answers:
    """Answer the gates ``relabel``, ``disclosure`` and ``linkage``.

    Args:
        rows: The published rows.
        case: The product's terms, with the policy's rules and the classification of
            what it reads filled in, and the personal columns that it reads.
        earlier: Earlier releases of the same resource, by a name for people.
        told: By which columns each of them tells of persons.

    Returns:
        The gates with grounds and evidence, and contract Disclosure: no row where the
        product reads nothing about persons.
    """
    terms = case.terms
    if not terms.classified or terms.threshold is None:
        unknown = (
            "nothing says how the tables it reads are classified, or which k the policy"
            " asks of its release; load the product from its document"
        )
        gate: Answer = ("disclosure", False, unknown, "no classification, no policy")
        return Answers((gate,), frame_of(Disclosure, []))
    read = case.taken
    treated = changed(rows, terms.deidentification) | in_words(terms)
    relabel = relabel_gate(terms, read, treated)
    if not read and not about_persons(terms):
        nothing = "it reads of no person"
        evidence = f"{sum(map(len, terms.classified.values()))} columns of its tables"
        gate = ("disclosure", True, nothing, evidence)
        return Answers((relabel, gate), frame_of(Disclosure, []))
    alone = Alone(
        tuple(direct(terms, read, treated)),
        (*fine(rows, terms, read, treated), *rare(rows, terms, read, treated)),
        tuple(n for n in groups(terms, read) if n not in treated),
    )
    found = measure(rows, terms, alone)
    table = terms.deidentification.cells
    leaks = leaking(rows.collect(), table) if table else Leaks(0, 0)
    wrong = [
        *undeclared(terms),
        *misplaced(rows, terms),
        *repeated(terms),
        *identifying(terms),
    ]
    wrong += miscounted(terms, table) if table else ()
    gate = disclosure_gate(found, alone, leaks, wrong, terms)
    linked = linkage_gate(rows, earlier, terms, told)
    row = (terms.release, *found)
    return Answers((relabel, gate, linked), frame_of(Disclosure, [row]))


def foreseen(case: Case) -> list[str]:
    """Say what ``disclosure`` will refuse whatever the rows are, for a check."""
    terms, read = case.terms, case.taken
    if not terms.classified or not (read or about_persons(terms)):
        return []
    table = terms.deidentification.cells
    wrong = [*undeclared(terms), *repeated(terms), *identifying(terms)]
    wrong += miscounted(terms, table) if table else ()
    treated = terms.deidentification.treated | in_words(terms)
    bare = tuple(n for n in groups(terms, read) if n not in treated)
    if not (table or terms.deidentification.quasi_identifiers):
        wrong.append(f"its rows are about persons; {NEEDED}")
    return [*wrong, *((named_by(bare),) if bare else ())]


def about_persons(terms: ProductTerms) -> bool:
    """Say whether the product is about persons: by its columns, terms or tables."""
    asked = terms.deidentification
    named = asked.cells or asked.quasi_identifiers or asked.sensitive or asked.subject
    labels = (RANK[c.classification or "undecided"] for c in terms.columns)
    return bool(named or peopled(terms)) or max(labels) >= PERSONAL


def telling(terms: ProductTerms, read: tuple[Taken, ...]) -> list[str]:
    """List the columns that may tell of a person and that nothing else measures.

    The subject is one of them until a step has put a pseudonym in its place. In a table
    of counts a figure over many rows names nobody, whatever its classification.
    """
    asked = terms.deidentification
    measured = {*asked.quasi_identifiers, *asked.sensitive, *asked.celled}
    shows = {edge.output for edge in showing(terms, read)}
    return [
        c.name
        for c in terms.columns
        if c.name not in measured | asked.pseudonyms
        and (
            c.name in shows
            or (not asked.cells and RANK[c.classification or "undecided"] >= PERSONAL)
        )
    ]


def direct(
    terms: ProductTerms, read: tuple[Taken, ...], treated: frozenset[str]
) -> list[str]:
    """List the columns that may name a person: personal, untreated, in no role."""
    return [name for name in telling(terms, read) if name not in treated]


def fine(
    rows: pl.LazyFrame,
    terms: ProductTerms,
    read: tuple[Taken, ...],
    treated: frozenset[str],
) -> Iterator[Fine]:
    """List the treated columns whose values are still those of fewer than k persons.

    ``{mask: phone, first: 10}`` of 11 digits -> phone, 1. Null is a value, but beside a
    withheld count; in a table of counts each cell shows the value of one person.
    """
    asked = terms.deidentification
    counted = pl.len().cast(pl.Int64) if asked.cells else persons(asked)
    for name in telling(terms, read):
        if name not in treated:
            continue
        told = rows.drop_nulls(name) if asked.cells else rows
        sizes = told.group_by(name).agg(_persons=counted).collect(engine="streaming")
        least = whole(sizes["_persons"].min())
        if least is not None and least < (terms.threshold or 1):
            yield Fine(name, least)


def groups(terms: ProductTerms, read: tuple[Taken, ...]) -> list[str]:
    """List what names a cell, shows a personal column and is not in words."""
    table = terms.deidentification.cells
    return telling_groups(terms, read, table) if table else []


def rare(
    rows: pl.LazyFrame,
    terms: ProductTerms,
    read: tuple[Taken, ...],
    treated: frozenset[str],
) -> Iterator[Fine]:
    """List the treated names of cells that stand for fewer than k persons.

    ``{mask: name, first: 1}`` of a cell that is withheld -> name, 0: nobody is told.
    """
    table = terms.deidentification.cells
    for name in groups(terms, read):
        if table is None or name not in treated:
            continue
        persons_told = pl.col(table.cells).sum().cast(pl.Int64).alias("_persons")
        sizes = rows.group_by(name).agg(persons_told).collect(engine="streaming")
        least = whole(sizes["_persons"].min())
        if least is not None and least < (terms.threshold or 1):
            yield Fine(name, least)


def measure(rows: pl.LazyFrame, terms: ProductTerms, alone: Alone) -> Measured:
    """Count classes and the persons in them."""
    least = terms.threshold or 1
    asked = terms.deidentification
    classes = told_cells(rows, asked.cells) if asked.cells else classes_of(rows, terms)
    sizes = classes["persons"]
    k = whole(sizes.min())
    height = int(rows.select(pl.len()).collect().item())
    level = 2 if k is not None and k < least else 4 if asked.cells else 3
    if alone.fine:
        level = min(level, 2)
    if alone.direct or alone.groups or not (asked.cells or asked.quasi_identifiers):
        level = 1
    hidden = pl.col(asked.cells.cells).is_null().sum() if asked.cells else pl.lit(0)
    return Measured(
        rows=height,
        persons=int(sizes.sum()),
        classes=classes.height,
        k=k,
        median_class=whole(sizes.median()),
        largest_class=whole(sizes.max()),
        diversity=whole(classes["diversity"].min()),
        at_risk=int(sizes.filter(sizes < least).sum()),
        withheld=int(rows.select(hidden).collect().item()),
        threshold=least,
        level=level,
    )


def whole(figure: object) -> int | None:
    """Round a figure of a column down; nothing stays nothing."""
    return None if figure is None else int(str(figure).partition(".")[0])


def classes_of(rows: pl.LazyFrame, terms: ProductTerms) -> pl.DataFrame:
    """List the classes of equal quasi-identifiers: ``persons`` and ``diversity``.

    Without quasi-identifiers there is no class: nobody said who looks like whom.
    """
    asked = terms.deidentification
    if not asked.quasi_identifiers:
        return pl.DataFrame(schema={"persons": pl.Int64, "diversity": pl.Int64})
    spread = [distinct(name).alias(name) for name in asked.sensitive]
    counted = (
        rows.group_by(asked.quasi_identifiers)
        .agg(persons(asked).alias("_persons"), *spread)
        .collect(engine="streaming")
    )
    least = pl.min_horizontal(asked.sensitive) if asked.sensitive else pl.lit(None)
    return counted.select(
        persons="_persons", diversity=least.cast(pl.Int64, strict=False)
    )


def told_cells(rows: pl.LazyFrame, table: Cells) -> pl.DataFrame:
    """List the cells that are told and hold anybody, each a class of its own."""
    count = pl.col(table.cells)
    return (
        rows.filter(count > 0)
        .select(persons=count, diversity=pl.lit(None, pl.Int64))
        .collect()
    )


def leaking(rows: pl.DataFrame, table: Cells) -> Leaks:
    """Find the withheld counts of a published table that it tells in another way.

    A measure beside a withheld count is a figure of the few persons themselves.
    """
    others = [n for n in rows.columns if n not in (table.cells, *table.by)]
    withheld = rows.filter(pl.col(table.cells).is_null()).select(others)
    told = withheld.filter(pl.any_horizontal(pl.lit(False), pl.all().is_not_null()))
    return Leaks(recoverable(rows, table), told.height)


def disclosure_gate(
    found: Measured,
    alone: Alone,
    leaks: Leaks,
    wrong: Sequence[str],
    terms: ProductTerms,
) -> Answer:
    """Answer the gate ``disclosure``: it refuses with its numbers."""
    asked = terms.deidentification
    shut = [*wrong]
    if not (asked.cells or asked.quasi_identifiers):
        shut.append(f"its rows are about persons; {NEEDED}")
    if alone.direct:
        shut.append(
            f"{', '.join(alone.direct)} may name a person (level 1); drop them, put a"
            " pseudonym in their place, or list them as quasi_identifiers or sensitive"
        )
    if alone.groups:
        shut.append(named_by(alone.groups))
    if alone.fine:
        told = ", ".join(f"{name} (k {least})" for name, least in alone.fine)
        shut.append(
            f"{told} tells fewer than {found.threshold} persons apart by itself, though"
            " a step treats it; treat it further, drop it, or list it in"
            " quasi_identifiers"
        )
    if found.k is not None and found.k < found.threshold:
        shut.append(
            f"k is {found.k}, but {article(terms.release)} release needs"
            f" {found.threshold}: {found.at_risk:,} of {found.persons:,} persons are in"
            " smaller classes; generalise further, or write suppress: true"
        )
    if found.diversity is not None and found.diversity < asked.diversity:
        shut.append(
            f"l is {found.diversity}, but {asked.diversity} are asked: of a class"
            f" one of {', '.join(asked.sensitive)} is known; generalise further"
        )
    if asked.cells and found.rows and not found.classes and found.withheld:
        shut.append(
            "all counts are withheld, so the names of the cells are all that it tells;"
            " make fewer cells"
        )
    if leaks.beside:
        shut.append(
            f"{leaks.beside:,} withheld counts have a measure told beside them; put the"
            " step cells last"
        )
    if leaks.given:
        shut.append(
            f"{leaks.given:,} withheld counts follow from the sums of their lines; put"
            " the step cells last"
        )
    ground = "; ".join(shut) or "k and l are kept"
    return "disclosure", not shut, ground, said(found, terms)


def named_by(groups: Sequence[str]) -> str:
    """Say that cells are named by what only a person holds."""
    return (
        f"{', '.join(groups)} names the cells by a personal column; write its groups in"
        " words (CASE … THEN 'under 40' …), or leave it out of the table"
    )


def article(release: str) -> str:
    """Write ``an open``, ``a controlled``, ``an enclave``."""
    return f"an {release}" if release[0] in "aeiou" else f"a {release}"


def said(found: Measured, terms: ProductTerms) -> str:
    """Tell what was measured, and against which rule."""
    asked = terms.deidentification
    policy = terms.rules.policy if terms.rules else ""
    rule = f"rule k_{terms.release} {found.threshold} of {policy}"
    by = ", ".join(asked.cells.by if asked.cells else asked.quasi_identifiers)
    if not found.classes:
        return f"level {found.level} of 4, {found.rows:,} rows, no classes; {rule}"
    spread = f", l {found.diversity}" if asked.sensitive else ""
    hidden = f", {found.withheld:,} cells withheld" if asked.cells else ""
    return (
        f"k {found.k}{spread}, level {found.level} of 4, {found.at_risk:,} at risk"
        f"{hidden}; {found.classes:,} classes by {by} of {found.persons:,} persons,"
        f" median {found.median_class}, largest {found.largest_class}; {rule}"
    )
