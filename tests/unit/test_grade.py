"""The grade matrix of GB/T 43697-2024, and the highest grade of a table's fields."""

from typing import get_args

import pytest

from schemas.contract import Column
from schemas.grade import AffectedObject, Grade, Harm, grade_of
from tasks.resource.grade import graded, highest


def column(name: str, affects: dict[str, str] | None = None) -> Column:
    return Column.model_validate(
        {"name": name, "logicalType": "string", "affects": affects}
    )


# The matrix, row by row: ordinary, serious, especially serious harm.
@pytest.mark.parametrize(
    ("affected", "grades"),
    [
        ("national_security", ("important", "core", "core")),
        ("economy", ("general", "important", "core")),
        ("social_order", ("general", "important", "core")),
        ("public_interest", ("general", "important", "core")),
        ("organisation", ("general", "general", "general")),
        ("individual", ("general", "general", "general")),
    ],
)
def test_the_matrix_is_that_of_the_standard(
    affected: AffectedObject, grades: tuple[Grade, ...]
) -> None:
    harms: tuple[Harm, ...] = ("ordinary", "serious", "especially_serious")

    assert tuple(grade_of(affected, harm) for harm in harms) == grades


def test_every_object_has_its_row() -> None:
    assert len(get_args(AffectedObject)) == 6


def test_a_table_takes_the_highest_grade_of_its_fields() -> None:
    fields = [
        column("name", {"object": "individual", "harm": "serious"}),
        column("flow", {"object": "public_interest", "harm": "serious"}),
        column("note"),
    ]

    assert graded(fields) == {"name": "general", "flow": "important"}
    assert highest(fields) == "important"
    assert highest(fields[2:]) is None
