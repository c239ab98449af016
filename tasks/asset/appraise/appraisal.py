"""Hand over an appraisal: tied to what was invoiced, packed to be recomputed."""

from collections.abc import Iterator
from typing import Annotated

import polars as pl

from schemas.appraisal import Case
from schemas.registers import Invoice, Order
from tasks.asset.appraise.bundle import bundle_of
from tasks.asset.appraise.metered import metered, refuse_untied


def appraisal(
    orders: Annotated[pl.LazyFrame, Order],
    invoices: Annotated[pl.LazyFrame, Invoice],
    terms: Case,
) -> Annotated[Iterator[bytes], "document"]:
    """Write the bundle of an appraisal. Nothing of it enters the books.

    Args:
        orders: Of the product.
        invoices: Of the entity; what others ordered is left out.
        terms: What the appraiser stated, and what the house knows of the asset.

    Raises:
        ContractError: The product has invoiced revenue and a forecast is stated as
            profit, so it cannot be held against it.
    """
    stated = terms.appraisal
    told = metered(orders, invoices, stated.valuation_date, stated.reported_on)
    case = terms.model_copy(update={"metered": told})
    refuse_untied(case)
    yield bundle_of(case)
