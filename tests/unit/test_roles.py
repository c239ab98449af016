"""Columns have the role that a document gives them, and each person is counted once."""

from typing import Any

import polars as pl
import pytest

from tasks.product.roles import identifying, misplaced, undeclared
from tests.unit.test_disclosure import COLUMNS, about, answers, frame, terms

QUERY = "SELECT age, sex, ill, id FROM resource"
NAMES = ("age", "sex", "ill", "id")


def told(rows: pl.LazyFrame, release: str = "enclave", **asked: Any) -> list[str]:
    """Ask about persons by age and sex, with the sensitive column ill."""
    columns = COLUMNS | {"id": "internal"}
    given = terms(QUERY, columns, release=release, **about(**asked))
    return [*undeclared(given), *misplaced(rows, given)]


def people(*ills: str | None) -> pl.LazyFrame:
    rows = [("30", "m", ill, str(number)) for number, ill in enumerate(ills)]
    return frame(rows, *NAMES)


def test_a_pseudonym_without_a_subject_asks_whom_k_counts() -> None:
    key = {"pseudonym": "id", "key": "k"}

    (found,) = told(people(*"aabb"), steps=[key])

    assert found.startswith(
        "id holds a pseudonym, and one person may have several rows"
    )
    assert "write deidentification.subject: id" in found
    assert told(people(*"aabb"), steps=[key], subject="id") == []


def test_a_subject_that_is_no_pseudonym_does_not_stand_for_one() -> None:
    """A running number as subject would count rows again."""
    steps = [{"pseudonym": "id", "key": "k"}]

    found, *_ = told(people(*"aabb"), steps=steps, subject="age")

    assert found.startswith("id holds a pseudonym")


@pytest.mark.parametrize(
    ("release", "diversity", "passed"),
    [
        ("open", 1, False),
        ("controlled", 1, False),
        ("controlled", 2, True),
        ("enclave", 1, True),
    ],
)
def test_outside_an_enclave_a_sensitive_column_differs_in_each_class(
    release: str, diversity: int, passed: bool
) -> None:
    many = people(*"ab" * 40)

    found = told(many, release, diversity=diversity)

    assert (found == []) == passed
    if not passed:
        assert "write diversity: 2 or more" in found[0]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("abcdaaaa", False),  # 4 values of 8 persons at k 2
        ("abcdeaaa", True),  # 5 values of 8
        ("abcdefgh", True),
        ("aaaaaaaa", False),
        ("a", False),  # nobody is told from another
    ],
)
def test_a_sensitive_column_that_few_share_names_persons(
    values: str, named: bool
) -> None:
    found = told(people(*values))

    assert bool(found) == named
    if named:
        assert found[0].startswith("ill is listed as sensitive, but has nearly as many")


def test_null_is_no_value_and_a_person_counts_once() -> None:
    """Two values of 4 persons; of 2 subjects, who have two rows each, they are two."""
    rows = [("30", "m", ill, who) for ill, who in zip("abab", "1212", strict=True)]
    step = {"pseudonym": "id", "key": "k"}

    assert told(people("a", "b", None, None)) == []
    assert told(frame(rows, *NAMES)) == []
    (found,) = told(frame(rows, *NAMES), steps=[step], subject="id")
    assert found.startswith("ill is listed as sensitive")


def test_a_name_that_is_called_sensitive_shuts_the_gate() -> None:
    rows = frame([("30", "m", name) for name in ("Ada", "Bo", "Cy", "Di")])

    gates, _ = answers(rows, terms(**about()))

    assert not gates["disclosure"][0]
    assert "ill is listed as sensitive" in gates["disclosure"][1]
    assert not any(name in gates["disclosure"][1] for name in ("Ada", "Cy"))


def identified(value: str, **more: Any) -> list[str]:
    """Ask what ``ill`` comes of, listed as sensitive."""
    given = terms(f"SELECT age, sex, {value} AS ill FROM resource", **about(**more))
    return list(identifying(given))


@pytest.mark.parametrize(
    "value",
    ["SPLIT_PART(id, ' ', 1)", "CASE WHEN age = 7 THEN id ELSE 'x' END", "sex || ill"],
)
def test_parts_of_what_a_person_is_known_by_are_no_sensitive_values(value: str) -> None:
    (told,) = identified(value)

    assert told.startswith("ill is listed as sensitive, but comes of resource.")
    assert "(personal), by which a person may be known" in told
    assert identified(value, steps=[{"generalise": "ill", "prefix": 1}]) == []


@pytest.mark.parametrize(
    "value",
    [
        "ill",
        "CASE ill WHEN 'a' THEN 'yes' END",
        "town",
        "MAX(ill) OVER (PARTITION BY id)",
    ],
)
def test_what_comes_of_sensitive_columns_may_be_sensitive(value: str) -> None:
    assert identified(value) == []


def test_a_resource_makes_no_identifier_sensitive_either() -> None:
    made = "SELECT id, age, sex, SUBSTR(id, 1, 3) AS ill FROM people"
    sources = {"people": {"id": "personal", "age": "personal", "sex": "personal"}}
    given = terms(
        upstream={"resource": {"consolidate": made, "sources": sources}}, **about()
    )

    (told,) = identifying(given)

    assert "comes of people.id (personal)" in told
