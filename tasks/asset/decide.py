"""Record what a person decided of an asset; the close of its month posts it.

An indicator opens a test, a test needs figures, and the figures are somebody's: nothing
here is computed. A month that is closed takes no decision any more.
"""

from collections.abc import Sequence
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.decision import FIGURES, DecisionAct
from schemas.errors import RegisterError
from schemas.money import exact_fen
from schemas.registers import (
    LEAVING,
    AssetCard,
    AssetEvent,
    Dispute,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.pledged import securing
from tasks.rights import disputed

FITTING = {
    "impair": ("intangible", "development expenditure"),
    "provision": ("inventory",),
    "dispose": ("intangible",),
    "contribute": ("intangible",),
    "expire": ("intangible", "inventory"),
}


def decide(
    cards: Annotated[pl.LazyFrame, AssetCard],
    decisions: Annotated[pl.LazyFrame, AssetEvent],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    disputes: Annotated[pl.LazyFrame, Dispute],
    pledges: Annotated[pl.LazyFrame, Pledge],
    released: Annotated[pl.LazyFrame, PledgeEvent],
    terms: DecisionAct,
) -> Annotated[pl.LazyFrame, AssetEvent]:
    """Write one decision as a register row. Contract: AssetEvent.

    The same decision again is the same row, which posts nothing.

    Args:
        cards: The asset's cards.
        decisions: What was decided of it before.
        closed: Closed months of the entity.
        disputes: Over the entity's assets and factors.
        pledges: Of the entity.
        released: What happened to them: a released pledge binds no more.
        terms: The decision.

    Raises:
        RegisterError: There is no such asset, it is of another kind or has left the
            books, the day lies in a closed month or before the asset, or the asset is
            disputed or pledged and would be given away.
    """
    last = cards.sort("number").tail(1).collect()
    if last.is_empty():
        raise RegisterError(
            f"{terms.asset} has no asset card: run `datafactor run {terms.factor}"
            " --through asset` first"
        )
    kind = last["kind"].item()
    if kind not in FITTING[terms.event]:
        raise RegisterError(
            f"{terms.asset} is {kind}: a decision to {terms.event} is about"
            f" {' or '.join(FITTING[terms.event])}"
        )
    refuse_late(decisions.collect(), closed.collect(), terms)
    first = cards.sort("number").first().collect()["effective_on"].item()
    if terms.decided_on < first:
        raise RegisterError(
            f"{terms.asset} stands in the books from {first}: date the decision then"
            " or later"
        )
    held = securing(pledges.collect(), released.collect(), terms.asset)
    refuse_bound(disputes.collect(), held, terms)
    return frame_of(AssetEvent, [row_of(terms)]).lazy()


def refuse_late(
    decisions: pl.DataFrame, closed: pl.DataFrame, terms: DecisionAct
) -> None:
    """Refuse what comes after the asset left the books, or its month was closed.

    Raises:
        RegisterError: As said.
    """
    others = decisions.filter(pl.col("decision") != terms.decision)
    if others.height < decisions.height:
        return  # asked again: the register compares it with what stands
    left = others.filter(pl.col("event").is_in(LEAVING))
    if left.height:
        raise RegisterError(
            f"{terms.asset} left the books by decision {left['decision'].item(0)}"
        )
    month = f"{terms.decided_on:%Y-%m}"
    if not closed.filter(pl.col("period") >= month).is_empty():
        raise RegisterError(f"{month} is closed: date the decision in an open month")


def refuse_bound(
    disputes: pl.DataFrame, held: Sequence[str], terms: DecisionAct
) -> None:
    """Refuse to give away what is disputed, or pledged to a lender.

    Raises:
        RegisterError: As said.
    """
    if terms.event not in ("dispose", "contribute"):
        return
    _, free, ground, _ = disputed(
        disputes, (terms.asset, terms.factor), terms.decided_on
    )
    if not free:
        raise RegisterError(f"{terms.asset} is not given away: {ground}")
    if held:
        raise RegisterError(
            f"{terms.asset} is pledged under {', '.join(held)}: the lender releases it"
            " first"
        )


def row_of(terms: DecisionAct) -> tuple[object, ...]:
    """Write the decision in fen, in the order of the contract."""
    figures = {name: getattr(terms, name) for name in FIGURES}
    fen = {f"{n}_fen": None if v is None else exact_fen(v) for n, v in figures.items()}
    said = terms.model_dump() | fen
    return tuple(said[name] for name in AssetEvent.to_schema().columns)
