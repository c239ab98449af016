"""A factor that reads two others waits for both, and starts once when it has them."""

from collections.abc import Iterator

import pytest

from tests.gauges import BOTH, INPUTS, head, offer, write
from tests.gauges import LEVEL as SUMS
from tests.house import (
    GOOD,
    RAIN,
    House,
    day_of,
    ended,
    opened,
    process,
    runs_of,
    served,
)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
WORKER = ("prefect", "worker", "start", "--pool", "value-chain")
FLOOD = "value-chain/flood"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Rain and level run each minute; the file of level comes late."""
    with opened(tmp_path_factory.mktemp("house")) as house:
        documents = house.home / "deployments"
        level = RAIN.replace("rain", "level")
        write(documents, "level", head("level"), level, offer("level", SUMS))
        write(documents, "flood", head("flood"), INPUTS, offer("flood", BOTH))
        yield house


def test_the_first_of_two_inputs_leaves_it_waiting_and_the_second_runs_it_once(
    house: House,
) -> None:
    """Rain of gauge a is 1 + 2, its level 1 + 2 as well: together 6; b 4 + 4."""
    with served(house):
        house.done("datafactor", "deploy")
        with process(house, *WORKER):
            waits = ended(house, FLOOD, "Waiting")
            fired = ended(house, "value-chain/rain", "Completed")
            assert waits.parameters["as_of"] == str(day_of(fired))
            said = f"level/product of {day_of(fired)} is not published yet: flood"
            assert str(waits.state and waits.state.message).startswith(said)
            assert names(house) == ["Waiting"]

            house.write("level.csv", GOOD)
            made = ended(house, FLOOD, "Completed", after=waits)
            for again in ("rain", "level"):  # what is told once starts nothing more
                later = ended(house, f"value-chain/{again}", "Completed", after=made)
                ended(house, f"value-chain/{again}", "Completed", after=later)

        assert made.parameters["as_of"] == waits.parameters["as_of"]
        assert names(house) == ["Completed", "Waiting"]
    rows = house.json("show", "flood/product")["rows"]
    assert rows == [{"gauge": "a", "total": 6}, {"gauge": "b", "total": 8}]


def names(house: House) -> list[str]:
    """Name the states of flood's runs, the newest first."""
    return [str(run.state and run.state.name) for run in runs_of(house, FLOOD)]
