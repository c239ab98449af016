"""Write down what was told, so that nobody is woken twice for one fact."""

from typing import Annotated

import polars as pl

from schemas.alarm import Alarm, TellTerms
from schemas.contract import frame_of


def tell(terms: TellTerms) -> Annotated[pl.LazyFrame, Alarm]:
    """Keep the facts that stood at a look, by their keys. Contract: Alarm, key key.

    A fact that is gone is left out: should it come back, it is told as it was the first
    time, if its key says the same.
    """
    rows = {fact.key: fact for fact in terms.facts}
    told = [tuple(rows[key].model_dump().values()) for key in sorted(rows)]
    return frame_of(Alarm, told).lazy()
