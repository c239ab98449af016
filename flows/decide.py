"""Record decisions of people over assets: what the next close posts."""

from datetime import date
from typing import Any

from flows.market import today, valid
from flows.rights import with_asset
from flows.stages import decide_task
from schemas.artifact import Snapshot
from schemas.decision import IN_BOTH, DecisionAct
from schemas.money import shown
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Dispute,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks import store

Facts = dict[str, Any]  # JSON


def decide(factor: str, event: str, on: date | None, **said: object) -> Facts:
    """Record one decision; the same again posts nothing.

    Args:
        factor: Factor whose asset is concerned.
        event: impair, provision, dispose, expire or contribute.
        on: Day on which it takes effect; today if not said.
        said: Number, figures in yuan, evidence and reason.

    Raises:
        RegisterError: It does not fit the asset, or its month is closed.
    """
    terms = with_asset(factor)
    act = valid(
        DecisionAct,
        factor=terms.factor,
        entity=terms.entity,
        asset=terms.asset and terms.asset.name,
        event=event,
        decided_on=on or today(terms.factor),
        recorded_on=today(terms.factor),
        **said,
    )
    mine = {"entity": terms.entity}
    bound = (Snapshot(register=r, where=mine) for r in (PeriodClose, Dispute, Pledge))
    released = Snapshot(register=PledgeEvent, where={})
    decide_task(*(terms.live(AssetCard), terms.live(AssetEvent), *bound, released, act))
    return {
        "asset": act.asset,
        "decisions": [told(row) for row in decisions(act.entity, act.asset)],
    }


def decisions(entity: str, asset: str) -> list[Facts]:
    """List what was decided of an asset, by day."""
    asked = Snapshot(register=AssetEvent, where={"entity": entity, "asset": asset})
    rows = store.snapshot(store.current(), asked, "")[0]
    return rows.sort("decided_on", "decision").to_dicts()


def told(row: Facts) -> Facts:
    """Tell one decision, its amounts in yuan."""
    amounts = {
        name.removesuffix("_fen"): shown(value)
        for name, value in row.items()
        if name.endswith("_fen") and value is not None
    }
    return {
        "decision": row["decision"],
        "event": row["event"],
        "called": IN_BOTH[row["event"]],
        "decided_on": str(row["decided_on"]),
        **amounts,
        "evidence": row["evidence"],
        "reason": row["reason"],
    }
