"""Hold k and l against pycanon on random tables, and time both at a million rows.

The peer has an environment of its own: ``python -m venv .venv-privacy &&
.venv-privacy/bin/pip install --require-hashes -r .ci/privacy.lock``, or
``DATAFACTOR_PRIVACY_PYTHON`` names its Python. Times are of the measure alone, without
imports or reading, median of 3; ratios are pycanon over this project.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from schemas.product import ProductTerms
from tasks.product.disclosure import classes_of

ROOT = Path(__file__).resolve().parents[2]
PEER = os.environ.get("DATAFACTOR_PRIVACY_PYTHON", ROOT / ".venv-privacy/bin/python")
TABLES, ROWS, ROUNDS = 240, 1_000_000, 3
Figures = tuple[int, int]  # k and l


def random_table(seed: int) -> pl.DataFrame:
    """Make 1 to 400 rows of 1 to 4 quasi-identifiers, texts and numbers, and 1 or 2
    sensitive columns, some of them nearly constant.
    """
    dice = random.Random(seed)
    rows = dice.randint(1, 400)
    columns: dict[str, list[Any]] = {}  # Any: texts, numbers
    for number in range(dice.randint(1, 4)):
        values: list[Any] = [f"v{n}" for n in range(dice.randint(1, 6))]
        values = values if number % 2 else list(range(len(values)))
        columns[f"q{number}"] = dice.choices(values, k=rows)
    for number in range(dice.randint(1, 2)):
        weights = [dice.choice((1, 50)) for _ in range(dice.randint(1, 8))]
        columns[f"s{number}"] = dice.choices(range(len(weights)), weights, k=rows)
    return pl.DataFrame(columns)


def large_table() -> pl.DataFrame:
    """Make a million rows of 4 quasi-identifiers, 200 classes, one sensitive column."""
    dice = random.Random(7)
    spans = {"q0": 10, "q1": 2, "q2": 5, "q3": 2, "s0": 12}
    return pl.DataFrame(
        {
            name: [f"{name}{n}" for n in dice.choices(range(span), k=ROWS)]
            for name, span in spans.items()
        }
    )


def terms_of(columns: list[str]) -> ProductTerms:
    """Write the terms of a product of these columns."""
    return ProductTerms.model_validate(
        {
            "name": "table",
            "version": "1.0.0",
            "query": "SELECT * FROM resource",
            "licence": {"name": "house", "permissions": ["use"]},
            "columns": [{"name": n, "logicalType": "string"} for n in columns],
            "deidentification": {
                "quasi_identifiers": [n for n in columns if n.startswith("q")],
                "sensitive": [n for n in columns if n.startswith("s")],
            },
        }
    )


def measured(path: Path) -> tuple[Figures, float]:
    """Give k and l of a file as a product's gate measures them, and the seconds."""
    rows = pl.scan_parquet(path)
    terms = terms_of(rows.collect_schema().names())
    begun = time.perf_counter()
    classes = classes_of(rows, terms)
    k, spread = classes.select(pl.col("persons").min(), pl.col("diversity").min()).row(
        0
    )
    return (k, spread), time.perf_counter() - begun


def peer(paths: list[Path]) -> list[tuple[int, int, float, float]]:
    """Ask pycanon about files, in one process."""
    script = str(ROOT / "tests/benchmarks/pycanon_peer.py")
    done = subprocess.run(
        [str(PEER), script, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(row) for row in json.loads(done.stdout)]


def agreement(folder: Path) -> int:
    """Count the random tables on which both find other figures."""
    paths = [folder / f"{seed}.parquet" for seed in range(TABLES)]
    for seed, path in enumerate(paths):
        random_table(seed).write_parquet(path)
    theirs = [(k, spread) for k, spread, *_ in peer(paths)]
    wrong = [n for n, path in enumerate(paths) if measured(path)[0] != theirs[n]]
    told = len({figures for figures in theirs})
    print(f"{TABLES} random tables, {told} different answers: {len(wrong)} disagree")
    return len(wrong)


def race(folder: Path) -> None:
    """Print how long both take for a million rows, in turns."""
    path = folder / "large.parquet"
    large_table().write_parquet(path)
    ours, first, second = [], [], []
    for _ in range(ROUNDS):
        figures, seconds = measured(path)
        ours.append(seconds)
        (row,) = peer([path])
        assert figures == (row[0], row[1])
        first.append(row[2])
        second.append(row[3])
    own, k, both = map(
        statistics.median, (ours, first, map(sum, zip(first, second, strict=True)))
    )
    print(f"{ROWS:,} rows, k {figures[0]:,}, l {figures[1]}")
    print(f"k and l in one pass, with reading: {own:.3f} s")
    times = f"k {k:.2f} s, k and l {both:.2f} s ({both / own:.0f} times)"
    print(f"pycanon, without reading: {times}")


def main() -> int:
    """Run both parts; 1 where a table disagrees."""
    if not Path(PEER).exists():
        print(f"pycanon is not at {PEER}: see the first lines of this file")
        return 1
    with tempfile.TemporaryDirectory() as made:
        wrong = agreement(Path(made))
        race(Path(made))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
