"""Run the demo on a real Prefect server and say where to look: ``make ui``."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

PORT = 4200
PATIENCE = 120  # seconds: a first start migrates the server's own database


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Start a Prefect server on loopback, wait until it is healthy, stop it at the end.

    Raises:
        TimeoutError: It does not become healthy.
    """
    url = f"http://127.0.0.1:{port}/api"
    # The UI asks the address it is told; another server's would show an empty page.
    told = {"PREFECT_UI_API_URL": url, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
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
    with serving(PORT) as url:
        command = [sys.executable, "-m", "flows.cli", "demo"]
        subprocess.run(command, env={**os.environ, "PREFECT_API_URL": url}, check=False)
        out.print(f"\nlook at the run: http://127.0.0.1:{PORT}/runs   (Ctrl-C ends it)")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.print("stopped; the store keeps everything the run published")


if __name__ == "__main__":
    main()
