"""A real Prefect server with a home of its own."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ui import serving
from tests.command import environment


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = environment(home)
    patch = pytest.MonkeyPatch()
    patch.setenv("PREFECT_HOME", env["PREFECT_HOME"])
    Path(env["PREFECT_HOME"]).mkdir(parents=True)
    with patch.context(), serving(port) as url:
        yield {**env, "PREFECT_API_URL": url, "DO_NOT_TRACK": "1"}
    patch.undo()
