"""What an operator reads: three ends told apart, one sentence on page and terminal."""

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
)

from flows import operate
from flows.demo import AS_OF
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tests.builders import temporary_store
from tests.small import small_factor

pytestmark = pytest.mark.usefixtures("prefect_server")
HEAD = "Flow run encountered an exception: "
SECRET = "苏A12345"  # a plate in the raw rows, classified as personal


def artifacts(state: Any, kind: str = "") -> dict[str, str]:
    chosen = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    with get_client(sync_client=True) as client:
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=chosen), limit=100
        )
    return {a.key or "": str(a.data) for a in made if kind in ("", a.type)}


def ran(factor: str, through: Stage = Stage.CAPITAL) -> Any:
    return value_chain(factor, AS_OF, through, return_state=True)


def people(home: Path) -> dict[str, str]:
    return {
        "DATAFACTOR_DATA": str(home),
        "DATAFACTOR_FACTORS": str(home / "factors"),
    }


def test_a_failed_run_says_what_how_many_what_to_do_and_the_money_everywhere(
    tmp_path: Path,
) -> None:
    """Of eight people four break the contract; one in ten may."""
    small_factor(tmp_path)
    document = tmp_path / "factors" / "people.yaml"
    good = document.read_text("utf-8")
    with temporary_store(tmp_path, **people(tmp_path)):
        document.write_text(good.replace("rate: 0.9", "rate: 0.1"), "utf-8")
        state = ran("people")
        (fact,) = operate.failures()
        page = artifacts(state)

        said = state.message.removeprefix(HEAD).partition(": ")[2]
        assert state.name == "Failed"
        assert "clean[people]: 5 of 8 rows of people break the contract" in said
        assert "`datafactor rejects people/resource/people`" in said
        assert said.endswith("; no money rests on it")
        assert page["people-summary"].splitlines()[0] == said == fact["sentence"]
        assert (fact["state"], fact["title"]) == ("failed", "clean[people]")
        assert SECRET not in f"{page}{fact}"

        document.write_text(good, "utf-8")
        assert ran("people").name == "Completed"
        assert operate.failures() == []
