"""Take an order or a renewal: ask every gate at once, then grant what was ordered."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import polars as pl
import rfc8785

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.gates import Gates
from schemas.offer import Price
from schemas.product import ProductTerms
from schemas.registers import Entitlement, Order, ProductEvent
from schemas.sale import Ordered, OrderTerms, RenewalTerms, Renewed
from tasks.product.entitle import events_about, key_now, last_day, withdrawn
from tasks.product.price import due, price_is_allowed
from tasks.product.uses import use_is_allowed
from tasks.product.versions import breaks_promise

Answer = tuple[str, bool, str]  # gate, whether it is open, and its ground


def order(
    product: pl.LazyFrame,
    withdrawals: Annotated[pl.LazyFrame, ProductEvent],
    terms: OrderTerms,
) -> Ordered:
    """Grant what was ordered, where nothing forbids it.

    Args:
        product: The rows on offer: the order rests on them.
        withdrawals: Events of the entity's products so far.
        terms: The order, and the offer as it stands.

    Returns:
        ``gates`` first: they withhold the order and its entitlement.
    """
    offer, day = terms.offer, terms.ordered_on
    row = dict(zip(Order.to_schema().columns, order_row(terms), strict=True))
    answers = [
        is_offered(offer, withdrawals.collect().to_dicts(), day),
        has_own_name(offer, terms.namesakes),
        *serves(offer, terms.factor, row),
        ("price", *price_is_allowed(offer.price, offer.compliance)),
        term_is_open(offer, terms.valid_from, terms.valid_to),
        quota_is_sold(offer.price, terms.quota),
    ]
    return Ordered(
        gates=answered(answers, offer, day),
        order=frame_of(Order, [order_row(terms)]).lazy(),
        entitlement=frame_of(Entitlement, [grant_row(terms)]).lazy(),
    )


def order_row(terms: OrderTerms) -> tuple[object, ...]:
    """Write the order as its register holds it."""
    offer = terms.offer
    fields = terms.fields or tuple(c.name for c in offer.columns)
    filters = [name for name in offer.delivery.filters if name in fields]
    price = rfc8785.dumps(offer.price.model_dump(mode="json")).decode()
    return (
        *(terms.order, offer.provider.entity if offer.provider else ""),
        *(terms.factor, offer.name, offer.version),
        *(terms.customer, terms.customer_code, terms.use, offer.licence.name),
        *(",".join(fields), ",".join(filters), terms.rows, terms.quota),
        *(offer.price.counted, offer.price.mode, price),
        sum(c.amount_fen for c in due(offer.price, terms.quota)),
        *(terms.valid_from, terms.valid_to, terms.ordered_on),
    )


def grant_row(terms: OrderTerms) -> tuple[object, ...]:
    """Write what the order entitles to."""
    term = (terms.valid_from, terms.valid_to, terms.ordered_on)
    return (terms.order, "grant", 1, terms.key_sha256, terms.quota, *term, "ordered")


def renew(
    orders: Annotated[pl.LazyFrame, Order],
    events: Annotated[pl.LazyFrame, Entitlement],
    withdrawals: Annotated[pl.LazyFrame, ProductEvent],
    terms: RenewalTerms,
) -> Renewed:
    """Grant another term at the order's own price, where nothing forbids it.

    Raises:
        RegisterError: Nothing was ordered under this number.
    """
    ordered, known = orders.collect().to_dicts(), events.collect().to_dicts()
    if not ordered or not known:
        raise RegisterError(f"order {terms.order} is not known: see `datafactor usage`")
    offer, day = terms.offer, terms.renewed_on
    price = Price.model_validate_json(ordered[0]["price"])
    ended = [e for e in known if e["event"] == "revoke"]
    told = f"order {terms.order} was revoked: {ended[-1]['reason']}" if ended else ""
    answers = [
        is_offered(offer, withdrawals.collect().to_dicts(), day),
        *serves(offer, terms.factor, ordered[0]),
        ("entitlement", not ended, told or f"order {terms.order} stands"),
        ("price", *price_is_allowed(capped(price, offer.price), offer.compliance)),
        term_is_open(offer, terms.valid_from, terms.valid_to, price.months),
        quota_is_sold(price, terms.quota),
    ]
    row = (
        *(terms.order, "renew", terms.number, key_now(known), terms.quota),
        *(terms.valid_from, terms.valid_to, day, "renewed"),
    )
    return Renewed(
        gates=answered(answers, offer, day),
        entitlement=frame_of(Entitlement, [row]).lazy(),
    )


def serves(
    offer: ProductTerms, factor: str, order: Mapping[str, Any], form: str = ""
) -> list[Answer]:
    """Ask whether what is offered now is what an order is for.

    Order, renewal, bundle and service ask this one list; each adds what is its own.

    Args:
        offer: The product as it is offered.
        factor: Which makes it: a product's name alone says too little.
        order: Row of register Order.
        form: In which it shall be handed over; empty: in none yet.
    """
    fields = tuple(name for name in order["fields"].split(",") if name)
    answers = [
        is_ordered(offer, factor, order),
        has_fields(offer, fields),
        is_licensed(offer),
        ("use", *use_is_allowed(offer.scenario, order["use"])),
        is_handed_over(offer, form),
        keeps_promise(offer, order["version"]),
    ]
    return answers if form else [a for a in answers if a[0] != "form"]


def forbidden(
    offer: ProductTerms, factor: str, order: Mapping[str, Any], form: str
) -> list[str]:
    """List why an order's product may not be handed over, whoever asks; none: it may.

    Ordered at 1.2.0, offered at 2.0.0 -> one ground: it breaks what was ordered.
    """
    answers = serves(offer, factor, order, form)
    return [ground for _, open_, ground in answers if not open_]


def is_ordered(offer: ProductTerms, factor: str, order: Mapping[str, Any]) -> Answer:
    """Refuse another product than the one ordered, also one of the same name."""
    same = (order["factor"], order["product"]) == (factor, offer.name)
    told = f"order {order['order']} is for {order['product']} of {order['factor']}"
    return "product", same, told if same else f"{told} only"


def is_handed_over(offer: ProductTerms, form: str) -> Answer:
    """Refuse a form in which the product is not offered."""
    forms = {"bundle": "as files", "service": "by service"}
    offered = " and ".join(forms[name] for name in offer.delivery.forms)
    open_ = form in offer.delivery.forms
    return "form", open_, f"{offer.name} is delivered {offered}{' only' * (not open_)}"


def keeps_promise(offer: ProductTerms, ordered: str) -> Answer:
    """Refuse a version that breaks the one ordered."""
    if not breaks_promise(ordered, offer.version):
        return "version", True, f"{offer.version} keeps what {ordered} promised"
    told = f"{offer.name} is at {offer.version} now, which breaks what was ordered at"
    return "version", False, f"{told} {ordered}: order it anew"


def capped(price: Price, offered: Price) -> Price:
    """Hold the order's old price against the guide price of today."""
    return price.model_copy(update={"ceiling": offered.ceiling})


def answered(answers: list[Answer], offer: ProductTerms, day: date) -> pl.LazyFrame:
    """Write the answers as gates; what was looked at is the offer."""
    evidence = f"{offer.name} {offer.version}"
    rows = [(gate, open_, ground, evidence, day) for gate, open_, ground in answers]
    return frame_of(Gates, rows).lazy()


def is_offered(offer: ProductTerms, events: list[dict[str, Any]], day: date) -> Answer:
    """Refuse what was withdrawn or whose offer has ended."""
    if told := withdrawn(events_about(events, offer.name, offer.factor), day):
        return "offered", False, told
    ends = offer.deprecated
    if ends and ends.on < day:
        follows = f"; order {ends.successor}" if ends.successor else ""
        told = f"{offer.name} {offer.version} was offered until {ends.on}{follows}"
        return "offered", False, told
    return "offered", True, f"{offer.name} {offer.version} is offered on {day}"


def has_own_name(offer: ProductTerms, namesakes: tuple[str, ...]) -> Answer:
    """Refuse to sell under a name that means two products of one entity."""
    if not namesakes:
        return "name", True, f"one product is called {offer.name}"
    who = ", ".join(namesakes)
    told = f"{who} offers a product {offer.name} too: give one another name first"
    return "name", False, told


def has_fields(offer: ProductTerms, fields: tuple[str, ...]) -> Answer:
    """Refuse fields that the product does not have."""
    names = [c.name for c in offer.columns]
    strange = sorted(set(fields) - set(names))
    if strange or len(set(fields)) < len(fields):
        told = f"no field {', '.join(strange)}" if strange else "a field is named twice"
        return "fields", False, f"{told}: {offer.name} has {', '.join(names)}"
    return "fields", True, f"{len(fields or names)} of {len(names)} fields"


def is_licensed(offer: ProductTerms) -> Answer:
    """Refuse where the licence does not permit use, or nothing may leave."""
    licence = offer.licence
    if "use" not in licence.permissions or "use" in licence.prohibitions:
        return "licence", False, f"licence {licence.name} does not permit use"
    if offer.release == "enclave":
        told = f"{offer.name} is released inside an enclave only: nothing of it leaves"
        return "licence", False, told
    return "licence", True, f"licence {licence.name} permits {offer.release} use"


def term_is_open(
    offer: ProductTerms, first: date, last: date, months: int = 0
) -> Answer:
    """Refuse a term that is too long, or outside the operating agreement."""
    longest = last_day(first, months or offer.price.months)
    wrong = list(outside(offer, first, last))
    if last < first:
        wrong.append(f"it ends on {last}, before it begins on {first}")
    if last > longest:
        wrong.append(f"one order lasts until {longest} at most: renew it then")
    if wrong:
        return "term", False, f"the term cannot be granted: {'; '.join(wrong)}"
    return "term", True, f"from {first} to {last}"


def outside(offer: ProductTerms, first: date, last: date) -> Iterator[str]:
    """Name the bounds of agreement and registered rights that a term crosses."""
    public = offer.compliance.public_data if offer.compliance else None
    if public and public.valid_from and first < public.valid_from:
        yield f"agreement {public.agreement} begins on {public.valid_from}"
    if public and public.valid_to and last > public.valid_to:
        yield f"agreement {public.agreement} ends on {public.valid_to}"
    for title in (t for t in offer.titles if t.by == "right"):
        if title.valid_from and first < title.valid_from:
            yield f"{title.input}, {title.right}, begins on {title.valid_from}"
        if title.valid_to and last > title.valid_to:
            yield f"{title.input}, {title.right}, ends on {title.valid_to}"


def quota_is_sold(price: Price, quota: int | None) -> Answer:
    """Refuse a quota that its price does not sell."""
    if price.mode != "quota" or price.quota is None:
        return "quota", True, f"{quota:,} units at most" if quota else "no limit"
    if not quota or quota % price.quota:
        return "quota", False, f"order a multiple of {price.quota:,} {price.counted}s"
    return "quota", True, f"{quota:,} {price.counted}s"
