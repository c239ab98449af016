"""A run that an event started waits for what its other inputs publish of the day."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.announce import awaited, event_id, lacking, offered, published
from flows.document import factor_named
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused
from tasks import store
from tests.gauges import documents, opened
from tests.store.build import run

DAY, NEXT = date(2026, 6, 30), date(2026, 7, 1)
NO = "disputed: {answer: false"


def test_what_is_not_published_for_the_day_is_waited_for(tmp_path: Path) -> None:
    documents(tmp_path)
    with opened(tmp_path):
        flood = factor_named("flood")
        assert lacking(flood, DAY).startswith("level/product and rain/resource of 2026")

        value_chain.fn("rain", DAY, Stage.RESOURCE)
        value_chain.fn("level", date(2026, 6, 29), Stage.PRODUCT)
        assert lacking(flood, DAY).startswith("level/product of 2026-06-30 is not")

        value_chain.fn("level", DAY, Stage.RESOURCE)
        assert not published("level/product", DAY)
        value_chain.fn("level", DAY, Stage.PRODUCT)
        assert lacking(flood, DAY) == ""


def test_a_run_that_failed_or_whose_gate_is_shut_published_nothing(
    tmp_path: Path,
) -> None:
    documents(tmp_path)
    document = tmp_path / "factors" / "level.yaml"
    good = document.read_text("utf-8")
    with opened(tmp_path):
        document.write_text(good.replace("disputed: {answer: true", NO, 1), "utf-8")
        with pytest.raises(Refused):
            value_chain.fn("level", DAY, Stage.PRODUCT)
        assert store.newest(store.current(), "productize", "level"), "it is complete"
        assert not published("level/product", DAY)
        assert offered("level", DAY).keys() == {"resource"}

        failed = run(
            task="assess", as_of=DAY, factor="rain", status="FAIL", message="no rule"
        )
        store.publish(store.current(), failed)
        assert not published("rain/resource", DAY)
        assert offered("rain", DAY) == {}


def test_one_publication_is_one_event_and_of_another_store_day_or_artifact_another(
    tmp_path: Path,
) -> None:
    ids = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        documents(tmp_path / name)
        with opened(tmp_path / name):
            ids += [event_id("level", "a", DAY), event_id("level", "a", DAY)]
            ids += [event_id("level", "b", DAY), event_id("level", "a", NEXT)]
            ids += [event_id("rain", "a", DAY)]

    assert ids[0] == ids[1]
    assert len({*ids}) == 8


@pytest.mark.parametrize(
    ("by", "waits"), [("AUTOMATION", True), ("DEPLOYMENT", False), (None, False)]
)
def test_only_a_run_that_an_event_started_waits_for_its_inputs(
    tmp_path: Path, by: str | None, waits: bool
) -> None:
    documents(tmp_path)
    creator = {"id": uuid4(), "type": by, "display_value": "x"} if by else None
    said = {"flow_id": uuid4(), "name": "x", "created_by": creator}
    started = FlowRun.model_validate(said)
    known: dict[str, Any] = {"flow_run": started}  # all that is asked of it

    with opened(tmp_path), FlowRunContext.model_construct(**known):
        assert bool(awaited("flood", DAY)) is waits
