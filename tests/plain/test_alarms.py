"""What somebody must act on: found in the store, told once, come what may."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.events.schemas.automations import AutomationCore
from prefect.server.events.actions import CallWebhook
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent, RelatedResource
from prefect.server.schemas.core import FlowRun
from prefect.server.schemas.states import Crashed
from prefect.server.utilities.user_templates import render_user_template
from prefect.settings import PREFECT_UI_URL, temporary_settings

from flows import alarms
from flows.rights import dispute
from flows.stages import tell_task
from flows.value_chain import value_chain
from flows.watch_collateral import look_after
from flows.watch_house import event_id, looked_over
from schemas.alarm import Fact, TellTerms
from schemas.artifact import Stage
from schemas.errors import ContractError
from tasks import store
from tests import shop
from tests.builders import temporary_store
from tests.gauges import documents, opened
from tests.watched import LOAN, NEXT, appraise, watched_home

DAY, LATER = date(2026, 6, 30), date(2026, 7, 1)
CLAIM = {"claimant": "Town of A", "ground": "claims the gauges", "evidence": "COURT-7"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    documents(tmp_path)
    with opened(tmp_path):
        yield tmp_path


def carried(name: str) -> None:
    value_chain.fn(name, DAY, Stage.RESOURCE)


def broken(home: Path) -> None:
    """Let the third row of rain hold no number."""
    good = (home / "rain.csv").read_text("utf-8")
    (home / "rain.csv").write_text(good.replace("b,2026-06-01,4", "b,,four"), "utf-8")
    with pytest.raises(ContractError):
        carried("rain")
    (home / "rain.csv").write_text(good, "utf-8")


def keys() -> list[str]:
    return [fact["key"] for fact in looked_over(DAY)["alarms"]]


def test_a_failed_run_is_to_be_acted_on_until_it_was_made_good(home: Path) -> None:
    broken(home)

    (fact,) = looked_over(DAY)["alarms"]
    assert (fact["kind"], fact["about"]) == ("failed", "rain")
    assert "1 of 3 rows of rain break the contract" in fact["sentence"]
    assert "`datafactor show rain --failed`" in fact["to_do"]
    assert fact["money"] == "no money rests on it"
    assert "four" not in json.dumps(fact)
    carried("rain")
    assert keys() == []


def test_without_a_server_nothing_counts_as_told(home: Path) -> None:
    broken(home)

    assert looked_over(DAY)["new"] == keys()
    assert looked_over(DAY)["new"] == keys()
    assert store.runs(store.current(), task="tell") == []


def test_what_was_told_stays_told_though_other_facts_were_told_since(
    home: Path,
) -> None:
    carried("rain")
    dispute("rain", "open", DAY, number="D-1", **CLAIM)
    told(*looked_over(DAY)["alarms"])
    broken(home)
    both = looked_over(DAY)
    assert [key.partition("/")[0] for key in both["new"]] == ["failed"]
    told(*(fact for fact in both["alarms"] if fact["key"] in both["new"]))

    again = looked_over(DAY)
    assert (len(again["alarms"]), again["new"]) == (2, [])
    assert store.verify(store.current()).exit == 0


def told(*facts: dict[str, str]) -> None:
    """Keep facts as told, as a look does once the server has taken them."""
    tell_task(TellTerms(facts=tuple(Fact.model_validate(one) for one in facts)))


def test_a_dispute_is_told_without_its_parties_until_it_is_lifted(home: Path) -> None:
    carried("rain")
    dispute("rain", "open", DAY, number="D-1", **CLAIM)

    (fact,) = looked_over(DAY)["alarms"]
    assert (fact["key"], fact["kind"]) == ("dispute/D-1", "dispute")
    assert "Town of A" not in json.dumps(fact)
    dispute("rain", "lift", LATER, number="D-1", ground="settled", evidence="COURT-8")
    assert keys() == []


def test_a_margin_call_is_told_with_the_money_that_cures_it(tmp_path: Path) -> None:
    watched_home(tmp_path)
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        appraise(7_000_000)
        look_after("", NEXT)

        (fact,) = (f for f in looked_over(NEXT)["alarms"] if f["kind"] == "pledge")
    assert fact["key"] == f"pledge/{LOAN}/1"
    assert f"the pledge of {LOAN} is margin_call" in fact["sentence"]
    # 5,000,000.00 of 7,000,000.00 at 60 %: 800,000.00 repaid brings it to 4,200,000.00.
    assert "800,000.00 CNY repaid" in fact["to_do"]
    assert fact["money"] == "5,000,000.00 CNY outstanding"


def test_an_event_of_one_fact_has_one_id_and_of_another_store_another(
    tmp_path: Path,
) -> None:
    ids = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        documents(tmp_path / name)
        with opened(tmp_path / name):
            ids.append({event_id("dispute/D-1"), event_id("dispute/D-1")})
    one, other = ids
    assert len(one) == len(other) == 1
    assert one.isdisjoint(other)


def covers(automation: AutomationCore, flow: str) -> bool:
    """Ask the server's own trigger whether the failure of a flow's run is for it."""
    said = automation.trigger.model_dump(mode="json")
    related = {
        "prefect.resource.id": f"prefect.flow.{uuid4()}",
        "prefect.resource.role": "flow",
        "prefect.resource.name": flow,
    }
    failed = ReceivedEvent(
        occurred=datetime.now(UTC),
        event="prefect.flow-run.Failed",
        resource={"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
        related=[RelatedResource.model_validate(related)],
        id=uuid4(),
    )
    trigger = EventTrigger.model_validate(said)
    return trigger.covers(failed) and trigger.expects(failed.event)


def test_a_look_that_failed_is_told_and_starts_no_other_look() -> None:
    look, blind = alarms.look_at_once(uuid4()), alarms.blindness(uuid4())

    assert [covers(look, name) for name in ("value-chain", "watch-house")] == [1, 0]
    assert [covers(blind, name) for name in ("value-chain", "watch-house")] == [0, 1]


def test_a_message_is_json_whatever_signs_the_sentence_holds() -> None:
    said = '1 of 3 rows "break"\nthe contract 合同 \\ {{ secret }}'
    payload = {"sentence": "event.payload.sentence", "link": "event.payload.link"}
    template = alarms.template(payload)

    made = asyncio.run(
        render_user_template(template, {"event": {"payload": {"sentence": said}}})
    )

    assert json.loads(made) == {"sentence": said, "link": ""}


@pytest.mark.parametrize(
    ("given", "name"), [({"factor": "rain"}, "rain"), ({}, "FACTOR")]
)
def test_what_a_dead_run_says_names_its_factor(
    given: dict[str, str], name: str
) -> None:
    run = FlowRun(
        id=uuid4(), flow_id=uuid4(), name="house", parameters=given, state=Crashed()
    )
    action = alarms.crashes(uuid4()).actions[0].model_dump(mode="json")
    template = CallWebhook.model_validate(action).payload  # the server reads it so

    with temporary_settings({PREFECT_UI_URL: "http://house"}):
        told = asyncio.run(render_user_template(template, {"flow_run": run}))

    made = json.loads(told)

    assert made["key"] == f"crashed/{run.id}"
    assert made["money"] == f"what rests on it: datafactor impact {name}"
    assert made["link"] == f"http://house/runs/flow-run/{run.id}"
