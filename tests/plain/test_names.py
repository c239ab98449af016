"""What `trace` prints as a name is taken by every command that takes a REF."""

from collections.abc import Callable, Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.erase import erase
from flows.summary import Chain
from flows.trail import trail, trail_facts
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import StoreError
from tasks import store
from tests.command import datafactor
from tests.gauges import documents, opened

LOAN = "loan:BANK-2026-001"


def printed(ref: str) -> list[str]:
    """Read the names in the first column of what `trace` shows."""
    s = store.current()
    found = store.trail(s, store.resolve(s, ref).id)
    console = Console(file=StringIO(), record=True, width=300)
    trail(console, found, trail_facts(ref, found))
    lines = [line.split() for line in console.export_text().splitlines()]
    # The last cell is the id's first twelve digits.
    return [words[0] for words in lines if len(words) > 3 and len(words[-1]) == 12]


def refused_as_unknown(name: str) -> list[str]:
    """Say which commands do not know a name; what is kept by law is known."""
    s = store.current()
    asked: dict[str, Callable[[], object]] = {
        "trace": lambda: store.trail(s, store.resolve(s, name).id),
        "impact": lambda: store.every(s, name),
        "erase": lambda: erase([name], "", [], ever=False),
    }
    unknown = []
    for command, ask in asked.items():
        try:
            ask()
        except StoreError as error:
            if "is posted: its rows stand in" not in str(error):
                unknown.append(f"{command} {name}: {error}")
    return unknown


def test_each_name_on_the_way_of_a_loan_is_taken(chain: Chain) -> None:
    names = printed(LOAN)

    assert "flight-disruption/resource/flights" in names
    assert "flight-disruption/capital/pledge" in names
    assert [why for name in names for why in refused_as_unknown(name)] == []


@pytest.fixture
def gauges(tmp_path: Path) -> Iterator[Path]:
    """Level in parts of a month, in the folders that a command has."""
    documents(tmp_path)
    with opened(tmp_path):
        value_chain.fn("level", date(2026, 6, 30))
        yield tmp_path


def test_each_name_of_a_table_in_parts_is_taken_and_shown(gauges: Path) -> None:
    names = printed("level/product")

    assert any(name.startswith("level/resource/") for name in names)
    assert [why for name in names for why in refused_as_unknown(name)] == []
    places = {"DATAFACTOR_HOME": str(gauges / "home")}
    places["DATAFACTOR_FACTORS"] = str(gauges / "factors")
    for name in names:
        said = datafactor("show", name, home=gauges, data=gauges, **places)
        assert said.exit == 0, said.err


def test_a_stage_is_shown_by_the_rows_of_its_frame_and_a_factor_by_its_runs(
    gauges: Path,
) -> None:
    value_chain.fn("people", date(2026, 6, 30), Stage.RESOURCE)
    places = {"DATAFACTOR_HOME": str(gauges / "home")}
    places["DATAFACTOR_FACTORS"] = str(gauges / "factors")

    def shown(ref: str) -> Any:  # Any: JSON
        said = datafactor("show", ref, "--json", home=gauges, data=gauges, **places)
        assert said.exit == 0, said.err
        return said.data

    for short, whole in {
        "level/product": "level/product/product",
        "level/resource": "level/resource/resource",
        "people/resource": "people/resource/resource",  # whose names are masked
    }.items():
        assert shown(short) == shown(whole)
    assert shown("level/product")["rows"] == [{"gauge": "a", "total": 30}]
    assert {run["factor"] for run in shown("level")} == {"level"}
