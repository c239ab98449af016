"""Run the demo on a real Prefect server and say where to look: ``make ui``."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe

from rich.console import Console

PORT = 4200
# In memory, a restart of the server would crash runs that are healthy.
LEASES = "prefect.server.concurrency.lease_storage.filesystem"
PATIENCE = 120  # seconds: a first start migrates the server's own database


@contextmanager
def serving(port: int, auth: str = "") -> Iterator[str]:
    """Start a Prefect server on loopback, wait until it is healthy, stop it at the end.

    Args:
        port: Where it listens.
        auth: What its pages and its API ask for; without it anybody on this machine
            may start runs.

    Raises:
        TimeoutError: It does not become healthy.
    """
    url = f"http://127.0.0.1:{port}/api"
    # The UI asks the address it is told; another server's would show an empty page.
    told = {
        "PREFECT_UI_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
        **({"PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}),
    }
    command = [sys.executable, "-m", "prefect", "server", "start"]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, **told, "DO_NOT_TRACK": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy(url)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_until_healthy(url: str) -> None:
    """Ask the server's health until it answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310,RUF100 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(
        f"no Prefect server at {url} after {PATIENCE} s; is the port free?"
    )


def main() -> None:
    """Serve, run the demo's factor there, print the link, stay until Ctrl-C."""
    out = Console(highlight=False)
    out.print("starting a Prefect server …")
    auth = f"datafactor:{token_urlsafe(18)}"
    with serving(PORT, auth) as url:
        command = [sys.executable, "-m", "flows.cli", "demo"]
        asked = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": auth}
        subprocess.run(command, env={**os.environ, **asked}, check=False)
        out.print(f"\nlook at the run: http://127.0.0.1:{PORT}/runs   (Ctrl-C ends it)")
        out.print(
            f"its pages ask for: {auth}   (another terminal: export", markup=False
        )
        out.print("  PREFECT_API_URL and PREFECT_API_AUTH_STRING of it)", markup=False)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.print("stopped; the store keeps everything the run published")


if __name__ == "__main__":
    main()
