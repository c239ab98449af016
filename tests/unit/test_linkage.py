"""Each release is counted by its own terms, whatever the new one calls its columns."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.document import load
from schemas.earlier import Earlier
from schemas.policy import Policy
from schemas.product import ProductRules, ProductTerms
from tasks.product.linkage import Difference, linkage, linkage_gate, telling

POLICY = Path(__file__).parents[2] / "deployments" / "policies" / "cn-2025.yaml"
RULES = load(POLICY, Policy).resolve(ProductRules)  # k: controlled 5


def asking(names: list[str], **asked: Any) -> ProductTerms:
    """Terms of a controlled release (k 5)."""
    return ProductTerms.model_validate(
        {
            "name": "cohort",
            "version": "2.0.0",
            "query": "SELECT * FROM resource",
            "licence": {"name": "house", "permissions": ["use"]},
            "release": "controlled",
            "columns": [{"name": n, "logicalType": "string"} for n in names],
            "deidentification": asked,
            "rules": RULES,
        }
    )


COUNTS = asking(["town", "n"], steps=[{"cells": "n", "by": ["town"]}])
NOW = pl.LazyFrame({"town": ["east", "west"], "n": [20, 30]})


def test_a_renamed_count_differs_by_what_it_counts() -> None:
    before = pl.LazyFrame({"town": ["east", "west"], "patients": [21, 30]})
    way = Earlier(release="1.0.0", classes=("town",), count="patients")

    assert linkage(NOW, {"1.0.0": before}, COUNTS, [way]) == [Difference("1.0.0", 1, 1)]


def test_rows_of_persons_are_held_against_a_later_count_of_them() -> None:
    before = pl.LazyFrame({"town": ["east"] * 20 + ["west"] * 33})
    way = Earlier(release="1.0.0", classes=("town",))

    assert linkage(NOW, {"1.0.0": before}, COUNTS, [way]) == [Difference("1.0.0", 1, 3)]


def grouping(column: str, count: str, table: str = "resource") -> ProductTerms:
    """Terms of counts by a column that shows the town."""
    query = f"SELECT town AS {column}, COUNT(*) AS {count} FROM {table} GROUP BY town"
    step = {"cells": count, "by": [column]}
    read = {"query": query, "classified": {table: {"town": "public"}}}
    return asking([column, count], steps=[step]).model_copy(update=read)


@pytest.mark.parametrize("table", ["resource", "patients"])
def test_a_cell_of_another_name_is_the_cell_that_shows_the_same(table: str) -> None:
    """East lost one and west won nine: the whole alone would differ by eight."""
    before = pl.LazyFrame({"town": ["east", "west"], "n": [21, 21]})
    now = pl.LazyFrame({"place": ["east", "west"], "persons": [20, 30]})
    way = telling("1.0.0", grouping("town", "n", table).model_dump(mode="json"))
    assert way is not None

    found = linkage(now, {"1.0.0": before}, grouping("place", "persons"), [way])

    assert found == [Difference("1.0.0", 1, 1)]


def test_a_cell_that_shows_something_else_is_not_taken_for_it() -> None:
    before = pl.LazyFrame({"street": ["east", "west"], "n": [21, 21]})
    now = pl.LazyFrame({"place": ["east", "west"], "persons": [20, 30]})
    shows = {"street": ("street",)}
    way = Earlier(release="1.0.0", classes=("street",), count="n", shows=shows)

    assert linkage(now, {"1.0.0": before}, grouping("place", "persons"), [way]) == []


def test_a_renamed_subject_is_held_against_the_subject_it_was() -> None:
    """One person is exchanged for another: no class says so, the pseudonyms do."""
    now = pl.LazyFrame({"sex": ["m"] * 6, "who": list("abcdef")})
    before = pl.LazyFrame({"sex": ["m"] * 6, "patient": list("bcdefg")})
    terms = asking(["sex", "who"], quasi_identifiers=["sex"], subject="who")
    way = Earlier(release="1.0.0", classes=("sex",), subject="patient")

    assert linkage(now, {"1.0.0": before}, terms, [way]) == [Difference("1.0.0", 2, 1)]


def test_of_many_releases_five_are_named_and_the_others_counted() -> None:
    before = pl.LazyFrame({"town": ["east", "west"], "n": [21, 30]})
    earlier = {f"1.0.{number}": before for number in range(7)}

    gate, passed, ground, evidence = linkage_gate(NOW, earlier, COUNTS)

    assert (gate, passed) == ("linkage", False)
    assert ground.count("it differs from the release") == 5
    assert "and so from 2 more releases" in ground
    assert evidence == "7 earlier releases compared"


@pytest.mark.parametrize(
    ("town", "n"),
    [
        (["under 32", "from 32"], [21, 29]),  # 50 persons, cut elsewhere
        (["EAST", "WEST"], [20, 29]),  # in other letters, and one has left
    ],
)
def test_the_same_persons_in_other_classes_are_found(
    town: list[str], n: list[int]
) -> None:
    before = pl.LazyFrame({"town": ["under 31", "from 31"], "n": [20, 30]})
    now = pl.LazyFrame({"town": town, "n": n})

    found = linkage(now, {"1.0.0": before}, COUNTS)
    _, passed, ground, _ = linkage_gate(now, {"1.0.0": before}, COUNTS)

    assert found == [Difference("1.0.0", 0, 0)]
    assert not passed
    assert "cuts the same persons into other classes than the release 1.0.0" in ground


def test_other_persons_in_other_classes_are_no_difference() -> None:
    before = pl.LazyFrame({"town": ["2025"], "n": [50]})
    now = pl.LazyFrame({"town": ["2025", "2026"], "n": [50, 48]})
    another = pl.LazyFrame({"town": ["2026"], "n": [60]})

    assert linkage(now, {"1.0.0": before}, COUNTS) == []
    assert linkage(another, {"1.0.0": before}, COUNTS) == []
