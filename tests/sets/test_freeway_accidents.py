"""Freeway accidents: one workbook pasted together twice, two lists in two encodings."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import pytest

from flows.document import factor_named
from schemas.errors import SourceError
from tasks.source import open_text
from tests.sets.ran import Ran, needed, run_of

WORKBOOK = "highway_rescue_tw/112年1-10月交通事故簡訊通報資料.xlsx"
OLD_LIST = "highway_rescue_tw/國道計費門架座標及里程牌價表104.09.04版_373038.csv"
FACTOR = "freeway-accidents"
Rows = list[dict[str, str | None]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed(WORKBOOK)
    with run_of(FACTOR, tmp_path_factory.mktemp("accidents")) as ran:
        yield ran


@pytest.fixture(scope="module")
def written() -> Rows:
    """Read the sheet with another reader, every cell as text, error cells as none."""
    workbook = fastexcel.read_excel(needed(WORKBOOK))
    sheet = workbook.load_sheet("交通事故簡報通報資料", dtypes="string")
    return sheet.to_polars().rows(named=True)


def test_repeats_are_dropped_and_seven_rows_wait_in_quarantine(
    ran: Ran, written: Rows
) -> None:
    """Three without a road, and one each of five that follow in the next test."""
    bad = [
        row["國道名稱"] is None
        or float(row["里程"] or 0) > 440
        or row["事件排除"] == "16;01"
        or row["CCTV\n監看現場"] == "17714"
        or row["外車道"] == "14"
        for row in written
    ]
    good = [
        tuple(row.values())
        for row, is_bad in zip(written, bad, strict=True)
        if not is_bad
    ]

    assert (len(written), sum(bad)) == (26_739, 7)
    assert len(written) - len({tuple(row.values()) for row in written}) == 8_806
    repeats = len(good) - len(set(good))
    assert repeats == 8_805  # two of the three without a road are the same
    assert ran.balance("accidents") == (26_739, 17_927, 7, repeats)


def test_each_reject_has_its_reason(ran: Ran) -> None:
    assert ran.broke("accidents", "road:required") == 3
    assert ran.broke("accidents", "km:") == 1  # 1715
    assert ran.broke("accidents", "cleared:") == 1  # 16;01
    assert ran.broke("accidents", "cctv:") == 1  # 17714
    assert ran.broke("accidents", "outer_lane:") == 1  # 14 lanes


def test_grades_and_casualties_are_compared(ran: Ran, written: Rows) -> None:
    of_grade = Counter((row["事故類型"], int(row["受傷"] or 0) > 0) for row in written)

    assert of_grade["A2", False] == 34
    assert of_grade["A3", True] == 2
    assert ran.broke("accidents", "A2 has injured") == 34
    assert ran.broke("accidents", "A3 has none injured") == 2
    assert ran.broke("accidents", "A1 is a matter of deaths") == 0


def test_two_lists_of_gantries_in_two_encodings_are_read_whole(ran: Ran) -> None:
    assert ran.balance("gantries") == (339, 339, 0, 0)
    assert ran.balance("gantries_2015") == (331, 331, 0, 0)
    # 325 numbers stand in both lists, counted with the csv module.
    old = set(ran.rows("gantries_2015")["number"].to_list())
    assert len(old & set(ran.rows("gantries")["number"].to_list())) == 325
    assert "基隆端(基隆港)" in ran.rows("gantries_2015")["from_interchange"].to_list()


def test_the_old_list_read_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """CP950 also decodes as GB18030, without an error, to other signs."""
    path = needed(OLD_LIST)
    right = factor_named(FACTOR).sources["gantries_2015"]
    wrong = right.model_copy(update={"encoding": "gb18030"})

    assert path.read_bytes().decode("gb18030")
    assert open_text(path, right, tmp_path).rows.collect().height == 331
    with pytest.raises(SourceError, match="none of the declared columns"):
        open_text(path, wrong, tmp_path)


def test_each_accident_finds_the_gantries_of_its_road(ran: Ran) -> None:
    resource = ran.rows()
    found = resource.select("road", "direction", "gantries").unique().drop_nulls()

    # 國道一號 has 75 a direction, its elevated part 8 to the north and 7 to the south.
    assert {tuple(row) for row in found.rows()} == {
        ("國道1號", "N", 83),
        ("國道1號", "S", 82),
        ("國道3號", "N", 78),
        ("國道3號", "S", 78),
        ("國道5號", "N", 7),
        ("國道5號", "S", 7),
    }
    assert ran.balance("resource") == (17_927, 17_927, 0, 0)


def test_the_text_of_an_sms_ends_at_its_source(ran: Ran) -> None:
    assert "sms" in ran.rows("accidents").columns
    assert "sms" not in ran.rows().columns
