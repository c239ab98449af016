"""What `new` writes passes at once, and a package of one's own needs no change here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.begin import new_factor, new_task, words_of
from schemas.errors import FactorError
from tests.command import ROOT, afresh, environment


def pytest_in(folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the tests of a folder as its owner does: from there."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**environment(folder), "PYTHONPATH": str(ROOT), **more},
    )


def test_a_new_factor_is_sound_and_its_test_passes_in_an_empty_folder(
    tmp_path: Path,
) -> None:
    told = new_factor("rain-gauges", tmp_path)

    done = pytest_in(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert len(told["written"]) == 5
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(FactorError, match=r"rain-gauges\.yaml is there already"):
        new_factor("rain-gauges", tmp_path)
    assert all(p.read_bytes() == said for p, said in before.items())
    assert len(new_factor("snow", tmp_path)["written"]) == 3  # entity, policy stay


def test_the_test_of_a_new_factor_leaves_the_house_alone_that_a_terminal_names(
    tmp_path: Path,
) -> None:
    """Who works for a house has its database, its server and its bucket set."""
    new_factor("rain-gauges", tmp_path)
    house = {
        "DATAFACTOR_DATABASE": f"sqlite:///{tmp_path / 'house.db'}",
        "DATAFACTOR_OBJECTS": str(tmp_path / "house"),
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
    }

    done = pytest_in(tmp_path, **house)

    assert done.returncode == 0, done.stdout
    assert not [*tmp_path.glob("house*")]


@pytest.mark.parametrize("name", ["class", "json", "polars"])
def test_a_new_task_hides_no_module_and_is_no_word_of_python(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(FactorError, match=f"choose another name, such as {name}-task"):
        new_task(name, tmp_path)

    assert not any(tmp_path.iterdir())


def test_a_package_of_ones_own_is_built_installed_and_makes_a_product(
    tmp_path: Path,
) -> None:
    """Built as a wheel, installed beside the project, named by a document, traced."""
    new_factor("gauges", tmp_path)
    new_task("wet-gauges", tmp_path)
    assert pytest_in(tmp_path / "wet-gauges").returncode == 0
    site = installed(tmp_path / "wet-gauges", tmp_path / "site")
    document = tmp_path / "factors" / "gauges.yaml"
    own = document.read_text("utf-8").replace(
        "  query: SELECT gauge, SUM(value) AS total FROM resource GROUP BY gauge\n",
        "  task: wet_gauges\n  parameters: {least: 5}\n",
    )
    own = own.replace("name: gauge,", "name: name,").replace(
        "key: [gauge", "key: [name"
    )
    own = own.replace(
        "name: day, logicalType: date", "name: part, logicalType: integer"
    )
    own = own.replace("name: value,", "name: whole,").replace(", day]", "]")
    own = own.replace("name: total,", "name: per_mille,")
    document.write_text(own, "utf-8")
    (tmp_path / "data" / "gauges.csv").write_text("name,part,whole\na,3,8\nb,1,2\n")

    made = run(tmp_path, site, "run", "gauges", "--as-of", "2026-06-30")
    answer = run(tmp_path, site, "answer", "gauges")
    traced = run(tmp_path, site, "trace", "gauges")
    composed = composes(tmp_path, site)

    assert made["summary"]["product"].startswith("1 row")
    assert answer["rows"] == [["a", "375"]]
    assert "gauges.csv" in json.dumps(traced)
    assert composed == "2"


def installed(package: Path, site: Path) -> Path:
    """Build a wheel of a package, and install it into a folder of its own."""
    pip = [sys.executable, "-m", "pip"]
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [*pip, "wheel", *offline, "-w", str(package / "dist"), str(package)], check=True
    )
    (wheel,) = (package / "dist").glob("*.whl")
    command = [*pip, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(site), str(wheel)], check=True)
    return site


def surroundings(home: Path, site: Path) -> dict[str, Any]:
    return {
        "DATAFACTOR_FACTORS": str(home / "factors"),
        "DATAFACTOR_DATA": str(home / "data"),
        "PYTHONPATH": f"{ROOT}:{site}",
    }


def run(home: Path, site: Path, *words: str) -> dict[str, Any]:
    """Run a command where the package is installed."""
    said = afresh(*words, "--json", home=home, **surroundings(home, site))
    assert said.exit == 0, said.err
    found: dict[str, Any] = said.data
    return found


def composes(home: Path, site: Path) -> str:
    """Run the package's own flow over rows of the store."""
    script = (
        "from wet_gauges import wet_gauges_flow as f;"
        "print(f.fn('gauges/resource/resource', 1).rows)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**environment(home), **surroundings(home, site)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["", "Rain", "rain_x", "../x", "9x", "a" * 41, "a--b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(FactorError, match="is no name: write small letters"):
        words_of(name)
