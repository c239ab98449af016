"""Read secret keys by name from the environment; they are kept and shown nowhere."""

import os

from schemas.errors import StoreError

SHORTEST = 32  # characters: 128 bits where the key is written in hex


def address(name: str) -> str:
    """Read the URL of a database that stands in ``DATAFACTOR_SECRET_<NAME>``.

    Raises:
        StoreError: It is not set.
    """
    variable = f"DATAFACTOR_SECRET_{name.upper()}"
    if url := os.environ.get(variable, ""):
        return url
    raise StoreError(
        f"the URL of the database {name} is not set: put it into {variable}"
    )


def secret(name: str) -> bytes:
    """Read the key that stands in ``DATAFACTOR_SECRET_<NAME>``.

    ``cohort`` -> the text of DATAFACTOR_SECRET_COHORT as bytes.

    Raises:
        StoreError: It is not set, or so short that it could be guessed.
    """
    variable = f"DATAFACTOR_SECRET_{name.upper()}"
    value = os.environ.get(variable, "")
    if not value:
        raise StoreError(
            f"the key {name} is not set: put it into {variable}, for example from"
            " `openssl rand -hex 32`; keep it, for another key makes other pseudonyms"
        )
    if len(value) < SHORTEST:
        raise StoreError(
            f"the key {name} in {variable} is shorter than {SHORTEST} characters and"
            " could be guessed: make one with `openssl rand -hex 32`"
        )
    return value.encode()
