"""Serve products over HTTP: licensed rows, counted before they are sent.

Every answer of the application that is no success is a problem (RFC 9457): why, and
what to do. The HTTP server before it answers by itself, in plain text, what never
becomes a request: 400 for what is no HTTP or has a head of more than ``WORST`` bytes,
503 above ``CLIENTS`` connections. A key travels in a header and nowhere else; no value
of a row or of a question is logged.

A long answer is sent in pieces of ``PIECE`` rows. Each is granted in a transaction of
its own right before it is sent, so what is revoked, withdrawn or used up in between
breaks the answer off: the connection closes without its last chunk, which every client
sees as an error, and no row beyond those sent is charged. What was granted counts, even
if the client has gone.
"""

import asyncio
import logging
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock, Thread
from urllib.parse import unquote_plus

import polars as pl
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.described import Facts, details, facts, openapi, page
from flows.shelf import Offer, Order, Shelf, Stock, Till, grounds_against, licensed_by
from schemas.errors import DatafactorError, StoreError
from tasks import store
from tasks.product.ask import (
    FORMATS,
    Piece,
    Question,
    Wrong,
    answered,
    pieces,
    question,
    written,
)
from tasks.store import Denied, Grant, Store
from tasks.store import Request as Delivery

PIECE = 5_000  # rows that are granted and sent at once
LONGEST = 8_192  # signs of an address
HEADERS = 16_384  # bytes of a request's headers
WORST = 4 * HEADERS  # bytes of a head; with fewer it is read whole, then refused
EVERY = 60.0  # seconds from one sealing to the next
QUARTER = 900  # seconds
CLIENTS = 512  # connections at once; the next gets a plain 503
KEY = re.compile(r"(?<![\w-])df_[\w-]{20,}")
KEY_NAMES = re.compile(
    r"(?:^|&)(?:x-)?(?:api|access|auth)?[-_]?(?:key|token|authorization|bearer|secret)=",
    re.IGNORECASE,
)
STATUS = {"fields": 403, "filters": 403, "value": 422, "rate": 429, "quota": 429}
SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
        b" form-action 'none'; frame-ancestors 'none'",
    ),
]
Sealing = Callable[[], Mapping[str, int]]  # how many deliveries of each factor
log = logging.getLogger("datafactor.serve")


def problem(status: int, kind: str, detail: str, wait: int | None = None) -> Response:
    """Answer by a problem; ``wait`` says after how many seconds to ask again."""
    headers = {} if wait is None else {"Retry-After": str(wait)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    title = {
        400: "Bad request",
        401: "Key needed",
        403: "Not allowed",
        404: "Not found",
        405: "Method not allowed",
        409: "Ambiguous",
        413: "Too large",
        414: "Address too long",
        422: "Not understood",
        429: "Used up",
        431: "Headers too large",
        500: "Failed",
        503: "Not available",
    }.get(status, "Failed")
    body = {"type": f"/#{kind}", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


class Guard:
    """Stand before everything: bounds, keys in addresses, headers, one line of log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on where nothing is wrong with its outside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        scope.setdefault("state", {}).update(product="-", rows=0)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SAFE]
            await send(message)

        try:
            answer: ASGIApp = outside(scope) or self.app
            await answer(scope, receive, sending)
        except Exception as error:
            failure = failed(error)
            if not status:
                await failure(scope, receive, sending)
        finally:
            note(scope, status, time.perf_counter() - begun)


def failed(error: Exception) -> Response:
    """Log a failure under a mark, and answer with the mark alone."""
    mark = secrets.token_hex(4)
    log.error("failure %s: %s", mark, told(error))
    said = f"the provider's log tells why under {mark}: ask there"
    return problem(503 if isinstance(error, DatafactorError) else 500, "failed", said)


def note(scope: Scope, status: int, seconds: float) -> None:
    """Log one request: nothing of what it asked but the product."""
    method = scope["method"] if scope["method"] in ("GET", "HEAD") else "other"
    product, rows = scope["state"]["product"], scope["state"]["rows"]
    told = (method, product, status, rows, seconds * 1000)
    log.info("%s %s: %s, %s rows, %.1f ms", *told)


def told(error: Exception) -> str:
    """Tell of an error what holds no value: our own sentences, else type and place."""
    if isinstance(error, DatafactorError):
        return str(error)
    trace, at = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        at, trace = f"{code.co_name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} at {at}"


def outside(scope: Scope) -> Response | None:
    """Refuse a request for its outside alone."""
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    if len(path) + len(query) > LONGEST:
        return problem(414, "long", f"{LONGEST:,} signs at most: ask for less at once")
    plain = unquote_plus(query)
    if KEY.search(path) or KEY.search(f"?{plain}") or KEY_NAMES.search(plain):
        return problem(
            400,
            "key-in-url",
            "a key in an address is seen by others: have it replaced, and send it in"
            " the header Authorization: Bearer",
        )
    if sum(len(n) + len(v) for n, v in scope["headers"]) > HEADERS:
        return problem(431, "long", f"{HEADERS:,} bytes of headers at most")
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
        return problem(413, "body", "no body is read here: ask by the address alone")
    return None


def key_of(request: Request) -> str | Response:
    """Read the key out of its header."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    other = request.headers.get("x-api-key", "").strip()
    key = bearer.strip() if scheme.lower() == "bearer" else ""
    if key and other and key != other:
        return problem(400, "two-keys", "two keys are given: send one")
    if not (key or other):
        said = "send the key of your order in the header Authorization: Bearer"
        return problem(401, "key", said)
    return key or other


@dataclass(frozen=True)
class Asked:
    """One question of one customer, read and allowed as far as can be seen."""

    offer: Offer
    order: Order
    question: Question
    delivery: Delivery
    rows: pl.LazyFrame | None = None  # nothing: its file is to be hashed first


class Answer(Response):
    """Send an answer whose first piece is granted; ask again before every other."""

    def __init__(
        self, desk: "Desk", asked: Asked, first: bytes, rest: Iterator[Piece]
    ) -> None:
        form = asked.question.format
        super().__init__(None, 200, media_type=FORMATS[form])
        del self.headers["content-length"]
        self.desk, self.asked, self.first, self.rest = desk, asked, first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send piece by piece; end without the last chunk where one is denied."""
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": self.raw_headers})
        body, count = self.first, 1
        while True:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if await Request(scope, receive).is_disconnected():
                return  # nothing more is granted to a client that has gone
            piece = await run_in_threadpool(next, self.rest, None)
            if piece is None:
                break
            granted, body = await self.desk.sell(self.asked, piece, count)
            if isinstance(granted, Denied):
                log.warning("broken off: %s", granted.ground)
                return
            scope["state"]["rows"] += piece.rows.height
            count += 1
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Desk:
    """Answer questions: who asks, what is allowed, what it counts."""

    def __init__(self, s: Store, now: Callable[[], datetime], piece: int) -> None:
        self.store, self.now, self.piece = s, now, piece
        self.shelf, self.till = Shelf(s), Till(s)
        self.denied: set[str] = set()  # orders whose last question was denied
        self.hashing: dict[str, asyncio.Lock] = {}
        self.listing = Lock()
        self.listed: tuple[object, list[Facts]] = (None, [])

    def list(self) -> list[Facts]:
        """Tell the public facts of all products.

        They are made anew after a run of any kind, which may have withdrawn one, and
        every quarter of an hour: with one of them begins a day, wherever that is.
        """
        stock, at = self.shelf.stock(), self.now()
        as_of = stock, self.shelf.runs[0], at.timestamp() // QUARTER
        with self.listing:
            if self.listed[0] != as_of:
                self.listed = as_of, [facts(offer, at) for offer in stock.every()]
            return self.listed[1]

    async def answer(self, request: Request, name: str) -> Response:
        """Answer with rows, or with the problem."""
        key = key_of(request)
        if isinstance(key, Response):
            return key
        asked = await run_in_threadpool(self.asked, request, name, key)
        if isinstance(asked, Response):
            return asked
        whole = asked.rows
        if whole is None:
            whole = await self.hashed(asked.offer)
        return await self.begun(request, asked, whole)

    async def hashed(self, offer: Offer) -> pl.LazyFrame:
        """Hash a product in a thread; who asks for the same meanwhile takes none."""
        one = self.hashing.setdefault(offer.released.ref.sha256, asyncio.Lock())
        async with one:
            return await run_in_threadpool(self.shelf.rows, offer)

    async def begun(
        self, request: Request, allowed: Asked, whole: pl.LazyFrame
    ) -> Response:
        """Look up the first piece, and answer with it or with why it is denied."""
        asked, first, rest = await run_in_threadpool(self.looked_up, allowed, whole)
        granted, body = await self.sell(asked, first, 0)
        if isinstance(granted, Denied):
            return denied(granted)
        request.scope["state"]["rows"] = first.rows.height
        headers = {"Datafactor-Delivery": granted.delivery}
        if granted.left is not None:
            headers["Datafactor-Left"] = str(granted.left)
        if first.last:
            return Response(body, 200, headers, FORMATS[asked.question.format])
        answer = Answer(self, asked, body, rest)
        answer.headers.update(headers)
        return answer

    def asked(self, request: Request, name: str, key: str) -> Asked | Response:
        """Read a question; the first thing that is wrong with it is the answer."""
        order, stock = self.shelf.order(key), self.shelf.stock()
        if order is None:
            return problem(401, "key", "this key opens nothing: check it, or order")
        if (offer := stock.offer(name)) is None:
            return absent(stock, name)
        request.scope["state"]["product"] = offer.name
        if ground := grounds_against(offer, order):
            return problem(403, "forbidden", ground)
        read = question(request.query_params.multi_items(), licensed_by(offer, order))
        if isinstance(read, Wrong):
            return problem(STATUS[read.kind], read.kind, read.ground)
        wanted = delivery_of(offer, order, read, self.now())
        if said := self.denied_again(wanted):
            return denied(said)
        return Asked(offer, order, read, wanted, self.shelf.known_rows(offer))

    def denied_again(self, wanted: Delivery) -> Denied | None:
        """Look first whether who was denied still is: a refusal reads no rows then."""
        if wanted.order not in self.denied:
            return None
        said = store.foreseen(self.store, wanted)
        if said is None:
            self.denied.discard(wanted.order)
        return said

    def looked_up(
        self, asked: Asked, whole: pl.LazyFrame
    ) -> tuple[Asked, Piece, Iterator[Piece]]:
        """Read the first piece; where more follow, say how many rows they will be."""
        may = licensed_by(asked.offer, asked.order)
        rows = answered(whole, may, asked.question)
        limit = asked.question.limit
        rest = pieces(rows, limit, self.piece)
        first = next(rest)
        if not first.last:
            count = int(rows.select(pl.len()).collect().item())
            ahead = min(count, limit) - first.rows.height
            asked = replace(asked, delivery=replace(asked.delivery, ahead=ahead))
        return asked, first, rest

    async def sell(
        self, asked: Asked, piece: Piece, count: int
    ) -> tuple[Grant | Denied, bytes]:
        """Write a piece, then have it granted as it is written."""
        released, id = asked.offer.released, asked.delivery.delivery
        head = {
            "product": released.terms.name,
            "version": released.terms.version,
            "as_of": str(released.as_of),
            "delivery": id,
        }
        body = await run_in_threadpool(written, piece, asked.question, head)
        delivery = replace(
            asked.delivery,
            at=self.now(),
            rows=piece.rows.height,
            bytes=len(body),
            calls=0 if count else 1,
            ahead=0 if count else asked.delivery.ahead,
            delivery=f"{id}.{count}" if count else id,
        )
        granted = await self.till.grant(delivery)
        if isinstance(granted, Denied):
            self.denied.add(asked.order["order"])
        return granted, body


def denied(said: Denied) -> Response:
    """Answer a denial by its problem."""
    return problem(STATUS.get(said.kind, 403), said.kind, said.ground, said.retry_after)


def absent(stock: Stock, name: str) -> Response:
    """Answer for a product that is not there, or is there twice."""
    if said := stock.twice.get(name):
        return problem(409, "twice", said)
    return problem(404, "unknown", "no such product is on offer: GET /products")


def delivery_of(offer: Offer, order: Order, read: Question, at: datetime) -> Delivery:
    """Write down what would be delivered, before its rows are known."""
    return Delivery(
        order=order["order"],
        form="service",
        at=at,
        zone=offer.zone,
        fields=read.fields,
        rows=1,
        bytes=0,
        served=offer.released.ref.id,
        calls_per_minute=offer.released.terms.delivery.calls_per_minute,
        key_sha256=order["key_sha256"],
        rests_on=offer.rests_on,
    )


def app_of(
    s: Store,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    piece: int = PIECE,
    seal: Sealing | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        s: The store whose products it serves.
        now: The clock.
        piece: Rows that are granted and sent at once.
        seal: What seals the usage every minute; none: somebody else does.
    """
    desk = Desk(s, now, piece)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=partial(open_for, desk, seal),
    )
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, elsewhere)
    tell(app, desk)

    @app.get("/products/{name}/rows")
    async def _rows(request: Request, name: str) -> Response:
        return await desk.answer(request, name)

    return app


def tell(app: FastAPI, desk: Desk) -> None:
    """Answer with what anybody may know."""

    @app.get("/")
    def _page(request: Request) -> Response:
        return HTMLResponse(page(desk.shelf.stock().every(), str(request.base_url)))

    @app.get("/openapi.json")
    def _openapi() -> Response:
        return JSONResponse(openapi(desk.shelf.stock().every()))

    @app.get("/products")
    def _products() -> Response:
        return JSONResponse(desk.list())

    @app.get("/products/{name}")
    def _product(request: Request, name: str) -> Response:
        stock = desk.shelf.stock()
        if (offer := stock.offer(name)) is None:
            return absent(stock, name)
        request.scope["state"]["product"] = offer.name
        return JSONResponse(details(offer, desk.now()))


@asynccontextmanager
async def open_for(desk: Desk, seal: Sealing | None, _: FastAPI) -> AsyncIterator[None]:
    """Seal while the service runs; at its end finish what was asked, and seal that."""
    stop = Event()
    sealing = Thread(target=keep_sealing, args=(stop, seal), daemon=True)
    if seal:
        sealing.start()
    yield
    stop.set()
    desk.till.close()
    if seal:
        await run_in_threadpool(sealing.join)


async def elsewhere(_: Request, error: Exception) -> Response:
    """Answer for an address or a method that nothing here answers."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return problem(404, "unknown", "there is nothing here: see /")
    return problem(status, "method", "only GET is answered: see /")


def keep_sealing(stop: Event, seal: Sealing) -> None:
    """Seal the usage every minute and once at the end; a failure waits a minute."""
    ended = False
    while not ended:
        ended = stop.wait(EVERY)
        try:
            for name, count in seal().items():
                log.info("sealed %s deliveries of %s", count, name)
        except Exception as error:
            log.error("not sealed: %s", told(error))


def listen(host: str, port: int) -> socket.socket:
    """Take the address, or fail before anything starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise StoreError(
            f"cannot listen at {host} port {port} ({error.strerror}): name another"
            " --host or --port"
        ) from error
    return taken


def server_of(app: FastAPI) -> uvicorn.Server:
    """Make the server: bounded heads, no access log, no name of the server."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=WORST,
            limit_concurrency=CLIENTS,
            timeout_graceful_shutdown=30,
        )
    )


def start_log() -> None:
    """Write the log to stderr, whatever other libraries did to the root logger."""
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    log.propagate = False


def serve(host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, and seal the usage every minute."""
    from flows.meter import meter

    s, taken = store.current(), listen(host, port)
    start_log()
    app = app_of(s, seal=meter)
    told(f"serving at http://{host}:{taken.getsockname()[1]}/ (Ctrl-C ends it)")
    if host not in ("127.0.0.1", "::1", "localhost"):
        told("keys travel in the clear: put a proxy with TLS before it")
    server_of(app).run(sockets=[taken])
