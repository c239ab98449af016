"""Run a real S3 server in a process of its own, for tests and benchmarks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

# What moto warns of is no matter of ours: it has an interpreter of its own.
SERVE = """
import pathlib, sys
from werkzeug.serving import make_server
from moto.server import DomainDispatcherApplication, create_backend_app
app = DomainDispatcherApplication(create_backend_app)
full = pathlib.Path(sys.argv[2]) if sys.argv[2] else None
def within_room(environ, start):
    if full and full.exists() and environ["REQUEST_METHOD"] == "PUT":
        start("507 Insufficient Storage", [("Content-Length", "0")])
        return []
    return app(environ, start)
server = make_server("127.0.0.1", int(sys.argv[1]), within_room, threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""


@contextmanager
def server(port: int = 0, full: Path | None = None) -> Iterator[dict[str, str]]:
    """Run one; lend the ``AWS_*`` variables that name it. Its buckets end with it.

    Args:
        full: While this file is there, the storage has no room for another object.
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE, str(port), str(full or "")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield variables(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def variables(port: int) -> dict[str, str]:
    """Name a server of this machine as obstore reads it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "who-may-write",
        "AWS_SECRET_ACCESS_KEY": "planted-and-told-nowhere",
    }


def made(endpoint: str, name: str = "") -> str:
    """Make a bucket and name it: ``s3://t0f…``."""
    name = name or f"t{uuid4().hex}"
    with urlopen(Request(f"{endpoint}/{name}", method="PUT")):
        return f"s3://{name}"


@contextmanager
def named(known: dict[str, str]) -> Iterator[None]:
    """Name a server in the environment, as its user does."""
    before = {n: os.environ.get(n) for n in known}
    os.environ.update(known)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
