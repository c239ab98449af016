"""Say on what a flow runs its tasks: threads of this process, or a Dask cluster.

``threads:4`` is the default. ``dask:2`` starts two worker processes here,
``dask:2@2GB`` bounds the memory of each, ``dask:tcp://host:8786`` takes a cluster that
stands. Only what is submitted runs there: collecting, cleaning and transforming, each
chunk of partitions a task. The rest of a chain is small, and runs where the flow does.
"""

import os
import re
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from schemas.errors import StoreError
from tasks.store.opening import settings_here

ADDRESS = re.compile(r"dask:((?:tcp|tls|ucx)://\S+)")
LOCAL = re.compile(r"dask:([1-9]\d{0,2})(?:@(\d+(?:\.\d+)?[KMGT]i?B))?")
THREADS = re.compile(r"threads:([1-9]\d{0,2})")
LEAST = "400MB"  # a worker holds 0.2 GB before its partition; below it none ever starts
# Each task is one partition: more threads of Polars than processors help nobody.
ONE_THREAD = {"POLARS_MAX_THREADS": "1"}


def runner() -> Any:  # Any: a task runner; their future types share no base
    """Make the task runner that ``DATAFACTOR_RUNNER`` names.

    Raises:
        StoreError: The setting is none of the three, Dask is not installed, or its
            workers get less memory than they need to start.
    """
    said = settings_here().runner
    if threads := THREADS.fullmatch(said):
        return ThreadPoolTaskRunner(max_workers=int(threads[1]))
    if address := ADDRESS.fullmatch(said):
        return dask(address=address[1])
    if local := LOCAL.fullmatch(said):
        made = dask(cluster_kwargs=cluster(int(local[1]), local[2]))
        refuse_narrow(local[2])
        return made
    raise StoreError(
        "DATAFACTOR_RUNNER is none of threads:4, dask:2, dask:2@2GB (memory of each"
        " worker) or dask:tcp://HOST:8786: write one of them"
    )


def cluster(workers: int, memory: str | None) -> dict[str, Any]:
    """Say how a cluster on this machine is made: processes of one thread each.

    A worker that takes more than its memory is paused, then killed by its nanny, and
    its partitions run again elsewhere.
    """
    return {
        "n_workers": workers,
        "threads_per_worker": 1,
        "memory_limit": memory or "auto",
        "dashboard_address": None,
        "env": ONE_THREAD,
    }


def refuse_narrow(memory: str | None) -> None:
    """Refuse workers that would be killed as they start, for ever.

    Raises:
        StoreError: They get less than what the imports take.
    """
    from dask.utils import parse_bytes

    if memory and parse_bytes(memory) < parse_bytes(LEAST):
        raise StoreError(
            f"DATAFACTOR_RUNNER gives each worker {memory}, and one holds 0.2 GB before"
            f" its partition: give it {LEAST} or more, or fewer workers"
        )


def dask(**given: Any) -> Any:  # Any: see runner
    """Make a Dask runner."""
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise StoreError(
            "DATAFACTOR_RUNNER asks for Dask, which is not installed: pip install"
            " 'datafactor[dask]'"
        ) from None
    return DaskTaskRunner(**given)


def refuse_alone() -> None:
    """Refuse to run plainly where Dask was asked for: it would do nothing.

    Its workers report to a Prefect server; without one each would start its own.

    Raises:
        StoreError: No server is named.
    """
    if os.environ.get("PREFECT_API_URL"):
        return
    if settings_here().runner.startswith("dask"):
        raise StoreError(
            "DATAFACTOR_RUNNER asks for Dask, and PREFECT_API_URL names no server to"
            " which its workers report: set it, or leave the runner out"
        )
