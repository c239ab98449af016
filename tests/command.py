"""Run the command line as a person does: another process, its own folders.

Python and Prefect take seconds to load. ``datafactor`` therefore forks a server that
has loaded libraries and nothing of the run: no environment, no store, no stage; only
what Polars has not computed with may be forked. ``afresh`` starts an interpreter.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("flows", "tasks", "schemas")
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.loaded"])


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    exit: int | None
    out: str
    err: str

    @property
    def data(self) -> Any:  # Any: JSON
        """The ``data`` of its ``--json`` answer."""
        return json.loads(self.out)["data"]


def datafactor(
    *arguments: str,
    home: Path,
    data: Path | None = None,
    code: Path | str = ROOT,
    **env: str,
) -> Said:
    """Run ``datafactor`` with a store below ``home``, in a process of its own."""
    return begun(*arguments, home=home, data=data, code=code, **env)()


def begun(
    *arguments: str,
    home: Path,
    data: Path | None = None,
    code: Path | str = ROOT,
    **env: str,
) -> Callable[[], Said]:
    """Start ``datafactor``; what comes back waits for its end."""
    folder = tempfile.TemporaryDirectory()
    streams = Path(folder.name, "out"), Path(folder.name, "err")
    given = (arguments, {**environment(home, data), **env}, streams, Path(code))
    process = FORKS.Process(target=command, args=given)
    process.start()

    def ended() -> Said:
        with folder:
            process.join()
            out, err = (stream.read_text("utf-8") for stream in streams)
        return Said(process.exitcode, out, err)

    return ended


def command(
    arguments: tuple[str, ...],
    env: dict[str, str],
    streams: tuple[Path, Path],
    code: Path,
) -> None:
    """Be that process: take its environment and its streams, then run the command."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(code)
    for number, file in enumerate(streams, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    if code != ROOT:
        move_to(code)
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    from flows.cli import main

    sys.exit(main(list(arguments)))


def move_to(code: Path) -> None:
    """Forget the modules of the house, so that those of another copy are loaded."""
    from sqlmodel import SQLModel

    for name in [n for n in sys.modules if n.partition(".")[0] in ROOMS]:
        del sys.modules[name]
    SQLModel.metadata.clear()  # the copy declares the same tables
    sys.path.insert(0, str(code))


def afresh(
    *arguments: str, home: Path, data: Path | None = None, code: Path = ROOT, **env: str
) -> Said:
    """Run ``datafactor`` in a new interpreter, with the project at ``code``."""
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
