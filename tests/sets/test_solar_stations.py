"""Solar stations: what a failed sensor wrote is missing, and its rows are not."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest

from tests.sets.ran import Ran, needed, run_of

FILE = "solar_stategrid_cn/Solar station site 1 (Nominal capacity-50MW).xlsx"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed(FILE)
    with run_of("solar-stations", tmp_path_factory.mktemp("solar")) as ran:
        yield ran


def test_122784_quarters_of_an_hour_pass_without_a_gap(ran: Ran) -> None:
    station_3 = ran.rows("station_3").sort("moment")["moment"]

    assert ran.balance("station_1") == (70_176, 70_176, 0, 0)
    assert ran.balance("station_3") == (52_608, 52_608, 0, 0)
    assert ran.balance("resource") == (122_784, 122_784, 0, 0)
    assert set(station_3.diff().drop_nulls()) == {timedelta(minutes=15)}


def test_minus_99_is_missing_in_sixty_rows_of_station_1(ran: Ran) -> None:
    station = ran.rows("station_1")

    missing = {n: k for n, k in station.null_count().row(0, named=True).items() if k}

    assert set(missing.values()) == {60}
    assert len(missing) == 6


def test_readings_no_air_has_are_counted_and_taken_out(ran: Ran) -> None:
    """Counted over the cells with openpyxl, another reader."""
    assert ran.broke("station_1", "a relative humidity") == 6_747
    assert ran.broke("station_3", "a temperature of air") == 5_084
    assert ran.broke("station_3", "a pressure of air") == 4
    assert ran.broke("station_3", "a relative humidity") == 1

    resource = ran.rows()
    assert resource.filter(station=3)["temp_c"].null_count() == 5_084
    assert resource.filter(station=1)["humidity"].null_count() == 6_747 + 60


def test_dates_as_text_and_as_numbers_are_the_same_dates(ran: Ran) -> None:
    resource = ran.rows()

    spans = resource.group_by("station").agg(
        pl.min("moment").dt.to_string("%F %T").alias("first"),
        pl.max("moment").dt.to_string("%F %T").alias("last"),
    )

    assert sorted(spans.rows()) == [
        (1, "2019-01-01 00:00:00", "2020-12-31 23:45:00"),
        (3, "2019-01-01 00:00:00", "2020-07-01 23:45:00"),
    ]
