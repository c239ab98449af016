"""The close as a flow run: its name, its own slot, and the chains it brings up."""

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from flows.close_period import close_period
from flows.market import rows_of
from schemas.registers import JournalLine
from tests.builders import temporary_store
from tests.june import ENTITY, PERIOD, laid_out

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_month_is_closed_by_a_flow_run_in_the_slot_of_its_entity(
    tmp_path: Path,
) -> None:
    with temporary_store(tmp_path, **laid_out(tmp_path)):
        state = close_period(ENTITY, PERIOD, return_state=True)
        early = close_period(ENTITY, "2026-08", return_state=True)
        lines = rows_of(JournalLine, entity=ENTITY)

    assert state.is_completed()
    assert early.name == "Refused"
    assert "2026-07 is open: close it first" in (early.message or "")
    assert {"incur", "recognise", "amortise"} <= {line["event"] for line in lines}
    assert state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
        slots = client.read_global_concurrency_limit_by_name(f"close-{ENTITY}")
    assert run.name == f"close/{ENTITY}/{PERIOD}"
    assert (slots.limit, slots.active_slots) == (1, 0)
