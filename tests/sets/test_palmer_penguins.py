"""Penguins: the curated table comes out of the field records row by row."""

import csv
from collections import Counter
from collections.abc import Iterator

import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of

CURATED = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("palmerpenguins", "data/penguins-raw.csv")
    home = tmp_path_factory.mktemp("penguins")
    with run_of("palmer-penguins", home, through=Stage.PRODUCT) as ran:
        yield ran


def test_the_file_is_the_one_that_was_counted(ran: Ran) -> None:
    assert ran.hashes() == {"144f623143c9360f"}


def test_all_344_rows_pass_and_no_key_repeats(ran: Ran) -> None:
    assert ran.balance("penguins_raw") == (344, 344, 0, 0)
    assert ran.balance("resource") == (344, 344, 0, 0)


def test_missing_values_are_as_many_as_the_files_na(ran: Ran) -> None:
    resource = ran.rows()

    assert [resource[name].null_count() for name in CURATED] == [2, 2, 2, 2]
    assert resource["sex"].null_count() == 11
    assert ran.rows("penguins_raw")["comments"].null_count() == 290
    assert int((~resource["measured"]).sum()) == 2


def test_an_individual_is_no_key(ran: Ran) -> None:
    individuals = ran.rows()["individual"]

    # 154 rows repeat an Individual ID that stood before.
    assert len(individuals) - individuals.n_unique() == 154


def test_the_product_is_the_curated_table_row_by_row(ran: Ran) -> None:
    with packaged("palmerpenguins", "data/penguins.csv").open() as file:
        curated = Counter(tuple(row.values()) for row in csv.DictReader(file))

    product = ran.rows("product").drop("study", "sample")

    assert Counter(map(as_written, product.rows())) == curated


def as_written(row: tuple[object, ...]) -> tuple[str, ...]:
    """Write values as the curated file does: 39.0 as 39, null as NA."""
    numbers = [int(v) if isinstance(v, float) and v.is_integer() else v for v in row]
    return tuple("NA" if v is None else str(v) for v in numbers)
