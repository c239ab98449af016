"""Measure a month of freeway gantries side by side with what a person would write.

31 archives of 288 headerless files, 18.8 million rows. ``ours`` is the whole first
stage from raw files to an assessed resource: contract, key, sort within the day,
rejects, quality, lineage, everything durable. Then the same again with nothing changed,
and with one day replaced; and ``ours`` over one day, to see that memory stays flat.
CPU and wall are counted after the imports, memory is the process's peak.

``DATAFACTOR_SETS`` says where the data lies; without it nothing is measured.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
ROUNDS = int(os.environ.get("DATAFACTOR_BENCH_ROUNDS", "3"))
PEERS = Path(os.environ.get("DATAFACTOR_BENCH_PYTHON", ROOT / ".venv-bench/bin/python"))
SETS = Path(os.environ.get("DATAFACTOR_SETS", ROOT.parent / "shared/data"))
MONTH = "large/tw_freeway_m05a_202405"
Took = dict[str, float]


def ours() -> None:
    """Run the first stage in this process and print what it took."""
    from datetime import date

    from flows.value_chain import value_chain
    from schemas.artifact import Stage
    from tasks import store

    store.current()
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    chain = value_chain.fn("freeway-gantries", date(2024, 6, 1), Stage.RESOURCE)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    rows = chain.frames["resource"]["resource"].rows
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = {"cpu": cpu, "wall": wall, "mb": after.ru_maxrss / 1024, "rows": rows}
    print(json.dumps(said))


def measured(home: Path, data: Path) -> Took:
    """Run ``ours`` in a process of its own."""
    env = {
        **os.environ,
        "DATAFACTOR_HOME": str(home / "store"),
        "DATAFACTOR_ANCHOR": str(home / "anchor"),
        "DATAFACTOR_KEY": str(home / "signing.key"),
        "DATAFACTOR_DATA": str(data),
    }
    return asked([sys.executable, __file__, "ours"], env)


def asked(command: list[str], env: dict[str, str] | None = None) -> Took:
    """Run a process and read the last line it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    took: Took = json.loads(done.stdout.splitlines()[-1])
    return took


def repacked(archive: bytes) -> bytes:
    """Pack a day anew with one volume changed."""
    import gzip

    plain = gzip.decompress(archive)
    at = plain.index(b"\n", 1024) - 1  # the last digit of the first line
    digit = b"1" if plain[at : at + 1] != b"1" else b"2"
    return gzip.compress(plain[:at] + digit + plain[at + 1 :])


def main() -> None:
    """Print medians as ratios to the plan written by hand."""
    found = sorted((SETS / MONTH).glob("*.tar.gz"))
    if not found:
        print("not measured: the month of gantries is not here")
        return
    ways = ["hand", "duckdb", "pandera"] if PEERS.exists() else []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        (data / MONTH).mkdir(parents=True)
        archives = [Path(shutil.copy(file, data / MONTH)) for file in found]
        taken: dict[str, list[Took]] = {}
        for _ in range(ROUNDS):
            for way, took in turn(data, archives, ways).items():
                taken.setdefault(way, []).append(took)
    table(taken)


def turn(data: Path, archives: list[Path], ways: list[str]) -> dict[str, Took]:
    """Let every way work once, over the whole month and ours over one day."""
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        took["ours"] = measured(home, data)
        took["ours, nothing changed"] = measured(home, data)
        kept = archives[0].read_bytes()
        archives[0].write_bytes(repacked(kept))
        took["ours, one day replaced"] = measured(home, data)
        archives[0].write_bytes(kept)
        one = home / "one"
        (one / "data" / MONTH).mkdir(parents=True)
        shutil.copy(archives[0], one / "data" / MONTH)
        took["ours, one day alone"] = measured(one, one / "data")
    peers = str(ROOT / "tests/benchmarks/peers.py")
    for way in ways:
        took[way] = asked([str(PEERS), peers, way, *map(str, archives)])
    return took


def table(taken: dict[str, list[Took]]) -> None:
    """Print one line a way."""
    middle = {
        way: {what: statistics.median(r[what] for r in runs) for what in runs[0]}
        for way, runs in taken.items()
    }
    base = middle.get("hand", middle["ours"])
    print(f"\nmedians of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
    print("way                      CPU s  ratio  wall s  ratio     MB")
    for way, m in middle.items():
        print(
            f"{way:23} {m['cpu']:7.2f} {m['cpu'] / base['cpu']:6.3f} {m['wall']:7.2f}"
            f" {m['wall'] / base['wall']:6.3f} {m['mb']:6.0f}"
        )


if __name__ == "__main__":
    ours() if sys.argv[1:] == ["ours"] else main()
