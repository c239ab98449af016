"""Road collisions: sentinels are told and taken out, and 156 cells add up."""

from collections import Counter
from collections.abc import Iterator

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


def test_the_product_is_156_cells_of_68935_collisions_and_no_place(ran: Ran) -> None:
    product = ran.rows("product")

    assert product.height == 156
    assert product["collisions"].sum() == 68_935
    assert product["county"].n_unique() == 26
    assert {"latitude", "longitude", "age", "gender"}.isdisjoint(product.columns)
