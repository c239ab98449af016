"""Farmland: each crop has its own unit, and a bushel of each its own weight."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sets.ran import Ran, needed, run_of

ROWS = {
    "barley": 4_839,
    "corn": 6_381,
    "cotton": 2_338,
    "hay": 5_044,
    "rice": 662,
    "sorghum": 1_647,
    "soybean": 2_528,
    "wheat": 5_963,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("farmland_agridat/nass.corn.txt")
    with run_of("farmland-yields", tmp_path_factory.mktemp("yields")) as ran:
        yield ran


@pytest.fixture(scope="module")
def monitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("farmland_agridat/gartner.corn.csv")
    with run_of("yield-monitors", tmp_path_factory.mktemp("monitors")) as ran:
        yield ran


def test_eight_tables_become_one_of_29402_rows(ran: Ran) -> None:
    assert {crop: ran.balance(crop)[:3] for crop in ROWS} == {
        crop: (rows, rows, 0) for crop, rows in ROWS.items()
    }
    assert ran.balance("resource") == (29_402, 29_402, 0, 0)
    assert Counter(ran.rows()["crop"].to_list()) == ROWS


def test_what_is_na_stays_missing(ran: Ran) -> None:
    reporting = Counter(ran.rows()["reporting"].to_list())

    # NA: 48 yields of hay, 10 of sorghum, one area of wheat.
    assert reporting == {"no yield": 58, "no area": 1, "complete": 29_343}


@pytest.mark.parametrize(
    ("crop", "year", "state", "kilograms"),
    [
        # 9 bu × 56 lb × 0.45359237 kg / 0.40468564224 ha
        ("corn", 1866, "Alabama", 564.91),
        # 22.5 bu × 48 lb
        ("barley", 1866, "Connecticut", 1_210.52),
        # 675 lb
        ("rice", 1895, "Florida", 756.57),
        # 0.96 short tons of 2,000 lb
        ("hay", 1909, "Alabama", 2_152.03),
    ],
)
def test_a_yield_in_the_crops_unit_is_so_many_kilograms_per_hectare(
    ran: Ran, crop: str, year: int, state: str, kilograms: float
) -> None:
    found = ran.rows().filter(crop=crop, year=year, state=state)

    assert round(found["yield_kg_ha"].item(), 2) == kilograms


def test_two_combines_in_two_systems_of_units_become_one_table(monitors: Ran) -> None:
    assert monitors.balance("corn") == (4_949, 4_949, 0, 0)
    assert monitors.balance("alfalfa") == (8_628, 8_628, 0, 0)
    assert monitors.balance("resource") == (13_577, 13_577, 0, 0)
    assert monitors.broke("corn", "grain flowed") == 5
    assert monitors.broke("alfalfa", "hay was cut") == 13


def test_readings_that_are_empty_or_too_high_are_labelled(monitors: Ran) -> None:
    readings = Counter(monitors.rows()["reading"].to_list())

    assert readings == {"empty": 18, "too high": 1, "plausible": 13_558}


def test_the_corn_of_one_reading_is_worked_out_by_hand(monitors: Ran) -> None:
    first = monitors.rows().filter(crop="corn", **{"pass": "1004549898"})

    # 16.54 lb/s × 3 s = 22.507 kg over 116 in × 360 in = 26.942 m²
    assert round(first["yield_kg_ha"].item(), 1) == 8_354.0
