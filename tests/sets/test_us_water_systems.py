"""US water: unknown ends as "cannot certify", never as "none on record"."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of

RELEASE = "data/water-quality.json.gz"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("us_water_quality_data", RELEASE)
    with run_of(
        "us-water-systems", tmp_path_factory.mktemp("water"), through=Stage.PRODUCT
    ) as ran:
        yield ran


def test_the_file_is_the_one_that_was_counted(ran: Ran) -> None:
    assert ran.hashes() == {"534a50f945cd9785"}


def test_every_zip_code_passes_and_the_four_states_add_up(ran: Ran) -> None:
    assert ran.balance("zips") == (42_679, 42_679, 0, 0)
    assert ran.failed("zips") == {}


def test_places_without_name_and_measured_places_are_as_counted(ran: Ran) -> None:
    zips = ran.rows("zips")

    assert zips.filter(zips["city"].is_null() & zips["state"].is_null()).height == 1_335
    assert zips["water_data_available"].sum() == 23_795


def test_no_violation_on_record_is_not_no_record(ran: Ran) -> None:
    records = Counter(ran.rows()["record"].to_list())

    assert records == {
        "cannot certify": 18_884,
        "none on record": 5_921,
        "violations": 17_874,
    }


def test_violations_over_zip_codes_count_systems_twice(ran: Ran) -> None:
    assert ran.rows()["total_violations"].sum() == 344_324


def test_enforcement_is_unknown_where_it_was_not_looked_up(ran: Ran) -> None:
    zips = ran.rows("zips")
    unknown = zips.filter(pl.col("enforcement_action_count").is_null())

    assert unknown.height == 23_789
    assert unknown["water_data_available"].sum() == 4_905


def test_no_certificate_is_issued_for_what_nobody_measured(ran: Ran) -> None:
    issued = ran.rows("product").filter(certificate="issued")
    with gzip.open(packaged("us_water_quality_data", RELEASE), "rt") as file:
        register = json.load(file)

    # The costly error is a wrong "issued": look at each of them in the release itself.
    for zip_code in issued["zip"]:
        place = register[zip_code]
        assert place["water_violation_measurement_status"] == "measured"
        assert place["total_violations"] == 0
        assert not place["enforcement_action_count"]
        assert not place["has_active_issues"]
        assert {s["totalViolations"] for s in place["violation_systems"]} == {0}


def test_certificates_are_issued_refused_or_neither_as_counted(ran: Ran) -> None:
    product = ran.rows("product")

    # 1,211 of the 5,921 places without a violation had enforcement all the same.
    assert Counter(product["certificate"].to_list()) == {
        "issued": 5_921 - 1_211,
        "refused": 17_874,
        "cannot certify": 18_884 + 1_211,
    }
    issued = product.filter(certificate="issued")
    assert set(issued["enforcement"].to_list()) == {"not looked up"}
    assert issued["from_year"].null_count() == 0
