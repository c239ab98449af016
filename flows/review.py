"""Ask the gates that a document alone decides, before anything is run."""

from datetime import date

import polars as pl

from schemas.product import ProductTerms
from tasks.product.case import Case
from tasks.product.gates import answered
from tasks.product.productize import REVIEWED


def standing_against(product: ProductTerms | None, day: date) -> list[str]:
    """List what would refuse the product on a day: review, licence, price.

    What only the data can tell, such as a mobile number in a column that nobody has
    classified or a class of three persons, is told by the run.
    """
    if product is None:
        return []
    answers = answered(Case(product, pl.DataFrame(), day), REVIEWED)
    shut = answers.filter(~pl.col("passed"))["ground"]
    return shut.unique(maintain_order=True).to_list()
