"""ACTG 175: what r says of cd496 is true, and what identifies ends at the source."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sets.ran import Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("lifelines", "datasets/ACTG175.csv")
    with run_of("actg175-trial", tmp_path_factory.mktemp("actg")) as ran:
        yield ran


def test_the_file_is_the_one_that_was_counted(ran: Ran) -> None:
    assert ran.hashes() == {"56fba31fa0d7bfbf"}


def test_all_2139_patients_pass_with_no_key_twice(ran: Ran) -> None:
    assert ran.balance("patients") == (2_139, 2_139, 0, 0)
    assert ran.balance("resource") == (2_139, 2_139, 0, 0)
    assert ran.failed("patients") == {}


def test_797_patients_were_not_measured_after_96_weeks(ran: Ran) -> None:
    patients = ran.rows("patients")

    assert patients["cd496"].null_count() == 797
    assert patients.filter(r=0).height == 797
    assert sum(patients.null_count().row(0)) == 797  # no other cell is empty


def test_arms_ages_and_the_constant_are_as_counted(ran: Ran) -> None:
    patients = ran.rows("patients")

    arms = Counter(patients["arms"].to_list())

    assert arms == {0: 532, 1: 522, 2: 524, 3: 561}
    assert (patients["age"].min(), patients["age"].max()) == (12, 70)
    assert (patients["weight_kg"].min(), patients["weight_kg"].max()) == (31, 159.93936)
    assert patients["zprior"].unique().to_list() == [1]


def test_no_pseudonym_or_exact_age_reaches_the_resource(ran: Ran) -> None:
    resource = ran.rows()

    kept = set(resource.columns)

    assert kept.isdisjoint({"pidnum", "age", "homo", "drugs", "hemo", "race"})
    assert set(resource["age_from"].to_list()) == {10, 20, 30, 40, 50, 60, 70}
