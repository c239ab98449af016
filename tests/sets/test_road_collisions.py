"""Road collisions: sentinels are told and taken out; no product cell is small."""

import csv
import io
import tarfile
from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of

ARCHIVE = "resources/ireland/ireland.csv.tgz"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("road_collisions_ireland", ARCHIVE)
    home = tmp_path_factory.mktemp("collisions")
    with run_of("road-collisions", home, through=Stage.PRODUCT) as ran:
        yield ran


def test_the_file_is_the_one_that_was_counted(ran: Ran) -> None:
    assert ran.hashes() == {"db99e017d1646c5f"}


def test_all_68936_collisions_pass(ran: Ran) -> None:
    assert ran.balance("collisions") == (68_936, 68_936, 0, 0)
    assert ran.balance("resource") == (68_936, 68_936, 0, 0)


def test_empty_cells_and_the_text_none_are_missing(ran: Ran) -> None:
    rows = ran.rows("collisions")

    missing = {name: rows[name].null_count() for name in ("gender", "age", "hours")}

    assert missing == {"gender": 3_590, "age": 3_776, "hours": 1}
    assert rows.filter(rows["gender"].is_null() & rows["age"].is_null()).height == 2_013
    assert rows["circumstances"].null_count() == 1_184
    assert rows["speed_limit"].null_count() == 1


def test_what_is_no_age_no_limit_and_no_county_is_counted(ran: Ran) -> None:
    assert ran.broke("collisions", "an age that people have") == 73  # 650.0
    assert ran.broke("collisions", "a limit that roads have") == 13
    assert ran.broke("collisions", "a kind of vehicle in words") == 4_913
    # Tipperary, Waterford and Westmeath.
    assert ran.broke("collisions", "written small") == 2_095 + 1_758 + 1_420


def test_severity_agrees_with_the_deaths(ran: Ran) -> None:
    severities = Counter(ran.rows()["severity"].to_list())

    assert severities == {"fatal": 2_580, "serious": 6_656, "minor": 59_700}
    assert ran.broke("collisions", "fatal is a matter of deaths") == 0


def test_fast_roads_are_as_many_as_counted(ran: Ran) -> None:
    fast = ran.rows().filter(speed_class="fast")

    assert fast.height == 12_011
    assert fast.filter(severity="fatal").height == 889


def test_every_cell_holds_at_least_20_of_68935_collisions(ran: Ran) -> None:
    product = ran.rows("product")
    found = {
        (row["county"], row["hours"], row["speed_class"]): row["collisions"]
        for row in product.iter_rows(named=True)
    }

    assert found == cells_by_hand()
    assert product["collisions"].sum() == 68_935
    assert min(found.values()) >= 20
    assert len({key[:2] for key in found}) == 156
    assert {"latitude", "longitude", "age", "gender"}.isdisjoint(product.columns)


def test_small_classes_are_put_together_until_none_can_be_subtracted() -> None:
    cells = cells_by_hand()

    # 481 classes of county and band, 36 of them with fewer than 20 collisions.
    assert cells["laois", "3-7", "several"] == 14 + 21
    assert ("laois", "3-7", "urban") not in cells


def test_an_ambulance_stands_by_from_one_severe_collision_in_30_shifts(
    ran: Ran,
) -> None:
    dublin = ran.rows("product").row(
        by_predicate=(pl.col("county") == "dublin")
        & (pl.col("hours") == "16-19")
        & (pl.col("speed_class") == "urban"),
        named=True,
    )
    with_deaths_or_serious = [
        row
        for row in read_by_hand()
        if row["county"].lower() == "dublin"
        and row["hour"] == "16-19"
        and class_by_hand(row) == "urban"
        and row["severity"] != "minor"
    ]

    assert dublin["severe"] == len(with_deaths_or_serious)
    assert dublin["severe_per_10000_hours"] == dublin["severe"] * 10_000 // (4_383 * 3)
    assert dublin["stands_by"] == "ambulance and tow truck"
    assert dublin["standby_rank"] == 1


def read_by_hand() -> list[dict[str, str]]:
    path = packaged("road_collisions_ireland", ARCHIVE)
    with tarfile.open(path) as archive:
        inner = archive.extractfile("ireland.csv")
        assert inner is not None
        return list(csv.DictReader(io.TextIOWrapper(inner, "utf-8")))


def class_by_hand(row: dict[str, str]) -> str:
    limit = float(row["speed_limit"] or 0)
    if limit not in {30, 40, 50, 60, 80, 100, 120}:
        return "unknown"
    return "fast" if limit >= 100 else "rural" if limit >= 80 else "urban"


def cells_by_hand() -> dict[tuple[str, str, str], int]:
    """Join the smallest classes of a county and band until they hold 20."""
    counts = Counter(
        (row["county"].lower(), row["hour"], class_by_hand(row))
        for row in read_by_hand()
        if row["hour"] != "None"
    )
    cells: dict[tuple[str, str, str], int] = {}
    for county, hours in {key[:2] for key in counts}:
        classes = sorted(
            (n, name) for (c, h, name), n in counts.items() if (c, h) == (county, hours)
        )
        together = 0
        if classes[0][0] < 20:
            while classes and together < 20:
                together += classes.pop(0)[0]
            cells[county, hours, "several"] = together
        cells |= {(county, hours, name): n for n, name in classes}
    return cells
