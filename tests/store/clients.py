"""Clients of deliveries and pledges, in a module that their processes load fast."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from schemas.errors import RegisterError
from schemas.registers import CollateralRoot, Pledge
from tasks import store
from tasks.store import Settings
from tasks.store.usage import Grant, Request, grant
from tests.store.build import pledge, post_pledge, post_row, root, sha

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


def pledge_at_once(given: Settings, worker: int) -> list[str]:
    """Pledge six times, as one lender of many; list what was granted."""
    s = store.opened(given)
    granted = []
    for n in range(6):
        number = (worker * 7 + n * 5) % 40  # several workers ask for the same ones
        row = pledge(f"R{number}", principal_fen=70, cap_fen=1_000)
        try:
            post_pledge(s, row, task=f"w{worker}")
            granted.append(f"R{number}")
        except RegisterError as refused:
            assert "would exceed its cap" in str(refused)  # noqa: PT017 - either way
    return granted


def pledge_in_groups(given: Settings, worker: int, attempts: int) -> list[str]:
    """Pledge the same data under the names of many assets; list what was granted."""
    s = store.opened(given)
    granted = []
    for n in range(attempts):
        number = (worker * 7 + n * 5) % 40  # several workers ask for the same ones
        name, asset = f"R{number}", f"asset-{number % 9}"
        said = pledge(name, asset=asset, principal_fen=70, cap_fen=1_000)
        try:
            with suppress(RegisterError):  # another worker may have named the roots
                post_row(s, CollateralRoot, root(name, asset=asset), f"w{worker}")
            post_row(s, Pledge, said, f"w{worker}")
            granted.append(name)
        except RegisterError as refused:
            assert "would exceed its cap" in str(refused)  # noqa: PT017 - either way
    return granted
