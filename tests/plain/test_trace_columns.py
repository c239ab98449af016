"""Each column of a product is followed back to the headings of files, by hand here."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandera.polars as pa
import polars as pl
import pytest

from flows.cli import main
from flows.redrive import redrive_rows
from flows.stages import PRODUCT_TASKS
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.terms import TaskTerms
from tasks import store
from tasks.stage import stage_task
from tests.builders import temporary_store
from tests.small import small_factor

AS_OF = date(2026, 6, 30)
SCENARIO = "{user: clerks, decision: whom to call, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: O81 services}"  # noqa: E501 - a document as people write it
HEAD = f"""
title: Trips
entity: jiangbei-data
policy: cn-2025
scenario: {SCENARIO}
"""
TRIPS = """
sources:
  trips:
    path: trips.csv
    licence: CC0-1.0
    max_rejected_rate: 0.5
    columns:
      - {name: line, physicalName: Ligne, logicalType: string, classification: public}
      - {name: delay, physicalName: Retard, logicalType: integer, required: true, classification: public}
      - {name: stop, logicalType: string, classification: public}
  lines:
    path: lines.csv
    licence: CC0-1.0
    columns:
      - {name: line, logicalType: string, classification: public}
      - {name: mode, logicalType: string, classification: public}
    key: [line]
resource:
  consolidate: |
    SELECT t.line, l.mode AS kind, t.delay * 60 AS seconds
    FROM trips t JOIN lines l ON t.line = l.line
    WHERE t.stop <> 'depot'
  labels: {late: seconds > 300}
  columns:
    - {name: line, logicalType: string, classification: public}
    - {name: kind, logicalType: string, classification: public}
    - {name: seconds, logicalType: integer, classification: public}
    - {name: late, logicalType: boolean, classification: public}
"""  # noqa: E501 - a document as people write it
OFFER = """
  version: 1.0.0
  licence:
    name: CC0-1.0
    permissions: [use, reproduce, present, derive, distribute, sell, commercialize]
  compliance:
    lawful_source: {answer: true, evidence: made up for a test}
    undisputed: {answer: true, evidence: made up for a test}
    third_party_rights: {answer: true, evidence: made up for a test}
    consent: {basis: none-personal, evidence: lines are no persons}
"""
BY_KIND = """
product:
  name: kinds
  query: |
    SELECT kind, COUNT(*) FILTER (WHERE late) AS late, MAX(seconds) AS worst
    FROM resource GROUP BY kind HAVING COUNT(line) > 0
  columns:
    - {name: kind, logicalType: string, classification: public}
    - {name: late, logicalType: integer, classification: public}
    - {name: worst, logicalType: integer, classification: public}
"""
BY_TASK = """
inputs: {kinds: trips/product}
product:
  name: worst
  task: worst_kind
  columns: [{name: kind, logicalType: string, classification: public}]
"""


class Kind(pa.DataFrameModel):
    """Key: kind."""

    kind: str


def worst_kind(kinds: pl.LazyFrame, terms: TaskTerms) -> Annotated[pl.LazyFrame, Kind]:
    """Keep the kind with the longest delay."""
    return kinds.sort("worst").tail(1).select("kind")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("columns")
    small_factor(home)
    trips, worst = home / "factors" / "trips.yaml", home / "factors" / "worst.yaml"
    trips.write_text(f"factor: trips{HEAD}{TRIPS}{BY_KIND}{OFFER}", encoding="utf-8")
    worst.write_text(f"factor: worst{HEAD}{BY_TASK}{OFFER}", encoding="utf-8")
    rows = "Ligne,Retard,stop\n1,2,a\n1,9,b\n2,x,a\n2,1,depot\n"
    (home / "trips.csv").write_text(rows, encoding="utf-8")
    (home / "lines.csv").write_text("line,mode\n1,bus\n2,tram\n", encoding="utf-8")
    env = {"DATAFACTOR_DATA": str(home), "DATAFACTOR_FACTORS": str(home / "factors")}
    with temporary_store(home, **env), pytest.MonkeyPatch.context() as patch:
        task = stage_task(Stage.PRODUCT, worst_kind)
        patch.setitem(PRODUCT_TASKS, "worst_kind", task)
        value_chain.fn("trips", AS_OF)
        value_chain.fn("worst", AS_OF)
        yield home


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # Any: JSON
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["data"]


def ways(capsys: pytest.CaptureFixture[str], ref: str) -> list[str]:
    return [
        f"{e['column']} {e['how']} {e['from'].removeprefix('trips/resource/')}"
        f".{e['source_column']}"
        for e in asked(capsys, "trace", ref, "--columns")
    ]


def test_a_resource_is_followed_through_sql_and_labels_to_the_files_headings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(ways(capsys, "trips/resource")) == [
        "* filter lines.line",
        "* filter trips.Ligne",
        "* filter trips.stop",
        "kind value lines.mode",
        "late value trips.Retard",
        "line value trips.Ligne",
        "seconds value trips.Retard",
    ]


def test_a_product_is_followed_through_the_resource(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``worst`` is a MAX: one row's own delay; HAVING counted lines."""
    expected = [
        "* filter lines.line",
        "* filter lines.mode",
        "* filter trips.Ligne",
        "* filter trips.stop",
        "kind value lines.mode",
        "late aggregate trips.Retard",
        "worst value trips.Retard",
    ]

    assert sorted(ways(capsys, "trips/product")) == expected
    assert sorted(ways(capsys, "trips/product/derived")) == expected


def test_each_artifact_says_whether_its_columns_can_be_followed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = asked(capsys, "trace", "worst/product")["artifacts"]
    known = {f"{n['factor']}/{n['frame']}": n["lineage"] for n in nodes}

    assert known["worst/product"] == known["worst/derived"] == "column"
    assert known["worst/worst_kind"] == "table"
    assert known["trips/resource"] == known["trips/product"] == "column"
    assert known["trips/classify"] == "table"
    files = {n["frame"]: n["lineage"] for n in nodes if n["origin"]}
    assert files == {"trips": "bytes", "lines": "bytes"}


def test_the_way_of_a_column_ends_at_a_stage_in_python_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (edge,) = asked(capsys, "trace", "worst/product", "--columns")

    assert edge["from"] == "worst/product/worst_kind"
    assert (edge["column"], edge["source_column"]) == ("kind", "kind")
    assert edge["known"] == "table"


def test_people_read_the_same_as_a_table(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "trips/product", "--columns"]) == 0
    said = capsys.readouterr().out.splitlines()

    assert said[0].split() == ["column", "as", "of", "column", "in", "known", "as"]
    assert ["worst", "value", "Retard"] in [line.split()[:3] for line in said]
    assert sum(line.startswith("every row") for line in said) == 4
    assert main(["trace", "trips/product"]) == 0
    assert "lineage" in capsys.readouterr().out


def test_what_is_no_table_of_rows_has_no_columns_to_follow(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "trips/resource/score", "--columns"]) == 1

    assert "no column can be followed" in capsys.readouterr().err


def test_rows_that_were_redriven_are_followed_as_before(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ways(capsys, "trips/resource")
    fixed = home / "fixed.csv"
    frame = "trips/resource/trips"
    assert main(["rejects", frame, "--csv", str(fixed), "--reveal"]) == 0
    fixed.write_text(fixed.read_text("utf-8").replace("x", "7"), encoding="utf-8")
    assert redrive_rows(frame, fixed)["moved"] == 1
    value_chain.fn("trips", AS_OF)
    capsys.readouterr()

    s = store.current()
    nodes = store.trace(s, store.resolve(s, "trips/resource").id)
    assert "redrive" in {n.task for n in nodes}
    assert ways(capsys, "trips/resource") == before
