"""Re-driving moves exactly the rows that pass now, and runs go on from them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from flows.face import redriven
from flows.redrive import redrive_rows
from flows.rejected import write_csv
from flows.roots import fingerprint_of
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import DatafactorError
from tasks import store
from tests.builders import temporary_store
from tests.command import datafactor
from tests.small import DOCUMENT, small_factor

REF = "people/resource/people"


def run() -> None:
    value_chain.fn("people", date(2026, 6, 30), Stage.RESOURCE)


def rows(ref: str) -> pl.DataFrame:
    s = store.current()
    return store.scan(s, store.resolve(s, ref)).collect()


def runs() -> list[tuple[str, str]]:
    """List the runs, newest first, by task and status."""
    found = store.runs(store.current())
    return [(r.publication.task, r.publication.status) for r in found]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Eight people, five rejected: lines 3, 4 (age), 6 (130), 7 (ragged), 8 (name)."""
    small_factor(tmp_path)
    with opened(tmp_path):
        run()
        yield tmp_path


def opened(home: Path) -> Any:  # Any: a context manager
    factors = str(home / "factors")
    return temporary_store(home, DATAFACTOR_DATA=str(home), DATAFACTOR_FACTORS=factors)


def exported(home: Path, *edits: tuple[str, str], reveal: bool = True) -> Path:
    """Export the rejects, and mend some text of the file."""
    target = home / "mend.csv"
    write_csv(REF, str(target), reveal, None)
    text = target.read_text("utf-8")
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    target.write_text(text, "utf-8")
    return target


def test_a_mended_rule_moves_the_rows_that_pass_now_and_no_other(home: Path) -> None:
    document = DOCUMENT.replace("maximum: 120", "maximum: 140")
    (home / "factors" / "people.yaml").write_text(document, "utf-8")

    told = redrive_rows(REF, None)

    assert (told["rejected"], told["moved"], told["remain"]) == (5, 1, 4)
    assert told["rows"] == 4
    assert told["files"] == 1
    left = store.rejects(store.current(), REF)
    assert left["_line"].to_list() == [3, 4, 7, 8]
    assert left["_member"].unique().to_list() == ["people.csv"]
    assert left["age"].to_list() == ["=1+1", "x7", None, "50"]  # as they were written


def test_mended_rows_move_and_the_run_goes_on_from_them(home: Path) -> None:
    # "=1+1" was written as '=1+1; the ragged line becomes a record; 130 stays.
    mend = exported(
        home, ("'=1+1", "22"), ('"6,Flo",,,,', ",6,Flo,33,苏D4"), ("7,,50", "7,Hal,50")
    )

    told = redrive_rows(REF, mend)
    run()

    assert (told["rejected"], told["moved"], told["remain"]) == (5, 3, 2)
    assert told["changed"] == 6  # one age, four cells of the ragged line, one name
    assert rows(REF)["id"].to_list() == [1, 2, 4, 6, 7, 8]
    assert rows("people/resource/resource")["id"].to_list() == [1, 2, 4, 6, 7, 8]
    assert runs().count(("clean", "COMPLETE")) == 2  # the source, then the mended file


def test_what_was_mended_is_an_ancestor_of_all_that_follows(home: Path) -> None:
    redrive_rows(REF, exported(home, ("x7", "7")))
    run()

    s = store.current()
    nodes = store.trace(s, store.resolve(s, "people/resource/resource").id)

    names = {node.name for node in nodes}
    assert names >= {REF, f"{REF}.rejects", f"{REF}_fixed"}
    roots = {node.origin.path for node in nodes if node.origin}
    assert roots == {"people.csv", "mend.csv"}
    (mended,) = [n for n in nodes if n.origin and n.origin.path == "mend.csv"]
    assert store.path(s, mended.sha256).stat().st_mode & 0o777 == 0o600
    assert store.verify(s, None).exit == 0


def test_a_mended_source_is_one_root_with_the_rows_of_now(home: Path) -> None:
    redrive_rows(REF, exported(home, ("x7", "7")))
    run()

    s = store.current()
    made = fingerprint_of("people", store.resolve(s, "people/resource/resource"))

    (root,) = store.scan(s, made).collect().to_dicts()
    assert root["root"] == store.digest(home / "people.csv")
    assert (root["place"], root["rows"]) == ("people/people!people.csv", 4)


def test_doing_it_again_moves_nothing_and_publishes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mend = exported(home, ("x7", "7"))
    first = redrive_rows(REF, mend)
    before = runs()

    again, plain = redrive_rows(REF, mend), redrive_rows(REF, None)

    assert first["moved"] == 1
    assert (again["moved"], again["remain"]) == (0, 4)
    assert (plain["moved"], plain["remain"]) == (0, 4)
    assert runs() == before
    redriven(Console(), plain)
    assert "nothing was changed" in capsys.readouterr().out


def test_two_mends_follow_each_other(home: Path) -> None:
    redrive_rows(REF, exported(home, ("x7", "7")))
    second = redrive_rows(REF, exported(home, ("130", "30")))
    run()

    assert second["remain"] == 3
    assert rows("people/resource/resource")["id"].to_list() == [1, 3, 4, 5, 8]


def test_a_key_that_stands_keeps_a_mended_row_in_quarantine(home: Path) -> None:
    """Line 3 becomes a second row 1, line 4 passes; row 1 itself is not touched."""
    told = redrive_rows(REF, exported(home, ("2,Bo,'=1+1", "1,Bo,22"), ("x7", "7")))

    assert (told["moved"], told["remain"], told["rows"]) == (1, 4, 4)
    left = store.rejects(store.current(), REF)
    assert left.filter(_line=3)["_reasons"].to_list() == [["unique:id"]]
    assert rows(REF)["name"].to_list() == ["Ada", "Cy", "Di", "Gus"]


def test_a_row_equal_to_one_that_stands_stays_in_quarantine_too(home: Path) -> None:
    told = redrive_rows(REF, exported(home, ("2,Bo,'=1+1,", "8,Gus,20,"), ("x7", "7")))

    assert (told["moved"], told["remain"], told["rows"]) == (1, 4, 4)
    assert store.rejects(store.current(), REF)["_line"].to_list() == [3, 6, 7, 8]


def test_two_mended_rows_of_one_key_both_stay(home: Path) -> None:
    mend = exported(home, ("2,Bo,'=1+1", "9,Bo,22"), ("3,Cy,x7", "9,Cy,7"))

    told = redrive_rows(REF, mend)

    assert (told["moved"], told["remain"]) == (0, 5)


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ((("people.csv,3,", "people.csv,2,"),), "people.csv line 2; leave them out"),
        ((("people.csv,3,", "other.csv,3,"),), "other.csv line 3"),
        ((("_line,", ""),), "is not the table that `rejects --csv --reveal` wrote"),
        ((("people.csv,4,", "people.csv,3,"),), "is not the table"),
    ],
)
def test_a_file_of_other_rows_is_one_sentence(
    home: Path, edits: tuple[tuple[str, str], ...], told: str
) -> None:
    with pytest.raises(DatafactorError) as caught:
        redrive_rows(REF, exported(home, *edits))

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "苏" not in str(caught.value)
    assert rows(REF).height == 3


def test_a_masked_file_is_refused(home: Path) -> None:
    with pytest.raises(DatafactorError, match="write the file with --reveal"):
        redrive_rows(REF, exported(home, reveal=False))


def test_rows_that_stand_are_never_rejected_by_a_redrive(home: Path) -> None:
    document = DOCUMENT.replace("maximum: 120", "maximum: 40")
    (home / "factors" / "people.yaml").write_text(document, "utf-8")

    with pytest.raises(DatafactorError, match=r"1 of the rows that stand .*run people"):
        redrive_rows(REF, exported(home, ("x7", "7")))


def test_a_frame_that_is_no_source_is_refused_with_the_remedy(home: Path) -> None:
    with pytest.raises(DatafactorError, match="name one of people/resource/people"):
        redrive_rows("people/resource/resource", None)


def test_a_person_does_it_from_the_command_line(home: Path) -> None:
    mend = exported(home, ("x7", "7"))

    said = datafactor(
        *("redrive", REF, "--with", str(mend)),
        home=home,
        data=home,
        DATAFACTOR_HOME=str(home / "home"),
        DATAFACTOR_FACTORS=str(home / "factors"),
    )

    assert said.exit == 0, said.err
    assert "1 of 5 rejected rows moved (1 cells mended), 4 remain" in said.out
    assert "datafactor run people" in said.out


def test_partitions_are_redriven_piece_by_piece(tmp_path: Path) -> None:
    """Two files by day; one mended row belongs to the day before its file's."""
    small_factor(tmp_path, PARTED)
    for day, lines in DAYS.items():
        (tmp_path / f"day-{day}.csv").write_text("day,at,n\n" + lines, "utf-8")
    ref, target = "people/resource/counts", tmp_path / "mend.csv"
    with opened(tmp_path):
        run()
        write_csv(ref, str(target), True, None)
        text = target.read_text("utf-8").replace(",x,", ",2024-05-01,")
        target.write_text(text.replace(",y", ",8"), "utf-8")

        told = redrive_rows(ref, target)
        run()

        assert (told["rejected"], told["moved"], told["remain"]) == (3, 2, 1)
        resource = "people/resource/resource"
        assert rows(resource).height == 6
        assert rows(f"{resource}@2024-05-01")["n"].to_list() == [1, 2, 8, 2]
        assert rows(f"{resource}@2024-05-02")["n"].to_list() == [1, 3]


DAYS = {
    "1": "2024-05-01,1,1\n2024-05-01,2,2\n2024-05-01,3,y\n",
    "2": "2024-05-02,1,1\nx,4,2\n2024-05-02,3,3\n2024-05-02,,3\n",
}
PARTED = """
factor: people
title: Counts by day
entity: jiangbei-data
policy: cn-2025
scenario: {user: clerks, decision: whom to call, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: O81 services}
sources:
  counts:
    path: day-*.csv
    licence: own books
    max_rejected_rate: 0.9
    key: [day, at]
    columns:
      - {name: day, logicalType: date, required: true, classification: internal}
      - {name: at, logicalType: integer, required: true, classification: internal}
      - {name: n, logicalType: integer, classification: internal}
resource:
  partition: {column: day, by: day}
  key: [day, at]
  order: [day, at]
"""  # noqa: E501 - a document as people write it
