"""A Prefect test server for the session, and a store in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tasks.store import Store
from tests.archive import small_archive
from tests.builders import temporary_store


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    # Without a heartbeat a flow does not wait a second for its thread to end.
    with (
        prefect_test_harness(server_startup_timeout=60),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    small_archive(tmp_path / "data")
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path / "data")) as s:
        yield s
