"""NAFLD: three linked tables, no orphan, two labels the wrong way round."""

import csv
from collections import Counter
from collections.abc import Iterator

import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, needed, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("patients_nafld/nafld1.csv")
    home = tmp_path_factory.mktemp("nafld")
    with run_of("nafld-cohort", home, through=Stage.PRODUCT) as ran:
        yield ran


@pytest.fixture(scope="module")
def measures() -> list[dict[str, str]]:
    with needed("patients_nafld/nafld2.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_three_tables_pass_whole_and_without_orphans(ran: Ran) -> None:
    assert ran.balance("subjects") == (17_549, 17_549, 0, 0)
    assert ran.balance("measures") == (400_123, 400_123, 0, 0)
    assert ran.balance("events") == (34_340, 34_340, 0, 0)
    assert ran.balance("resource") == (400_123, 400_123, 0, 0)


def test_missing_weights_heights_and_indices_are_the_empty_cells(ran: Ran) -> None:
    subjects = ran.rows("subjects")

    empty = [subjects[name].null_count() for name in ("weight_kg", "height_cm", "bmi")]

    assert empty == [4_786, 3_168, 4_961]


def test_every_systolic_value_is_below_its_diastolic_one(
    ran: Ran, measures: list[dict[str, str]]
) -> None:
    """The labels sbp and dbp are exchanged in the published set."""
    diastolic: dict[tuple[str, str], float] = {}
    for row in measures:
        if row["test"] == "dbp":
            day, value = (row["id"], row["days"]), float(row["value"])
            diastolic[day] = max(value, diastolic.get(day, value))
    reversed_pairs = sum(
        float(row["value"]) <= diastolic.get((row["id"], row["days"]), -1)
        for row in measures
        if row["test"] == "sbp"
    )

    assert reversed_pairs == 33_430
    assert ran.broke("resource", "systolic is above diastolic") == reversed_pairs


def test_a_pressure_no_living_body_has_is_counted(
    ran: Ran, measures: list[dict[str, str]]
) -> None:
    odd = sum(
        row["test"] in ("sbp", "dbp") and not 20 <= float(row["value"]) <= 300
        for row in measures
    )

    assert odd == 14
    assert ran.broke("measures", "a blood pressure") == odd


def test_phases_are_counted_from_the_first_diagnosis(
    ran: Ran, measures: list[dict[str, str]]
) -> None:
    first: dict[str, int] = {}
    with needed("patients_nafld/nafld3.csv").open() as file:
        for row in csv.DictReader(file):
            if row["event"] == "nafld":
                days = int(row["days"])
                first[row["id"]] = min(days, first.get(row["id"], days))

    phases = Counter(ran.rows()["phase"].to_list())

    assert phases == Counter(
        "never" if row["id"] not in first
        else "before" if int(row["days"]) < first[row["id"]] else "after"
        for row in measures
    )  # fmt: skip


def test_no_laboratory_value_reaches_the_product(
    ran: Ran, measures: list[dict[str, str]]
) -> None:
    held = {
        test: Counter(row["value"] for row in measures if row["test"] == test)
        for test in ("hdl", "chol")
    }

    # What says hdl and what says chol are the same 161,258 values: neither is known.
    assert (held["hdl"] - held["chol"]).total() == 1
    assert (held["chol"] - held["hdl"]).total() == 0
    columns = set(ran.rows("product").columns)
    assert columns.isdisjoint({"value", "test", "diastolic", "sbp", "hdl", "fib4"})


def test_the_product_counts_persons_once_by_risk_group(
    ran: Ran, measures: list[dict[str, str]]
) -> None:
    measured = {row["id"] for row in measures}
    with needed("patients_nafld/nafld3.csv").open() as file:
        fatty = {r["id"] for r in csv.DictReader(file) if r["event"] == "nafld"}
    with needed("patients_nafld/nafld1.csv").open() as file:
        died = {r["id"] for r in csv.DictReader(file) if r["status"] == "1"}

    product = ran.rows("product")

    assert product.height == 3 * 2 * 5
    assert product["persons"].sum() == len(measured) == 15_666
    assert product["fatty_liver"].sum() == len(fatty & measured) == 3_811
    assert product["deaths"].sum() == len(died & measured)
    assert product["persons"].min() == 168
