"""Name every durable step, so that a test can stop the process exactly there.

A kill harness replaces ``hook``; in production it does nothing.
"""

from collections.abc import Callable


def _go_on(_: str) -> None:
    return None


hook: Callable[[str], None] = _go_on


def failpoint(name: str) -> None:
    """Pass one durable step."""
    hook(name)
