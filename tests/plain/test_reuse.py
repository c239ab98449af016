"""What makes a stage run again, and what does not: on a copy of the project's code."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive import small_archive
from tests.command import ROOT, datafactor

RUN = ("run", "flight-disruption", "--as-of", "2026-06-30", "--json")


class Project:
    """A copy of the code beside a small data folder and a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.code, self.home, self.data = (folder / n for n in ("code", "home", "data"))
        for room in ("flows", "tasks", "schemas", "deployments"):
            shutil.copytree(
                ROOT / room,
                self.code / room,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        small_archive(self.data)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.code / file
        text = path.read_text("utf-8")
        assert text.count(old) >= 1, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    def run(self) -> dict[str, bool]:
        said = datafactor(*RUN, home=self.home, data=self.data, code=self.code)
        assert said.exit == 0, said.err
        return {s["stage"]: s["reused"] for s in said.data["stages"]}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("reuse"))
    assert not any(project.run().values())
    return project


@pytest.fixture
def project(first: Project, tmp_path: Path) -> Project:
    """A project that has run once, to be edited freely."""
    copy = object.__new__(Project)
    copy.code, copy.home, copy.data = (tmp_path / n for n in ("code", "home", "data"))
    for there, here in (
        (first.code, copy.code),
        (first.home, copy.home),
        (first.data, copy.data),
    ):
        shutil.copytree(there, here)
    return copy


def edits(file: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(file, old, new)


def again(project: Project) -> set[str]:
    return {stage for stage, reused in project.run().items() if not reused}


def test_nothing_changed_nothing_runs(project: Project) -> None:
    assert again(project) == set()


def test_a_comment_changes_nothing(project: Project) -> None:
    project.edit("tasks/finance.py", "\n", "\n# a remark\n")
    project.edit("tasks/resource/transform.py", "\n", "\n# a remark\n")

    assert again(project) == set()


def test_one_fen_more_in_the_conversion_runs_the_stages_of_money(
    project: Project,
) -> None:
    project.edit("schemas/money.py", "ROUND_HALF_UP))", "ROUND_HALF_UP)) + 1")

    ran = again(project)

    assert {"assetize", "capitalize"} <= ran


def test_another_principal_under_the_same_agreement_is_refused(
    project: Project,
) -> None:
    project.edit(
        "deployments/factors/flight-disruption.yaml",
        'principal: "5000000.00"',
        'principal: "5000000.01"',
    )

    said = datafactor(*RUN, home=project.home, data=project.data, code=project.code)

    assert said.exit == 1
    assert said.data["refused"] == "capitalize"
    assert "differs from the loan in ['amount_fen']" in said.data["grounds"][0]


def test_a_helper_two_imports_away_runs_its_stage_and_spreads_no_further(
    project: Project,
) -> None:
    project.edit(
        "tasks/resource/clauses.py",
        "def cut_query(",
        "def unused_helper() -> int:\n    return 1\n\n\ndef cut_query(",
    )

    ran = again(project)

    # Same bytes come out, so what follows keeps its inputs' ids.
    assert ran == {"transform"}


def test_a_policy_rule_runs_the_stage_that_reads_it(project: Project) -> None:
    project.edit("deployments/policies/cn-2025.yaml", 'value: "0.50"', 'value: "0.55"')

    # What else is lent is measured by the same rules.
    assert again(project) == {"survey", "capitalize"}


def test_other_raw_bytes_run_the_chain(project: Project) -> None:
    small_archive(project.data, flights=1_999)

    ran = again(project)

    assert {"collect[flights]", "clean[flights]", "transform", "productize"} <= ran
    assert "clean[weather]" not in ran


def test_a_moved_data_folder_changes_no_id(project: Project) -> None:
    project.data = project.data.rename(project.data.with_name("elsewhere"))

    assert again(project) == set()
