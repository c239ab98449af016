"""Take secrets from the Secret blocks of the Prefect server, too.

A block ``datafactor-cohort`` is the key ``cohort``. The server encrypts its blocks, by
a key that lies in the same database unless PREFECT_SERVER_ENCRYPTION_KEY is set there.
"""

import os
from contextlib import suppress
from typing import Any

import httpx

from tasks.store import secrets


def block(name: str) -> str:
    """Read a Secret block; empty where no server is named or it has no such block."""
    if not os.environ.get("PREFECT_API_URL"):
        return ""
    # Here, so that a plain run does without Prefect's blocks.
    from prefect.blocks.system import Secret

    # The server has none of this name, or does not answer: nobody keeps it, then.
    with suppress(ValueError, OSError, RuntimeError, httpx.HTTPError):
        called = f"datafactor-{name.replace('_', '-')}"
        found: Any = Secret.load(called, _sync=True)  # type: ignore[call-arg]  # as Prefect's wrapper takes it
        return str(found.get())
    return ""


def offer() -> None:
    """Let the store ask for blocks."""
    secrets.also("prefect", block)
