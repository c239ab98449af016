"""No package that binds those who ship the project is among its parts."""

import runpy
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.command import ROOT

GATE = ROOT / ".ci" / "licences.py"
problem: Callable[[str], str] = runpy.run_path(str(GATE))["problem"]


def test_what_is_shipped_may_be_shipped() -> None:
    done = subprocess.run(
        [sys.executable, GATE, "requirements.lock"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "licences fit" in done.stdout


@pytest.mark.parametrize(
    ("package", "refused"),
    [
        ("beancount", True),  # GPL-2.0-only: run by tests as a process, never shipped
        ("psycopg", False),  # LGPL: a library that may be replaced
        ("text-unidecode", False),  # Artistic or GPL: taken under the first
        ("polars", False),
    ],
)
def test_strong_copyleft_is_refused_and_nothing_else(
    package: str, refused: bool
) -> None:
    assert bool(problem(package)) is refused
