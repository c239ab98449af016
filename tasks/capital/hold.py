"""Set beside each pledge what is owed and what value carries it, as its lender sees it.

A pledge alone on its data is carried by the whole value of the assets that secure it. A
junior one has what those before it leave: the value less all that is owed to them. Of
one rank several share what is left, by what they secure. Without a value of each asset
nothing can be shown, and the value is null.

V 10,000,000.00; the senior is owed 4,000,000.00 -> 10,000,000.00 carry the senior,
6,000,000.00 the junior.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.portfolio import Held
from tasks.capital.collateral import meeting
from tasks.pledged import Held as Pledged

At = tuple[str, str]  # entity, asset


class Owed(NamedTuple):
    """What is owed on a day, in fen, and by whom."""

    outstanding_fen: int
    accrued_fen: int = 0
    industry: str = ""
    days_past_due: int = 0


def hold(
    pledges: Sequence[Pledged],
    owed: Mapping[str, Owed],
    values: Mapping[At, int | None],
    states: Mapping[str, str],
) -> Annotated[pl.LazyFrame, Held]:
    """Put the live pledges of a day together, in their order.

    Args:
        pledges: With events and roots; what secures nothing any more is left out.
        owed: By the agreement's number, of every live pledge.
        values: Appraised value of each asset on the day, fen; None or not there where
            it cannot be shown.
        states: The state recorded last; normal where none is.
    """
    live = [one for one in pledges if one.total > 0]
    rows = [
        (
            *(one.request, owed[one.request].industry),
            *owed[one.request][:2],
            carrying(one, live, owed, values),
            states.get(one.request, "normal"),
        )
        for one in live
    ]
    return frame_of(Held, rows).lazy()


def carrying(
    one: Pledged,
    live: Sequence[Pledged],
    owed: Mapping[str, Owed],
    values: Mapping[At, int | None],
) -> int | None:
    """Find the value that carries one pledge, in fen; None where it cannot be shown."""
    entity, rank = one.pledge["entity"], one.pledge["rank"]
    own = [values.get((entity, a)) for a, fen in one.secured.items() if fen > 0]
    known = [value for value in own if value is not None]
    if len(known) < len(own):
        return None
    if one.pledge["exclusive"] and rank == 1:
        return sum(known)
    met = meeting(one, live)
    others = [o for o in live if o.request in met]
    senior = [o for o in others if o.pledge["rank"] < rank]
    beside = sum(o.total for o in others if o.pledge["rank"] == rank)
    left = sum(known) - sum(owed[o.request].outstanding_fen for o in senior)
    return max(left, 0) * one.total // (one.total + beside)
