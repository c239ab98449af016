"""What the service keeps between two requests: offers, opened keys, and the till.

Nothing here decides who gets what: that is asked of the store for every piece that is
sent. Offers are looked up anew within a second of a new product, a key's order never
changes, and a file is hashed again when its inode, its size or its times do.
"""

import hashlib
import time
from asyncio import wrap_future
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from flows.disputes import names_of, suspension
from flows.document import factor_named
from flows.released import Released, all_released, classified_higher, withdrawal
from schemas.errors import DatafactorError
from tasks import store
from tasks.product.ask import Licensed
from tasks.product.order import forbidden
from tasks.store import Denied, Grant, Request, Store

FRESH = 1.0  # seconds for which offers are taken as they were
BATCH = 256  # deliveries that one commit makes durable
KEYS = 10_000  # orders kept by their key

Order = Mapping[str, Any]  # one row of the register
Stamp = tuple[int, ...]
Waiting = tuple[Request, Future[Grant | Denied]]


@dataclass(frozen=True)
class Offer:
    """One product on offer, and the zone in which its entity counts days.

    ``rests_on`` names what a dispute may be over that suspends it.
    """

    released: Released
    zone: str
    rests_on: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The product's name."""
        return self.released.terms.name

    def day(self, at: datetime) -> date:
        """Say which day a moment is where the entity keeps its books."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def withdrawn(self, at: datetime) -> str:
        """Say why it is withdrawn or suspended; empty while it is on offer."""
        day = self.day(at)
        gone = withdrawal(self.released.terms, day)
        return gone or suspension(self.released.factor, day)


@dataclass(frozen=True)
class Stock:
    """What is on offer by name, and of which name nothing is, with the ground."""

    offers: Mapping[str, Offer] = field(default_factory=dict)
    twice: Mapping[str, str] = field(default_factory=dict)

    def offer(self, name: str) -> Offer | None:
        """Find an offer by its product's name, or that of its factor."""
        return self.offers.get(name) or next(
            (o for o in self.offers.values() if o.released.factor == name), None
        )

    def every(self) -> list[Offer]:
        """List what is on offer, by name."""
        return [self.offers[name] for name in sorted(self.offers)]


def stock_of(offers: Iterable[Offer]) -> Stock:
    """Lay out offers; two of one name are none, since a name would open either."""
    named: dict[str, list[Offer]] = {}
    for offer in offers:
        named.setdefault(offer.name, []).append(offer)
    twice: dict[str, str] = {}
    for name, same in named.items():
        if len(same) > 1:
            factors = sorted(o.released.factor for o in same)
            said = f"{' and '.join(factors)} both offer {name}: rename one product"
            twice |= dict.fromkeys((name, *factors), said)
    return Stock({n: same[0] for n, same in named.items() if len(same) == 1}, twice)


@dataclass
class Shelf:
    """Offers by name, orders by the hash of their key, and open files."""

    store: Store
    looked: float = float("-inf")
    runs: tuple[int, int] = (-1, -1)  # newest of all, newest that made a product
    held: Stock = field(default_factory=Stock)
    orders: dict[str, Order] = field(default_factory=dict)
    frames: dict[str, tuple[Stamp, pl.LazyFrame]] = field(default_factory=dict)
    looking: Lock = field(default_factory=Lock)

    def stock(self) -> Stock:
        """Say what is on offer; one looks whether it changed, others do not wait.

        Only the very first answer waits for another's look: there is none before it.
        """
        stale = time.monotonic() - self.looked >= FRESH
        first = self.runs[1] < 0
        if stale and self.looking.acquire(blocking=first):
            try:
                if time.monotonic() - self.looked >= FRESH:
                    self.look()
            finally:
                self.looking.release()
        return self.held

    def look(self) -> None:
        """Read the products anew where a run made or refused one since."""
        newest = store.last_run(self.store), store.last_run(self.store, "productize")
        if newest[1] != self.runs[1]:
            self.held = stock_of(o for o in map(offer_of, all_released()) if o)
        self.runs, self.looked = newest, time.monotonic()

    def order(self, key: str) -> Order | None:
        """Find the order that a key opens; whether it still does, its grant says."""
        hashed = hashlib.sha256(key.encode()).hexdigest()
        if (known := self.orders.get(hashed)) is not None:
            return known  # not looked up twice: others may have cleared them
        found = store.opened_by(self.store, hashed)
        if found is None:
            return None
        if len(self.orders) >= KEYS:
            self.orders.clear()
        order = self.orders[hashed] = {**found, "key_sha256": hashed}
        return order

    def known_rows(self, offer: Offer) -> pl.LazyFrame | None:
        """Scan a product whose file is as it was when it was hashed; else nothing.

        That trusts the file system: who changes bytes and sets size, inode and both
        times back is not seen here, but by ``verify``.
        """
        known = self.frames.get(offer.released.ref.sha256)
        stamp = known and stamp_of(store.path(self.store, offer.released.ref.sha256))
        return known[1] if known and known[0] == stamp else None

    def rows(self, offer: Offer) -> pl.LazyFrame:
        """Scan the product, hashed now or since its file was touched last.

        What consists of many files is hashed for every answer.

        Raises:
            StoreError: Its bytes are missing or changed.
        """
        if (known := self.known_rows(offer)) is not None:
            return known
        ref = offer.released.ref
        before = stamp_of(store.path(self.store, ref.sha256))
        scanned = store.scan(self.store, ref)
        if ref.kind == "frame":
            self.frames[ref.sha256] = before, scanned
        return scanned


def stamp_of(file: Path) -> Stamp:
    """Read what changes with a file's bytes; nothing where it is missing."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return ()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def offer_of(released: Released) -> Offer | None:
    """Add the zone; nothing without a document, or where it says more than it did.

    A column that a person has classified higher since is not served any more.
    """
    try:
        zone, factor = factor_named(released.factor).zone, released.factor
        offer = Offer(released, zone, names_of(factor))
    except DatafactorError:
        return None
    return None if classified_higher(released) else offer


def grounds_against(offer: Offer, order: Order) -> str:
    """Say why an order's product may not be served, whoever asks; empty: it may."""
    of = offer.released
    return "; ".join(forbidden(of.terms, of.factor, order, "service"))


def licensed_by(offer: Offer, order: Order) -> Licensed:
    """Say what an order lets its customer ask."""
    terms, fields = offer.released.terms, order["fields"].split(",")
    kinds = {c.name: c.logical_type for c in terms.columns}
    return Licensed(
        columns={name: kinds[name] for name in fields},
        filters=tuple(f for f in order["filters"].split(",") if f),
        rows=order["rows_limit"],
        max_rows=terms.delivery.max_rows,
    )


class Till:
    """Grant what many clients ask for at once in one commit, one after another."""

    def __init__(self, s: Store) -> None:
        self.store = s
        self.waiting: SimpleQueue[Waiting | None] = SimpleQueue()
        self.thread = Thread(target=self._work, name="till", daemon=True)
        self.thread.start()

    async def grant(self, request: Request) -> Grant | Denied:
        """Wait for the commit that holds the answer."""
        answer: Future[Grant | Denied] = Future()
        self.waiting.put((request, answer))
        return await wrap_future(answer)

    def close(self) -> None:
        """Finish what was asked, then stop."""
        self.waiting.put(None)
        self.thread.join()

    def _work(self) -> None:
        while (first := self.waiting.get()) is not None:
            self._settle([first, *self._others()])

    def _settle(self, waiting: list[Waiting]) -> None:
        """Answer all of a batch, whatever happens: the next one needs this thread.

        Who has given up by now is dropped before anything is counted; afterwards a
        future can no longer be cancelled, so that every answer finds its place.
        """
        batch = [one for one in waiting if one[1].set_running_or_notify_cancel()]
        try:
            said = store.grant_all(self.store, [r for r, _ in batch]) if batch else []
        except BaseException as error:
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), one in zip(batch, said, strict=True):
            answer.set_result(one)

    def _others(self) -> list[Waiting]:
        """Take what else is waiting by now."""
        found: list[Waiting] = []
        while len(found) < BATCH - 1:
            try:
                item = self.waiting.get_nowait()
            except Empty:
                break
            if item is None:
                self.waiting.put(None)
                break
            found.append(item)
        return found
