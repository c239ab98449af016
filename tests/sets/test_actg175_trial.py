"""ACTG 175: what r says of cd496 is true, and what identifies ends at the source."""

import csv
from collections import Counter
from collections.abc import Iterator

import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("lifelines", "datasets/ACTG175.csv")
    home = tmp_path_factory.mktemp("actg")
    with run_of("actg175-trial", home, through=Stage.PRODUCT) as ran:
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


def test_the_product_counts_events_by_therapy_and_stratum_as_by_hand(ran: Ran) -> None:
    with packaged("lifelines", "datasets/ACTG175.csv").open() as file:
        rows = list(csv.DictReader(file))
    patients = Counter((row["arms"], row["strat"]) for row in rows)
    events = Counter((row["arms"], row["strat"]) for row in rows if row["cens"] == "1")
    arms = {
        "0": "zidovudine",
        "1": "zidovudine and didanosine",
        "2": "zidovudine and zalcitabine",
        "3": "didanosine",
    }
    strata = {"1": "never treated", "2": "treated up to a year"}
    strata["3"] = "treated over a year"

    product = ran.rows("product")
    found = {
        (row["therapy"], row["stratum"]): (row["patients"], row["events"])
        for row in product.iter_rows(named=True)
    }

    assert found == {
        (arms[arm], strata[stratum]): (n, events[arm, stratum])
        for (arm, stratum), n in patients.items()
    }
    assert product["patients"].min() == 96
    # The trial's result: zidovudine alone is the worst in each stratum.
    worst = product.filter(preference=4)["therapy"].unique().to_list()
    assert worst == ["zidovudine"]


def test_means_after_96_weeks_are_of_those_that_were_measured(ran: Ran) -> None:
    with packaged("lifelines", "datasets/ACTG175.csv").open() as file:
        changes = [
            int(row["cd496"]) - int(row["cd40"])
            for row in csv.DictReader(file)
            if (row["arms"], row["strat"]) == ("0", "3") and row["cd496"] != "NA"
        ]

    cell = ran.rows("product").filter(
        therapy="zidovudine", stratum="treated over a year"
    )

    assert cell["measured_96"].to_list() == [len(changes)]
    assert cell["cd4_change_96"].to_list() == [round(sum(changes) / len(changes))]
    assert ran.rows("product")["measured_96"].sum() == 2_139 - 797


def test_no_patient_is_in_the_product(ran: Ran) -> None:
    disclosed = ran.rows("disclosure").row(0, named=True)

    assert {"row", "pidnum", "age_from", "gender"}.isdisjoint(
        ran.rows("product").columns
    )
    assert (disclosed["level"], disclosed["k"]) == (4, 96)
