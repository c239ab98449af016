"""Image, compose and units: what no daemon can run here is read, the rest is run.

Read: each file strictly, and that all it names is there. Run outside a container: every
RUN line of the build, the entrypoint, the image's command, the server's command and its
health check. Not run: the image build itself, PostgreSQL's and the storage's images.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import ROOT, environment

FOLDER = ROOT / "deployments/container"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]  # Any: YAML
UNITS = sorted(FOLDER.glob("*.service"))
LINES = [
    line.split(None, 1)
    for line in (FOLDER / "Containerfile").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
KNOWN = {
    *("name", "image", "command", "entrypoint", "environment", "secrets", "volumes"),
    *("ports", "healthcheck", "depends_on", "stop_grace_period", "restart"),
}


def of(word: str) -> list[str]:
    return [rest for name, rest in LINES if name == word]


def variables() -> set[str]:
    """List what env.example sets."""
    text = (FOLDER / "env.example").read_text("utf-8")
    return set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))


def test_compose_names_only_what_is_there() -> None:
    text = (FOLDER / "compose.yaml").read_text("utf-8")

    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)\}", text)) <= variables()
    for service in SERVICES.values():
        assert set(service) <= KNOWN
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            begin = volume.partition(":")[0]
            there = begin.startswith("${") or begin in COMPOSE["volumes"]
            assert there or (FOLDER / begin).is_file(), volume
    for one in COMPOSE["secrets"].values():
        assert set(one) == {"file"}


def test_what_waits_for_health_waits_for_a_service_that_tells_it() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_images_are_pinned_to_a_version() -> None:
    images = {service["image"] for service in SERVICES.values()}
    images |= {line.split()[0] for line in of("FROM")}

    for image in images:
        tag = image.rpartition("/")[2].partition(":")[2]
        assert re.search(r"\d+\.\d+|\d{4}-\d\d-\d\d", tag), image
    (wheel,) = re.findall(
        r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert f"datafactor:{wheel}" in images


def test_ports_are_loopback_only_and_no_secret_is_written_down() -> None:
    ports = [port for s in SERVICES.values() for port in s.get("ports", ())]
    told = [s.get("environment", {}) for s in SERVICES.values()]
    names = {name for one in told for name in one} | variables()

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not names & set(COMPOSE["secrets"])
    secret = {n for n in names if re.search(r"PASSWORD|SECRET|AUTH", n)}
    by_file = {"POSTGRES_PASSWORD_FILE", "MINIO_ROOT_PASSWORD_FILE", "SECRETS_FROM"}
    assert secret == by_file
    for one in told:
        assert not [v for v in one.values() if re.search(r"//[^/@]*:[^/@]*@", v)]


def test_the_image_copies_what_exists_and_ends_as_nobody_special() -> None:
    for line in of("COPY"):
        *sources, _ = [w for w in line.split() if not w.startswith("--")]
        for source in sources:
            made = source.startswith("dist/") or "--from" in line
            assert made or (ROOT / source).is_file(), source
    last = max(n for n, (word, _) in enumerate(LINES) if word == "FROM")
    final = [f"{word} {rest}" for word, rest in LINES[last:]]

    assert not [line for line in final if "pip" in line or "apt" in line]
    assert [rest for word, rest in LINES[last:] if word == "USER"] == ["10001"]
    for line in of("RUN"):
        if "pip install" in line and "--no-index" not in line:
            assert "--require-hashes --only-binary :all:" in line


def blocks(path: str) -> dict[str, str]:
    """Split a lock into its entries, by requirement."""
    text = (ROOT / path).read_text("utf-8")
    parts = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)
    return {one.partition(" ")[0]: one for one in parts if "==" in one}


def test_the_image_holds_the_versions_that_the_tests_ran() -> None:
    image, tested = blocks("deployments/container/image.lock"), blocks(".ci/test.lock")

    assert image.items() <= tested.items()
    assert set(blocks("requirements.lock")) <= set(image)
    for name in ("psycopg", "obstore", "prefect-dask"):
        assert any(entry.startswith(f"{name}==") for entry in image)


def test_a_secret_file_becomes_the_variable_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "PGPASSWORD").write_text("it's $HOME \\ here\n")
    (tmp_path / "not-a-name").write_text("x")
    done = subprocess.run(
        [FOLDER / "with-secrets", "env"],
        env={"SECRETS": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "PGPASSWORD=it's $HOME \\ here" in done.stdout.splitlines()
    assert "not-a-name" not in done.stdout


def test_without_secret_files_a_command_runs_all_the_same(tmp_path: Path) -> None:
    env = {"SECRETS": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [FOLDER / "with-secrets", "sh", "-c", "exit 3"], env=env, check=False
    )

    assert done.returncode == 3


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path) -> None:
    for name in ("with-secrets", "prefect"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for one in UNITS:
        text = one.read_text("utf-8").replace("/opt/datafactor/bin", str(tmp_path))
        (tmp_path / one.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.proof
def test_the_build_runs_outside_a_container_and_what_it_builds_serves(
    tmp_path: Path,
) -> None:
    build, venv = tmp_path / "build", tmp_path / "venv"
    build.mkdir()
    shutil.copy(ROOT / ".ci/pip.lock", build)
    shutil.copy(FOLDER / "image.lock", build)
    source = tmp_path / "source"  # a build of one's own leaves the checkout alone
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    flags = "-m pip wheel -q --no-deps --no-build-isolation"
    run(f"{sys.executable} {flags} -w {build} {source}", tmp_path)
    env = {"VENV": str(venv), "BUILD": str(build)}
    first = [n for n, (word, _) in enumerate(LINES) if word == "FROM"][1]
    for word, rest in LINES[:first]:
        if word == "RUN":
            run(
                rest.replace("python -m venv", f"{sys.executable} -m venv"),
                tmp_path,
                **env,
            )

    shutil.copy(FOLDER / "with-secrets", venv / "bin")
    path = f"{venv / 'bin'}:{os.environ['PATH']}"
    (command,) = of("CMD")
    said = run(
        shlex.join(["with-secrets", *yaml.safe_load(command)]), tmp_path, PATH=path
    )
    assert "Usage: datafactor" in said
    serve(path, tmp_path)


def registry() -> dict[str, str]:
    """Keep what names this house's package registry to pip."""
    marks = ("PIP_", "HTTP", "http", "SSL_", "REQUESTS_", "NO_PROXY", "no_proxy")
    return {n: v for n, v in os.environ.items() if n.startswith(marks)}


def run(line: str, home: Path, **more: str) -> str:
    """Run a command line that must succeed, outside the checkout."""
    done = subprocess.run(
        line,
        shell=True,
        cwd=home,
        env=environment(home) | registry() | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stdout[-500:]}{done.stderr[-1500:]}"
    return done.stdout


def serve(path: str, home: Path) -> None:
    """Start the server as compose does, and ask its health as compose does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (home / "secrets").mkdir()
    (home / "secrets/PREFECT_SERVER_API_AUTH_STRING").write_text("house:made-up")
    words = [
        w.replace("4200", port).replace("0.0.0.0", "127.0.0.1")
        for w in SERVICES["server"]["command"]
    ]
    more = {"PATH": path, "SECRETS": str(home / "secrets")}
    keys = (
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE",
        "PREFECT_SERVER_ANALYTICS_ENABLED",
    )
    more |= {name: SERVICES["server"]["environment"][name] for name in keys}
    _, *check = [
        w.replace("4200", port) for w in SERVICES["server"]["healthcheck"]["test"]
    ]
    env = environment(home) | more
    server = subprocess.Popen(
        ["with-secrets", *words],
        cwd=home,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 180
        while subprocess.run(
            check, env=env, capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < end, "the server never became healthy"
            time.sleep(1)
        url = f"http://127.0.0.1:{port}/api/deployments/count"
        ask = f"curl -s -o /dev/null -w '%{{http_code}}' -X POST {url}"
        asked = run(ask, home), run(f"{ask} -u house:made-up", home)
        assert asked == ("401", "200")
    finally:
        server.terminate()
        server.wait()
