"""Readers that die in ways no handler of exceptions can stop, or tell of themselves."""

import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl

from schemas.resource import Source
from tasks.source.json_records import json_frames
from tasks.source.records import Record, as_frame

SECRET = "Zhang San, plate ABC-1234"


def laying_out(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Read a workbook with a reader that lays all cells out in memory."""
    yield fastexcel.read_excel(raw).load_sheet(0, dtypes="string").to_polars().lazy()


def aborting(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Die as native code does."""
    yield pl.LazyFrame({"a": [1]})
    os.abort()


def hoarding(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Take memory without end."""
    held = []
    while True:
        held.append(bytearray(64 << 20))
    yield pl.LazyFrame()


def spinning(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Compute without end."""
    while True:
        pass
    yield pl.LazyFrame()


def sleeping(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Wait without end."""
    time.sleep(600)
    yield pl.LazyFrame()


class Panic(BaseException):
    """What a panic of native code is: no Exception."""


def panicking(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Panic with a value in the message, and say it everywhere."""
    sys.stdout.write(SECRET + "\n")
    sys.stderr.write(SECRET + "\n")
    raise Panic(SECRET)
    yield pl.LazyFrame()


def telling(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Tell what the process may know and do."""
    yield pl.LazyFrame(
        {
            "environment": [",".join(sorted(os.environ))],
            "core": [resource.getrlimit(resource.RLIMIT_CORE)[0]],
            "memory": [resource.getrlimit(resource.RLIMIT_AS)[0]],
        }
    )


def measuring(raw: Path, source: Source) -> Iterator[pl.LazyFrame]:
    """Read JSON, and tell in a last line how much memory that took at most, in KiB."""
    yield from json_frames(raw, source)
    # Not ru_maxrss: that begins with what the parent held when it started the child.
    (most,) = re.findall(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    nothing = [None] * len(source.columns)
    yield as_frame([Record(int(most), nothing, "", False)], source).lazy()
