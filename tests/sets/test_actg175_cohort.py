"""ACTG 175 one by one: k and l hold on what is published, and rows set aside add up."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from flows.answer import MASK, answer_of
from schemas.artifact import Stage
from tests.sets.ran import Ran, packaged, run_of

BEFORE = {"actg175-trial": Stage.RESOURCE}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    packaged("lifelines", "datasets/ACTG175.csv")
    home = tmp_path_factory.mktemp("cohort")
    with run_of("actg175-cohort", home, through=Stage.PRODUCT, before=BEFORE) as ran:
        yield ran


def test_patients_who_stand_alone_are_set_aside_as_by_hand(ran: Ran) -> None:
    classes: dict[tuple[int, str, str], list[tuple[str, str]]] = defaultdict(list)
    with packaged("lifelines", "datasets/ACTG175.csv").open() as file:
        for row in csv.DictReader(file):
            told = "event" if row["cens"] == "1" else row["cd496"] == "NA"
            outcome = "not measured" if told is True else str(told or "free of events")
            key = (int(row["age"]) // 20 * 20, row["gender"], row["strat"])
            classes[key].append((outcome, row["arms"]))
    # The smallest class inside an enclave is 2; two outcomes and two arms in each.
    kept = [
        people
        for people in classes.values()
        if len(people) >= 2 and all(len(set(v)) >= 2 for v in zip(*people, strict=True))
    ]

    product = ran.rows("product")
    disclosed = ran.rows("disclosure").row(0, named=True)

    assert product.height == sum(map(len, kept))
    assert ran.balance("derived") == (2_139, product.height, 2_139 - product.height, 0)
    assert disclosed["classes"] == len(kept)
    assert disclosed["k"] == min(map(len, kept)) >= 2
    assert disclosed["level"] == 3


def test_no_figure_is_that_of_one_patient_alone(ran: Ran) -> None:
    product = ran.rows("product")

    for name in ("cd40", "change_20"):
        assert min(Counter(product[name].to_list()).values()) >= 2


@pytest.mark.usefixtures("ran")
def test_the_answer_masks_what_is_classified() -> None:
    told = answer_of("actg175-cohort")
    outcomes = {row[told["columns"].index("outcome")] for row in told["rows"]}

    assert outcomes == {MASK}
