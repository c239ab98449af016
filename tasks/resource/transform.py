"""Make a resource of parsed sources: consolidate, label, fit to the contract.

Sources flights (3 rows) LEFT JOIN airlines (2 rows, unique carrier) -> 3 rows, and one
row of join balance: left 3, unmatched 0, right 2, repeated 0, out 3. Rejects, sorting
and the contracts, so also the refusal of a join, belong to the seam.
"""

from collections.abc import Mapping

import polars as pl

from schemas.resource import Resource, ResourceTerms
from tasks.resource.consolidate import consolidate
from tasks.resource.joins import join_balance
from tasks.resource.label import with_labels
from tasks.resource.steps import step_balance
from tasks.sql import fit_columns


def transform(sources: Mapping[str, pl.LazyFrame], terms: ResourceTerms) -> Resource:
    """Consolidate and label the sources; count what each join kept.

    Args:
        sources: One frame a source, typed by the source's contract, by its name.
        terms: SQL, labels and contract of the resource.

    Returns:
        ``joins``: one row for each JOIN, ``steps`` for each other clause that may drop
        or add rows. ``resource``: the contract's columns in its order, not sorted.

    Raises:
        FactorError: SQL or label is refused or does not fit the sources, or ``expect``
            names no join.
        ContractError: The columns are not those of the contract.
    """
    rows = consolidate(sources, terms.consolidate)
    labelled = with_labels(rows, terms.labels)
    return Resource(
        joins=join_balance(terms.consolidate, sources, terms.expect),
        steps=step_balance(terms.consolidate, sources),
        resource=fit_columns(labelled, terms.columns, "resource.consolidate"),
    )
