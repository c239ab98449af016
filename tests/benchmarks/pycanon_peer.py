"""Measure k and l of tables with pycanon, which the house only uses to check itself.

Runs in an environment of its own (``.ci/privacy.lock``), so it imports nothing of the
project. Reads the names of Parquet files and prints k, l and seconds of each as JSON:
columns ``q…`` are quasi-identifiers, ``s…`` sensitive.
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import polars as pl
from pycanon import anonymity


def frame(path: Path) -> pd.DataFrame:
    """Read a table without pyarrow."""
    return pd.DataFrame(pl.read_parquet(path).to_dict(as_series=False))


def measured(path: Path) -> tuple[int, int, float, float]:
    """Give k, l and the seconds of each; reading is not timed."""
    data = frame(path)
    quasi = [name for name in data.columns if name.startswith("q")]
    sensitive = [name for name in data.columns if name.startswith("s")]
    begun = time.perf_counter()
    k = anonymity.k_anonymity(data, quasi)
    between = time.perf_counter()
    spread = anonymity.l_diversity(data, quasi, sensitive)
    return int(k), int(spread), between - begun, time.perf_counter() - between


if __name__ == "__main__":
    print(json.dumps([measured(Path(name)) for name in sys.argv[1:]]))
