"""Hold a product's version against what was released before, and name who would break.

Asked by ``check`` before anything runs, and by every run of a product before its rows
are derived: whatever starts a run, the flow's one way to a product leads through here.
It is no gate of ``productize``: fed with what was released last, a stage would never
find its own work again, since each release changes what the next one is given.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.released import contract_of, offers
from schemas.artifact import Snapshot
from schemas.errors import DatafactorError, FactorError, Refused
from schemas.factor import Factor
from schemas.product import ProductTerms
from schemas.registers import Entitlement, Order
from tasks import store
from tasks.columns import column_lineage
from tasks.product.promises import WHOLE, Change, few
from tasks.product.versions import is_lower, least_version
from tasks.store import Run

Facts = dict[str, Any]  # JSON


class Reader(NamedTuple):
    """Who relies on a product, and on which of its columns; WHOLE: on all."""

    name: str
    columns: frozenset[str]

    def breaks(self, change: Change) -> bool:
        """Say whether a change reaches it."""
        return bool({change.column, WHOLE} & self.columns) or change.column == WHOLE


def released_terms(factor: str) -> Iterator[tuple[Run, ProductTerms]]:
    """List the products that a factor has offered, newest first: with gates open.

    What an older release of datafactor wrote counts as far as its contract reads.
    """
    for run in offers(factor):
        terms = contract_of(run.publication)
        if terms and all(gate.passed for gate in run.publication.gates):
            yield run, terms


def offered_now(factor: str) -> ProductTerms | None:
    """Give the product that a factor has released last."""
    return next((terms for _, terms in released_terms(factor)), None)


def compared(terms: Factor) -> Facts:
    """Compare a document's product with the one that was released last.

    Returns:
        ``released`` and ``least`` version, ``changes`` with who breaks by each; nothing
        where none was released.
    """
    product = terms.product
    old = offered_now(terms.factor)
    if product is None or old is None:
        return {}
    found = least_version(old, product)
    readers = readers_of(terms, old) if found.breaking else ()
    return {
        "released": old.version,
        "least": found.version,
        "changes": [
            {
                "place": change.place,
                "what": change.what,
                "level": change.level,
                "breaks": broken(change, readers),
            }
            for change in found.changes
        ],
    }


def broken(change: Change, readers: Sequence[Reader]) -> list[str]:
    """Name who breaks by a change."""
    hit = change.level == "major"
    return [reader.name for reader in readers if hit and reader.breaks(change)]


def problems(terms: Factor, day: date) -> list[str]:
    """Say in a sentence each why this version of the product cannot be released."""
    return [*too_low(terms, compared(terms)), *ended_before(terms, day)]


def refuse_version(terms: Factor, day: date) -> None:
    """Stop a run whose product breaks its consumers without saying so.

    Raises:
        Refused: The version is lower than the changes ask for, or the offer would end
            before it begins.
    """
    if told := problems(terms, day):
        raise Refused("productize", tuple(told))


def too_low(terms: Factor, facts: Facts) -> Iterator[str]:
    """Name the least version, what asks for it, and who breaks."""
    product = terms.product
    if product is None or not facts or not is_lower(product.version, facts["least"]):
        return
    levels = [c["level"] for c in facts["changes"]]
    worst = next((n for n in ("major", "minor", "patch") if n in levels), "")
    why = [worded(c) for c in facts["changes"] if c["level"] == worst]
    told = f"after {facts['released']}" + (f": {'; '.join(few(why))}" if why else "")
    yield (
        f"product.version: {product.version} is lower than {facts['least']}, the least"
        f" {told}; write version: {facts['least']}"
    )


def worded(change: Facts) -> str:
    """Say what changed, and who breaks by it."""
    hit = few(change["breaks"])
    return f"{change['what']} (breaks {', '.join(hit)})" if hit else str(change["what"])


def ended_before(terms: Factor, day: date) -> Iterator[str]:
    """Refuse an end of the offer that lies before the day it is first told."""
    ends = terms.product.deprecated if terms.product else None
    if terms.product is None or ends is None or ends.on >= day:
        return
    last = offered_now(terms.factor)
    if last is None or last.deprecated != ends:
        yield (
            f"product.deprecated: {ends.on} lies before {day}, the day on which it is"
            " first told; give consumers a day to come"
        )


def readers_of(terms: Factor, old: ProductTerms) -> tuple[Reader, ...]:
    """Find who relies on a product: factors that read it, orders that still run."""
    day = scheduled_date(terms.zone)
    factors = factors_reading(terms.factor, old)
    return (*factors, *orders_running(terms.factor, old.name, day))


def factors_reading(factor: str, old: ProductTerms) -> Iterator[Reader]:
    """List the documents whose product reads this one, as far as they are sound."""
    folder = store.current().settings.factors
    for path in sorted(folder.glob("*.yaml")):
        try:
            terms = factor_named(path.stem)
        except DatafactorError:
            continue
        for table, published in terms.inputs.items():
            if published == f"{factor}/product":
                yield Reader(f"factor {terms.factor}", columns_read(terms, table, old))


def columns_read(terms: Factor, table: str, old: ProductTerms) -> frozenset[str]:
    """Name the columns of an input that a query uses; a task may use all."""
    product = terms.product
    if product is None or not product.query:
        return frozenset({WHOLE})
    schemas = {name: tuple(columns) for name, columns in product.classified.items()}
    schemas[table] = tuple(column.name for column in old.columns)
    try:
        edges = column_lineage(product.query, schemas)
    except FactorError:
        return frozenset({WHOLE})
    return frozenset(e.column for e in edges if e.table.lower() == table.lower())


def orders_running(factor: str, product: str, day: date) -> Iterator[Reader]:
    """List the orders whose term has not ended, with the columns they license."""
    orders = register(Order, factor=factor, product=product)
    for order in orders.sort("order").iter_rows(named=True):
        events = register(Entitlement, entitlement=order["order"])
        if is_running(events.to_dicts(), day):
            name = f"order {order['order']} of {order['customer']}"
            yield Reader(name, frozenset(order["fields"].split(",")))


def register(contract: Any, **where: str) -> pl.DataFrame:  # Any: a model's class
    """Read rows of a register."""
    asked = Snapshot(register=contract, where=where)
    return store.snapshot(store.current(), asked, "")[0]


def is_running(events: Sequence[Facts], day: date) -> bool:
    """Say whether an entitlement has a term that ends on a day or later."""
    if any(e["event"] == "revoke" and e["effective_on"] <= day for e in events):
        return False
    return any(e["event"] != "revoke" and e["valid_to"] >= day for e in events)


def ending(product: ProductTerms | None) -> str:
    """Say until when a product is offered; nothing where no end was told."""
    ends = product.deprecated if product else None
    if ends is None:
        return ""
    follows = f"; {ends.successor} follows" if ends.successor else ""
    return f"offered until {ends.on}: {ends.reason}{follows}"
