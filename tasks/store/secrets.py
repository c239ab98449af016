"""Read secrets by name: from the environment, else from where a house keeps them.

They are kept and shown nowhere. What keeps them beside the environment is told by
``also``: the flows hand over the Secret blocks of the Prefect server.
"""

import os
from collections.abc import Callable

from schemas.errors import StoreError

SHORTEST = 32  # characters: 128 bits where the key is written in hex
Keeper = Callable[[str], str]  # of a name; empty where it keeps none
KEEPERS: dict[str, Keeper] = {}


def also(name: str, keeper: Keeper) -> None:
    """Ask a keeper, too, for what the environment does not say."""
    KEEPERS[name] = keeper


def kept(name: str) -> str:
    """Find a secret; empty where nobody keeps it."""
    if said := os.environ.get(f"DATAFACTOR_SECRET_{name.upper()}", ""):
        return said
    return next((said for keeper in KEEPERS.values() if (said := keeper(name))), "")


def address(name: str) -> str:
    """Read the URL of a database: ``DATAFACTOR_SECRET_<NAME>``, or a keeper's.

    Raises:
        StoreError: It is not set.
    """
    variable = f"DATAFACTOR_SECRET_{name.upper()}"
    if url := kept(name):
        return url
    raise StoreError(
        f"the URL of the database {name} is not set: put it into {variable}, or into"
        f" the server's Secret block datafactor-{name.replace('_', '-')}"
    )


def secret(name: str) -> bytes:
    """Read a key: ``DATAFACTOR_SECRET_<NAME>``, or a keeper's.

    ``cohort`` -> the text of DATAFACTOR_SECRET_COHORT as bytes.

    Raises:
        StoreError: It is not set, or so short that it could be guessed.
    """
    variable = f"DATAFACTOR_SECRET_{name.upper()}"
    value = kept(name)
    if not value:
        raise StoreError(
            f"the key {name} is not set: put it into {variable}, or into the server's"
            f" Secret block datafactor-{name.replace('_', '-')}, for example from"
            " `openssl rand -hex 32`; keep it, for another key makes other pseudonyms"
        )
    if len(value) < SHORTEST:
        raise StoreError(
            f"the key {name} in {variable} is shorter than {SHORTEST} characters and"
            " could be guessed: make one with `openssl rand -hex 32`"
        )
    return value.encode()
