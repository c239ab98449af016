"""The watch as a flow run: its name and state, its table, one event for one fact."""

import time
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.events.worker import EventsWorker

from flows.watch_collateral import event_id, watch_collateral
from tasks import store
from tests import shop
from tests.builders import temporary_store
from tests.watched import ENTITY, LOAN, NEXT, appraise, watched_home

pytestmark = pytest.mark.usefixtures("prefect_server")
CALL = "datafactor.pledge.margin_call"


def events(name: str) -> list[UUID]:
    """Ask the server for the events of a name; they arrive a little later."""
    EventsWorker.drain_all()
    wanted = {"filter": {"event": {"name": [name]}}}
    for _ in range(100):
        with get_client(sync_client=True) as client:
            answer = client.request("POST", "/events/filter", json=wanted)
        found = answer.json()["events"]
        if found:
            break
        time.sleep(0.1)
    return [UUID(event["id"]) for event in found]


def test_a_margin_call_is_one_event_and_a_line_for_an_operator(tmp_path: Path) -> None:
    watched_home(tmp_path)
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        appraise(7_000_000)
        state = watch_collateral(ENTITY, NEXT, return_state=True)
        again = watch_collateral(ENTITY, NEXT, return_state=True)
        (row,) = again.result()["pledges"]
        told, known = events(CALL), event_id(row)
        ref = store.newest(store.current(), "assetize", "rain")[0].refs["valuation"]
        store.path(store.current(), ref.sha256).unlink()
        blind = watch_collateral(ENTITY, NEXT, return_state=True)

    assert state.is_completed()
    assert told == [known]
    assert blind.is_failed()
    assert "are missing: run again to restore" in (blind.message or "")
    assert state.state_details.flow_run_id
    key = ArtifactFilterKey(any_=[f"watch-{ENTITY}"])
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
        made = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    assert run.name == f"watch/{ENTITY}/{NEXT}"
    lines = "".join(str(artifact.data) for artifact in made)
    assert LOAN in lines
    assert "800,000.00 CNY repaid, or 1,333,333.34 CNY of value added" in lines
