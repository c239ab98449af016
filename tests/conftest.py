"""No setting of the caller's in any test, and databases that a test may ask for."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import postgres

# A law is not broken by a machine that is busy with something else.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_caller() -> None:
    for name in [n for n in os.environ if n.startswith("DATAFACTOR_")]:
        if name != "DATAFACTOR_TEST_POSTGRES":
            del os.environ[name]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run one PostgreSQL server for the session."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """Lend a database of its own."""
    with postgres.database(postgres_url) as url:
        yield url
