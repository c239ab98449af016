"""Write the page of the service: no script, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, Template

KINDS = {
    "key": "401: send the key of your order in a header.",
    "key-in-url": "400: a key in an address is seen by others; have it replaced.",
    "two-keys": "400: two different keys were sent.",
    "forbidden": "403: the product, its licence or its version forbid it.",
    "fields": "403: columns that the order does not license.",
    "filters": "403: columns by which rows may not be chosen.",
    "unknown": "403 or 404: nothing is entitled, or there is no such product.",
    "twice": "409: two factors offer a product of this name; neither is served.",
    "not_begun": "403: the term has not begun.",
    "expired": "403: the term is over; renew the order.",
    "revoked": "403: the entitlement was ended.",
    "withdrawn": "403: the product was withdrawn.",
    "disputed": "403: a dispute over the product is open.",
    "value": "422: a value does not fit its column or its bounds.",
    "quota": "429: all that was ordered is used; renew the order.",
    "rate": "429: too many calls in a minute; wait for Retry-After seconds.",
    "body": "413: no body is read.",
    "long": "414 or 431: the address or the headers are too long.",
    "method": "405: only GET is answered.",
    "failed": "500 or 503: the provider's log tells why.",
}


@cache
def template() -> Template:
    """Compile the page once; everything is escaped."""
    house = Environment(loader=PackageLoader("tasks.page"), autoescape=True)
    return house.get_template("service.html")


def service_page(offers: Sequence[Mapping[str, Any]]) -> str:  # Any: terms, and texts
    """Write the page for people.

    Args:
        offers: Of each product its ``name``, ``terms``, ``as_of``, and under ``ask`` an
            address that asks for its rows.
    """
    return template().render(offers=offers, kinds=[*KINDS.items()])
