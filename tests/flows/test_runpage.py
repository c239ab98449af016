"""What an operator reads: three ends told apart, one sentence on page and terminal."""

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows import operate
from flows.demo import AS_OF
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tasks import store
from tests.builders import temporary_store
from tests.gauges import documents, opened
from tests.small import small_factor

pytestmark = pytest.mark.usefixtures("prefect_server")
WELLS = """
factor: wells
title: Levels of wells
entity: jiangbei-data
policy: cn-2025
scenario: {user: office, decision: when to close, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: N76}
sources:
  levels:
    path: "levels_*.csv"
    licence: CC0-1.0
    columns:
      - {name: at, logicalType: timestamp, required: true, classification: public}
      - {name: level, logicalType: number, required: true, classification: public}
    key: [at]
resource:
  partition: {column: at, by: day}
"""  # noqa: E501 - a document as people write it
HEAD = "Flow run encountered an exception: "
PLATE = "苏A12345"  # in the raw rows; its column is classified as personal


def page(state: Any) -> dict[str, Any]:
    """Read the artifacts of a flow run by their key."""
    chosen = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    with get_client(sync_client=True) as client:
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=chosen), limit=100
        )
    return {artifact.key or "": artifact for artifact in made}


def ran(factor: str, through: Stage = Stage.CAPITAL) -> Any:
    return value_chain(factor, AS_OF, through, return_state=True)


def sentence(state: Any) -> str:
    """Take off what Prefect writes before the sentence of an exception."""
    message = str(state.message)
    assert message.startswith(HEAD)
    return message.removeprefix(HEAD).partition(": ")[2]


def places(home: Path) -> dict[str, str]:
    return {
        "DATAFACTOR_DATA": str(home),
        "DATAFACTOR_FACTORS": str(home / "factors"),
    }


def test_a_failed_run_says_what_how_many_what_to_do_and_the_money_everywhere(
    tmp_path: Path,
) -> None:
    """Of eight people five break the contract; one in ten may."""
    small_factor(tmp_path)
    document = tmp_path / "factors" / "people.yaml"
    good = document.read_text("utf-8")
    with temporary_store(tmp_path, **places(tmp_path)):
        document.write_text(good.replace("rate: 0.9", "rate: 0.1"), "utf-8")
        state = ran("people")
        (fact,) = operate.failures()
        made, said = page(state), sentence(state)

        assert state.name == "Failed"
        assert said.startswith(
            "clean[people]: 5 of 8 rows of people break the contract"
        )
        assert "`datafactor rejects people/resource/people`" in said
        assert said.endswith("; no money rests on it")
        assert made["people-summary"].data.splitlines()[0] == said == fact["sentence"]
        assert (fact["state"], fact["title"]) == ("failed", "clean[people]")
        assert '"failed": 5' in made["people-clean-people"].data.replace("'", '"')
        assert PLATE not in f"{made}{fact}"

        document.write_text(good, "utf-8")
        assert ran("people").name == "Completed"
        assert operate.failures() == []


def test_a_file_that_is_missing_is_told_without_prefect_until_it_is_back(
    tmp_path: Path,
) -> None:
    """No stage can record it. When it is back all is reused, and that counts."""
    small_factor(tmp_path)
    with temporary_store(tmp_path, **places(tmp_path)):
        assert ran("people").name == "Completed"
        file = tmp_path / "people.csv"
        away = file.rename(tmp_path / "away")
        state = ran("people")
        (fact,) = operate.failures()

        assert fact["sentence"] == sentence(state)
        assert "there is no file people.csv" in fact["sentence"]
        assert fact["title"] == "value-chain"

        away.rename(file)
        assert ran("people").name == "Completed"
        assert operate.failures() == []
        found = store.verify(store.current())
    assert found.exit == 0


def test_a_shut_gate_is_refused_and_no_failure(tmp_path: Path) -> None:
    documents(tmp_path)
    with opened(tmp_path):
        document = tmp_path / "factors" / "level.yaml"
        text = document.read_text("utf-8")
        true, _, rest = text.partition("undisputed: {answer: true")
        document.write_text(f"{true}undisputed: {{answer: false{rest}", "utf-8")
        state = ran("level")
        (fact,) = operate.failures()
        made = page(state)

    assert (state.name, fact["state"]) == ("Refused", "refused")
    assert (
        fact["sentence"] == state.message == made["level-summary"].data.split("\n")[0]
    )
    said = (
        "productize refused, 1 of 16 gates shut: compliance.undisputed is answered no"
    )
    assert state.message.startswith(said)
    assert "1 of 16 gates shut" in made["level-productize"].description
    assert "Refused 拒绝" in made["level-summary"].data


def test_a_bar_counts_the_parts_above_a_dozen_and_the_summary_the_attempts(
    tmp_path: Path,
) -> None:
    """Twelve files need no bar; thirteen have one, of files and then of days."""
    small_factor(tmp_path)
    (tmp_path / "factors" / "wells.yaml").write_text(WELLS, "utf-8")
    for day in range(1, 13):
        a_day(tmp_path, day)
    with temporary_store(tmp_path, **places(tmp_path)):
        few = page(ran("wells", Stage.RESOURCE))
        a_day(tmp_path, 13)
        many = page(ran("wells", Stage.RESOURCE))

    bars = {key: a for key, a in many.items() if a.type == "progress"}
    assert not [key for key, a in few.items() if a.type == "progress"]
    assert set(bars) == {"wells-clean-levels-progress"}
    (bar,) = bars.values()
    assert (bar.data, bar.description) == (100, "clean[levels]: 13 of 13 parts")
    assert "attempt" not in many["wells-summary"].data


def a_day(home: Path, day: int) -> None:
    text = f"at,level\n2024-05-{day:02}T08:00:00,{day}\n"
    (home / f"levels_{day:02}.csv").write_text(text, "utf-8")
