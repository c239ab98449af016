"""The service with a real HTTP client: order, delivery, quota end, renewal, end."""

import asyncio
import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # ships no types
import polars as pl
import pytest

from flows import market
from flows.market import Asked, take_order
from flows.meter import meter
from flows.released import all_released
from flows.serve import app_of, keep_sealing, listen, server_of
from flows.shelf import Offer, Order, Shelf, Till, grounds_against
from flows.value_chain import value_chain
from schemas.artifact import ArtifactRef, Stage
from schemas.errors import StoreError
from tasks import store
from tasks.store import Request as Delivery
from tasks.store import Store, sales
from tasks.store.database import writing
from tests import shop
from tests.shop import CODE, DOCUMENT

OAS = Path(__file__).parents[1] / "vendor" / "openapi" / "schema-3.1.json"
ROWS = "/products/daily-rain/rows"
RATED = DOCUMENT.replace("filters: [town]", "filters: [town], calls_per_minute: 60")
TURNED = RATED.replace(
    "{claims: Checking claims, pricing: Pricing cover}, prohibited_uses: {ads:",
    "{pricing: Pricing cover}, prohibited_uses: {claims: Refusing claims, ads:",
).replace("version: 1.2.0", "version: 2.0.0")
WHOLE = [{"day": n, "town": "ab"[n % 2], "tenths_mm": n * n % 97} for n in range(40)]


class Clock:
    """The time of the service, and what happens when it is asked the nth time."""

    def __init__(self) -> None:
        self.ahead, self.asked = timedelta(), 0
        self.then: dict[int, Callable[[], object]] = {}

    def __call__(self) -> datetime:
        self.asked += 1
        self.then.pop(self.asked, lambda: None)()
        return datetime.now(UTC) + self.ahead

    def after(self, times: int, act: Callable[[], object]) -> None:
        """Do something when the clock is asked so many times from now."""
        self.then[self.asked + times] = act


@contextmanager
def running(piece: int, clock: Clock) -> Iterator[httpx.Client]:
    """Run the service on a free port; lend a client of it."""
    taken = listen("127.0.0.1", 0)
    server = server_of(app_of(store.current(), clock, piece))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = taken.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("serve")
    with shop.shop(folder, RATED):
        yield folder


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def client(home: Path, clock: Clock) -> Iterator[httpx.Client]:
    with running(1_000, clock) as client:
        yield client


@pytest.fixture(scope="module")
def short(home: Path, clock: Clock) -> Iterator[httpx.Client]:
    """Pieces of ten rows: forty are an answer of four."""
    with running(10, clock) as client:
        yield client


def bought(number: str, use: str = "claims", **more: Any) -> dict[str, str]:
    """Order; give the header that opens it."""
    asked = Asked("Crop Cover", CODE, use, number, **more)
    return {"Authorization": f"Bearer {take_order('rain', asked)['key']}"}


def used(number: str) -> list[tuple[int, int]]:
    """List calls and rows of each piece that was granted."""
    found = sales.deliveries(store.current(), [number])
    return [(u["calls"], u["rows"]) for u in found]


def said(answer: httpx.Response, status: int, kind: str) -> str:
    """Read a problem."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["type"]) == (
        *(status, status),
        f"/#{kind}",
    ), body
    return str(body["detail"])


def test_an_order_is_delivered_used_up_renewed_and_ended(client: httpx.Client) -> None:
    key = bought("L-1")
    first = client.get(ROWS, headers=key)
    second = client.get(ROWS, headers={"X-API-Key": key["Authorization"][7:]})

    assert first.json()["rows"] == second.json()["rows"] == WHOLE
    assert (first.json()["version"], first.json()["next"]) == ("1.2.0", None)
    assert (first.headers["datafactor-left"], second.headers["datafactor-left"]) == (
        "60",
        "20",
    )
    third = client.get(ROWS, headers=key)
    told = said(third, 429, "quota")
    assert told.endswith(
        "20 rows are left, this answer has 40: ask for fewer, or renew the order"
    )
    assert "retry-after" not in third.headers
    fits = client.get(ROWS, params={"limit": 20}, headers=key)
    assert (len(fits.json()["rows"]), fits.json()["next"]) == (20, 20)
    assert "nothing is left" in said(client.get(ROWS, headers=key), 429, "quota")

    market.renew("L-1", None, None, None)
    again = client.get(ROWS, headers=key)
    assert (again.status_code, again.headers["datafactor-left"]) == (200, "60")

    market.revoke("L-1", "misuse", None)
    assert "revoked since" in said(client.get(ROWS, headers=key), 403, "revoked")
    assert used("L-1") == [(1, 40), (1, 40), (1, 20), (1, 40)]
    found = sales.deliveries(store.current(), ["L-1"])
    assert found[0]["delivery"] == first.json()["delivery"]
    assert found[0]["bytes"] == len(first.content)


def test_a_term_ends_with_its_last_day(client: httpx.Client, clock: Clock) -> None:
    key = bought("L-2")
    assert client.get(ROWS, params={"limit": 1}, headers=key).status_code == 200
    clock.ahead = timedelta(days=400)
    try:
        assert "renew the order" in said(client.get(ROWS, headers=key), 403, "expired")
    finally:
        clock.ahead = timedelta()


def test_a_question_chooses_rows_columns_and_a_format(client: httpx.Client) -> None:
    key = bought("L-3")
    ask: dict[str, Any] = {"town": "b", "fields": "day", "limit": 3, "offset": 1}

    found = client.get(ROWS, params=ask, headers=key)
    table = client.get(ROWS, params={**ask, "format": "csv"}, headers=key)

    assert found.json()["rows"] == [{"day": 3}, {"day": 5}, {"day": 7}]
    assert found.json()["next"] == 4
    assert table.text == "day\n3\n5\n7\n"
    assert table.headers["content-type"].startswith("text/csv")
    assert [u["fields"] for u in sales.deliveries(store.current(), ["L-3"])] == [
        "day",
        "day",
    ]


def test_what_is_not_licensed_is_refused_by_name(client: httpx.Client) -> None:
    key = bought("L-4", fields=("day", "town"), rows=5)

    told = said(client.get(f"{ROWS}?fields=day,tenths_mm", headers=key), 403, "fields")
    assert told.startswith("tenths_mm not licensed: ask for day, town")
    told = said(client.get(f"{ROWS}?day=3", headers=key), 403, "filters")
    assert told == "day cannot be asked by; columns that can: town"
    found = client.get(ROWS, headers=key).json()
    assert found["rows"] == [{"day": n, "town": "ab"[n % 2]} for n in range(5)]
    beyond = client.get(f"{ROWS}?offset=5", headers=key).json()
    assert beyond["rows"] == []
    assert used("L-4") == [(1, 5), (1, 0)]


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("limit=0", 422, "value"),
        ("limit=10001", 422, "value"),
        ("format=xml", 422, "value"),
        ("owner=x", 403, "filters"),
        ("key=abc", 400, "key-in-url"),
        ("api_key=abc", 400, "key-in-url"),
        ("ACCESS_TOKEN=abc", 400, "key-in-url"),
        ("town=df_" + "x" * 43, 400, "key-in-url"),
        ("fields=town,df_" + "x" * 43, 400, "key-in-url"),
        ("town=%64%66_" + "x" * 43, 400, "key-in-url"),
        ("town=" + "x" * 9_000, 414, "long"),
    ],
)
def test_a_wrong_question_is_a_problem_and_counts_nothing(
    client: httpx.Client, query: str, status: int, kind: str
) -> None:
    number = f"Q-{status}-{kind}-{len(query)}-{query[:4].replace('=', '')}"
    key = bought(number)
    said(client.get(f"{ROWS}?{query}", headers=key), status, kind)
    assert used(number) == []
    assert client.get(f"{ROWS}?limit=1", headers=key).status_code == 200
    assert used(number) == [(1, 1)]  # the order would have counted


def test_without_a_sound_key_nothing_is_answered(client: httpx.Client) -> None:
    none = client.get(ROWS)
    assert "Authorization: Bearer" in said(none, 401, "key")
    assert none.headers["www-authenticate"] == "Bearer"
    wrong = {"Authorization": "Bearer df_" + "x" * 43}
    assert "opens nothing" in said(client.get(ROWS, headers=wrong), 401, "key")
    basic = {"Authorization": "Basic eDp5"}
    said(client.get(ROWS, headers=basic), 401, "key")
    two = {**wrong, "X-API-Key": "df_other"}
    said(client.get(ROWS, headers=two), 400, "two-keys")


def test_what_is_not_there_is_a_problem_too(client: httpx.Client) -> None:
    key = bought("L-5")
    said(client.get("/products/none/rows", headers=key), 404, "unknown")
    said(client.get("/products/none"), 404, "unknown")
    said(client.get("/nothing"), 404, "unknown")
    said(client.delete(ROWS, headers=key), 405, "method")
    said(client.request("GET", ROWS, headers=key, content=b"x"), 413, "body")
    assert used("L-5") == []


@pytest.mark.parametrize(
    ("size", "first"),
    [(40_000, "HTTP/1.1 431 "), (70_000, "HTTP/1.1 400 ")],
)
def test_a_long_head_is_refused_however_it_arrives(
    client: httpx.Client, size: int, first: str
) -> None:
    """Byte counts around 65,536, in two parts; beyond, the server itself refuses."""
    head = f"GET {ROWS} HTTP/1.1\r\nHost: x\r\nX-Long: ".encode() + b"x" * size
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as taken:
        taken.sendall(head)
        time.sleep(0.3)
        if size < 65_536:
            taken.sendall(b"\r\n\r\n")
        told = b"".join(iter(taken.makefile("rb").readline, b"\r\n")).decode()

    assert told.startswith(first)
    kind = "application/problem+json" if size < 65_536 else "text/plain; charset=utf-8"
    assert f"content-type: {kind}" in told


def test_calls_of_a_minute_end_with_a_time_to_come_again(
    client: httpx.Client, clock: Clock
) -> None:
    key, ask = bought("R-1"), {"limit": 1}
    codes = [client.get(ROWS, params=ask, headers=key).status_code for _ in range(60)]
    assert codes == [200] * 60

    refused = client.get(ROWS, params=ask, headers=key)
    assert "60 calls a minute" in said(refused, 429, "rate")
    assert 30 <= int(refused.headers["retry-after"]) <= 60
    clock.ahead = timedelta(seconds=61)
    try:
        assert client.get(ROWS, params=ask, headers=key).status_code == 200
    finally:
        clock.ahead = timedelta()
    assert used("R-1") == [(1, 1)] * 61


def test_a_long_answer_is_granted_piece_by_piece(short: httpx.Client) -> None:
    key = bought("P-1")

    answer = short.get(ROWS, headers=key)

    assert answer.json()["rows"] == WHOLE
    assert "content-length" not in answer.headers
    assert used("P-1") == [(1, 10), (0, 10), (0, 10), (0, 10)]
    found = sales.deliveries(store.current(), ["P-1"])
    assert sum(u["bytes"] for u in found) == len(answer.content)
    first = answer.json()["delivery"]
    assert [u["delivery"] for u in found] == [
        first,
        *(f"{first}.{n}" for n in (1, 2, 3)),
    ]
    short.get(ROWS, headers=key)
    told = said(short.get(ROWS, headers=key), 429, "quota")
    assert "20 rows are left, this answer has 40" in told
    assert sum(rows for _, rows in used("P-1")) == 80


@pytest.mark.parametrize("how", ["revoke", "withdraw", "expire"])
def test_what_ends_in_the_middle_breaks_the_answer_off(
    short: httpx.Client, clock: Clock, how: str
) -> None:
    """The clock is asked for the question, then for each of four pieces: 2 are sent."""
    key = bought(f"M-{how}")
    acts: dict[str, Callable[[], object]] = {
        "revoke": lambda: market.revoke(f"M-{how}", "misuse", None),
        "withdraw": lambda: market.withdraw(
            "rain", "disputed", "letter 7", None, False
        ),
        "expire": lambda: setattr(clock, "ahead", timedelta(days=400)),
    }
    clock.after(4, acts[how])
    got = b""
    try:
        with short.stream("GET", ROWS, headers=key) as answer:
            parts = answer.iter_raw()
            while True:
                got += next(parts)
    except httpx.RemoteProtocolError as error:
        assert "incomplete" in str(error)  # noqa: PT017 - raised by any of the parts
    finally:
        clock.ahead = timedelta()
        if how == "withdraw":
            refused = short.get(ROWS, headers=key)
            market.withdraw("rain", "settled", "letter 8", None, True)
            assert "is withdrawn since" in said(refused, 403, "withdrawn")

    assert used(f"M-{how}") == [(1, 10), (0, 10)]
    assert got.decode().count('"day":') == 20
    with pytest.raises(json.JSONDecodeError):
        json.loads(got)


def test_clients_at_once_get_the_quota_and_no_row_more(client: httpx.Client) -> None:
    """16 clients, 4 questions each of 3 rows, 100 rows ordered: 33 answers, 99 rows."""
    key = bought("C-1")

    def ask(_: int) -> int:
        answer = client.get(ROWS, params={"limit": 3}, headers=key)
        assert answer.status_code in (200, 429)
        return len(answer.json().get("rows", ()))

    with ThreadPoolExecutor(16) as clients:
        got = list(clients.map(ask, range(64)))

    assert sum(got) == 99
    assert sorted(used("C-1")) == [(1, 3)] * 33


def test_who_gave_up_is_not_counted_and_a_failed_grant_does_not_stop_the_next(
    home: Path,
) -> None:
    """While one waits for the write lock: one that fails, one given up, one more."""
    bought("T-1")
    till, now = Till(store.current()), datetime.now(UTC)
    id = store.resolve(store.current(), "rain/product/product").id
    sound = Delivery("T-1", "service", now, "Asia/Shanghai", ("day",), 1, 9, id)

    async def together() -> list[object]:
        with writing(store.current().engine):
            waiting = [asyncio.create_task(till.grant(replace(sound, delivery="a")))]
            await asyncio.sleep(0.2)  # by now the till waits for the lock
            wrong = replace(sound, delivery="b", zone="Nowhere")
            for one in (wrong, replace(sound, delivery="c")):
                waiting.append(asyncio.create_task(till.grant(one)))
            await asyncio.sleep(0.1)
            waiting[2].cancel()
            await asyncio.sleep(0.1)
        said = await asyncio.gather(*waiting, return_exceptions=True)
        last = till.grant(replace(sound, delivery="d"))
        return [*said, await asyncio.wait_for(last, 20)]

    said = asyncio.run(together())
    till.close()

    assert [type(one).__name__ for one in said] == [
        *("Grant", "ZoneInfoNotFoundError", "CancelledError", "Grant")
    ]
    found = sales.deliveries(store.current(), ["T-1"])
    assert [u["delivery"] for u in found] == ["a", "d"]


def test_a_key_is_known_although_others_forget_all_of_them_meanwhile(
    home: Path,
) -> None:
    class Forgetful(dict[str, Order]):
        """What is looked for is gone right after: other clients cleared it."""

        def __contains__(self, key: object) -> bool:
            had = super().__contains__(key)
            self.clear()
            return had

    shelf, key = Shelf(store.current()), bought("T-2")["Authorization"][7:]
    shelf.orders = Forgetful()

    assert [(shelf.order(key) or {}).get("order") for _ in range(3)] == ["T-2"] * 3


def test_a_file_is_hashed_once_until_it_is_touched_and_nobody_waits_for_it(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight ask at once; where the hash runs no event loop runs, which serves all."""
    loops: list[bool] = []
    scan = store.scan

    def watched(s: Store, ref: ArtifactRef) -> pl.LazyFrame:
        loops.append(asyncio._get_running_loop() is not None)
        time.sleep(0.2)  # as if it were large
        return scan(s, ref)

    key = bought("H-1")
    monkeypatch.setattr(store, "scan", watched)
    ref = store.resolve(store.current(), "rain/product/product")
    file = store.path(store.current(), ref.sha256)

    def ask(_: int) -> int:
        return client.get(f"{ROWS}?limit=1", headers=key).status_code

    for touched in (1, 2):
        os.utime(file, ns=(touched, touched))
        with ThreadPoolExecutor(8) as clients:
            assert [*clients.map(ask, range(8))] == [200] * 8
        assert loops == [False] * touched


def test_damaged_bytes_are_not_served_and_nothing_is_told(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    key = bought("D-1")
    ref = store.resolve(store.current(), "rain/product/product")
    file = store.path(store.current(), ref.sha256)
    kept = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(kept[:-1] + b"x")
    try:
        with caplog.at_level(logging.INFO, "datafactor.serve"):
            answer = client.get(ROWS, headers=key)
        told = said(answer, 503, "failed")
        mark = re.search(r"under ([0-9a-f]{8}):", told)
        assert mark is not None
        assert f"failure {mark[1]}: bytes sha256:{ref.sha256[:12]} have" in caplog.text
        assert "Traceback" not in caplog.text + answer.text
        assert used("D-1") == []
    finally:
        file.write_bytes(kept)
    assert client.get(ROWS, headers=key).status_code == 200


def test_the_log_holds_no_key_and_no_value(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    key = bought("G-1")
    secret = key["Authorization"][7:]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the client's own log
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        client.get(f"{ROWS}?town=b&limit=7", headers=key)
        client.get(f"{ROWS}?town=Elsewhere&limit=x", headers=key)
        client.get(f"{ROWS}?key={secret}")
        client.get(f"/products/{secret}")
        client.get(f"{ROWS}?town={secret}", headers=key)

    lines = [r.getMessage() for r in caplog.records if r.name == "datafactor.serve"]
    assert len(lines) == 5
    assert lines[0].startswith("GET daily-rain: 200, 7 rows, ")
    for hidden in (secret, secret[3:], "Elsewhere", "town"):
        assert hidden not in caplog.text


def test_public_facts_tell_of_a_withdrawal_and_of_its_end(
    client: httpx.Client,
) -> None:
    def told() -> str:
        time.sleep(1.1)  # runs are looked for anew
        return str(client.get("/products").json()[0]["withdrawn"])

    assert told() == ""
    market.withdraw("rain", "disputed", "letter 9", None, False)
    try:
        assert told() == "disputed"
    finally:
        market.withdraw("rain", "settled", "letter 10", None, True)
    assert told() == ""


def test_what_is_on_offer_is_read_once_a_run_and_nobody_waits_for_another(
    home: Path,
) -> None:
    shelf = Shelf(store.current())
    before = shelf.stock()
    assert [o.name for o in before.every()] == ["daily-rain"]

    shelf.looked = float("-inf")
    with shelf.looking:  # somebody is looking: what was on offer is answered at once
        assert shelf.stock() is before
    assert shelf.stock() is before  # looked again; no run made a product
    bought("S-1")
    shelf.looked = float("-inf")
    assert shelf.stock() is before  # nor did the order's


def test_public_facts_hold_no_row(client: httpx.Client) -> None:
    (facts,) = client.get("/products").json()
    assert (facts["product"], facts["version"]) == ("daily-rain", "1.2.0")
    assert facts["price"] == {"mode": "quota", "amount": "300.00"}
    told = client.get("/products/daily-rain").json()
    assert [c["name"] for c in told["columns"]] == ["day", "town", "tenths_mm"]
    assert told["delivery"]["filters"] == ["town"]
    assert client.get("/products/rain").json() == told  # by its factor, too


def test_the_openapi_document_is_valid_and_its_examples_fit(
    client: httpx.Client,
) -> None:
    """Against the schema of the OpenAPI Initiative, which says what 3.1 is."""
    document = client.get("/openapi.json").json()
    jsonschema.Draft202012Validator(json.loads(OAS.read_text())).validate(document)

    asking = document["paths"]["/products/daily-rain/rows"]["get"]
    parameters = {p["name"]: p for p in asking["parameters"]}
    assert [*parameters] == ["fields", "limit", "offset", "format", "town"]
    for p in parameters.values():
        jsonschema.Draft202012Validator.check_schema(p["schema"])
        if "example" in p:
            jsonschema.validate(p["example"], p["schema"])
    body = asking["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(body["example"], body["schema"])
    real = client.get(ROWS, params={"limit": 2}, headers=bought("O-1")).json()
    jsonschema.validate(real, body["schema"])
    assert {*real} == {*body["schema"]["properties"]}


def test_every_answer_is_guarded_and_the_page_needs_no_network(
    client: httpx.Client,
) -> None:
    for path in ("/", "/products", "/nothing", ROWS, f"{ROWS}?key=x"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    page = client.get("/").text
    assert not re.search(
        r"<script|(?:src|href)=[\"'](?:https?:)?//|@import|url\(", page
    )
    assert "/products/daily-rain/rows?limit=10" in page
    kinds = set(re.findall(r'<tr id="([\w-]+)">', page))
    assert {"quota", "rate", "revoked", "key-in-url", "fields"} <= kinds


def test_a_new_major_version_that_prohibits_the_use_is_not_delivered(
    home: Path, client: httpx.Client
) -> None:
    """The last of the file: nothing goes back to the version before."""
    key = bought("U-1")
    shop.offer(home, TURNED)
    time.sleep(1.1)  # offers are looked up anew

    told = said(client.get(ROWS, headers=key), 403, "forbidden")

    assert "use claims is prohibited: Refusing claims" in told
    assert "daily-rain is at 2.0.0 now, which breaks what was ordered at 1.2.0" in told


def test_of_two_products_of_one_name_neither_is_served(
    home: Path, client: httpx.Client
) -> None:
    """The last but one of the file: the other factor stays."""
    key = bought("W-1", "pricing")
    assert client.get(ROWS, headers=key).status_code == 200
    (rain,) = all_released()
    other = TURNED.replace("factor: rain", "factor: snow")
    (home / "factors" / "snow.yaml").write_text(other, encoding="utf-8")
    value_chain.fn("snow", shop.DAY, Stage.PRODUCT)
    time.sleep(1.1)

    for name in ("daily-rain", "rain", "snow"):
        told = said(client.get(f"/products/{name}/rows", headers=key), 409, "twice")
        assert told == "rain and snow both offer daily-rain: rename one product"
        said(client.get(f"/products/{name}"), 409, "twice")
    assert client.get("/products").json() == []

    (snow,) = [r for r in all_released() if r.factor == "snow"]
    order = Shelf(store.current()).order(key["Authorization"][7:])
    assert order is not None
    assert grounds_against(Offer(rain, "UTC"), order) == ""
    assert grounds_against(Offer(snow, "UTC"), order).startswith(
        "order W-1 is for daily-rain of rain only"
    )
    (home / "factors" / "snow.yaml").unlink()


def test_usage_is_sealed_at_the_latest_when_the_service_ends(home: Path) -> None:
    stop = Event()
    stop.set()
    keep_sealing(stop, meter)
    assert meter() == {}
    found = store.verify(store.current())
    assert found.exit == 0
    assert not any("not sealed" in note for note in found.notes)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    taken = listen("127.0.0.1", 0)
    taken.listen()
    with pytest.raises(StoreError, match=r"cannot listen at 127\.0\.0\.1 port"):
        listen("127.0.0.1", taken.getsockname()[1])
    taken.close()
