"""What the README shows is run as it is written there."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.command import ROOT, datafactor, environment

README = (ROOT / "README.md").read_text("utf-8")
SAID = "demo.txt"  # what the demo said


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def commands(program: str) -> list[list[str]]:
    # What asks a server is run by the tests of deployments.
    alone = [b for b in blocks("console") if "export PREFECT_API_URL" not in b]
    lines = [line for block in alone for line in block.splitlines()]
    shown = [line[2:].partition("#")[0] for line in lines if line.startswith("$ ")]
    # What runs until it is stopped is run by the tests of the service.
    ends = [c for c in shown if not c.startswith("datafactor serve")]
    return [c.split() for c in ends if c.startswith(f"{program} ")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    said = datafactor("demo", home=folder)
    assert said.exit == 0, said.err
    (folder / SAID).write_text(said.out, "utf-8")
    return folder


@pytest.mark.parametrize("command", commands("datafactor"), ids=" ".join)
def test_each_command_works_after_the_demo(command: list[str], home: Path) -> None:
    # What a command writes goes below the reader's home, not into the checkout.
    words = [
        str(home / word) if before == "-o" else word
        for before, word in pairwise(command)
    ]
    said = datafactor(*words, home=home)

    assert said.exit == 0, said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("command", commands("make"), ids=" ".join)
def test_each_make_target_exists(command: list[str]) -> None:
    done = subprocess.run(
        ["make", "-n", *command[1:]], capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr


def test_the_demos_ending_is_what_the_readme_shows(home: Path) -> None:
    shown = next(b for b in blocks("console") if "make demo" in b)
    said = (home / SAID).read_text("utf-8")  # before any other command of the README
    lines = [x.strip() for x in shown.splitlines() if x.startswith("  ")]

    settled = [x for x in lines if not re.search(r"\d s$", x)]
    assert len(settled) > 8
    assert [x for x in settled if x not in said] == []


def test_the_smallest_factor_is_sound_and_runs(tmp_path: Path) -> None:
    deployments = tmp_path / "deployments"
    shutil.copytree(ROOT / "deployments", deployments)
    text = next(b for b in blocks("yaml") if "river-levels" in b)
    (deployments / "factors" / "river-levels.yaml").write_text(text, "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    (data / "levels.csv").write_text("day,gauge,level_cm\n2026-01-01,a,512\n", "utf-8")
    folder = str(deployments / "factors")

    checked = datafactor(
        *("check", "river-levels"), home=tmp_path, data=data, DATAFACTOR_FACTORS=folder
    )
    ran = datafactor(
        *("run", "river-levels", "--json"),
        home=tmp_path,
        data=data,
        DATAFACTOR_FACTORS=folder,
    )

    assert checked.exit == 0, checked.err
    assert ran.exit == 0, ran.err
    assert ran.data["summary"]["resource"].startswith("1 rows")


def test_a_stage_task_is_added_as_the_readme_says(tmp_path: Path) -> None:
    for room in ("flows", "tasks", "schemas", "deployments", "tests"):
        shutil.copytree(
            ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for block in blocks("python"):
        path, _, code = block.partition("\n")
        target = tmp_path / path.removeprefix("# ").partition(":")[0]
        already = target.read_text("utf-8") if target.exists() else ""
        target.write_text(f"{already}\n{code}", "utf-8")
    factors = tmp_path / "deployments" / "factors"
    like = (factors / "route-disruption.yaml").read_text("utf-8")
    made = next(b for b in blocks("yaml") if "task: route_risk" in b)
    head, rest = like.partition("\ninputs:")[0], like.partition("\n  licence:")[2]
    (factors / "route-risk.yaml").write_text(
        head.replace("factor: route-disruption", "factor: route-risk")
        + f"\n{made}  licence:{rest}",
        "utf-8",
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/unit/test_route_risk.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONPATH": str(tmp_path)},
    )
    checked = datafactor("check", "route-risk", home=tmp_path, code=tmp_path)

    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert checked.exit == 0, checked.err
    assert "stages: product" in checked.out
