"""Run the command line as a person does: another process, its own folders."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    exit: int
    out: str
    err: str

    @property
    def data(self) -> Any:  # Any: JSON
        """The ``data`` of its ``--json`` answer."""
        return json.loads(self.out)["data"]


def datafactor(
    *arguments: str, home: Path, data: Path | None = None, code: Path = ROOT, **env: str
) -> Said:
    """Run ``datafactor`` with the project at ``code`` and a store below ``home``."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=code,
        env={**environment(home, data), "PYTHONPATH": str(code), **env},
    )
    return Said(done.returncode, done.stdout, done.stderr)


def environment(home: Path, data: Path | None = None) -> dict[str, str]:
    """Build an environment that touches nothing outside ``home``."""
    kept = {n: os.environ[n] for n in ("PATH", "LANG", "TMPDIR") if n in os.environ}
    return kept | {
        "HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "DATAFACTOR_HOME": str(home / "store"),
        "DATAFACTOR_ANCHOR": str(home / "anchor"),
        "DATAFACTOR_KEY": str(home / "signing.key"),
        "DATAFACTOR_DATA": str(data or ROOT / ".data"),
        "DATAFACTOR_USER": "tester",
        "COLUMNS": "200",
    }
