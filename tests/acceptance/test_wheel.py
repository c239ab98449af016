"""The wheel carries what it needs: the demo runs from it, in another folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.command import ROOT, environment


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, away from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    flags = ["--no-build-isolation", "-w", str(folder), str(ROOT)]
    done = subprocess.run([*pip, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_no_tests_and_no_data_of_others(unpacked: Path) -> None:
    top = {p.name for p in unpacked.iterdir() if not p.name.endswith(".dist-info")}

    assert top == {"flows", "tasks", "schemas", "deployments"}


def run(unpacked: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command from the wheel with a home of its own."""
    where = "import flows.cli, sys; print(flows.cli.__file__); sys.exit(flows.cli.main("
    return subprocess.run(
        [sys.executable, "-c", f"{where}{list(words)!r}))"],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**environment(home), "PYTHONPATH": str(unpacked)},
    )


def test_the_demo_runs_from_the_wheel_and_its_pack_verifies_where_no_store_is(
    unpacked: Path, tmp_path: Path
) -> None:
    house, lender = tmp_path / "house", tmp_path / "lender"
    house.mkdir()
    lender.mkdir()

    done = run(unpacked, house, "demo")
    packed = run(unpacked, house, "pack", "BANK-2026-001", "-o", str(lender / "p.zip"))
    head = packed.stdout.split()[-1]
    verified = run(unpacked, lender, "verify", "p.zip", "--head", head)

    assert done.returncode == 0, done.stderr
    assert str(unpacked) in done.stdout.splitlines()[0]
    assert "loan BANK-2026-001 of 5,000,000.00 CNY" in done.stdout
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.splitlines()[-1] == "the pack is sound"
    assert [path.name for path in lender.iterdir()] == ["p.zip"]
