"""Sell a product: order, renew, revoke, withdraw, invoice, and see what was used.

Acts of people are runs of the seam: they are never reused, and asking twice under one
number posts once.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any, TypeVar

import pandera.polars as pa
from pydantic import ValidationError

from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.released import (
    Released,
    all_released,
    last_offer,
    readable_terms,
    released,
    seller_of,
)
from flows.stages import (
    invoice_task,
    order_task,
    renew_task,
    replace_key_task,
    revoke_order_task,
    withdraw_task,
)
from schemas.artifact import Snapshot
from schemas.errors import RegisterError, StoreError
from schemas.money import shown
from schemas.offer import Price
from schemas.product import ProductTerms
from schemas.registers import (
    NEW_KEY,
    Entitlement,
    Invoice,
    Order,
    ProductEvent,
    Usage,
)
from schemas.sale import (
    EndTerms,
    InvoiceTerms,
    KeyTerms,
    OrderTerms,
    RenewalTerms,
    WithdrawalTerms,
)
from schemas.terms import Terms
from tasks import store
from tasks.product.entitle import events_about, gone, last_day
from tasks.store import sales

T = TypeVar("T", bound=Terms)
Facts = dict[str, Any]  # JSON, or one row of a register


@dataclass(frozen=True)
class Asked:
    """What a customer asks for; what is left out is the offer's to say."""

    customer: str
    code: str
    use: str
    number: str = ""
    fields: tuple[str, ...] = ()
    rows: int | None = None
    quota: int | None = None
    first: date | None = None
    last: date | None = None


def rows_of(register: type[pa.DataFrameModel], **where: str) -> list[Facts]:
    """Read rows of a register."""
    asked = Snapshot(register=register, where=where)
    return store.snapshot(store.current(), asked, "")[0].to_dicts()


def today(factor: str) -> date:
    """Give the day where the factor's entity keeps its books."""
    return scheduled_date(factor_named(factor).zone)


def valid(terms: type[T], **given: object) -> T:
    """Make terms of what a person typed.

    Raises:
        RegisterError: Something does not fit, in one sentence.
    """
    try:
        return terms.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_pattern_mismatch" and where in terms.model_fields:
            said = f"does not fit; write: {terms.model_fields[where].description}"
        raise RegisterError(f"{where}: {said}" if where else said) from None


def order_of(number: str) -> Facts:
    """Find an order.

    Raises:
        StoreError: There is none with this number.
    """
    found = rows_of(Order, order=number)
    if not found:
        raise StoreError(f"there is no order {number}: `datafactor usage` lists them")
    return found[0]


def events_of(number: str) -> list[Facts]:
    """List grant, renewals and end of an order, by their terms."""
    found = rows_of(Entitlement, entitlement=number)
    return sorted(found, key=lambda e: (e["event"] == "revoke", e["valid_to"]))


def withdrawals(offer: ProductTerms) -> Snapshot:
    """Ask for the events of an entity's products: this one may be renamed."""
    return Snapshot(register=ProductEvent, where={"entity": entity_of(offer)})


def take_order(name: str, asked: Asked) -> Facts:
    """Order a product; the same order again finds what was granted.

    Args:
        name: Of the factor, or of its product.
        asked: By whom, what for and how much.

    Returns:
        The entitlement, and of a new order the API key, which is kept as a hash only.

    Raises:
        Refused: The product, the use, the fields, the price or the term forbid it.
        RegisterError: Another order has this number.
    """
    offer = released(seller_of(name))
    before = rows_of(Order, order=asked.number) if asked.number else []
    if before:
        return entitlement_facts(repeated(before[0], offer.factor, asked), "")
    number = asked.number or free_number(offer.factor)
    day = today(offer.factor)
    first = asked.first or day
    key, hashed = new_key()
    terms = valid(
        OrderTerms,
        factor=offer.factor,
        order=number,
        customer=asked.customer,
        customer_code=asked.code,
        use=asked.use,
        fields=asked.fields,
        rows=asked.rows,
        quota=asked.quota or offer.terms.price.quota,
        valid_from=first,
        valid_to=asked.last or last_day(first, offer.terms.price.months),
        ordered_on=day,
        key_sha256=hashed,
        namesakes=namesakes(offer),
        offer=offer.terms,
    )
    order_task(offer.ref, withdrawals(offer.terms), terms)
    return entitlement_facts(order_of(number), key)


def free_number(factor: str) -> str:
    """Give the first number of a factor's orders that nobody has used."""
    taken = sales.numbers(store.current(), f"{factor}-")
    return next(n for i in count(1) if (n := f"{factor}-{i:04}") not in taken)


def namesakes(offer: Released) -> tuple[str, ...]:
    """Name other factors whose entity offers a product under the same name."""
    mine = entity_of(offer.terms), offer.terms.name
    return tuple(
        other.factor
        for other in all_released()
        if other.factor != offer.factor
        and (entity_of(other.terms), other.terms.name) == mine
    )


def entity_of(offer: ProductTerms) -> str:
    """Name the entity that offers a product."""
    return offer.provider.entity if offer.provider else ""


def repeated(order: Facts, factor: str, asked: Asked) -> Facts:
    """Recognise an order that stands already.

    Raises:
        RegisterError: It says something else.
    """
    given = {
        "factor": factor,
        "customer": asked.customer,
        "customer_code": asked.code,
        "use": asked.use,
        "fields": ",".join(asked.fields),
        "rows_limit": asked.rows,
        "quota": asked.quota,
        "valid_from": asked.first,
        "valid_to": asked.last,
    }
    other = [name for name, value in given.items() if value and order[name] != value]
    if other:
        raise RegisterError(
            f"order {order['order']} stands with another {', '.join(other)}: take"
            " another number"
        )
    return order


def entitlement_facts(order: Facts, key: str) -> Facts:
    """Tell what an order entitles to."""
    number = order["order"]
    terms = [e for e in events_of(number) if e["event"] != "revoke"]
    limit = sales.counters(store.current(), order=number)[number]["limit_units"]
    facts = {
        "order": number,
        "product": f"{order['product']} {order['version']}",
        "customer": order["customer"],
        "use": order["use"],
        "licence": order["licence"],
        "fields": order["fields"].split(","),
        "rows": order["rows_limit"],
        "quota": limit,
        "unit": order["unit"],
        "price": order["price_mode"],
        "amount": shown(order["amount_fen"]),
        "valid_from": str(min(e["valid_from"] for e in terms)),
        "valid_to": str(max(e["valid_to"] for e in terms)),
    }
    return facts | ({"key": key} if key else {})


def renew(
    number: str, first: date | None, last: date | None, quota: int | None
) -> Facts:
    """Grant another term at the order's price; its units are added at once.

    The same term again, named by its first day, is granted once.

    Raises:
        Refused: The product is not offered any more, the order was revoked, or the
            price or the term forbid it.
    """
    order = order_of(number)
    factor, price = order["factor"], Price.model_validate_json(order["price"])
    offer, day, events = released(factor), today(factor), events_of(number)
    terms = [e for e in events if e["event"] != "revoke"]
    done = [e for e in terms if e["event"] == "renew"]
    paid = [e for e in done if e["reason"] != NEW_KEY]
    if first and any(e["valid_from"] == first for e in paid):
        return entitlement_facts(order, "")
    begins = first or max(day, terms[-1]["valid_to"] + timedelta(days=1))
    renewal = valid(
        RenewalTerms,
        factor=factor,
        order=number,
        number=len(done) + 1,
        quota=quota or terms[0]["quota"],
        valid_from=begins,
        valid_to=last or last_day(begins, price.months),
        renewed_on=day,
        offer=offer.terms,
    )
    mine = {"entitlement": number}
    renew_task(
        Snapshot(register=Order, where={"order": number}),
        Snapshot(register=Entitlement, where=mine),
        withdrawals(offer.terms),
        renewal,
    )
    return entitlement_facts(order, "")


def replace_key(number: str) -> Facts:
    """Give an order another key; the one before opens nothing any more.

    Returns:
        The entitlement as it was, and the new API key, which is kept as a hash only.

    Raises:
        RegisterError: The order was revoked.
    """
    order, (key, hashed) = order_of(number), new_key()
    terms = valid(
        KeyTerms,
        factor=order["factor"],
        order=number,
        number=len([e for e in events_of(number) if e["event"] == "renew"]) + 1,
        key_sha256=hashed,
        replaced_on=today(order["factor"]),
    )
    mine = Snapshot(register=Entitlement, where={"entitlement": number})
    replace_key_task(mine, terms)
    return entitlement_facts(order, key)


def new_key() -> tuple[str, str]:
    """Make an API key: what the customer sends, and its hash, which alone is kept."""
    key = f"df_{secrets.token_urlsafe(32)}"
    return key, hashlib.sha256(key.encode()).hexdigest()


def revoke(number: str, reason: str, on: date | None) -> Facts:
    """End an entitlement; what was revoked stays so."""
    order = order_of(number)
    terms = valid(
        EndTerms,
        factor=order["factor"],
        order=number,
        effective_on=on or today(order["factor"]),
        reason=reason,
    )
    revoke_order_task(
        Snapshot(register=Entitlement, where={"entitlement": number}), terms
    )
    ends = [e for e in events_of(number) if e["event"] == "revoke"]
    end = min(ends, key=lambda e: e["effective_on"])
    told = {"revoked_on": str(end["effective_on"]), "reason": end["reason"]}
    return entitlement_facts(order, "") | told


def withdraw(
    name: str, reason: str, evidence: str, on: date | None, lift: bool
) -> Facts:
    """Withdraw a product from sale and delivery, or offer it again.

    Raises:
        StoreError: There is none, or an older release of datafactor wrote its terms.
        RegisterError: It is so already.
    """
    factor = seller_of(name)
    offer = readable_terms(last_offer(factor).publication)
    known = rows_of(ProductEvent, entity=entity_of(offer))
    product = concerned(known, offer, factor) if lift else offer.name
    asked = {"entity": entity_of(offer), "product": product}
    terms = valid(
        WithdrawalTerms,
        factor=factor,
        entity=asked["entity"],
        product=product,
        number=sum(e["product"] == product for e in known) + 1,
        lift=lift,
        effective_on=on or today(factor),
        reason=reason,
        evidence=evidence,
    )
    withdraw_task(Snapshot(register=ProductEvent, where=asked), terms)
    return {
        "product": product,
        "event": "restore" if lift else "withdraw",
        "effective_on": str(terms.effective_on),
        "reason": reason,
        "orders": [o["order"] for o in rows_of(Order, factor=factor)],
    }


def concerned(events: list[Facts], offer: ProductTerms, factor: str) -> str:
    """Name what a lift concerns: what is withdrawn, maybe under an earlier name."""
    mine = events_about(events, offer.name, factor)
    ended = [str(e["product"]) for e in gone(mine, date.max)]
    return offer.name if offer.name in ended else [*ended, offer.name][0]


def usage(name: str) -> list[Facts]:
    """Count what was used, by order and month; of an order, of a product, or of all."""
    orders = rows_of(Order, order=name) if name else rows_of(Order)
    orders = orders or rows_of(Order, factor=seller_of(name))
    if name and not orders:
        raise StoreError(f"{name} is no order, and no product of which one was ordered")
    mine = {"order": name} if name == orders[0]["order"] else {}
    if name and not mine:
        mine = {"factor": orders[0]["factor"]}
    used = sales.months(store.current(), **mine)
    limits = sales.counters(store.current(), **mine)
    return [used_by(o, used.get(o["order"], []), limits[o["order"]]) for o in orders]


def used_by(order: Facts, months: list[Facts], counter: Facts) -> Facts:
    """Tell what one order has used, and what is left of it."""
    limit, taken = counter["limit_units"], counter[f"used_{counter['unit']}s"]
    return {
        "order": order["order"],
        "customer": order["customer"],
        "product": order["product"],
        "unit": counter["unit"],
        "limit": limit,
        "left": None if limit is None else limit - taken,
        "months": months,
    }


def invoice(name: str, period: str) -> Facts:
    """Invoice a month of a product to the fen; again, it changes nothing.

    Raises:
        RegisterError: The month is not over, or some of its use is not sealed.
    """
    factor = seller_of(name)
    terms = valid(InvoiceTerms, factor=factor, period=period, issued_on=today(factor))
    used = sales.months(store.current(), factor=factor).values()
    found = [m["unsealed"] for mine in used for m in mine if m["month"] == period]
    if loose := sum(found):
        raise RegisterError(
            f"{loose} deliveries of {period} are not sealed yet: `datafactor meter`"
            " first; what stays so, `datafactor verify` explains"
        )
    invoice_task(
        Snapshot(register=Order, where={"factor": factor}),
        Snapshot(register=Entitlement, where={}),
        Snapshot(register=Usage, where={"period": period}),
        Snapshot(register=Invoice, where={"period": period}),
        terms,
    )
    orders = {order["order"] for order in rows_of(Order, factor=factor)}
    lines = [ln for ln in rows_of(Invoice, period=period) if ln["order"] in orders]
    total = sum(line["amount_fen"] for line in lines)
    told = ("invoice", "order", "line", "kind", "quantity", "unit_price", "reverses")
    return {
        "product": factor,
        "period": period,
        "lines": [
            {n: line[n] for n in told} | {"amount": shown(line["amount_fen"])}
            for line in lines
        ],
        "total": shown(total),
        "tax": "not included",
    }
