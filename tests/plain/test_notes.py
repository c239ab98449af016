"""What reading passes over or joins changes no row, and yet stands in the run."""

import gzip
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.redrive import redrive_rows
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tasks import store
from tests.builders import temporary_store
from tests.command import Said, datafactor
from tests.small import DOCUMENT, HEADER, PEOPLE, small_factor

BLANKS = "\n".join((HEADER, "", *PEOPLE[:3], "", "", *PEOPLE[3:])) + "\n"
REF = "people/resource/people"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Eight people and three blank lines, in two gzip members of one file."""
    small_factor(tmp_path, DOCUMENT.replace("people.csv", "people.csv.gz"))
    text = BLANKS.encode()
    packed = gzip.compress(text[:30]) + gzip.compress(text[30:])
    (tmp_path / "people.csv.gz").write_bytes(packed)
    factors = str(tmp_path / "factors")
    where = {"DATAFACTOR_DATA": str(tmp_path), "DATAFACTOR_FACTORS": factors}
    with temporary_store(tmp_path, **where):
        yield tmp_path


def run() -> None:
    value_chain.fn("people", date(2026, 6, 30), Stage.RESOURCE)


def collected() -> str:
    s = store.current()
    table = store.scan(s, store.resolve(s, "people/resource/balance")).collect()
    return str(table.filter(step="collect")["reason"].item())


def test_the_balance_tells_of_blank_lines_and_of_joined_members(home: Path) -> None:
    run()

    assert collected() == (
        "1 raw piece; 3 blank lines passed over; 2 gzip members joined"
    )
    s = store.current()
    assert store.rejects(s, REF)["_line"].to_list() == [4, 5, 9, 10, 11]
    assert store.verify(s).exit == 0


def test_blank_lines_before_the_heading_of_each_member_are_counted(home: Path) -> None:
    """Two of the first member, one of the second."""
    small_factor(home, DOCUMENT.replace("people.csv", "days.zip!*.csv"))
    with zipfile.ZipFile(home / "days.zip", "w") as packed:
        packed.writestr("a.csv", "\n".join(("", "", HEADER, *PEOPLE[:3])) + "\n")
        packed.writestr("b.csv", "\n".join(("", HEADER, *PEOPLE[3:])) + "\n")

    run()

    assert collected() == "1 raw piece; 3 blank lines passed over"


def test_they_feed_no_indicator(home: Path) -> None:
    run()

    told = store.series(store.current(), "people")

    lines = told.filter(code="0102").select("a", "b").row(0)
    assert lines == (15, 16)  # eight lines, asked twice; one of them is ragged
    assert not told["fed_by"].str.contains("blank|gzip").any()


def test_a_redrive_does_not_forget_them(home: Path) -> None:
    run()
    document = home / "factors" / "people.yaml"
    document.write_text(document.read_text().replace("maximum: 120", "maximum: 140"))
    assert redrive_rows(REF, None)["moved"] == 1
    document.write_text(document.read_text().replace("maximum: 140", "maximum: 120"))

    run()

    assert "3 blank lines passed over; 2 gzip members joined" in collected()


def test_show_and_the_line_of_the_run_tell_them(home: Path) -> None:
    def ask(*words: str) -> Said:
        factors = str(home / "factors")
        return datafactor(*words, home=home, data=home, DATAFACTOR_FACTORS=factors)

    said = ask("run", "people", "--as-of", "2026-06-30", "--through", "resource")
    shown = ask("show", "people").out

    assert said.exit == 0, said.err
    assert "8 in, 3 out, 5 rejected, 3 blank lines passed over, " in said.out
    assert "bytes, 2 gzip members joined, " in said.out
    told = {line.split()[2]: line for line in shown.splitlines() if "people" in line}
    assert "3 blank lines passed over" in told["clean[people]"]
    assert "2 gzip members joined" in told["collect[people]"]


def test_a_run_that_passed_nothing_over_tells_nothing(home: Path) -> None:
    text = BLANKS.replace("\n\n", "\n").replace("\n\n", "\n")
    (home / "people.csv.gz").write_bytes(gzip.compress(text.encode()))

    run()

    assert collected() == "1 raw piece"
    checks = [c for r in store.runs(store.current()) for c in r.publication.checks]
    assert not [c for c in checks if c.check.startswith(("blank", "gzip"))]
