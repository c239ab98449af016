"""Write the asset card 资产卡片: how an asset is carried, as estimated on a day.

The card is what the close reads of the document. A change of estimate is the next
number and works forward only (CAS 28 art. 9); a day before the last card changes
nothing.
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import AssetTerms
from schemas.contract import frame_of
from schemas.money import exact_fen
from schemas.registers import AssetCard
from tasks.asset.amortize import useful_life
from tasks.asset.recognize import Decision
from tasks.finance import months_later


def next_card(
    known: Annotated[pl.DataFrame, AssetCard],
    decision: Decision,
    right_ends: date | None,
    terms: AssetTerms,
    as_of: date,
    closed: str = "",
) -> Annotated[pl.DataFrame, AssetCard]:
    """Write the card that follows, or none where the last one still says it.

    Args:
        known: The asset's cards so far.
        decision: What the asset is on the day, and since when it is ready.
        right_ends: Last day of the right to operate; None without one.
        terms: The document's asset.
        as_of: The day from which another estimate holds. The day it became ready is
            that day, whenever the books learn of it.
        closed: The last closed month: another estimate works after it.

    Life 60 months on card 1, 48 in the document from 2026-09-30 -> card 2, effective
    on 2026-09-30.
    """
    last = known.sort("number").tail(1)
    said = stated(decision, right_ends, terms)
    ready = said["available_from"]
    if last.is_empty():
        found = said | {"number": 1, "effective_on": ready or as_of}
    else:
        before = last.row(0, named=True)
        same = all(before[name] == value for name, value in said.items())
        if same or before["effective_on"] > as_of:
            return last.clear()
        begun = ready if before["available_from"] is None else None
        found = said | {
            "number": before["number"] + 1,
            "effective_on": max(begun or opened(closed, as_of), before["effective_on"]),
        }
    names = list(AssetCard.to_schema().columns)
    return frame_of(AssetCard, [tuple(found[name] for name in names)])


def opened(closed: str, day: date) -> date:
    """Take a day, or the first one after the closed months. 2026-06, 06-20 -> 07-01."""
    if f"{day:%Y-%m}" > closed:
        return day
    return months_later(date.fromisoformat(f"{closed}-01"), 1)


def stated(
    decision: Decision, right_ends: date | None, terms: AssetTerms
) -> dict[str, object]:
    """Say of an asset what its document says on the day."""
    plan, facts = terms.amortization, terms.recognition
    spread = decision.outcome in ("intangible", "development expenditure")
    ends = [day for day in (right_ends, plan.contract_ends) if day]
    return {
        "entity": terms.entity,
        "asset": terms.name,
        "factor": terms.factor,
        "product": terms.product,
        "version": terms.version,
        "kind": decision.outcome,
        "origin": facts.origin,
        "serves": plan.serves,
        "method": plan.method if spread else "none",
        "life_months": plan.life_months if spread else None,
        "residual_fen": exact_fen(plan.residual) if spread else 0,
        "units": plan.units if spread else None,
        "available_from": decision.ready,
        "right_ends": min(ends) if ends else None,
        "life_basis": basis(decision, right_ends, terms),
    }


def basis(decision: Decision, right_ends: date | None, terms: AssetTerms) -> str:
    """Give the reason of the life; where right or contract shortened it, say so.

    "peers; useful life of 59 months to 2030-02-28, shortened from 60 months by the
    right, which ends on 2030-03-30".
    """
    plan, ready = terms.amortization, decision.ready
    if decision.outcome != "intangible" or ready is None:
        return plan.life_basis
    life = useful_life(plan, ready, right_ends)
    shortened = life.months < plan.life_months
    return f"{plan.life_basis}; {life.said}" if shortened else plan.life_basis
