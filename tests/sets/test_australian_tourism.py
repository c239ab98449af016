"""Tourism: nobody in a sample is not nobody; seasons are those added up by hand."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of

TRIPS = "fpp3/tourism.csv"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("tsdata", TRIPS)
    home = tmp_path_factory.mktemp("tourism")
    with run_of("australian-tourism", home, through=Stage.PRODUCT) as ran:
        yield ran


@pytest.fixture(scope="module")
def trips() -> list[dict[str, str]]:
    with packaged("tsdata", TRIPS).open() as file:
        return list(csv.DictReader(file))


def test_the_files_are_those_that_were_counted(ran: Ran) -> None:
    assert ran.hashes() == {"927d39d9ba51eaca", "6605d1f9f6a28fd8"}


def test_all_24320_estimates_and_592_quarters_of_rooms_pass(ran: Ran) -> None:
    assert ran.balance("trips") == (24_320, 24_320, 0, 0)
    assert ran.balance("rooms") == (592, 592, 0, 0)
    assert ran.balance("resource") == (24_320, 24_320, 0, 0)
    assert ran.rows()["region"].n_unique() == 76


def test_1547_estimates_with_nobody_in_the_sample_are_told_as_such(ran: Ran) -> None:
    samples = Counter(ran.rows()["sample"].to_list())

    assert ran.broke("trips", "somebody of the sample went") == 1_547
    assert samples == {"some": 24_320 - 1_547, "none in the sample": 1_547}


def test_rooms_are_unknown_after_june_2016_and_known_in_the_act(ran: Ran) -> None:
    resource = ran.rows()
    unknown = resource.filter(resource["occupancy"].is_null())

    # Six of 80 quarters: 76 regions of four purposes.
    assert unknown.height == 6 * 76 * 4
    assert set(unknown.select("year", "quarter").iter_rows()) == {
        *((2016, 3), (2016, 4), (2017, 1), (2017, 2), (2017, 3), (2017, 4))
    }
    assert resource.filter(state="ACT")["occupancy"].count() == 74 * 4


def test_seasons_are_the_mean_quarters_of_five_years_by_hand(
    ran: Ran, trips: list[dict[str, str]]
) -> None:
    sums: dict[tuple[str, str], float] = defaultdict(float)
    none: Counter[tuple[str, str]] = Counter()
    for row in trips:
        year, quarter = row["Quarter"].split(" Q")
        if int(year) >= 2013:
            sums[row["Region"], quarter] += float(row["Trips"]) / 5
            none[row["Region"], quarter] += float(row["Trips"]) == 0

    product = ran.rows("product")

    assert product.height == len(sums) == 76 * 4
    for made in product.iter_rows(named=True):
        key = (made["region"], str(made["quarter"]))
        a_year = sum(sums[made["region"], q] for q in "1234")
        assert made["trips"] == pytest.approx(sums[key], abs=0.051)
        assert made["season"] == pytest.approx(400 * sums[key] / a_year, abs=0.51)
        assert made["none_in_sample"] == none[key]
    snow = product.filter(region="Snowy Mountains").sort("quarter")
    assert snow["advice"].to_list() == [
        *("events", "events", "rooms and guides", "events")
    ]
