"""See that no personal or sensitive column leaves under a lower name by oversight.

A column of the product that shows what a row of a personal or sensitive column held is
itself so, unless a step of the treatment made it less telling; a step that leaves the
column as it was does not. A figure may be that of one row; in a table of counts it is
one over many, where it stands beside the count of its own rows.

``SELECT mobile AS contact FROM resource``, resource.mobile personal, contact internal
-> refused: contact is internal, but shows resource.mobile (personal).
"""

from collections.abc import Iterable

from schemas.product import ProductTerms
from tasks.product.case import Answer
from tasks.product.lineage import RANK, Held, Taken, showing

SHOWN = 8  # columns in a sentence


def relabelled(
    terms: ProductTerms, read: Iterable[Taken], treated: frozenset[str]
) -> list[tuple[str, str, Held]]:
    """Find columns that are classified lower than what they show, and not treated.

    Args:
        terms: The product's columns.
        read: The personal and sensitive columns that it reads.
        treated: Columns that a step has made less telling.

    Returns:
        Column, its classification, and the most telling column that it shows.
    """
    shown: dict[str, Held] = {}
    for output, held, _ in showing(terms, read):
        before = shown.get(output)
        if before is None or held.rank > before.rank:
            shown[output] = held
    return [
        (column.name, column.classification or "undecided", shown[column.name])
        for column in terms.columns
        if column.name in shown
        and column.name not in treated
        and RANK[column.classification or "undecided"] < shown[column.name].rank
    ]


def relabel_gate(
    terms: ProductTerms, read: Iterable[Taken], treated: frozenset[str]
) -> Answer:
    """Answer the gate ``relabel``: name, open, ground, evidence."""
    found = relabelled(terms, read, treated)
    told = [
        f"{name} is {label}, but shows {held.name} ({held.label})"
        for name, label, held in found[:SHOWN]
    ]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    ground = (
        f"{', '.join(told)}{more}; classify it as high as what it shows, or treat it"
        " in a step of deidentification that changes it, or tell it as a SUM or AVG of"
        " one column, which no other chooses or weighs, beside the COUNT of its rows,"
        " with a step cells"
        if found
        else "no column is classified lower than what it shows"
    )
    how = (
        "the SQL of product and resource" if terms.query else "all that its task reads"
    )
    evidence = f"{len(terms.columns)} columns followed through {how}"
    return "relabel", not found, ground, evidence
