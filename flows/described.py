"""Describe the service: public facts, an OpenAPI document, a page without network."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows.shelf import Offer
from tasks.page.service import service_page
from tasks.product.bundle import descriptor
from tasks.product.describe import openapi as described
from tasks.product.describe.openapi import Served

Facts = dict[str, Any]  # JSON


def facts(offer: Offer, at: datetime) -> Facts:
    """Tell what anybody may know of a product."""
    terms, scenario = offer.released.terms, offer.released.terms.scenario
    return {
        "product": terms.name,
        "version": terms.version,
        "title": terms.title,
        "as_of": str(offer.released.as_of),
        "provider": terms.provider.name if terms.provider else "",
        "user": scenario.user if scenario else "",
        "decision": scenario.decision if scenario else "",
        "licence": terms.licence.name,
        "release": terms.release,
        "forms": list(terms.delivery.forms),
        "price": {"mode": terms.price.mode, "amount": f"{terms.price.amount:f}"},
        "withdrawn": offer.withdrawn(at),
        "rows": f"/products/{terms.name}/rows",
    }


def details(offer: Offer, at: datetime) -> Facts:
    """Tell how a product is described, licensed, priced and asked."""
    terms = offer.released.terms
    told = ("licence", "price", "delivery", "deprecated")
    parts = {n: getattr(terms, n) for n in told if getattr(terms, n) is not None}
    whole = descriptor(terms, [c.name for c in terms.columns])
    plain = {n: part.model_dump(mode="json") for n, part in parts.items()}
    return {**facts(offer, at), **whole, **plain, "artifact": offer.released.ref.id}


def openapi(offers: Sequence[Offer]) -> Facts:
    """Write the OpenAPI document of what is on offer."""
    return described.openapi(
        [Served(o.released.terms, o.released.as_of) for o in offers]
    )


def page(offers: Sequence[Offer], base: str) -> str:
    """Write the page for people: no script, nothing from elsewhere.

    Args:
        offers: What is on offer.
        base: Address under which it was asked for.
    """
    shown = [
        {
            "name": o.name,
            "terms": o.released.terms,
            "as_of": str(o.released.as_of),
            "ask": f"{base}products/{o.name}/rows?limit=10",
        }
        for o in offers
    ]
    return service_page(shown)
