"""64 clients for 60 seconds on loopback, against a bare endpoint on the same Parquet.

``python -m tests.benchmarks.serve [SECONDS]``. Both servers are processes of their own
and answer the same question, 100 of 100,000 rows by a filter; the bare one asks for no
key, checks nothing and counts nothing. Afterwards usage must be what clients received.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from socket import socket
from typing import NamedTuple

import polars as pl

from flows.market import Asked, take_order
from flows.meter import meter
from flows.serve import app_of, listen, server_of
from tasks import store
from tasks.store import sales
from tests import shop

CLIENTS, ROWS = 64, 100
DOCUMENT = shop.DOCUMENT.replace(
    '{mode: quota, amount: "300.00", quota: 100, unit: row, ceiling:'
    ' {amount: "3.00", source: Price order 7}}',
    "{mode: free}",
).replace("filters: [town]", "filters: [town], calls_per_minute: 100000000")
FORK = get_context("forkserver")  # threads of Polars do not survive a fork


class Load(NamedTuple):
    """What the clients saw."""

    seconds: float
    waits: list[float]
    rows: int
    errors: int

    def line(self) -> str:
        """Say it in one line."""
        waits = sorted(self.waits)
        half, late = (waits[int(len(waits) * q)] * 1000 for q in (0.5, 0.99))
        each = len(waits) / self.seconds
        return (
            f"{each:7.0f}/s  p50 {half:6.1f} ms  p99 {late:6.1f} ms"
            f"  {len(waits):,} answers, {self.errors} errors"
        )


def product(taken: socket) -> None:
    """Run the service."""
    server_of(app_of(store.current(), seal=meter)).run(sockets=[taken])


def bare(taken: socket) -> None:
    """Run the endpoint that somebody would write by hand in ten lines."""
    from fastapi import FastAPI
    from fastapi.responses import Response

    app = FastAPI()
    file = os.environ["BARE"]

    @app.get("/rows")
    def rows(town: str, limit: int, offset: int) -> Response:
        chosen = pl.scan_parquet(file).filter(pl.col("town") == town)
        frame = chosen.slice(offset, limit).collect()
        return Response(frame.write_json(), media_type="application/json")

    server_of(app).run(sockets=[taken])


@contextmanager
def running(server: Callable[[socket], None]) -> Iterator[int]:
    """Run a server in a process of its own; lend its port."""
    taken = listen("127.0.0.1", 0)
    taken.listen(1024)
    process = FORK.Process(target=server, args=(taken,))
    process.start()
    yield taken.getsockname()[1]
    process.terminate()  # it finishes what was asked
    process.join()
    taken.close()


async def client(
    port: int, head: str, path: str, until: float, load: list[Load]
) -> None:
    """Ask on one connection until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits, rows, errors = [], 0, 0
    while time.monotonic() < until:
        ask = f"{path}&offset={random.randrange(40_000)}"
        begun = time.perf_counter()
        writer.write(f"GET {ask} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(told.partition("content-length: ")[2].partition("\r")[0])
        body = await reader.readexactly(size)
        waits.append(time.perf_counter() - begun)
        if told.startswith("http/1.1 200"):
            rows += body.count(b'"day":')
        else:
            errors += 1
    writer.close()
    load.append(Load(0, waits, rows, errors))


async def asked(port: int, head: str, path: str, seconds: float) -> Load:
    """Let all clients ask at once."""
    begun, each = time.monotonic(), list[Load]()
    until = begun + seconds
    jobs = [client(port, head, path, until, each) for _ in range(CLIENTS)]
    await asyncio.gather(*jobs)
    waits = [wait for one in each for wait in one.waits]
    rows, errors = sum(one.rows for one in each), sum(one.errors for one in each)
    return Load(time.monotonic() - begun, waits, rows, errors)


def measure(
    server: Callable[[socket], None], head: str, path: str, seconds: float
) -> Load:
    """Measure one server; what comes before it is warm is thrown away."""
    with running(server) as port:
        asyncio.run(asked(port, head, path, 3))
        return asyncio.run(asked(port, head, path, seconds))


def main(seconds: float) -> None:
    """Measure both, and hold the usage against what was received."""
    shop.DAYS = 100_000
    with tempfile.TemporaryDirectory() as home, shop.shop(Path(home), DOCUMENT):
        s = store.current()
        ref = store.resolve(s, "rain/product/product")
        os.environ["BARE"] = str(store.path(s, ref.sha256))
        key = take_order("rain", Asked("Crop Cover", shop.CODE, "claims", "B-1"))["key"]
        told = f"town=b&limit={ROWS}"
        print("load before:", *os.getloadavg(), "cores:", os.cpu_count(), flush=True)
        plain = measure(bare, "", f"/rows?{told}", seconds)
        print("bare ", plain.line(), flush=True)
        header = f"Authorization: Bearer {key}\r\n"
        with running(product) as port:
            path = f"/products/daily-rain/rows?{told}"
            first = asyncio.run(asked(port, header, path, 3))
            served = asyncio.run(asked(port, header, path, seconds))
        print("serve", served.line(), flush=True)
        print("load after: ", *os.getloadavg())
        used = sales.deliveries(s, ["B-1"])
        both = [len(used), sum(u["rows"] for u in used)]
        got = [len(first.waits) + len(served.waits), first.rows + served.rows]
        print("usage", json.dumps(both), "received", json.dumps(got))
        assert both == got
        assert not any(not u["sealed"] for u in used)
        ratio = len(served.waits) / served.seconds / (len(plain.waits) / plain.seconds)
        print(f"throughput of the bare endpoint: {ratio:.2f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
