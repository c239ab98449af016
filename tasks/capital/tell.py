"""Write down what was told, so that nobody is woken twice for one fact."""

from typing import Annotated

import polars as pl

from schemas.alarm import Alarm, TellTerms
from schemas.contract import frame_of


def tell(terms: TellTerms) -> Annotated[pl.LazyFrame, Alarm]:
    """Keep the facts that a look has told, by their keys. Contract: Alarm, key key.

    Only what is new: what an earlier look told stands in that look's frame. Two facts
    ``stale/flood/2026-06-01``, ``dispute/D-1`` -> two rows, D-1 first.
    """
    rows = {fact.key: fact for fact in terms.facts}
    told = [tuple(rows[key].model_dump().values()) for key in sorted(rows)]
    return frame_of(Alarm, told).lazy()
