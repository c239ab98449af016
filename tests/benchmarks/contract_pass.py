"""Measure the contract pass side by side with what it competes with.

Ten times the flights, and one day of freeway gantries where that data lies beside the
repository (or in ``DATAFACTOR_LARGE``). Each way runs in a process of its own, the ways
taking turns; CPU and wall are counted after the imports, memory is the process's peak.

Ways: ``plan`` parses and writes with no contract; ``plan+checks`` writes the valid rows
only; ``ours`` writes valid rows, rejects with raw text and reasons, and counts, after
having proved that no line is ragged; ``ours+key`` also proves the key unique;
``pandera`` validates the collected frame.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl

from schemas.contract import Column
from schemas.resource import Source
from tasks.contract import Contract, compile_contract, contract_pass
from tasks.resource.clean import clean
from tasks.source import open_text

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("DATAFACTOR_BENCH_ROUNDS", "5"))
COPIES = 10


def column(name: str, kind: str = "integer", **options: Any) -> Column:  # Any: YAML
    """Write a column as a document would."""
    values = options.pop("values", None)
    quality = [{"metric": "invalidValues", "validValues": values}] if values else []
    required = options.pop("required", True)
    return Column.model_validate(
        {
            **{"name": name, "logicalType": kind, "required": required},
            **{"logicalTypeOptions": options, "quality": quality},
        }
    )


FLIGHTS = Source(
    name="flights",
    path="flights.csv",
    licence="CC0-1.0",
    null_tokens=("", "NA"),
    key=("time_hour", "carrier", "flight", "origin"),
    columns=(
        column("year", minimum=2013),
        column("month", minimum=1, maximum=12),
        column("day", minimum=1, maximum=31),
        column("dep_time"),  # 2.5 % are missing: these are the rejects
        column("sched_dep_time", minimum=0, maximum=2359),
        column("dep_delay", required=False, maximum=1500),
        column("arr_time", required=False),
        column("sched_arr_time", minimum=0, maximum=2359),
        column("arr_delay", required=False, maximum=1500),
        column("carrier", "string", pattern="^[A-Z0-9]{2}$"),
        column("flight", minimum=1),
        column("tailnum", "string", required=False),
        column("origin", "string", values=["EWR", "JFK", "LGA"]),
        column("dest", "string", pattern="^[A-Z]{3}$"),
        column("air_time", required=False, minimum=1),
        column("distance", minimum=17),
        column("hour", minimum=0, maximum=23),
        column("minute", minimum=0, maximum=59),
        column("time_hour", "timestamp"),
    ),
)
GANTRY = "^[0-9]{2}[FHR][0-9]{4}[NS]$"
DAY = Source(
    name="day",
    path="day.csv",
    licence="see SOURCE.md",
    key=("at", "gantry_from", "gantry_to", "vehicle"),
    columns=(
        column("at", "timestamp", format="yyyy/MM/dd HH:mm"),
        column("gantry_from", "string", pattern=GANTRY),
        column("gantry_to", "string", pattern=GANTRY),
        column("vehicle", values=[5, 31, 32, 41, 42]),
        column("speed", minimum=0, maximum=120),  # some are faster
        column("volume", minimum=0, maximum=1000),
    ),
)
CLOCKS = {"flights": "%Y-%m-%dT%H:%M:%SZ", "day": "%Y/%m/%d %H:%M"}


def flights(target: Path) -> bool:
    """Write ten years that have the same flights."""
    from tests.archive import members

    header, _, body = members()["flights.csv"].partition(b"\n")
    with target.open("wb") as file:
        file.write(header + b"\n")
        for year in range(2013, 2013 + COPIES):
            name = str(year).encode()
            later = b",%d-" % (year + 1)  # midnight in New York is the next year in UTC
            shifted = body.replace(b",2014-", later).replace(b",2013-", b",%d-" % year)
            file.write(name + shifted[4:].replace(b"\n2013,", b"\n" + name + b","))
    return True


def day(target: Path) -> bool:
    """Write one day of 288 headerless files as one, if the data is here."""
    large = Path(os.environ.get("DATAFACTOR_LARGE", ROOT.parent / "shared/data/large"))
    found = sorted(large.glob("tw_freeway_m05a_202405/*.tar.gz"))
    if not found:
        return False
    with target.open("wb") as file, tarfile.open(found[0]) as bundle:
        file.write(",".join(c.name for c in DAY.columns).encode() + b"\n")
        for entry in bundle:
            inner = bundle.extractfile(entry)
            if inner is not None:
                file.write(inner.read().rstrip(b"\n") + b"\n")
    return True


def by_hand(raw: Path, source: Source) -> pl.LazyFrame:
    """Parse as a person would who needs no contract."""
    text = pl.scan_csv(raw, infer_schema=False, null_values=list(source.null_tokens))
    kinds = {
        "integer": lambda c: c.cast(pl.Int64, strict=False),
        "timestamp": lambda c: c.str.to_datetime(
            CLOCKS[source.name], time_unit="us", strict=False
        ),
        "string": lambda c: c,
    }
    return text.select(kinds[c.logical_type](pl.col(c.name)) for c in source.columns)


def contract_of(source: Source, key: bool) -> Contract:
    """Compile the contract, with its key or without."""
    chosen = source if key else source.model_copy(update={"key": ()})
    return compile_contract(chosen.contract(), parsed=True)


def plan(raw: Path, source: Source, out: Path) -> int:
    """Write every row, checking nothing."""
    by_hand(raw, source).sink_parquet(out / "valid", row_group_size=122_880)
    return 0


def plan_checks(raw: Path, source: Source, out: Path) -> int:
    """Write the valid rows of the same rules, and forget the others."""
    contract = compile_contract(source.contract())
    rows = by_hand(raw, source).filter(~pl.any_horizontal(*contract.bad.values()))
    rows.sink_parquet(out / "valid", row_group_size=122_880)
    return 0


def ours(raw: Path, source: Source, out: Path, key: bool = False) -> int:
    """Open, check, divide, count."""
    contract = contract_of(source, key)
    text = open_text(raw, source, out)
    files = (out / "valid", out / "rejects", out)
    rows = clean(text.rows, source)
    return contract_pass(rows, contract, *files, text.places).rejected


def ours_key(raw: Path, source: Source, out: Path) -> int:
    """Prove the key unique as well."""
    return ours(raw, source, out, key=True)


def pandera(raw: Path, source: Source, out: Path) -> int:
    """Validate the collected frame lazily, then write it."""
    rows = by_hand(raw, source).collect()
    failures = 0
    try:
        source.model_copy(update={"key": ()}).contract().validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        failures = int(errors.failure_cases.height)
    rows.write_parquet(out / "valid", row_group_size=122_880)
    return failures


Way = Callable[[Path, Source, Path], int]
WAYS: dict[str, Way] = {
    "plan": plan,
    "plan+checks": plan_checks,
    "ours": ours,
    "ours+key": ours_key,
    "pandera": pandera,
}
SOURCES = {"flights": (FLIGHTS, flights), "day": (DAY, day)}


def measure(way: str, name: str, raw: str) -> None:
    """Run one way in this process and print what it took."""
    with tempfile.TemporaryDirectory() as out:
        before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        rejected = WAYS[way](Path(raw), SOURCES[name][0], Path(out))
        wall = time.perf_counter() - wall
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = {"cpu": cpu, "wall": wall, "mb": after.ru_maxrss / 1024, "bad": rejected}
    print(json.dumps(said))


def compare(name: str, raw: Path) -> None:
    """Let the ways take turns, and print medians as ratios to the bare plan."""
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            command = [sys.executable, __file__, way, name, str(raw)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            taken[way].append(json.loads(done.stdout))
    middle = {
        way: {what: statistics.median(r[what] for r in runs) for what in runs[0]}
        for way, runs in taken.items()
    }
    base = middle["plan"]
    size = raw.stat().st_size / 1e6
    load = os.getloadavg()[0]
    print(f"\n{name}: {size:.0f} MB of text, medians of {ROUNDS}, load {load:.1f}")
    print("way            CPU s  ratio  wall s  ratio     MB   refused")
    for way, m in middle.items():
        print(
            f"{way:12} {m['cpu']:7.2f} {m['cpu'] / base['cpu']:6.2f} {m['wall']:7.2f}"
            f" {m['wall'] / base['wall']:6.2f} {m['mb']:6.0f} {m['bad']:9.0f}"
        )


def main() -> None:
    """Measure every data set that is here."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (_, write) in SOURCES.items():
            raw = Path(folder) / f"{name}.csv"
            if write(raw):
                compare(name, raw)
            else:
                print(f"\n{name}: not measured, its data is not here")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    measure(*sys.argv[1:]) if sys.argv[1:] else main()
