"""Refuse paths that mean another place where a worker stands."""

import os
from pathlib import Path

from prefect.context import FlowRunContext

from schemas.errors import StoreError

PLACES = ("HOME", "OBJECTS", "FACTORS", "DATA", "ANCHOR", "KEY")
FILE = "sqlite:///"  # what follows is a path


def refuse_adrift() -> None:
    """Refuse them in a run that a worker started; its environment is its own.

    Raises:
        StoreError: A path is relative.
    """
    context = FlowRunContext.get()
    if context and context.flow_run and context.flow_run.deployment_id:
        refuse_relative()


def refuse_relative() -> None:
    """Refuse paths of the environment that are relative.

    Raises:
        StoreError: One is; the sentence names its variable.
    """
    if wrong := relative():
        raise StoreError(
            f"{', '.join(wrong)} must be absolute: a deployed run starts in an empty"
            " folder of its own"
        )


def relative() -> list[str]:
    """Name the variables whose place is relative."""
    named = {f"DATAFACTOR_{n}": os.environ.get(f"DATAFACTOR_{n}", "") for n in PLACES}
    database = os.environ.get("DATAFACTOR_DATABASE", "")
    if database.startswith(FILE):  # a run would make a store where it stands, and go
        named["DATAFACTOR_DATABASE"] = database.removeprefix(FILE)
    return [n for n, v in named.items() if v and not is_absolute(v)]


def is_absolute(place: str) -> bool:
    """Say whether a place means the same wherever a process stands."""
    return "://" in place or Path(place).expanduser().is_absolute()
