"""Make a product of the resource and of what other factors publish."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.stages import derive_task, productize_task
from schemas.artifact import ArtifactRef
from schemas.factor import Factor
from tasks import store

Tables = Mapping[str, Any]  # refs by table name, or their futures


def product_of(terms: Factor, resource: Any, findings: Any, day: date) -> Any:
    """Derive the product's rows, then offer them.

    Any: refs by name, or their future.
    """
    if terms.product is None:
        return None
    own = {"resource": resource} if terms.resource else {}
    tables = own | {n: published(ref) for n, ref in terms.inputs.items()}
    found = {"resource": findings} if terms.resource else {}
    found |= {n: found_in(ref) for n, ref in terms.inputs.items()}
    derived = derive_task(tables, terms.product.derivation)
    return productize_task(derived, found, terms.product, day)


def published(ref: str) -> ArtifactRef:
    """Find the newest rows that another factor publishes: ``weather/resource``."""
    return store.resolve(store.current(), f"{ref}/{ref.partition('/')[2]}")


def found_in(ref: str) -> ArtifactRef:
    """Find what was found in the columns of another factor's resource."""
    return store.resolve(store.current(), f"{ref.partition('/')[0]}/resource/classify")
