"""The rooms of the house: who may import whom, and what must stay outside."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "tasks", "flows")
STAGES = ("resource", "product", "asset", "capital")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(*rooms: str) -> list[Path]:
    return [p for room in rooms for p in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_never_go_back(room: str) -> None:
    forbidden = ("tests", "deployments", *ROOMS[ROOMS.index(room) + 1 :])

    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(room)
        for name in imports(path)
        if name.partition(".")[0] in forbidden
    }

    assert wrong == set()


@pytest.mark.parametrize("stage", STAGES)
def test_stage_packages_never_import_each_other(stage: str) -> None:
    others = tuple(f"tasks.{s}" for s in STAGES if s != stage)

    wrong = {
        f"{path.name} imports {name}"
        for path in files(f"tasks/{stage}")
        for name in imports(path)
        if name.startswith(others) or name.startswith(("tasks.store", "tasks.stage"))
    }

    assert wrong == set()


def test_only_the_store_opens_sessions() -> None:
    outside = [
        p for p in files(*ROOMS) if "store" not in p.parts and "tables" not in p.parts
    ]

    wrong = {
        str(path.relative_to(ROOT))
        for path in outside
        if {"sqlmodel", "sqlalchemy"} & {n.partition(".")[0] for n in imports(path)}
    }

    # The seam only names one of its exceptions, to decide on a retry.
    assert wrong == {"tasks/stage/task.py"}


def test_pure_stages_load_no_prefect_no_sqlmodel_no_pandas() -> None:
    modules = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in files(*(f"tasks/{s}" for s in STAGES))
        if path.name != "__init__.py"
    ]
    lines = "\n".join(f"import {m}" for m in modules)
    heavy = "{'prefect', 'sqlmodel', 'pandas'}"
    code = f"{lines}\nimport sys\nprint({heavy} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert done.stdout.strip() == "set()"
    assert len(modules) > 10


def test_pure_stages_read_no_clock_environment_or_randomness() -> None:
    impure = {"os", "time", "random", "secrets", "uuid", "logging", "socket"}

    wrong = {
        f"{path.name} imports {name}"
        for path in files(*(f"tasks/{s}" for s in STAGES))
        for name in imports(path)
        if name.partition(".")[0] in impure
    }
    calls = {
        f"{path.name} asks the clock"
        for path in files(*(f"tasks/{s}" for s in STAGES))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("today", "now", "utcnow")
    }

    assert wrong | calls == set()


def test_no_room_is_named_without_a_meaning() -> None:
    names = {p.stem for p in files(*ROOMS)}

    assert not names & {"utils", "util", "helpers", "helper", "common", "misc"}


def test_the_top_level_is_what_was_agreed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {line.partition("/")[0] for line in tracked.stdout.splitlines()}

    agreed = {"flows", "tasks", "schemas", "deployments", "tests", "pyproject.toml"}
    beside = {"README.md", "Makefile", "requirements.lock", "LICENSE", "CHANGELOG.md"}
    assert {t for t in top if not t.startswith(".")} <= agreed | beside
