"""Read a file that could kill its reader in a process of its own, within limits.

The child is a fresh interpreter, not a fork: it holds no lock, connection or secret of
its parent. It may use so much memory, processor time and wall time, writes rows of text
into the scratch folder and answers with one line of JSON. If it is killed, aborts or
panics, the parent lives and says so in one sentence. The child's own messages are
dropped: they may quote values.

A workbook of 4.8 kB whose only cell is XFD1048576 makes a reader that lays its cells
out as a table ask for 549 GB; under a limit of 2 GiB that child is aborted.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import polars as pl

from schemas.errors import SourceError
from schemas.resource import Source
from tasks.source.json_records import json_frames, jsonl_frames
from tasks.source.parquet import parquet_frames
from tasks.source.workbook import workbook_frames

Reader = Callable[[Path, Source], Iterator[pl.LazyFrame]]
READERS: dict[str, Reader] = {
    "xlsx": workbook_frames,
    "json": json_frames,
    "jsonl": jsonl_frames,
    "parquet": parquet_frames,
}
START = "from tasks.source.limited import main; main()"


class Limits(NamedTuple):
    """What a child may use: bytes of memory, seconds of processor and of wall time.

    Memory is address space beside the file itself, which a reader may map.
    The largest workbook in the house (533,096 cells) takes 0.2 GiB, the most of it
    libraries, and 4 s.
    """

    memory: int = 2 << 30
    processor: int = 900
    wall: int = 3_600


LIMITS = Limits()


def read_limited(
    raw: Path,
    source: Source,
    scratch: Path,
    limits: Limits = LIMITS,
    reader: Reader | None = None,
) -> pl.LazyFrame:
    """Let the reader of the source's format work in a child, and scan what it wrote.

    Args:
        raw: The file.
        source: Its format, and the columns it holds.
        scratch: Private folder; it outlives the plan.
        limits: What the child may use.
        reader: Function of a module to use instead of the format's.

    Returns:
        One row a record: ``_line`` (row of the sheet, line of JSON lines, number of the
        record from 1), ``_ragged``, ``_unreadable``, ``_r_<column>``.

    Raises:
        SourceError: The reader refused the file, or was stopped by a limit; who opens
            the file adds its name.
    """
    folder = Path(tempfile.mkdtemp(dir=scratch))
    chosen = reader or READERS[source.format]
    mapped = limits._replace(memory=limits.memory + raw.stat().st_size)
    job: dict[str, object] = {
        "reader": [chosen.__module__, chosen.__name__],
        "raw": str(raw),
        "source": source.model_dump(mode="json", by_alias=True),
        "folder": str(folder),
        "limits": mapped,
    }
    if answer := ask(job, limits):
        raise SourceError(answer)
    return pl.scan_parquet(sorted(folder.iterdir()), glob=False)


def ask(job: dict[str, object], limits: Limits) -> str:
    """Run the child; give the sentence of its refusal, or nothing."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", START],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.wall,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return stopped("time", limits)
    if child.returncode == 0:
        return str(json.loads(child.stdout.splitlines()[-1])["refused"])
    slow = child.returncode == -signal.SIGXCPU
    return stopped("time" if slow else "memory", limits)


def stopped(which: str, limits: Limits) -> str:
    """Say that a limit was reached, and what to do."""
    allowed = {
        "time": f"{limits.processor:,} s of processor or {limits.wall:,} s in all",
        "memory": f"{limits.memory / (1 << 30):.1f} GiB of memory",
    }
    return (
        f"its reader was stopped: it asked for more than {allowed[which]}; the file is"
        " damaged or too large to be read as one, so save it anew or split it"
    )


def environment() -> dict[str, str]:
    """Give the child what it needs to find its modules, and nothing else."""
    return {
        "PYTHONPATH": os.pathsep.join(str(Path(p).absolute()) for p in sys.path),
        "PYTHONUTF8": "1",
        "POLARS_MAX_THREADS": "1",
    }


def main() -> None:
    """Do the child's part: read a job, confine itself, write rows, answer."""
    job = json.load(sys.stdin)
    confine(Limits(*job["limits"]))
    refused = ""
    try:
        source = Source.model_validate(job["source"])
        write(job["reader"], Path(job["raw"]), source, Path(job["folder"]))
    except SourceError as error:
        refused = str(error)
    except MemoryError:
        os.abort()  # as native code does, so that the parent hears one story
    except BaseException as error:  # a panic of native code is no Exception
        kind = type(error).__name__
        refused = f"cannot be read ({kind}); it is damaged, so fetch or save it anew"
    sys.stdout.write(json.dumps({"refused": refused}) + "\n")


def confine(limits: Limits) -> None:
    """Limit this process; what it writes is for its user alone."""
    import resource  # the child's business only

    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    cpu = limits.processor
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))


def write(reader: list[str], raw: Path, source: Source, folder: Path) -> None:
    """Write the reader's rows as Parquet files whose names sort as the rows do."""
    module, name = reader
    frames = getattr(import_module(module), name)(raw, source)
    for number, frame in enumerate(frames):
        frame.sink_parquet(folder / f"{number:08}")
