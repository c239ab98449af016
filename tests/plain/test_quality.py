"""Quality from raw files to the gates of money: a partitioned resource, and the demo.

The levels were counted by hand. 1 May: 4 lines, all stand. 2 May: 5 lines, of which one
lacks its level, one has a level of 99, and two are the same; 1 stands.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from flows.cli import main
from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused
from schemas.quality import Score
from tasks import store
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT

WELLS = """
factor: wells
title: Levels of wells
entity: jiangbei-data
policy: cn-2025
scenario:
  user: a water office
  decision: when to close a well
  benefit: levels known within a day
  metric: days until a level is known
  uses: {closing: Closing wells}
  prohibited_uses: {blame: Blaming a farmer}
  industry: N76
  region: CN
sources:
  levels:
    path: "levels_*.csv"
    licence: CC0-1.0
    update_frequency: P1D
    max_rejected_rate: 0.9
    columns:
      - name: well
        logicalType: string
        required: true
        description: Number of the well
        classification: public
      - name: at
        logicalType: timestamp
        required: true
        logicalTypeOptions: {format: "yyyy-MM-dd HH:mm:ss"}
      - name: level
        logicalType: number
        required: true
        unit: m
        logicalTypeOptions: {minimum: 0, maximum: 10}
    key: [well, at]
resource:
  partition: {column: at, by: day}
  quality:
    - {metric: freshness, column: at, mustBeLessOrEqualTo: 2, unit: days}
"""
FIRST = """well,at,level
a,2024-05-01 08:00:00,1.5
b,2024-05-01 08:00:00,2.5
a,2024-05-01 20:00:00,1.6
b,2024-05-01 20:00:00,2.6
"""
SECOND = """well,at,level
a,2024-05-02 08:00:00,1.5
b,2024-05-02 08:00:00,
c,2024-05-02 08:00:00,99
d,2024-05-02 08:00:00,3
d,2024-05-02 08:00:00,3
"""
DAY_1, DAY_2 = date(2024, 5, 2), date(2024, 5, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A store of its own, with the house's documents and those of the wells."""
    for part in ("factors", "entities", "policies"):
        (tmp_path / "deployments" / part).mkdir(parents=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            copy = tmp_path / "deployments" / part / file.name
            copy.write_text(file.read_text("utf-8"), "utf-8")
    (tmp_path / "deployments" / "factors" / "wells.yaml").write_text(WELLS, "utf-8")
    (tmp_path / "data").mkdir()
    env = {
        "DATAFACTOR_DATA": str(tmp_path / "data"),
        "DATAFACTOR_FACTORS": str(tmp_path / "deployments" / "factors"),
    }
    with temporary_store(tmp_path, **env):
        yield tmp_path


def assessed(as_of: date) -> None:
    value_chain.fn("wells", as_of, Stage.RESOURCE)


def parts() -> dict[str, tuple[int, int]]:
    """A and B of the newest assessment, where anything was evaluated."""
    series = store.series(store.current(), "wells")
    newest = series.filter(pl.col("b") > 0, pl.col("as_of") == pl.col("as_of").max())
    return {r["code"]: (r["a"], r["b"]) for r in newest.iter_rows(named=True)}


def days(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / "data" / f"levels_{name}.csv").write_text(text, "utf-8")


def test_a_clean_day_is_counted_whole(folder: Path) -> None:
    days(folder, one=FIRST)

    assessed(DAY_1)

    assert parts() == {
        "0101": (3, 3),
        "0102": (8, 8),  # 4 lines: split, and decoded
        "0103": (2, 3),  # at has neither description nor unit
        "0106": (1, 3),
        "0201": (12, 12),
        "0202": (4, 4),
        "0302": (16, 16),  # at and level parse; level has two limits
        "0303": (0, 4),
        "0304": (4, 4),
        "0305": (0, 4),
        "0502": (2, 2),  # the rule, and P1D
        "0601": (1, 1),
        "0602": (1, 1),
    }


def test_a_dirty_day_is_added_to_the_one_that_was_kept(folder: Path) -> None:
    days(folder, one=FIRST)
    assessed(DAY_1)
    days(folder, two=SECOND)

    assessed(DAY_2)

    assert parts() == {
        "0101": (3, 3),
        "0102": (18, 18),
        "0103": (2, 3),
        "0106": (1, 3),
        "0201": (26, 27),
        "0202": (5, 9),
        "0302": (35, 36),
        "0303": (2, 9),
        "0304": (7, 9),
        "0305": (4, 9),
        "0502": (2, 2),
        "0601": (2, 2),
        "0602": (2, 2),
    }
    scores = store.series(store.current(), "wells", Score)
    total = scores.filter(dimension="total").sort("as_of")["score_ppm"].to_list()
    # normativity (1 + 1 + 2/3 + 1/3) / 4 = 0.75, all else 1: (0.75 + 4) / 5
    assert total[0] == 950_000
    # completeness (26/27 + 5/9) / 2 = 41/54; accuracy (35/36 + 7/9 + 7/9 + 5/9) / 4 =
    # 111/144; (0.75 + 41/54 + 111/144 + 1 + 1) / 5 = 0.8560185…
    assert total[1] == 856_019


def test_a_second_run_of_a_day_is_the_first_one(folder: Path) -> None:
    days(folder, one=FIRST)
    assessed(DAY_1)
    before = len(store.runs(store.current()))

    assessed(DAY_1)

    assert len(store.runs(store.current())) == before
    assert store.verify(store.current()).exit == 0


def test_too_old_a_resource_is_refused_and_not_scored(folder: Path) -> None:
    days(folder, one=FIRST)

    with pytest.raises(Refused, match="the newest at is 76 hours old on 2024-05-05"):
        assessed(date(2024, 5, 5))

    assert store.series(store.current(), "wells").is_empty()


def test_the_command_tells_indicators_scores_and_series_and_draws_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days(folder, one=FIRST)
    assessed(DAY_1)
    days(folder, two=SECOND)
    assessed(DAY_2)
    drawing = folder / "quality.svg"
    capsys.readouterr()

    assert main(["quality", "wells", "--plot", str(drawing), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)["data"]
    assert data["as_of"] == "2024-05-03"
    assert [i["code"] for i in data["indicators"]][:2] == ["0101", "0102"]
    repeated = next(i for i in data["indicators"] if i["code"] == "0303")
    assert (repeated["value"], repeated["direction"]) == ("0.222222", "lower")
    assert data["scores"][-1]["score"] == "0.856019"
    assert data["scores"][-1]["before"] == "0.950000"
    assert [day["total"] for day in data["series"]] == ["0.950000", "0.856019"]
    ET.parse(drawing)

    assert main(["quality", "wells/resource/score"]) == 0
    said = capsys.readouterr().out
    for words in ("数据重复率", "lower is better", "0.222222", "总分", "0.856019"):
        assert words in said


def test_what_was_never_assessed_says_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quality", "wells"]) == 1
    assert "nothing in the store is called wells" in capsys.readouterr().err


def test_a_fall_of_the_score_stops_the_chain_before_the_asset(folder: Path) -> None:
    document = folder / "deployments" / "factors" / f"{FACTOR}.yaml"
    text = document.read_text("utf-8")
    rate = "  max_rejected_rate: 0.01\n"
    assert text.count(rate) == 1
    document.write_text(text.replace(rate, f"{rate}  quality_step: 0.02\n"), "utf-8")
    small_archive(folder / "data")
    value_chain.fn(FACTOR, AS_OF)
    # Most flights lose their plane: 0402 falls from 0.947 to 0.745.
    small_archive(folder / "data", edit=lambda lines: lines[:11], table="planes.csv")

    with pytest.raises(Refused, match="quality score") as refused:
        value_chain.fn(FACTOR, date(2026, 7, 31))

    assert refused.value.stage == "assetize"
    assert "it may fall by 0.020000" in str(refused.value)
