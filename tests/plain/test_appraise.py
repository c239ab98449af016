"""An appraisal that is handed over: kept, written, the same again, and apart."""

import ast
import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.appraise import appraise, reperform
from schemas.errors import FactorError
from tasks import store
from tests.builders import temporary_store

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)
DEMO = "flight-disruption"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Store]:
    with temporary_store(tmp_path_factory.mktemp("appraised")) as opened:
        yield opened


def test_a_bundle_is_kept_in_the_store_and_written_as_it_is_kept(
    kept: store.Store, tmp_path: Path
) -> None:
    told = appraise(DEMO, AS_OF, tmp_path / "out")

    file = Path(told["file"])
    assert file.name == "flight-disruption-index-1.0.0-2026-06-20.tar"
    ref = store.resolve(kept, f"{DEMO}/asset/appraisal")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert ref.sha256 == told["sha256"] == digest
    assert {p.name for p in file.parent.iterdir()} == {
        *(file.name, "inputs.json", "results.json", "SHA256SUMS"),
        *("report.zh.html", "report.en.html", "tornado.zh.svg", "tornado.en.svg"),
    }
    assert told["illustrative"]
    assert b"ILLUSTRATIVE: rights" in (file.parent / "report.en.html").read_bytes()
    assert reperform(file) == told
    assert store.verify(kept, None).exit == 0


def test_again_it_is_the_same_to_the_byte(kept: store.Store, tmp_path: Path) -> None:
    first, second = (appraise(DEMO, AS_OF, tmp_path / name) for name in "ab")

    assert first["sha256"] == second["sha256"]


def test_a_report_of_a_later_day_is_not_known_yet() -> None:
    with pytest.raises(FactorError, match="no report of 2026-06-25 or before"):
        appraise(DEMO, date(2026, 6, 25), None)


def test_without_an_asset_there_is_nothing_to_appraise() -> None:
    with pytest.raises(FactorError, match="has no asset"):
        appraise("yield-monitors", AS_OF, None)


def imported(path: Path) -> set[str]:
    """What a module imports, with all that those modules import, of this project."""
    found: set[str] = set()
    left = [path]
    while left:
        for node in ast.walk(ast.parse(left.pop().read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            for name in (node.module, *(f"{node.module}.{a.name}" for a in node.names)):
                file = ROOT / f"{name.replace('.', '/')}.py"
                if file.is_file() and name not in found:
                    found.add(name)
                    left.append(file)
    return found


def test_nothing_that_writes_the_books_can_reach_an_appraised_value() -> None:
    beside = {"assetize"}  # sets it beside the books
    writers = {p for p in (ROOT / "tasks/asset").glob("*.py") if p.stem not in beside}
    reached = {
        f"{path.stem} imports {other}"
        for path in writers
        for other in imported(path)
        if other.startswith("tasks.asset.appraise")
    }

    assert reached == set()
    assert {"journal", "cost", "post", "amortize", "gates", "card"} <= {
        path.stem for path in writers
    }
    # The same search finds who does: the stage that sets both values side by side.
    assert "tasks.asset.appraise.value" in imported(ROOT / "tasks/asset/assetize.py")
