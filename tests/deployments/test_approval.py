"""What waits for an approval on a real server: form, signature, time-out, Retry."""

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
ENTITY, FACTOR, LOAN = "jiangbei-data", "flight-disruption", "BANK-2026-001"
REGISTERED = (
    *("--registration", "ZD-9", "--at", "2026-06-30T09:00+08:00"),
    *("--until", "2027-12-31", "--evidence", "ZD-9", "--on", "2026-06-30", "--file"),
)
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
    policy = home / "deployments" / "policies" / "cn-2025.yaml"
    rules = policy.read_text("utf-8")
    assert 'value: "5000000.00"\n    unit: CNY an entry' in rules
    policy.write_text(rules.replace('"5000000.00"', '"1000000.00"', 1), "utf-8")
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


async def begun(url: str, period: str, **env: str) -> Any:
    async with PrefectClient(url) as client:
        name = f"close-period/close-{ENTITY}"
        deployment = await client.read_deployment_by_name(name)
        asked = {"entity": ENTITY, "period": period}
        return await client.create_flow_run_from_deployment(
            deployment.id, parameters=asked, job_variables={"env": env}
        )


async def deployed(url: str, named: str, **parameters: str) -> Any:
    """Deploy a flow that no document deploys so, and begin one run of it."""
    async with PrefectClient(url) as client:
        deployment = await client.create_deployment(
            flow_id=await client.create_flow_from_name(named.replace("_", "-")),
            name="once",
            entrypoint=f"flows.{named}:{named}",
            work_pool_name="value-chain",
        )
        return await client.create_flow_run_from_deployment(
            deployment, parameters=parameters
        )


def retried(url: str, id: Any) -> Any:
    """Press Retry, wait for the end of that attempt, and return the run."""
    before = asyncio.run(reached(url, id, "Completed", "Refused", "Failed")).run_count
    asked = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}}
    answer = httpx.post(f"{url}/flow_runs/{id}/set_state", json=asked, timeout=30)
    assert answer.json()["status"] == "ACCEPT", answer.text
    ends = ("Completed", "Refused", "Failed", "Suspended")
    run = asyncio.run(reached(url, id, *ends))
    assert run.run_count == before + 1
    return run


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
    for _ in range(20):  # while the server's own SQLite is locked, a person waits
        answer = httpx.post(f"{url}/flow_runs/{id}/resume", json=asked, timeout=30)
        if answer.status_code < 500:
            break
        time.sleep(1)
    told: dict[str, Any] = answer.json()
    return told


def summaries(url: str, id: Any) -> list[str]:
    """Read what was written of a run for its page, and of the runs within, in order."""
    asked = {"artifacts": {"type": {"any_": ["markdown"]}}, "sort": "CREATED_DESC"}
    made = httpx.post(f"{url}/artifacts/filter", json=asked, timeout=30).json()
    mine = [a["data"] for a in made if a["flow_run_id"] == str(id)]
    return [str(data) for data in mine[::-1] if "Waiting" in str(data)]


def standing(env: dict[str, str]) -> tuple[Any, Any]:
    """Read what money says: every line of the journal, and what is owed."""
    lines = as_controller(env, "books", ENTITY, "--json").data
    owed = as_controller(env, "loan", LOAN, "--as-of", "2026-06-30", "--json")
    return lines, owed.data if owed.exit == 0 else None


def approved(env: dict[str, str]) -> str:
    """Sign, as another person, the one proposal that waits."""
    (asked,) = as_controller(env, "approve", "--json").data
    told = as_controller(env, "approve", asked["subject"][:12], "--sign", "--json")
    return str(told.data["signed"])


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
    accepted = resumed(url, run.id, decision="approve", signed=approved(office))
    assert accepted["status"] == "ACCEPT", accepted
    ended = asyncio.run(reached(url, run.id, "Completed", "Failed", "Refused"))

    assert ended.state.name == "Completed", ended.state.message
    books = as_controller(office, "books", ENTITY, "--json")
    assert books.exit == 0, books.err
    verified = as_controller(office, "verify", "--json")
    assert verified.data["examined"]["approvals"] == 1

    before = standing(office)
    assert retried(url, run.id).state.name == "Completed"
    assert standing(office) == before


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


def test_when_nobody_decides_in_time_nothing_is_posted_and_a_retry_asks_anew(
    office: dict[str, str],
) -> None:
    url = office["PREFECT_API_URL"]
    before = standing(office)
    short = {**office, "DATAFACTOR_APPROVAL_WAIT": "4"}
    run = asyncio.run(begun(url, "2026-06", DATAFACTOR_APPROVAL_WAIT="4"))
    asyncio.run(reached(url, run.id, "Suspended"))
    ended = asyncio.run(reached(url, run.id, "Failed", "Completed", "Refused"))

    assert ended.state.name == "Failed"
    assert "never resumed" in ended.state.message
    (told,) = as_controller(short, "show", "--failed", "--json").data
    assert told["state"] == "expired"
    assert "nobody decided by" in told["sentence"]
    (asked,) = as_controller(short, "approve", "--json").data
    late = as_controller(short, "approve", asked["subject"][:12])
    assert (late.exit, "nobody decided by" in late.err) == (1, True), late.err

    assert retried(url, run.id).state.name == "Suspended", "it asks anew, with a form"
    first, second = summaries(url, run.id)
    assert first.startswith("post refused: ")
    assert ("attempt 2" in first, "attempt 2" in second) == (False, True)
    assert "then it counts as rejected" in first.splitlines()[0]
    assert resumed(url, run.id)["status"] == "REJECT", "nothing is preselected"
    asyncio.run(reached(url, run.id, "Failed"))
    assert standing(office) == before


def test_retry_of_a_disbursed_loan_pays_nothing_out_and_posts_nothing(
    office: dict[str, str],
) -> None:
    """5,000,000.00 above 1,000,000.00 wait in the form, and are drawn once."""
    url = office["PREFECT_API_URL"]
    (asked,) = as_controller(office, "approve", "--json").data
    again = as_controller(office, "approve", asked["subject"][:12])
    assert again.exit == 0, again.err
    made = {"factor": FACTOR, "as_of": "2026-06-30"}
    chain = asyncio.run(deployed(url, "value_chain", **made))
    lent = asyncio.run(reached(url, chain.id, "Completed", "Failed", "Refused"))
    assert lent.state.name == "Completed", lent.state.message
    search = Path(office["HOME"]) / "search.txt"
    search.write_text("illustrative search result", "utf-8")
    held = as_controller(office, "pledge", LOAN, "perfect", *REGISTERED, str(search))
    assert held.exit == 0, held.err
    given = {"loan": LOAN, "evidence": "ADVICE-1", "on": "2026-06-30"}
    run = asyncio.run(deployed(url, "draw_loan", **given))
    waiting = asyncio.run(reached(url, run.id, "Suspended", "Failed", "Completed"))
    assert waiting.state.name == "Suspended", waiting.state.message
    said = resumed(url, run.id, decision="approve", signed=approved(office))
    assert said["status"] == "ACCEPT", said
    drawn = asyncio.run(reached(url, run.id, "Completed", "Failed", "Refused"))
    assert drawn.state.name == "Completed", drawn.state.message
    assert drawn.name == f"draw/{LOAN}/all"

    lines, owed = standing(office)
    assert owed["tranches"][0]["outstanding"] == "5000000.00"
    for one in (run, chain):
        assert retried(url, one.id).state.name == "Completed"
        assert standing(office) == (lines, owed)
    kept: dict[str, Any] = {
        n: v for n, v in office.items() if n.startswith("DATAFACTOR_")
    }
    assert datafactor("verify", home=Path(office["HOME"]), **kept).exit == 0
