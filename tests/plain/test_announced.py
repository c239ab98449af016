"""A run that an event started waits for what its other inputs publish of the day."""

from datetime import date
from pathlib import Path

from flows.announce import event_id, lacking, published
from flows.document import factor_named
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tests.gauges import documents, opened

DAY = date(2026, 6, 30)


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
        assert event_id("level", "a", DAY) == event_id("level", "a", DAY)
        assert event_id("level", "a", DAY) != event_id("level", "b", DAY)
