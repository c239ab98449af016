"""What the seam adds to a stage's work, and what Prefect adds to a task.

One frame, one column doubled, in three forms, each round with other terms so that
nothing is reused: the plain function streamed into a Parquet file; the same as a stage
task (contract pass, hashes, durable files, a transaction); the same as a task run on a
Prefect server. Medians of wall milliseconds in one process.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandera.polars as pa
import polars as pl
from prefect import flow
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.ui import serving
from schemas.artifact import ArtifactRef, Stage
from schemas.terms import Terms
from tasks import store
from tasks.stage import stage_task
from tests.benchmarks.dask_month import free_port
from tests.builders import published, temporary_store

ROUNDS = int(os.environ.get("DATAFACTOR_BENCH_ROUNDS", "30"))
SIZES = (1_000, 100_000)


class Number(pa.DataFrameModel):
    """What is doubled."""

    said: int


class Factor(Terms):
    """By what; another one each round."""

    factor: str = "test"
    by: int = 2


def times(
    numbers: Annotated[pl.LazyFrame, Number], terms: Factor
) -> Annotated[pl.LazyFrame, Number]:
    """Multiply: 3 by 2 → 6."""
    return numbers.select(pl.col("said") * terms.by)


times_task = stage_task(Stage.PRODUCT, times)


def median(work: Callable[[int], object], begin: int) -> float:
    """Give the middle milliseconds of as many rounds, each with terms of its own."""
    taken = []
    for by in range(begin, begin + ROUNDS + 1):
        begun = time.perf_counter()
        work(by)
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken[1:])  # the first one compiles the contract


@flow(name="times", log_prints=False)
def on_server(ref: ArtifactRef, begin: int) -> float:
    """Time the task inside a flow run."""
    return median(lambda by: times_task(ref, Factor(by=by)), begin)


def measured(rows: int, folder: Path, url: str) -> tuple[float, float, float]:
    """Time the three forms over as many rows."""
    with temporary_store(folder):
        ref = published(Number, [(n,) for n in range(rows)])
        scanned = store.scan(store.current(), ref)
        out = folder / "plain.parquet"
        plain = median(lambda by: times(scanned, Factor(by=by)).sink_parquet(out), 2)
        seam = median(lambda by: times_task(ref, Factor(by=by)), 2)
        with temporary_settings({PREFECT_API_URL: url}):
            prefect = on_server(ref, 1000)
            APILogWorker.drain_all(timeout=5)
    return plain, seam, prefect


def main() -> None:
    """Print the three, and what each form adds."""
    with tempfile.TemporaryDirectory() as folder, serving(free_port()) as url:
        print(f"medians of {ROUNDS} in ms, load {os.getloadavg()[0]:.1f}")
        print("   rows   plain   stage  + seam   on server  + Prefect   ratio")
        for rows in SIZES:
            home = Path(folder, str(rows))
            home.mkdir()
            plain, seam, prefect = measured(rows, home, url)
            print(
                f"{rows:7,} {plain:7.2f} {seam:7.2f} {seam - plain:7.2f}"
                f" {prefect:11.2f} {prefect - seam:10.2f} {prefect / seam:7.2f}"
            )


if __name__ == "__main__":
    main()
