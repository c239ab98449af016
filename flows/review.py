"""Ask the gates that a document alone decides, before anything is run."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from schemas.product import ProductTerms
from tasks.product.case import Answer, Case
from tasks.product.counts import in_words
from tasks.product.disclosure import foreseen
from tasks.product.gates import answered
from tasks.product.productize import REVIEWED
from tasks.product.relabel import relabel_gate


def standing_against(product: ProductTerms | None, day: date) -> list[str]:
    """List what would refuse the product on a day: review, licence, price, counts,
    relabel.

    What only the data can tell, such as a mobile number in a column that nobody has
    classified, a class of three persons or a step that changes nothing, is told by the
    run.
    """
    if product is None:
        return []
    case = Case(product, pl.DataFrame(), day)
    answers = answered(case, (*REVIEWED, relabelling))
    shut = answers.filter(~pl.col("passed"))["ground"].to_list()
    return list(dict.fromkeys([*shut, *foreseen(case)]))


def relabelling(case: Case) -> Iterator[Answer]:
    """Ask whether a column is classified lower than what the SQL lets it show."""
    treated = case.terms.deidentification.treated | in_words(case.terms)
    yield relabel_gate(case.terms, case.taken, treated)
