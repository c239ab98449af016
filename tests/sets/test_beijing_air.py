"""Beijing air: twelve files of one archive, and the gaps that the publisher counts."""

from collections.abc import Iterator

import pytest

from tests.sets.ran import Ran, needed, run_of

ARCHIVE = "beijing_air_prsa/PRSA2017_Data_20130301-20170228.zip"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed(ARCHIVE)
    with run_of("beijing-air", tmp_path_factory.mktemp("air")) as ran:
        yield ran


def test_420768_hours_of_twelve_stations_pass(ran: Ran) -> None:
    hours = ran.rows().group_by("station").len()

    assert ran.balance("hours") == (420_768, 420_768, 0, 0)
    assert sorted(hours["len"].to_list()) == [35_064] * 12


def test_74027_values_are_missing(ran: Ran) -> None:
    missing = {n: k for n, k in ran.rows().null_count().row(0, named=True).items() if k}

    # UCI prints the sum; the parts are NA counted with the csv module.
    assert sum(missing.values()) == 74_027
    assert missing == {
        "pm25": 8_739,
        "pm10": 6_449,
        "so2": 9_021,
        "no2": 12_116,
        "co": 20_701,
        "o3": 13_277,
        "temp_c": 398,
        "pressure_hpa": 393,
        "dew_point_c": 403,
        "rain_mm": 390,
        "wind": 1_822,
        "wind_ms": 318,
    }


def test_fine_dust_above_all_dust_is_counted(ran: Ran) -> None:
    # Counted over csv.DictReader rows where neither is NA.
    assert ran.broke("hours", "fine dust") == 21_312
    assert ran.broke("hours", "dew point") == 0
