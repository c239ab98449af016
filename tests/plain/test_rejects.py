"""Rejects for people: counted, masked, and as a file that can be mended."""

import csv
import io
import stat
from pathlib import Path

import pytest

from tests.command import Said, datafactor
from tests.small import DOCUMENT, small_factor

REF = "people/resource/people"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people, five of them rejected: see the lines in ``tests.small``."""
    folder = tmp_path_factory.mktemp("people")
    small_factor(folder)
    said = ask(folder, "run", "people", "--as-of", "2026-06-30")
    assert said.exit == 0, said.err
    return folder


def ask(home: Path, *arguments: str) -> Said:
    factors = str(home / "factors")
    return datafactor(*arguments, home=home, data=home, DATAFACTOR_FACTORS=factors)


def test_rejects_are_counted_by_rule_and_by_file_before_they_are_shown(
    home: Path,
) -> None:
    said = ask(home, "rejects", REF, "--json")

    assert said.data["total"] == 5
    rules = {r["rule"].partition(":")[2]: r["rows"] for r in said.data["rules"]}
    assert rules == {
        "parse": 2,
        "required": 1,
        "ragged line": 1,
        "0:at most 120": 1,
    }
    assert said.data["places"] == [
        {"source": "people", "member": "people.csv", "rows": 5}
    ]
    shown = ask(home, "rejects", REF).out
    assert shown.index("by rule") < shown.index("by member") < shown.index("_line")


def test_shown_as_a_frame_rejects_tell_their_rules_in_words(home: Path) -> None:
    rows = ask(home, "show", f"{REF}.rejects", "--json").data["rows"]

    assert [(row["_line"], row["_reasons"]) for row in rows] == [
        (3, "age:parse"),
        (4, "age:parse"),
        (6, "age:0:at most 120"),
        (7, "*:ragged line"),
        (8, "name:required"),
    ]
    assert {row["plate"] for row in rows} <= {"•••", None}


def test_a_classified_column_is_masked_unless_it_is_revealed(home: Path) -> None:
    masked = ask(home, "rejects", REF, "--csv", "-")
    revealed = ask(home, "rejects", REF, "--csv", "-", "--reveal")

    assert "苏A12345" not in masked.out
    assert "苏A12345" in revealed.out


def test_all_rows_are_exported_into_a_private_file_without_formulas(
    home: Path,
) -> None:
    target = home / "mend.csv"
    target.write_text("open to all before")
    target.chmod(0o644)

    said = ask(home, "rejects", REF, "--csv", str(target), "--reveal")

    assert said.exit == 0, said.err
    assert "5 rejected rows" in said.out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(target.read_text("utf-8-sig"))))
    assert [int(row["_line"]) for row in rows] == [3, 4, 6, 7, 8]
    assert rows[0]["age"] == "'=1+1"
    assert [row["plate"] for row in rows] == ["", "'@SUM(A1)", "苏A12345", "", "苏B1"]
    assert not any(v[:1] in "=+-@" for row in rows for v in row.values() if v)


def test_limit_takes_the_first_rows_only(home: Path) -> None:
    said = ask(home, "rejects", REF, "--csv", "-", "--limit", "2")

    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["_line"] for row in rows] == ["3", "4"]


def test_what_cannot_be_written_is_one_sentence(home: Path) -> None:
    said = ask(home, "rejects", REF, "--csv", str(home / "no" / "such.csv"))

    assert said.exit == 1
    assert "such.csv" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("frame", "column", "seen"),
    [
        ("balance", "step", "clean"),  # counts: nothing of the people is in them
        ("quality", "factor", "people"),
        ("people", "name", "Ada"),
        ("people", "plate", "•••"),
        ("resource", "name", "•••"),  # SQL may have taken it from a classified column
    ],
)
def test_only_what_may_hold_a_classified_value_is_masked(
    home: Path, frame: str, column: str, seen: str
) -> None:
    rows = ask(home, "show", f"people/resource/{frame}", "--json").data["rows"]

    assert seen in {row[column] for row in rows}


def test_what_looks_personal_is_masked_until_a_person_decides(tmp_path: Path) -> None:
    undecided = DOCUMENT.replace(", classification: personal", "")
    assert undecided != DOCUMENT
    small_factor(tmp_path, undecided)
    ask(tmp_path, "run", "people", "--as-of", "2026-06-30")

    rows = ask(tmp_path, "rejects", REF, "--json").data["rows"]
    assert {row["plate"] for row in rows} <= {"•••", None}
    assert "•••" in {row["plate"] for row in rows}

    decided = undecided.replace(
        "name: plate, logicalType: string",
        "name: plate, logicalType: string, classification: internal",
    )
    small_factor(tmp_path, decided)
    rows = ask(tmp_path, "rejects", REF, "--json").data["rows"]
    assert "苏A12345" in {row["plate"] for row in rows}
