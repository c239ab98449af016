"""`survey` counts what the store holds, and adds the tables of other houses."""

import csv
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows import counted
from flows.counted import NOT_STATED, as_csv, facts, show, survey, write
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import SourceError
from tasks import store
from tasks.census import Cell
from tests.gauges import documents, opened
from tests.store.build import run

RAIN = b"gauge,day,value\na,2026-05-01,1\na,2026-06-01,2\nb,2026-06-01,4\n"
LEVEL = b"gauge,day,value\na,2026-05-01,10\na,2026-06-01,20\n"
COUNTRY = (
    "year,industry,region,factors,bytes,rows\r\n"
    "2024,O81 services,CN,1,41060000000000000000000,7\r\n"
)


def test_rows_and_bytes_of_each_year_are_those_of_the_files(tmp_path: Path) -> None:
    documents(tmp_path)
    (tmp_path / "country.csv").write_text(COUNTRY)
    with opened(tmp_path):
        for name, day in (("rain", 2024), ("rain", 2026), ("level", 2026)):
            value_chain.fn(name, date(day, 6, 30), Stage.RESOURCE)
        told = survey([tmp_path / "country.csv"])
        again = survey()

    both = len(RAIN) + len(LEVEL)
    assert [
        (y["year"], y["factors"], y["bytes"], y["rows"]) for y in told["years"]
    ] == [
        (2024, 2, str(41_060 * 10**18 + len(RAIN)), "10"),
        (2026, 2, str(both), "5"),
    ]
    assert [y["bytes"] for y in again["years"]] == [str(len(RAIN)), str(both)]


def test_what_is_written_can_be_read_and_added_by_another_house(tmp_path: Path) -> None:
    (tmp_path / "country.csv").write_text(COUNTRY)
    documents(tmp_path)
    with opened(tmp_path):
        told = survey([tmp_path / "country.csv"])
        table, page = write(told, tmp_path / "out")
        (tmp_path / "other.csv").write_text(COUNTRY.replace(",CN,1,", ",JS,1,"))
        twice = survey([Path(table), tmp_path / "other.csv"])

    rows = list(csv.DictReader(as_csv(told).splitlines()))
    assert [row["bytes"] for row in rows] == ["41060000000000000000000"]
    assert twice["years"][0]["bytes"] == "82120000000000000000000"
    assert "41,060,000,000,000,000,000,000" in Path(page).read_text("utf-8")


def test_a_table_that_is_in_the_sum_already_does_not_count_double(
    tmp_path: Path,
) -> None:
    """The house's own table, written last time, or one file named twice."""
    documents(tmp_path)
    country = tmp_path / "country.csv"
    country.write_text(COUNTRY)
    with opened(tmp_path):
        value_chain.fn("rain", date(2026, 6, 30), Stage.RESOURCE)
        own, _ = write(survey(), tmp_path / "out")
        with pytest.raises(
            SourceError, match=r"survey\.csv holds this house's own rows"
        ):
            survey([Path(own)])
        with pytest.raises(SourceError, match=r"country.csv .* count double"):
            survey([country, country])


def test_an_earlier_table_of_a_house_is_not_added_to_its_newer_rows(
    tmp_path: Path,
) -> None:
    """Its own, whose figures have changed since; another house's beside a sum of it."""
    documents(tmp_path)
    country, other = tmp_path / "country.csv", tmp_path / "other"
    country.write_text(COUNTRY)
    with opened(tmp_path):
        value_chain.fn("rain", date(2026, 6, 30), Stage.RESOURCE)
        older, _ = write(survey(), tmp_path / "older")
        value_chain.fn("level", date(2026, 6, 30), Stage.RESOURCE)
        with pytest.raises(SourceError, match="this house's own rows, of this or an"):
            survey([Path(older)])
        newer, _ = write(survey([country]), tmp_path / "newer")
    other.mkdir()
    documents(other)
    with opened(other):
        value_chain.fn("level", date(2026, 6, 30), Stage.RESOURCE)
        with pytest.raises(SourceError, match="of a house that another table holds"):
            survey([Path(older), Path(newer)])
        both = survey([Path(newer)])

    assert len(both["stores"]) == 2
    rain, level = len(RAIN), len(LEVEL)
    assert [y["bytes"] for y in both["years"]][-1] == str(rain + 2 * level)


def test_a_factor_whose_document_is_gone_is_named_in_a_note(tmp_path: Path) -> None:
    documents(tmp_path)
    with opened(tmp_path):
        for name in ("rain", "level"):
            value_chain.fn(name, date(2026, 6, 30), Stage.RESOURCE)
        assert survey()["notes"] == []
        (tmp_path / "factors" / "rain.yaml").unlink()
        told = survey()
        _, page = write(told, tmp_path / "out")
        console = Console(file=StringIO(), record=True, width=300)
        show(console, told, "industry")

    (note,) = told["notes"]
    assert note.startswith("rain: no document below DATAFACTOR_FACTORS states industry")
    assert {i["name"] for i in told["industries"]} == {"O81 services", NOT_STATED}
    assert note in console.export_text()
    assert "rain: no document below" in Path(page).read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year,bytes\n", "line 1: the table begins with year,industry,region"),
        (COUNTRY + "2024,A01,CN,1,4.1e22,7\n", "line 3: write year, industry"),
        (COUNTRY + "2024,A01,CN,1,-4,7\n", "line 3: write year, industry"),
        (COUNTRY + "2024,A01,,1,4,7\n", "line 3: write year, industry"),
        (COUNTRY + "2024,A01\n", "line 3: write year, industry"),
        (COUNTRY + "24,A01,CN,1,4,7\n", "line 3: write year, industry"),
        (COUNTRY + f"2024,A01,CN,1,{'9' * 41},7\n", "line 3: write year, industry"),
        (COUNTRY + '2024,"A01"x,CN,1,4,7\n', "cannot be read as a table"),
        ("", "line 1: the table begins with"),
    ],
)
def test_a_table_that_is_none_is_refused_by_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "other.csv").write_text(text)
    documents(tmp_path)
    with opened(tmp_path), pytest.raises(SourceError, match=f"other.csv {said}"):
        survey([tmp_path / "other.csv"])


def test_of_a_year_the_last_day_counts_that_was_assessed_whenever_it_was_made(
    tmp_path: Path,
) -> None:
    """March was made after June, of fewer rows; in December it failed."""
    documents(tmp_path)
    with opened(tmp_path):
        value_chain.fn("rain", date(2026, 6, 30), Stage.RESOURCE)
        (tmp_path / "rain.csv").write_bytes(RAIN.rpartition(b"b,")[0])
        value_chain.fn("rain", date(2026, 3, 31), Stage.RESOURCE)
        failed = run(
            task="assess",
            factor="rain",
            as_of=date(2026, 12, 31),
            status="FAIL",
            message="assess: no rule",
        )
        store.publish(store.current(), failed)
        (year,) = survey()["years"]

    assert (year["year"], year["rows"], year["bytes"]) == (2026, "3", str(len(RAIN)))


def test_a_line_of_the_table_says_by_how_much_it_grew() -> None:
    """125 after 100 and 3 after 4; another region is new."""
    cells = [
        Cell(2025, "A01", "CN", 1, 100, 4),
        Cell(2026, "A01", "CN", 1, 125, 3),
        Cell(2026, "A01", "JS", 1, 7, 7),
    ]

    rows = csv.DictReader(
        as_csv({"cells": [*map(facts, cells)], "stores": []}).splitlines()
    )

    grown = [(r["bytes_growth_percent"], r["rows_growth_percent"]) for r in rows]
    assert grown == [("", ""), ("25.0", "-25.0"), ("", "")]


def test_a_spreadsheet_reads_the_signs_and_runs_no_cell(tmp_path: Path) -> None:
    cells = [facts(Cell(2026, "=1+1", "江苏", 1, 7, 7))]
    sums: dict[str, Any] = {n: [] for n in ("years", "industries", "regions")}
    data = {"cells": cells, **sums, "houses": 1, "stores": [], "notes": []}

    table, _ = write(data, tmp_path)

    assert Path(table).read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(Path(table).read_text("utf-8-sig").splitlines())
    assert (row["industry"], row["region"]) == ("'=1+1", "江苏")


def test_a_file_that_is_no_text_or_endless_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.csv"
    documents(tmp_path)
    with opened(tmp_path):
        other.write_bytes(COUNTRY.encode() + b"2024,\xff,CN,1,4,7\n")
        with pytest.raises(SourceError, match=r"other\.csv cannot be read as a table"):
            survey([other])
        other.unlink()
        with pytest.raises(SourceError, match=r"other\.csv cannot be read as a table"):
            survey([other])
        other.write_text(COUNTRY + COUNTRY.splitlines()[1] + "\n")
        monkeypatch.setattr(counted, "MOST", 2)
        with pytest.raises(SourceError, match=r"line 3: .* in at most 2 lines"):
            survey([other])
