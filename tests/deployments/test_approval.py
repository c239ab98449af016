"""A close that waits for an approval on a real server: form, refusal, signature."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from prefect.client.orchestration import PrefectClient

from tests.archive import small_archive
from tests.command import ROOT, Said, datafactor

pytestmark = pytest.mark.proof
ENTITY, FACTOR = "jiangbei-data", "flight-disruption"
FILE = "deployments/prefect.yaml"


@pytest.fixture(scope="module")
def office(server: dict[str, str]) -> Iterator[dict[str, str]]:
    """Deploy the close over books with a low threshold, and let a worker serve it."""
    home = Path(server["HOME"])
    shutil.copytree(ROOT / "deployments", home / "deployments")
    document = home / "deployments" / "factors" / f"{FACTOR}.yaml"
    named = "  name: flight-disruption-index\n"
    told = document.read_text("utf-8")
    assert named in told
    low = f'{named}  approval_above: "500000.00"\n'
    document.write_text(told.replace(named, low, 1), "utf-8")
    small_archive(home / "data")
    env = {
        **server,
        "DATAFACTOR_DATA": str(home / "data"),
        "DATAFACTOR_FACTORS": str(document.parent),
    }
    for arguments in (
        ("work-pool", "create", "value-chain", "--type", "process"),
        ("--no-prompt", "deploy", "--name", f"close-{ENTITY}", "--prefect-file", FILE),
    ):
        done = prefect(env, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "value-chain"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield env
    worker.terminate()
    worker.wait(60)


def prefect(env: dict[str, str], *given: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "prefect", *given]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=env, check=False
    )


def as_controller(env: dict[str, str], *given: str) -> Said:
    """Run a command as another person, whose key the house knows."""
    home = Path(env["HOME"])
    file = home / "controller.key"
    if not file.exists():
        key = Ed25519PrivateKey.generate()
        pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key.private_bytes(*pem))
        signers = home / "deployments" / "signers"
        signers.mkdir(exist_ok=True)
        half = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (signers / "controller.pub").write_bytes(half)
    other = {"DATAFACTOR_KEY": str(file), "DATAFACTOR_USER": "controller"}
    kept: dict[str, Any] = {n: v for n, v in env.items() if n.startswith("DATAFACTOR_")}
    return datafactor(*given, home=home, **{**kept, **other})


async def begun(url: str, period: str) -> Any:
    async with PrefectClient(url) as client:
        name = f"close-period/close-{ENTITY}"
        deployment = await client.read_deployment_by_name(name)
        asked = {"entity": ENTITY, "period": period}
        return await client.create_flow_run_from_deployment(
            deployment.id, parameters=asked
        )


async def reached(url: str, id: Any, *names: str) -> Any:
    """Wait for one of some states, and return the run."""
    async with PrefectClient(url) as client:
        end = time.monotonic() + 150
        while time.monotonic() < end:
            run = await client.read_flow_run(id)
            if run.state and run.state.name in names:
                return run
            await asyncio.sleep(1)
    raise AssertionError(f"{names} was not reached: {run.state}")


def resumed(url: str, id: Any, **given: str) -> dict[str, Any]:
    """Press Resume, with what was put into the form."""
    asked = {"run_input": given} if given else {}
    answer = httpx.post(f"{url}/flow_runs/{id}/resume", json=asked, timeout=30)
    told: dict[str, Any] = answer.json()
    return told


def test_a_close_waits_in_the_ui_and_posts_what_another_person_signed(
    office: dict[str, str],
) -> None:
    for month in ("2026-01", "2026-02"):  # below the threshold
        assert as_controller(office, "close", ENTITY, month).exit == 0
    url = office["PREFECT_API_URL"]
    run = asyncio.run(begun(url, "2026-03"))
    waiting = asyncio.run(reached(url, run.id, "Suspended", "Failed", "Completed"))
    assert waiting.state.name == "Suspended", waiting.state.message

    for given in ({}, {"decision": "perhaps"}, {"signed": "x"}):
        assert resumed(url, run.id, **given)["status"] == "REJECT", given
    (asked,) = as_controller(office, "approve", "--json").data
    signed = as_controller(
        office, "approve", asked["subject"][:12], "--sign", "--json"
    ).data["signed"]
    accepted = resumed(url, run.id, decision="approve", signed=signed)
    assert accepted["status"] == "ACCEPT", accepted
    ended = asyncio.run(reached(url, run.id, "Completed", "Failed", "Refused"))

    assert ended.state.name == "Completed", ended.state.message
    books = as_controller(office, "books", ENTITY, "--json")
    assert books.exit == 0, books.err
    verified = as_controller(office, "verify", "--json")
    assert verified.data["examined"]["approvals"] == 1


def test_a_rejection_in_the_form_ends_the_close_refused(
    office: dict[str, str],
) -> None:
    url = office["PREFECT_API_URL"]
    run = asyncio.run(begun(url, "2026-06"))
    waiting = asyncio.run(reached(url, run.id, "Suspended", "Failed", "Completed"))
    assert waiting.state.name == "Suspended", waiting.state.message

    assert resumed(url, run.id, decision="reject")["status"] == "ACCEPT"
    ended = asyncio.run(reached(url, run.id, "Completed", "Failed", "Refused"))

    assert ended.state.name == "Refused"
    assert "wait for another person" in ended.state.message
