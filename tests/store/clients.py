"""Clients that ask for deliveries, in a module that a process of theirs loads fast."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tasks import store
from tasks.store import Settings
from tasks.store.usage import Grant, Request, grant
from tests.store.build import sha

NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)  # in Shanghai
ASKED = Request(
    order="SO-1",
    form="service",
    at=NOON,
    zone="Asia/Shanghai",
    fields=("route", "rate"),
    rows=7,
    bytes=210,
    served=sha("served"),
)


def asked(n: int, **more: Any) -> Request:
    """Ask for the nth delivery."""
    return replace(ASKED, delivery=f"D-{n}", **more)


def take(settings: Settings, worker: int, attempts: int, limits: int) -> list[str]:
    """Ask again and again, as one client of many; list what was granted."""
    s = store.opened(settings)
    got = []
    for n in range(attempts):
        request = asked(worker * 1000 + n, calls_per_minute=limits)
        if isinstance(grant(s, request), Grant):
            got.append(request.delivery)
    return got
