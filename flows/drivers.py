"""Measure by what products share a cost pool, where a document asks for it."""

from collections.abc import Collection
from datetime import date
from typing import Any

from flows.runpage import gathered
from flows.stages import measure_drivers_task
from schemas.artifact import ArtifactRef, Snapshot
from schemas.asset import AssetTerms
from schemas.cost import SOLD, DriverTerms
from schemas.errors import StoreError
from schemas.registers import Order, Usage
from tasks import store
from tasks.asset.cost import is_over
from tasks.store import sales


def drivers_of(
    terms: AssetTerms, product: Any, costs: Any, day: date
) -> dict[str, Any]:
    """Give ``assetize`` what was measured; nothing where all shares are fixed.

    Any: refs by frame, or their future; the arguments of a task.

    Raises:
        StoreError: Deliveries of a month that counts are not sealed yet.
    """
    pools = [pool for pool in terms.pools.values() if pool.driver != "shares"]
    if not pools:
        return {}
    tuple(gathered([product]))  # the own product counts too: it must be published
    names = sorted({name for pool in pools for name in pool.products})
    if any(pool.driver in SOLD for pool in pools):
        refuse_unsealed(terms.entity, names, day)
    made = measure_drivers_task(
        costs,
        Snapshot(register=Order, where={"entity": terms.entity}),
        Snapshot(register=Usage, where={}),
        publications(terms.entity, names),
        DriverTerms(factor=terms.factor, products=tuple(names)),
    )
    return {"drivers": {"measured": made}}


def refuse_unsealed(entity: str, products: Collection[str], day: date) -> None:
    """Refuse to share by use of which the chain does not hold everything yet.

    What was sealed after its month was posted would share the cost of it anew.
    """
    for name in products:
        used = sales.months(store.current(), entity=entity, product=name).values()
        months = {m["month"] for mine in used for m in mine if m["unsealed"]}
        if late := sorted(month for month in months if is_over(month, day)):
            raise StoreError(
                f"a cost pool is shared by use of {name}, of which {', '.join(late)} is"
                " not sealed: `datafactor meter` first"
            )


def publications(entity: str, products: Collection[str]) -> dict[str, ArtifactRef]:
    """Find the last publication of each month: ``index@2026-06`` and its ref."""
    found: dict[str, ArtifactRef] = {}
    made = store.runs(store.current(), task="productize")
    for run in sorted(made, key=lambda run: run.when, reverse=True):
        said = run.publication
        by = (said.terms.get("provider") or {}).get("entity")
        name, ref = said.terms.get("name"), run.refs.get("product")
        if name in products and by == entity and ref and said.as_of:
            found.setdefault(f"{name}@{said.as_of:%Y-%m}", ref)
    return found
