"""Irrigation: columns by name, cities with and without a C, and 59 files of weather."""

from collections.abc import Iterator

import polars as pl
import pytest

from tests.sets.ran import Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("cwatqim", "data/sample/irr_area_ha.csv")
    with run_of("yellow-river-irrigation", tmp_path_factory.mktemp("cwatqim")) as ran:
        yield ran


def test_the_files_are_those_that_were_counted(ran: Ran) -> None:
    counted = {"028ddb685a828e40", "c5b805478d2edd52", "e0cf4e33a1f926ce"}

    assert counted < ran.hashes()
    assert len(ran.hashes()) == len(counted) + 59


def test_areas_and_depths_have_the_same_2891_keys(ran: Ran) -> None:
    for frame in ("areas", "depths", "resource"):
        assert ran.balance(frame) == (2_891, 2_891, 0, 0)


def test_59_files_of_weather_hold_840455_days(ran: Ran) -> None:
    assert ran.balance("climate") == (840_455, 840_455, 0, 0)
    assert ran.rows("climate")["city"].n_unique() == 59
    assert ran.failed("climate") == {}


def test_every_city_finds_its_weather_from_1980_on(ran: Ran) -> None:
    resource = ran.rows()
    late = resource.filter(pl.col("year") >= 1980)

    assert late["weather_days"].null_count() == 0
    assert late["city"].n_unique() == 59
    assert resource.filter(pl.col("year") < 1980)["weather_days"].count() == 0


def test_a_depth_that_no_crop_drinks_is_told_in_409_rows(ran: Ran) -> None:
    assert ran.broke("depths", "three metres") == 409
    assert ran.rows().filter(depth="implausible").height == 409


def test_the_quotas_of_2013_add_up(ran: Ran) -> None:
    by_province = ran.rows().filter(year=2013).select("province", "quota").unique()

    assert by_province.height == 8
    assert round(by_province["quota"].sum(), 4) == 107.3386


def test_crops_are_joined_by_name_though_their_order_differs(ran: Ran) -> None:
    first = ran.rows().filter(city="C27", year=1965).row(0, named=True)

    # As the two files have it: wheat comes first in one, rice in the other.
    assert first["wheat_ha"] == 16089.678628560578
    assert first["rice_ha"] == 391.4478743509137
    assert first["wheat_mm"] == 645.9973680469237
    assert first["rice_mm"] == 965.436106054664
