"""One real run of the demo, shared by the tests that only look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR, fetch
from flows.summary import Chain
from flows.value_chain import value_chain
from tests.archive import DATA
from tests.builders import temporary_store


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fetch(DATA)
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def chain(demo_home: Path) -> Iterator[Chain]:
    """The demo's chain; its store stays open while the module's tests run."""
    with temporary_store(demo_home, DATAFACTOR_DATA=str(DATA)):
        yield value_chain.fn(FACTOR, AS_OF)
