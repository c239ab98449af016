"""What carries the tasks is a setting; what it cannot mean is refused in a sentence."""

import pytest
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from flows.runner import refuse_alone, runner
from schemas.errors import StoreError


def test_threads_are_the_default_and_their_number_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(made := runner(), ThreadPoolTaskRunner)
    assert made._max_workers == 4
    monkeypatch.setenv("DATAFACTOR_RUNNER", "threads:2")
    assert runner()._max_workers == 2


def test_a_cluster_of_this_machine_has_processes_of_one_thread_and_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:2@1GB")

    assert isinstance(made := runner(), DaskTaskRunner)
    assert made.cluster_kwargs["n_workers"] == 2
    assert made.cluster_kwargs["threads_per_worker"] == 1
    assert made.cluster_kwargs["memory_limit"] == "1GB"
    assert made.cluster_kwargs["env"] == {"POLARS_MAX_THREADS": "1"}
    assert made.cluster_kwargs["dashboard_address"] is None, "no port is opened"
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:3")
    assert runner().cluster_kwargs["memory_limit"] == "auto"


def test_workers_that_could_never_start_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With 160MB they were killed as they started, and the run waited for ever."""
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:2@399MB")

    with pytest.raises(StoreError, match="399MB, and one holds"):
        runner()
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:2@400MB")
    assert runner().cluster_kwargs["memory_limit"] == "400MB"


def test_a_cluster_that_stands_is_taken_by_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:tcp://10.0.0.1:8786")

    assert runner().address == "tcp://10.0.0.1:8786"


@pytest.mark.parametrize(
    "said", ["dask", "dask:0", "ray:2", "threads:", "threads:0", "dask:2@lots"]
)
def test_what_is_no_runner_is_refused(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAFACTOR_RUNNER", said)

    with pytest.raises(StoreError, match="DATAFACTOR_RUNNER is none of"):
        runner()


def test_dask_without_a_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    refuse_alone()
    monkeypatch.setenv("DATAFACTOR_RUNNER", "dask:2")

    with pytest.raises(StoreError, match="PREFECT_API_URL names no server"):
        refuse_alone()
