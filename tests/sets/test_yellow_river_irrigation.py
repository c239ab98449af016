"""Irrigation: columns by name, cities with and without a C, and 59 files of weather."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from schemas.artifact import Stage
from schemas.factor import load_factor
from tests.sets.ran import ROOT, Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("cwatqim", "data/sample/irr_area_ha.csv")
    home = tmp_path_factory.mktemp("cwatqim")
    with run_of("yellow-river-irrigation", home, through=Stage.PRODUCT) as ran:
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


def test_the_balance_is_quota_less_demand_and_unknown_where_a_depth_is(
    ran: Ran,
) -> None:
    folder = packaged("cwatqim", "data/sample/quotas.csv").parent
    areas = {(r["City_ID"], r["Year"]): r for r in read(folder / "irr_area_ha.csv")}
    depths = {(r["City_ID"], r["Year"]): r for r in read(folder / "irr_intensity.csv")}
    quotas = {r[""]: r for r in read(folder / "quotas.csv")}
    demand: dict[tuple[str, int], float] = defaultdict(float)
    doubtful = set()
    for (city, year), area in areas.items():
        place = (area["Province_n"], int(year))
        for crop in ("Wheat", "Rice", "Maize"):
            depth = float(depths[city, year][crop])
            demand[place] += float(area[crop]) * depth * 10 / 1e8
            if depth > 3_000:
                doubtful.add(place)

    product = ran.rows("product")

    assert product.height == len(quotas) * 8 == 272
    for row in product.iter_rows(named=True):
        place = (row["province"], row["year"])
        if place in doubtful:
            assert (row["demand"], row["balance"], row["tradable"]) == (None,) * 3
            assert row["verdict"] == "not known"
        else:
            quota = float(quotas[str(row["year"])][row["province"]])
            assert row["balance"] == pytest.approx(quota - demand[place], abs=0.011)
            assert (row["verdict"] == "within quota") == (row["balance"] >= 0)
    assert product.filter(verdict="not known").height == 127


def test_a_public_good_is_free_and_secures_no_loan() -> None:
    for name in ("yellow-river-irrigation", "yellow-river-daily"):
        factor = load_factor(name, ROOT / "deployments" / "factors")
        product = factor.product

        assert product is not None
        assert product.scenario is not None
        assert product.price.mode == "free"
        assert product.compliance is not None
        assert product.compliance.public_data is not None
        assert "pledging" in product.scenario.prohibited_uses
        assert factor.asset is None
        assert factor.capital is None


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))
