"""What others read is told once, however the run ended that published it."""

import time
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker

from flows.announce import event_id
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tasks import store
from tests import leased, shop
from tests.builders import temporary_store
from tests.gauges import documents, opened

pytestmark = pytest.mark.usefixtures("prefect_server")


def told(factor: str) -> list[dict[str, Any]]:
    """Ask the server what was published of a factor; it knows a moment later."""
    EventsWorker.drain_all()
    resource = {"id": [f"datafactor.factor.{factor}"]}
    wanted = {"filter": {"event": {"name": ["datafactor.published"]}}}
    wanted["filter"]["resource"] = resource
    found: list[dict[str, Any]] = []
    for _ in range(50):
        with get_client(sync_client=True) as client:
            answer = client.request("POST", "/events/filter", json=wanted)
        if found := answer.json()["events"]:
            break
        time.sleep(0.1)
    return found


def test_a_product_is_told_though_the_asset_failed_after_it(tmp_path: Path) -> None:
    """Mended, the next run reuses the product: nobody else would tell of it."""
    shop.prepare(tmp_path)
    (tmp_path / "factors" / "rain.yaml").write_text(leased.document(), "utf-8")
    vouchers = tmp_path / "vouchers.csv"
    vouchers.write_text(f"{leased.HEADING}\nno voucher\n", "utf-8")
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        failed = value_chain("rain", shop.DAY, Stage.ASSET, return_state=True)
        first = told("rain")
        vouchers.write_text(f"{leased.HEADING}{leased.VOUCHERS}", "utf-8")
        mended = value_chain("rain", shop.DAY, Stage.ASSET, return_state=True)
        product = store.resolve(store.current(), "rain/product").id

    assert (failed.is_failed(), mended.is_completed()) == (True, True)
    (event,) = first
    day = str(shop.DAY)
    assert event["payload"] == {"as_of": day, "artifact": product, "stage": "product"}
    assert [e["id"] for e in told("rain")] == [event["id"]]


def test_what_a_run_that_was_killed_left_untold_is_told_by_the_next(
    tmp_path: Path,
) -> None:
    """Its bytes and rows stand, and all of them are reused."""
    documents(tmp_path)
    with opened(tmp_path):
        value_chain.fn("level", shop.DAY, Stage.RESOURCE)  # as if it died after it
        value_chain("level", shop.DAY, Stage.RESOURCE, return_state=True)
        resource = store.resolve(store.current(), "level/resource/resource").id
        known = str(event_id("level", resource, shop.DAY))

    (event,) = told("level")
    assert event["id"] == known
    assert (event["payload"]["stage"], event["payload"]["artifact"]) == (
        *("resource", resource),
    )
