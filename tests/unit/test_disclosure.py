"""What a published file discloses, takes from where, and tells beside an earlier one.

Expected numbers are counted by hand or by plain Python.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.document import load
from schemas.grade import Finding
from schemas.policy import Policy
from schemas.privacy import Deidentification, Disclosure
from schemas.product import ProductRules, ProductTerms
from tasks.product.case import Case
from tasks.product.disclosure import Answers, disclosed, foreseen
from tasks.product.lineage import taken
from tasks.product.linkage import linkage
from tasks.product.productize import productize
from tasks.product.relabel import relabelled
from tasks.product.treatment import changed

POLICY = Path(__file__).parents[2] / "deployments" / "policies" / "cn-2025.yaml"
RULES = load(POLICY, Policy).resolve(
    ProductRules
)  # k: open 20, controlled 5, enclave 2
CLASSES = dict.fromkeys(("id", "age", "sex"), "personal") | {"ill": "sensitive"}
CLASSES |= {"town": "public"}
QUERY = "SELECT age, sex, ill FROM resource"
COLUMNS = {"age": "personal", "sex": "personal", "ill": "sensitive"}


def terms(
    query: str = QUERY, columns: dict[str, str] = COLUMNS, **more: Any
) -> ProductTerms:
    """Terms of a product over a resource about persons."""
    given: dict[str, Any] = {
        "name": "cohort",
        "version": "1.0.0",
        "query": query,
        "licence": {"name": "house", "permissions": ["use"]},
        "release": "enclave",
        "columns": [
            {"name": n, "logicalType": "string"} | ({"classification": c} if c else {})
            for n, c in columns.items()
        ],
        "classified": {"resource": CLASSES},
        "keyed": {"resource": ("id",)},
        "rules": RULES,
        **more,
    }
    return ProductTerms.model_validate(given)


def about(**asked: Any) -> dict[str, Any]:
    """De-identification with age and sex as quasi-identifiers."""
    plain = {"quasi_identifiers": ["age", "sex"], "sensitive": ["ill"]}
    return {"deidentification": plain | asked}


ROWS = [("30", "m", ill) for ill in "ab"] + [("40", "f", ill) for ill in "aab"]


def frame(rows: list[tuple[Any, ...]], *names: str) -> pl.LazyFrame:
    schema = dict.fromkeys(names or ("age", "sex", "ill"), pl.String)
    return pl.LazyFrame(rows, schema=schema, orient="row")


def ask(
    rows: pl.LazyFrame, asked: ProductTerms, earlier: Mapping[str, pl.LazyFrame]
) -> Answers:
    return disclosed(rows, Case(asked, pl.DataFrame(), date(2026, 6, 30)), earlier)


def answers(
    rows: pl.LazyFrame, asked: ProductTerms
) -> tuple[dict[str, tuple[bool, str, str]], dict[str, Any]]:
    """Ask, and give the gates by name and the one row of Disclosure."""
    found = ask(rows, asked, {})
    Disclosure.validate(found.disclosure)
    row = found.disclosure.row(0, named=True) if found.disclosure.height else {}
    return {gate: tuple(rest) for gate, *rest in found.gates}, row  # type: ignore[misc]  # a gate is named first


def test_k_l_classes_and_level_are_measured_on_the_rows() -> None:
    gates, row = answers(frame(ROWS), terms(**about(diversity=2)))

    assert row == {
        "release": "enclave", "rows": 5, "persons": 5, "classes": 2, "k": 2,
        "median_class": 2, "largest_class": 3, "diversity": 2, "at_risk": 0,
        "withheld": 0, "threshold": 2, "level": 3,
    }  # fmt: skip
    assert all(passed for passed, *_ in gates.values())
    assert list(gates) == ["relabel", "disclosure", "linkage"]


def test_a_small_class_shuts_the_gate_with_its_numbers() -> None:
    gates, row = answers(frame(ROWS), terms(release="controlled", **about()))
    passed, ground, evidence = gates["disclosure"]

    assert not passed
    assert "k is 2, but a controlled release needs 5: 5 of 5 persons" in ground
    assert "rule k_controlled 5 of cn-2025" in evidence
    assert (row["level"], row["at_risk"]) == (2, 5)


def test_a_class_that_is_alike_shuts_the_gate() -> None:
    rows = frame([("30", "m", "a"), ("30", "m", "a")])

    gates, _ = answers(rows, terms(**about(diversity=2)))

    assert not gates["disclosure"][0]
    assert "l is 1, but 2 are asked" in gates["disclosure"][1]


def test_k_counts_persons_not_rows_where_the_subject_is_named() -> None:
    rows = frame(
        [("30", "m", "a", "p"), ("30", "m", "b", "p")], "age", "sex", "ill", "id"
    )
    columns = {**COLUMNS, "id": "personal"}
    query = "SELECT age, sex, ill, id FROM resource"
    step = {"steps": [{"pseudonym": "id", "key": "k"}]}

    _, plain = answers(rows, terms(query, columns, **about(**step)))
    gates, by_person = answers(
        rows, terms(query, columns, **about(subject="id", **step))
    )

    assert (plain["k"], by_person["k"]) == (2, 1)
    assert not gates["disclosure"][0]


def test_personal_columns_without_quasi_identifiers_stay_shut() -> None:
    gates, row = answers(frame(ROWS), terms())

    assert not gates["disclosure"][0]
    assert "write deidentification.quasi_identifiers" in gates["disclosure"][1]
    assert row["level"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT town FROM resource WHERE ill = 'a'",
        "SELECT town FROM resource GROUP BY town HAVING COUNT(DISTINCT id) > 3",
        "SELECT r.town FROM resource r JOIN resource s ON r.id = s.id",
    ],
)
def test_rows_that_a_personal_column_chooses_are_about_persons_too(query: str) -> None:
    gates, _ = answers(frame([("x",)], "town"), terms(query, {"town": "public"}))

    assert not gates["disclosure"][0]


def test_a_product_that_reads_nothing_personal_has_nothing_to_disclose() -> None:
    site = {"site": "public", "town": "public"}
    owned = {"classified": {"resource": site | {"owner": "personal"}}}
    for things, columns in (
        ({"classified": {"resource": site}}, 2),
        (owned | {"keyed": {"resource": ("site",)}}, 3),  # a register of sites
    ):
        asked = terms("SELECT town FROM resource", {"town": "public"}, **things)

        gates, row = answers(frame([("x",)], "town"), asked)

        assert gates["disclosure"][0]
        assert gates["disclosure"][2] == f"{columns} columns of its tables"
        assert row == {}


@pytest.mark.parametrize("key", [(), ("id",), ("town",)])
@pytest.mark.parametrize("release", ["open", "enclave"])
def test_rows_and_counts_of_persons_are_about_persons_whatever_is_read(
    key: tuple[str, ...], release: str
) -> None:
    query = "SELECT town, COUNT(*) AS n FROM resource GROUP BY town"
    asked = terms(query, {"town": "public"}, release=release, keyed={"resource": key})

    gates, row = answers(frame([("x",)], "town"), asked)

    assert not gates["disclosure"][0]
    assert (
        "its rows are about persons; write deidentification" in gates["disclosure"][1]
    )
    assert row["level"] == 1
    assert foreseen(Case(asked, pl.DataFrame(), date(2026, 6, 30))) != []


def test_without_a_classification_or_a_policy_it_stays_shut() -> None:
    for asked in (terms(classified={}), terms().model_copy(update={"rules": None})):
        gates, _ = answers(frame(ROWS), asked)

        assert not gates["disclosure"][0]


def test_a_column_in_no_role_may_name_a_person() -> None:
    query, columns = (
        "SELECT age, sex, ill, id FROM resource",
        {**COLUMNS, "id": "personal"},
    )
    rows = frame(
        [("30", "m", "a", "1"), ("30", "m", "a", "2")], "age", "sex", "ill", "id"
    )

    gates, row = answers(rows, terms(query, columns, **about()))
    raw_subject, _ = answers(rows, terms(query, columns, **about(subject="id")))

    assert row["level"] == 1
    assert "id may name a person (level 1)" in gates["disclosure"][1]
    assert not raw_subject["disclosure"][0]


# --- treated columns in no role

PHONES = [f"1380000{n:04}" for n in range(4)]


def with_phone(
    values: Sequence[str | None], *steps: dict[str, Any], **asked: Any
) -> tuple[dict[str, tuple[bool, str, str]], dict[str, Any]]:
    """Ask about men of 30 with a published phone, at k 2; labelled internal."""
    names = ("age", "sex", "ill", "phone")
    rows = frame([("30", "m", "a", value) for value in values], *names)
    query = "SELECT age, sex, ill, id AS phone FROM resource"
    given = terms(query, COLUMNS | {"phone": "internal"}, **about(steps=steps, **asked))
    return answers(rows, given)


@pytest.mark.parametrize(
    ("values", "step", "least"),
    [
        ([f"{p[:10]}*" for p in (*PHONES, *PHONES)], {"mask": "phone", "first": 10}, 8),
        ([f"{n}380000000*" for n in "1123"], {"mask": "phone", "first": 10}, 1),
        (["130", "130", "131"], {"generalise": "phone", "prefix": 3}, 1),
        (["1*", "1*", None], {"mask": "phone", "first": 1}, 1),
    ],
)
def test_a_treated_column_in_no_role_must_form_classes_of_k_by_itself(
    values: list[str | None], step: dict[str, Any], least: int
) -> None:
    gates, row = with_phone(values, step)
    passed, ground, _ = gates["disclosure"]

    assert gates["relabel"][0]
    assert passed == (least >= 2)
    assert (f"phone (k {least}) tells fewer than 2 persons" in ground) == (not passed)
    assert row["level"] == (3 if passed else 2)


@pytest.mark.parametrize(
    "step",
    [
        {"generalise": "phone", "prefix": 99},
        {"mask": "phone", "first": 11},
        {"generalise": "phone", "hierarchy": dict(zip(PHONES, PHONES, strict=True))},
        {"top_code": "phone", "at": 99},
    ],
)
def test_a_step_that_leaves_a_column_as_it_was_treats_nothing(
    step: dict[str, Any],
) -> None:
    gates, row = with_phone([*PHONES, *PHONES], step)

    assert "phone is internal, but shows resource.id (personal)" in gates["relabel"][1]
    assert "phone may name a person (level 1)" in gates["disclosure"][1]
    assert row["level"] == 1


def number_treated(values: list[int], step: dict[str, Any]) -> frozenset[str]:
    asked = Deidentification.model_validate({"steps": [step]})
    return changed(pl.LazyFrame({"x": values}), asked)


@pytest.mark.parametrize(
    ("values", "step", "seen"),
    [
        ([30, 80], {"top_code": "x", "at": 80}, True),
        ([30, 79], {"top_code": "x", "at": 80}, False),
        ([18, 30], {"bottom_code": "x", "at": 18}, True),
        ([19, 30], {"bottom_code": "x", "at": 18}, False),
        ([30, 40], {"round": "x", "to": 10}, True),
        ([30, 41], {"round": "x", "to": 1}, False),
        ([30, 41], {"generalise": "x", "width": 1}, False),
        ([30, 40], {"generalise": "x", "width": 5}, True),
    ],
)
def test_a_number_is_treated_where_the_step_is_seen_in_it(
    values: list[int], step: dict[str, Any], seen: bool
) -> None:
    assert number_treated(values, step) == (frozenset("x") if seen else frozenset())


def test_a_pseudonym_may_be_of_one_person_but_a_masked_subject_may_not() -> None:
    key = {"pseudonym": "phone", "key": "k"}
    masked = [f"{n}380000000*" for n in "1234"]

    by_key, _ = with_phone(PHONES, key, subject="phone")
    by_mask, _ = with_phone(masked, {"mask": "phone", "first": 10}, subject="phone")

    assert by_key["disclosure"][0]
    assert "phone (k 1) tells fewer than 2 persons" in by_mask["disclosure"][1]


# --- tables of counts

WORDS = (
    "CASE WHEN age < '40' THEN '30' ELSE '40' END AS age,"
    " CASE sex WHEN 'm' THEN 'm' ELSE 'f' END AS sex, COUNT(DISTINCT id) AS n"
)
COUNT = f"SELECT {WORDS} FROM resource GROUP BY age, sex"


def counted(
    *counts: int | None, threshold: int | None = None, release: str = "controlled"
) -> Any:
    cells = [("30", "m"), ("30", "f"), ("40", "m"), ("40", "f")]
    rows = pl.LazyFrame(
        [(*c, n) for c, n in zip(cells, counts, strict=True)],
        schema={"age": pl.String, "sex": pl.String, "n": pl.Int64},
        orient="row",
    )
    columns = {"age": "public", "sex": "public", "n": "public"}
    step = {"cells": "n", "by": ["age", "sex"]} | (
        {"threshold": threshold} if threshold else {}
    )
    asked = {"steps": [step], "subject": "id"}
    return answers(rows, terms(COUNT, columns, release=release, deidentification=asked))


def test_a_table_of_counts_is_level_4_and_its_cells_are_the_classes() -> None:
    gates, row = counted(7, 9, 30, 0)

    assert all(passed for passed, *_ in gates.values())
    assert (row["level"], row["k"], row["classes"], row["withheld"]) == (4, 7, 3, 0)


def test_a_threshold_of_its_own_does_not_undercut_the_release() -> None:
    gates, row = counted(3, 9, 30, 8, threshold=2)

    assert "k is 3, but a controlled release needs 5" in gates["disclosure"][1]
    assert row["level"] == 2


def test_a_hole_that_its_row_gives_back_shuts_the_gate() -> None:
    gates, row = counted(None, 9, 30, 8)

    assert not gates["disclosure"][0]
    assert "1 withheld counts follow from the sums" in gates["disclosure"][1]
    assert row["withheld"] == 1


def test_a_table_in_which_all_counts_are_withheld_does_not_leave() -> None:
    passed, ground, _ = counted(None, None, None, None)[0]["disclosure"]

    assert not passed
    assert ground.startswith("all counts are withheld, so the names of the cells")
    assert counted(None, None, 30, 28)[0]["disclosure"][1] != ground


def test_a_measure_beside_a_withheld_count_shuts_the_gate() -> None:
    cells = [(age, sex, None, None) for age in ("30", "40") for sex in ("m", "f")]
    query = f"SELECT {WORDS}, AVG(age) AS mean FROM resource GROUP BY age, sex"
    step = {"cells": "n", "by": ["age", "sex"]}
    asked = terms(
        query,
        dict.fromkeys(("age", "sex", "n", "mean"), "public"),
        deidentification={"steps": [step], "subject": "id"},
    )
    schema = {"age": pl.String, "sex": pl.String, "n": pl.Int64, "mean": pl.Int64}
    hidden = pl.LazyFrame(cells, schema=schema, orient="row")
    told = hidden.with_columns(
        mean=pl.when(pl.col("age") == "30", pl.col("sex") == "m").then(3)
    )

    assert "measure" not in answers(hidden, asked)[0]["disclosure"][1]
    passed, ground, _ = answers(told, asked)[0]["disclosure"]
    assert not passed
    assert "1 withheld counts have a measure told beside them" in ground


# --- nobody named

NOBODY_QUERY = "SELECT age, sex, ill, id FROM resource"


def of_subjects(*subjects: str | None) -> pl.LazyFrame:
    rows = [("30", "m", "a", subject) for subject in subjects]
    return frame(rows, "age", "sex", "ill", "id")


def by_subject() -> ProductTerms:
    step = {"pseudonym": "id", "key": "k"}
    asked = about(subject="id", steps=[step])
    return terms(NOBODY_QUERY, COLUMNS | {"id": "internal"}, **asked)


@pytest.mark.parametrize(
    ("subjects", "k", "at_risk"),
    [
        ((None, None, None), 1, 1),  # surely one person; perhaps no more
        (("1", None), 1, 1),  # both rows may be of 1
        (("1", "2", None), 2, 0),
    ],
)
def test_rows_without_a_subject_are_at_risk_and_add_nobody_to_k(
    subjects: tuple[str | None, ...], k: int, at_risk: int
) -> None:
    gates, row = answers(of_subjects(*subjects), by_subject())

    assert (row["k"], row["at_risk"], row["persons"]) == (k, at_risk, k)
    assert gates["disclosure"][0] == (k >= 2)


def test_a_sensitive_value_beside_nulls_is_known_of_its_class() -> None:
    rows = frame([("30", "m", "a"), ("30", "m", None)])

    gates, row = answers(rows, terms(**about(diversity=2)))

    assert row["diversity"] == 1
    assert not gates["disclosure"][0]


def test_a_null_quasi_identifier_makes_a_class_of_its_own() -> None:
    rows = frame([("30", "m", "a"), ("30", "m", "b"), (None, "m", "a")])

    _, row = answers(rows, terms(**about()))

    assert (row["classes"], row["k"], row["at_risk"]) == (2, 1, 1)


# --- relabelling


def low(query: str, columns: dict[str, str], **more: Any) -> list[tuple[str, str, str]]:
    asked = terms(query, columns, **more)
    found = relabelled(asked, taken(asked), asked.deidentification.treated)
    return [(name, label, held.name) for name, label, held in found]


@pytest.mark.parametrize(
    ("query", "label", "shown"),
    [
        ("SELECT age AS a FROM resource", "personal", None),
        ("SELECT age AS a FROM resource", "internal", "resource.age"),
        ("SELECT ill AS a FROM resource", "personal", "resource.ill"),
        ("SELECT age AS a FROM resource", "", "resource.age"),
        ("SELECT MAX(ill) AS a FROM resource", "public", "resource.ill"),
        ("SELECT COUNT(ill) AS a FROM resource", "public", "resource.ill"),
        (
            "WITH x AS (SELECT UPPER(id) AS y FROM resource) SELECT y AS a FROM x",
            "public",
            "resource.id",
        ),
    ],
)
def test_what_is_shown_keeps_its_classification(
    query: str, label: str, shown: str | None
) -> None:
    expected = [("a", label or "undecided", shown)] if shown else []

    assert low(query, {"a": label}) == expected


def test_a_step_on_the_column_lets_it_go_lower() -> None:
    step = {"steps": [{"generalise": "age", "prefix": 1}]}

    assert (
        low("SELECT age FROM resource", {"age": "public"}, deidentification=step) == []
    )


def test_a_name_is_followed_through_the_resource_to_its_source() -> None:
    upstream = {
        "resource": {
            "consolidate": "SELECT p.mobile AS town, p.age AS age FROM people p",
            "labels": {"code": "SUBSTR(town, 1, 3)"},
            "sources": {"people": {"mobile": "sensitive", "age": "personal"}},
        }
    }
    classified = {"resource": {"town": "public", "code": "internal", "age": "personal"}}
    given = {"upstream": upstream, "classified": classified}

    columns = {"town": "public", "code": "internal"}

    assert low("SELECT town, code FROM resource", columns, **given) == [
        ("town", "public", "people.mobile"),
        ("code", "internal", "people.mobile"),
    ]


def test_a_task_does_not_say_what_it_takes_so_all_its_columns_are_held() -> None:
    columns = {"town": "public", "ill": "sensitive"}

    asked = terms("", columns, task="made_in_python")
    found = relabelled(asked, taken(asked), frozenset())

    assert [(name, held.label) for name, _, held in found] == [("town", "sensitive")]


def test_the_gate_names_both_columns() -> None:
    found = ask(
        frame([("x",)], "a"),
        terms("SELECT id AS a FROM resource", {"a": "internal"}),
        {},
    )
    (gate,) = [g for g in found.gates if g[0] == "relabel"]

    assert gate[1] is False
    assert gate[2].startswith(
        "a is internal, but shows resource.id (personal); classify"
    )


# --- linkage


def test_two_safe_releases_that_differ_by_one_person_are_flagged() -> None:
    before = frame([("30", "m", "a")] * 6 + [("40", "f", "a")] * 6)
    now = frame([("30", "m", "a")] * 5 + [("40", "f", "a")] * 6)
    asked = terms(release="controlled", **about())

    (found,) = linkage(now, {"1.0.0": before}, asked)

    assert (found.release, found.classes, found.least) == ("1.0.0", 1, 1)
    gate = next(
        g for g in ask(now, asked, {"1.0.0": before}).gates if g[0] == "linkage"
    )
    assert not gate[1]
    assert "1.0.0 in 1 classes by fewer than 5 persons (the least by 1)" in gate[2]


def test_equal_releases_and_large_changes_are_not_flagged() -> None:
    before = frame([("30", "m", "a")] * 6)
    now = frame([("30", "m", "a")] * 11 + [("40", "f", "a")] * 5)
    asked = terms(release="controlled", **about())

    assert linkage(before, {"same": before}, asked) == []
    assert linkage(now, {"old": before}, asked) == []


def test_classes_that_hold_null_are_the_same_class_in_both() -> None:
    rows = frame([(None, "m", "a")] * 6)

    assert linkage(rows, {"old": rows}, terms(release="controlled", **about())) == []


def test_a_class_of_null_that_lost_one_person_is_flagged() -> None:
    before, now = frame([(None, "m", "a")] * 7), frame([(None, "m", "a")] * 6)

    (found,) = linkage(now, {"old": before}, terms(release="controlled", **about()))

    assert (found.classes, found.least) == (1, 1)


def test_a_release_by_other_columns_is_compared_by_those_that_both_have() -> None:
    before = frame([("m", "a")] * 12, "sex", "ill")
    now = frame([("30", "m", "a")] * 7 + [("40", "m", "a")] * 6)
    asked = terms(release="controlled", **about())

    assert [
        (gap.classes, gap.least) for gap in linkage(now, {"old": before}, asked)
    ] == [(1, 1)]


def test_a_person_exchanged_for_another_is_seen_by_the_subjects() -> None:
    names = ("age", "sex", "ill", "id")
    before = frame([("30", "m", "a", str(n)) for n in range(6)], *names)
    now = frame([("30", "m", "a", str(n)) for n in range(1, 7)], *names)
    columns, query = (
        {**COLUMNS, "id": "personal"},
        "SELECT age, sex, ill, id FROM resource",
    )

    plain = terms(query, columns, release="controlled", **about())
    named = terms(query, columns, release="controlled", **about(subject="id"))

    assert linkage(now, {"old": before}, plain) == []
    assert [
        (gap.classes, gap.least) for gap in linkage(now, {"old": before}, named)
    ] == [(2, 1)]


def test_a_person_without_a_subject_who_left_is_seen() -> None:
    before, now = of_subjects("1", "2", "3", None), of_subjects("1", "2", "3")

    (found,) = linkage(now, {"old": before}, by_subject())

    assert (found.classes, found.least) == (1, 1)


# --- laws

AGES = st.sampled_from(["31", "32", "41"])
PERSON = st.tuples(AGES, st.sampled_from("mf"), st.sampled_from("abc"))
PERSONS = st.lists(PERSON, min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(PERSONS)
def test_k_and_l_are_those_of_a_plain_count(rows: list[tuple[str, str, str]]) -> None:
    _, found = answers(frame(rows), terms(**about()))
    sizes = Counter((age, sex) for age, sex, _ in rows)

    assert found["k"] == min(sizes.values())
    assert found["classes"] == len(sizes)
    assert found["at_risk"] == sum(n for n in sizes.values() if n < 2)
    assert found["diversity"] == min(
        len({ill for *key, ill in rows if tuple(key) == of}) for of in sizes
    )


@settings(max_examples=60, deadline=None)
@given(PERSONS)
def test_to_say_less_never_lowers_k_or_l(rows: list[tuple[str, str, str]]) -> None:
    _, fine = answers(frame(rows), terms(**about()))
    _, coarse = answers(
        frame([(age[:1], sex, ill) for age, sex, ill in rows]), terms(**about())
    )

    assert coarse["k"] >= fine["k"]
    assert coarse["diversity"] >= fine["diversity"]


def test_productize_asks_about_the_rows_it_is_handed() -> None:
    finding = ("age", "person", 0, 0, 0, False, "personal", True, 100)
    found = {"resource": frame_of(Finding, [finding]).lazy()}

    made = productize(
        frame(ROWS),
        found,
        terms(**about()),
        date(2026, 6, 30),
        {"old": frame(ROWS[:4])},
    )

    gates = {row["gate"]: row["passed"] for row in made.gates.collect().to_dicts()}
    assert (gates["disclosure"], gates["relabel"], gates["linkage"]) == (
        True,
        True,
        False,
    )
    assert made.disclosure.collect()["k"].to_list() == [2]
