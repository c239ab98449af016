"""A table of counts proves from its SQL that it counts persons, in groups of words.

What passes and what does not is decided by hand: each query that is refused would let a
count of at least k stand over fewer than k persons, or tell of a person by a cell.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.product import ProductTerms
from tasks.product.case import Case
from tasks.product.counts import in_words, miscounted, repeated, telling_groups
from tasks.product.disclosure import disclosed, foreseen
from tasks.product.lineage import taken
from tests.unit.test_disclosure import RULES

VISITS = {
    "visit": "internal", "patient": "personal", "name": "personal",
    "age": "personal", "hiv": "sensitive", "ward": "public",
}  # fmt: skip
TOWNS = {"town": "public", "ward": "public", "patient": "public"}
TABLES = {"resource": VISITS, "towns": TOWNS}
COUNTED = {"ward": pl.String, "n": pl.Int64}
BY_WARD = "FROM resource GROUP BY ward"
EACH = "SELECT patient, MIN(ward) AS ward FROM resource GROUP BY patient"


def terms(query: str, subject: str | None = "patient", **more: Any) -> ProductTerms:
    """Terms of a table of counts ``n`` by ward over visits of patients."""
    by = more.pop("by", ("ward",))
    steps = [*more.pop("steps", ()), {"cells": "n", "by": by}]
    given: dict[str, Any] = {
        "name": "wards",
        "version": "1.0.0",
        "query": query,
        "licence": {"name": "house", "permissions": ["use"]},
        "release": "controlled",
        "columns": [
            {"name": n, "logicalType": "string", "classification": "public"}
            for n in ("n", *by)
        ],
        "deidentification": {"steps": steps, "subject": subject},
        "classified": TABLES,
        "keyed": {"resource": ("visit",), "towns": ("town",)},
        "rules": RULES,
        **more,
    }
    return ProductTerms.model_validate(given)


def wrong(asked: ProductTerms) -> list[str]:
    table = asked.deidentification.cells
    assert table is not None
    return list(miscounted(asked, table))


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}",
        f"WITH c AS (SELECT ward, COUNT(DISTINCT patient) AS p {BY_WARD})"
        " SELECT ward, p AS n FROM c",
        f"SELECT * FROM (SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}) AS c",
        f"SELECT ward, COUNT(*) AS n FROM ({EACH}) AS p GROUP BY ward",
        f"WITH p AS ({EACH}), q AS (SELECT ward FROM p WHERE ward <> 'x')"
        " SELECT ward, COUNT(*) AS n FROM q GROUP BY ward",
        "SELECT r.ward, COUNT(DISTINCT r.patient) AS n FROM resource AS r"
        " INNER JOIN towns AS t ON r.ward = t.ward GROUP BY r.ward",
        "WITH d AS (SELECT patient AS patient, ward FROM resource)"
        " SELECT ward, COUNT(DISTINCT patient) AS n FROM d"
        " GROUP BY ward HAVING COUNT(DISTINCT patient) > 5",
    ],
)
def test_a_count_of_distinct_persons_or_of_one_row_each_is_proven(query: str) -> None:
    assert wrong(terms(query)) == []


def test_rows_are_persons_where_the_table_has_the_subject_as_its_key() -> None:
    query = f"SELECT ward, COUNT(*) AS n {BY_WARD}"

    assert wrong(terms(query, keyed={"resource": ("patient",)})) == []
    for key in ((), ("visit",), ("patient", "visit")):
        (told,) = wrong(terms(query, keyed={"resource": key}))
        assert told.startswith("n counts rows, and one patient may have several")


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        ("SUM(hiv)", "n is not COUNT(*) or COUNT(DISTINCT …) alone"),
        ("COUNT(*) * 25", "n is not COUNT(*)"),
        ("25 + COUNT(DISTINCT patient)", "n is not COUNT(*)"),
        ("COUNT(DISTINCT patient) FILTER (WHERE hiv = 1)", "n is not COUNT(*)"),
        ("COUNT(DISTINCT CASE WHEN hiv = 1 THEN patient END)", "n is not COUNT(*)"),
        ("COUNT(patient)", "n is not COUNT(*)"),
        ("MAX(age)", "n is not COUNT(*)"),
        ("COUNT(*)", "n counts rows, and one patient may have several"),
        ("COUNT(DISTINCT visit)", "n counts visit, not patient"),
    ],
)
def test_what_is_no_count_of_the_persons_is_refused(counted: str, told: str) -> None:
    (found,) = wrong(terms(f"SELECT ward, {counted} AS n {BY_WARD}"))

    assert found.startswith(told)
    assert found.endswith("write COUNT(DISTINCT patient), and compute nothing with it")


@pytest.mark.parametrize(
    "query",
    [
        # a computed column that bears the subject's name
        "SELECT ward, COUNT(DISTINCT patient) AS n FROM (SELECT ward,"
        " ROW_NUMBER() OVER (ORDER BY patient) AS patient FROM resource) AS d"
        " GROUP BY ward",
        "SELECT ward, COUNT(DISTINCT patient) AS n FROM"
        " (SELECT ward, visit AS patient FROM resource) AS d GROUP BY ward",
        # a public column of that name in another table, times every visit
        "SELECT r.ward, COUNT(DISTINCT t.patient) AS n FROM resource AS r"
        " INNER JOIN towns AS t ON r.ward = t.ward GROUP BY r.ward",
        "SELECT r.ward, COUNT(DISTINCT patient) AS n FROM towns AS t"
        " INNER JOIN resource AS r ON r.ward = t.ward GROUP BY r.ward",
        # a name that two tables hold is no one's
        "SELECT ward, COUNT(DISTINCT patient) AS n FROM resource AS r INNER JOIN"
        " (SELECT ward AS w, visit AS patient FROM resource) AS d ON r.ward = d.w"
        " GROUP BY ward",
        # the count of another cell
        f"WITH c AS (SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD})"
        " SELECT a.ward, b.n FROM c AS a INNER JOIN c AS b ON a.ward <> b.ward",
        f"WITH c AS (SELECT ward, COUNT(DISTINCT patient) AS m {BY_WARD})"
        " SELECT ward, MAX(m) OVER () AS n FROM c",
        # rows that a join or a set multiplies
        f"SELECT p.ward, COUNT(*) AS n FROM ({EACH}) AS p"
        " CROSS JOIN towns AS t GROUP BY p.ward",
        "SELECT ward, COUNT(*) AS n FROM (SELECT patient, ward FROM resource"
        " UNION ALL SELECT patient, ward FROM resource) AS u GROUP BY ward",
        # groups of more than the person
        "SELECT ward, COUNT(*) AS n FROM (SELECT patient, ward FROM resource"
        " GROUP BY patient, visit, ward) AS p GROUP BY ward",
        "SELECT ward, COUNT(*) AS n FROM (SELECT visit AS patient, MIN(ward) AS ward"
        " FROM resource GROUP BY patient) AS p GROUP BY ward",
    ],
)
def test_a_count_that_only_looks_like_one_of_persons_is_refused(query: str) -> None:
    assert len(wrong(terms(query))) == 1


def test_nothing_is_believed_before_the_document_names_the_person() -> None:
    rows = f"SELECT ward, COUNT(*) AS n {BY_WARD}"
    distinct = f"SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}"

    (of_rows,) = wrong(terms(rows, None, keyed={"resource": ("patient",)}))
    (of_persons,) = wrong(terms(distinct, None))

    assert of_rows.startswith("nothing says whom n counts")
    assert "write deidentification.subject: patient," in of_persons


def test_a_count_that_an_input_has_made_is_taken_unchanged() -> None:
    asked = {
        "classified": {"counts": {"ward": "public", "m": "public", "sex": "personal"}},
        "keyed": {"counts": ("ward",)},
        "counts": {"counts": "m"},
    }

    assert wrong(terms("SELECT ward, m AS n FROM counts", None, **asked)) == []
    for query in (
        "SELECT ward, SUM(m) AS n FROM counts GROUP BY ward",
        "SELECT ward, m * 2 AS n FROM counts",
        "SELECT ward, sex AS n FROM counts",
    ):
        assert len(wrong(terms(query, None, **asked))) == 1


def test_a_table_of_counts_of_no_persons_need_not_prove_whom_it_counts() -> None:
    asked = {"classified": {"towns": TOWNS}}

    assert wrong(terms("SELECT ward, 5 AS n FROM towns", None, **asked)) == []


@pytest.mark.parametrize(
    "condition",
    [
        "EXISTS (SELECT 1 FROM resource AS s WHERE s.name = 'Zhao' AND s.hiv = 1)",
        "(SELECT MAX(hiv) FROM resource WHERE name = 'Zhao') = 1",
        "7 IN (SELECT patient FROM resource WHERE hiv = 1)",
    ],
)
def test_words_that_a_query_inside_chooses_tell_of_a_person(condition: str) -> None:
    word = f"CASE WHEN {condition} THEN 'yes' ELSE 'no' END"

    for query in (
        f"SELECT {word} AS ward, COUNT(DISTINCT patient) AS n FROM resource",
        f"SELECT ward, COUNT(DISTINCT patient) AS n FROM (SELECT patient, {word}"
        " AS ward FROM resource) AS q GROUP BY ward",
    ):
        assert in_words(terms(query)) == frozenset()


def test_a_task_that_counts_is_not_believed() -> None:
    (told,) = wrong(terms("", task="made_in_python"))

    assert told.startswith("a task does not say how it counts n")


@pytest.mark.parametrize(
    "rows",
    [
        "FROM resource WHERE hiv = 1 GROUP BY ward",
        "FROM resource WHERE patient IN (SELECT patient FROM resource WHERE hiv = 1)"
        " GROUP BY ward",
        "FROM (SELECT * FROM resource WHERE hiv = 1) AS ill GROUP BY ward",
        "FROM resource GROUP BY ward HAVING SUM(hiv) > 3",
    ],
)
def test_a_cell_that_a_sensitive_column_leaves_out_is_a_zero_that_tells(
    rows: str,
) -> None:
    (told,) = wrong(terms(f"SELECT ward, COUNT(DISTINCT patient) AS n {rows}"))

    assert told.startswith("the query leaves rows out by resource.hiv (sensitive)")


ILL = "CASE hiv WHEN 1 THEN 'yes' ELSE 'no' END AS ward"
COUNT = "COUNT(DISTINCT patient) AS n"


@pytest.mark.parametrize(
    ("query", "by"),
    [
        (f"SELECT {ILL}, {COUNT} FROM resource WHERE patient IN (7, 23) GROUP BY 1",
         "patient"),
        (f"SELECT {ILL}, {COUNT} FROM resource WHERE patient <> 7 GROUP BY 1",
         "patient"),
        (f"SELECT {ILL}, {COUNT} FROM (SELECT patient, hiv, patient + 0 AS p FROM"
         " resource) AS q WHERE p < 9 GROUP BY 1", "patient"),
        (f"SELECT {ILL}, {COUNT} FROM resource GROUP BY ward"
         " HAVING MAX(CASE WHEN name = 'Zhao' THEN 1 ELSE 0 END) = 1", "name"),
        (f"SELECT ward, {COUNT} FROM resource GROUP BY ward HAVING MIN(age) < 9",
         "age"),
        (f"SELECT ward, {COUNT} FROM (SELECT * FROM resource QUALIFY"
         " RANK() OVER (ORDER BY age) = 1) AS q GROUP BY ward", "age"),
        (f"SELECT ward, {COUNT} FROM resource GROUP BY ward"
         " ORDER BY MAX(age) LIMIT 1", "age"),
    ],
)  # fmt: skip
def test_a_table_of_counts_chooses_no_single_person_nor_a_cell_by_one(
    query: str, by: str
) -> None:
    (told,) = wrong(terms(query))

    assert told.startswith("the query chooses single persons, or cells by them, by")
    assert f"resource.{by} (personal)" in told


@pytest.mark.parametrize(
    "rows",
    [
        "FROM resource WHERE age BETWEEN 18 AND 64 AND patient IS NOT NULL"
        " GROUP BY ward HAVING COUNT(DISTINCT patient) >= 20 AND COUNT(*) > 5",
        "FROM resource GROUP BY ward ORDER BY n DESC, ward LIMIT 3",
        "FROM resource WHERE patient IN (SELECT patient FROM resource WHERE age > 9)"
        " GROUP BY ward",
        # the last visit of each
        "FROM (SELECT * FROM resource QUALIFY ROW_NUMBER() OVER (PARTITION BY patient"
        " ORDER BY visit) = 1) AS q GROUP BY ward",
    ],
)
def test_groups_counts_and_one_row_a_person_may_choose(rows: str) -> None:
    assert wrong(terms(f"SELECT ward, {COUNT} {rows}")) == []


@pytest.mark.parametrize("status", ["hiv = 1", "hiv = 1 AND 1 = 1"])
def test_words_that_a_join_finds_are_not_those_of_the_query(status: str) -> None:
    joined = (
        f"SELECT f.w AS ward, COUNT(DISTINCT r.patient) AS n FROM resource AS r"
        f" JOIN (SELECT 'Zhao' AS w, patient FROM resource WHERE {status}) AS f"
        " ON f.patient = r.patient GROUP BY f.w"
    )

    assert in_words(terms(joined)) == frozenset()
    banded = (
        "SELECT b.w AS ward, COUNT(DISTINCT b.patient) AS n FROM (SELECT patient, ward,"
        " CASE WHEN age < 40 THEN 'under 40' ELSE 'over' END AS w FROM resource) AS b"
        " JOIN towns AS t ON t.town = b.ward GROUP BY b.w"
    )
    assert in_words(terms(banded)) == frozenset({"ward"})  # beside a mere lookup


@pytest.mark.parametrize(
    ("made", "mixed"),
    [
        ("patient", False),
        ("CASE WHEN hiv = 1 THEN patient END AS patient", True),
        ("CASE WHEN name <> '' THEN patient END AS patient", False),
    ],
)
def test_a_resource_that_picks_subjects_by_a_sensitive_column_is_seen(
    made: str, mixed: bool
) -> None:
    upstream = {
        "resource": {
            "consolidate": f"SELECT visit, {made}, name, age, hiv, ward FROM people",
            "sources": {"people": VISITS},
        }
    }
    query = f"SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}"

    found = wrong(terms(query, upstream=upstream))

    assert bool(found) == mixed
    if mixed:
        assert found[0].startswith("whom n counts depends on people.hiv (sensitive)")


def test_a_sensitive_column_may_make_groups_and_a_personal_one_choose_rows() -> None:
    query = (
        "SELECT ward, CASE hiv WHEN 1 THEN 'yes' ELSE 'no' END AS ill,"
        " COUNT(DISTINCT patient) AS n FROM resource WHERE age >= 18"
        " GROUP BY ward, ill"
    )

    assert wrong(terms(query, by=("ward", "ill"))) == []


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("name", False),
        ("UPPER(name)", False),
        ("FLOOR(age / 10)", False),
        ("CASE WHEN age < 40 THEN 'under 40' ELSE name END", False),
        ("CASE WHEN age < 40 THEN 'under 40' WHEN age < 60 THEN 'under 60' END", True),
        ("COALESCE(CASE hiv WHEN 1 THEN 'yes' END, 'no')", True),
        ("CAST(CASE hiv WHEN 1 THEN -1 ELSE 0 END AS VARCHAR)", True),
    ],
)
def test_a_cell_shows_a_personal_column_in_words_of_the_query_only(
    cell: str, words: bool
) -> None:
    inner = f"SELECT patient, {cell} AS g FROM resource"
    query = (
        f"WITH x AS ({inner}), c AS (SELECT g, COUNT(DISTINCT patient) AS n FROM x"
        " GROUP BY g) SELECT g AS ward, n FROM c"
    )
    asked = terms(query)
    table = asked.deidentification.cells

    assert table is not None
    assert in_words(asked) == (frozenset({"ward"}) if words else frozenset())
    assert telling_groups(asked, taken(asked), table) == ([] if words else ["ward"])


def answered(asked: ProductTerms, rows: pl.LazyFrame) -> dict[str, tuple[bool, str]]:
    found = disclosed(rows, Case(asked, pl.DataFrame(), date(2026, 6, 30)), {})
    return {gate: (passed, ground) for gate, passed, ground, _ in found.gates}


def test_a_list_of_names_with_withheld_counts_does_not_leave() -> None:
    """Each count is withheld, and each name is still told."""
    query = "SELECT name AS ward, COUNT(DISTINCT patient) AS n FROM resource GROUP BY 1"
    rows = pl.LazyFrame({"ward": ["Ada", "Bo"], "n": [None, None]}, schema=COUNTED)

    gates = answered(terms(query), rows)

    assert "ward is public, but shows resource.name" in gates["relabel"][1]
    assert "ward names the cells by a personal column" in gates["disclosure"][1]


@pytest.mark.parametrize(("counts", "passed"), [((6, 7), True), ((6, None), False)])
def test_a_treated_name_of_a_cell_stands_for_k_persons(
    counts: tuple[int | None, ...], passed: bool
) -> None:
    query = "SELECT name AS ward, COUNT(DISTINCT patient) AS n FROM resource GROUP BY 1"
    step = {"mask": "ward", "first": 1}
    rows = pl.LazyFrame({"ward": ["A**", "B*"], "n": counts}, schema=COUNTED)

    gates = answered(terms(query, steps=[step]), rows)

    assert gates["relabel"][0]
    assert gates["disclosure"][0] == passed
    assert ("ward (k 0) tells fewer than 5" in gates["disclosure"][1]) == (not passed)


def test_a_count_that_is_not_proven_shuts_the_gate() -> None:
    rows = pl.LazyFrame({"ward": ["x", "y"], "n": [60, 70]})

    proven = answered(
        terms(f"SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}"), rows
    )
    believed = answered(terms(f"SELECT ward, COUNT(*) AS n {BY_WARD}"), rows)

    assert proven["disclosure"][0]
    assert not believed["disclosure"][0]
    assert (
        "n counts rows, and one patient may have several" in believed["disclosure"][1]
    )


def test_a_check_foresees_what_the_document_alone_decides() -> None:
    def told(query: str, **more: Any) -> list[str]:
        case = Case(terms(query, **more), pl.DataFrame(), date(2026, 6, 30))
        return foreseen(case)

    proven = (
        "SELECT name AS ward, COUNT(DISTINCT patient) AS n FROM resource GROUP BY 1"
    )
    (counts,) = told(f"SELECT ward, COUNT(*) AS n {BY_WARD}")
    (named,) = told(proven)

    assert counts.startswith("n counts rows, and one patient may have several")
    assert named.startswith("ward names the cells by a personal column")
    # Whether a step changes it, only the rows can tell.
    assert told(proven, steps=[{"mask": "ward", "first": 1}]) == []
    assert told(f"SELECT ward, COUNT(DISTINCT patient) AS n {BY_WARD}") == []


PEOPLE = {"id": "personal", "name": "personal", "town": "public", "hiv": "sensitive"}
COPIES = " UNION ALL ".join(["SELECT name, hiv, town FROM resource"] * 5)
PER_PERSON = (
    "WITH v AS (SELECT id, town, COUNT(*) AS s FROM resource GROUP BY id, town)"
)


def rows_of(query: str, subject: str | None = None, **more: Any) -> list[str]:
    """Ask of rows by town whether each is one person."""
    asked = {"quasi_identifiers": ["ward"], "subject": subject}
    given: dict[str, Any] = {
        "deidentification": asked,
        "columns": [
            {"name": name, "logicalType": "string", "classification": "personal"}
            for name in ("ward", "who", "patient")
        ],
        "classified": {"resource": PEOPLE, "towns": TOWNS},
        "keyed": {"resource": ("id",), "towns": ("town",)},
    }
    return list(repeated(terms(query, **given | more)))


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ("SELECT town AS ward, hiv FROM resource WHERE hiv = 0", None),
        ("WITH p AS (SELECT * FROM resource) SELECT town AS ward FROM p", None),
        ("SELECT id, MIN(town) AS ward FROM resource GROUP BY id", None),
        # a lookup by the whole key of a table finds one row at most
        (
            "SELECT t.ward FROM resource AS r LEFT JOIN towns AS t"
            " ON t.town = UPPER(r.town)",
            None,
        ),
        ("SELECT ward FROM resource JOIN towns USING (town)", None),
        # whoever may stand in several rows is counted once
        ("SELECT id AS who, ward FROM resource CROSS JOIN towns", "who"),
    ],
)
def test_rows_that_are_one_for_each_person_may_be_counted(
    query: str, subject: str | None
) -> None:
    assert rows_of(query, subject) == []


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        (COPIES, None),
        (f"WITH c AS ({COPIES}) SELECT name, town AS ward FROM c", None),
        (
            f"WITH c AS ({COPIES}) SELECT name, ROW_NUMBER() OVER (ORDER BY name)"
            " AS who, town AS ward FROM c",
            "who",
        ),
        ("SELECT r.name, t.ward FROM resource AS r CROSS JOIN towns AS t", None),
        ("SELECT r.name FROM resource AS r JOIN towns AS t ON t.ward = r.town", None),
        ("SELECT r.name FROM resource AS r JOIN towns AS t ON t.town = t.ward", None),
        ("SELECT r.name FROM resource AS r JOIN towns AS t ON t.town = r.town"
         " OR r.id = 7", None),
        ("SELECT r.name FROM towns AS t LEFT JOIN resource AS r ON t.town = r.town",
         None),
        ("SELECT name, hiv FROM resource GROUP BY name, hiv", None),
        ("SELECT town AS ward, hiv FROM resource", "ward"),
    ],
)  # fmt: skip
def test_rows_that_may_repeat_a_person_ask_for_the_subject(
    query: str, subject: str | None
) -> None:
    (told,) = rows_of(query, subject)

    assert "write deidentification.subject: the personal column" in told


def test_visits_are_not_patients_before_the_document_says_who_is() -> None:
    query = "SELECT ward, patient, age FROM resource"
    visits: dict[str, Any] = {"classified": {"resource": VISITS}}

    for key in ((), ("visit",), ("patient", "visit")):
        assert len(rows_of(query, **visits, keyed={"resource": key})) == 1
        assert rows_of(query, "patient", **visits, keyed={"resource": key}) == []
    assert len(rows_of("", task="made_in_python")) == 1
    assert rows_of("", "patient", task="made_in_python") == []


def test_groups_by_the_key_and_more_are_still_persons() -> None:
    mean = f"{PER_PERSON} SELECT town AS ward, COUNT(*) AS n FROM v GROUP BY town"
    people = {"classified": {"resource": PEOPLE}}

    assert wrong(terms(mean, "id", **people, keyed={"resource": ("id",)})) == []
    for key in ((), ("town",), ("id", "town")):
        assert len(wrong(terms(mean, "id", **people, keyed={"resource": key}))) == 1


def test_a_subject_that_the_query_makes_is_told_from_one_of_another_name() -> None:
    query = (
        "SELECT ward, COUNT(DISTINCT patient) AS n FROM"
        " (SELECT ward, visit AS patient FROM resource) AS d GROUP BY ward"
    )

    (told,) = wrong(terms(query))

    assert told.startswith("n counts a patient that the query makes itself; write")


BAND = "CASE WHEN age < 40 THEN 'under 40' ELSE 'from 40' END"


@pytest.mark.parametrize(
    ("consolidate", "labels", "words"),
    [
        ("SELECT * FROM people", {"ward": BAND}, True),
        ("", {"ward": BAND}, True),
        (f"SELECT patient, {BAND} AS ward FROM people", {}, True),
        (f"WITH b AS (SELECT patient, {BAND} AS ward FROM people) SELECT * FROM b", {},
         True),
        ("SELECT * FROM people", {"ward": "CASE WHEN age < 40 THEN 'x' ELSE name END"},
         False),
        ("SELECT patient, UPPER(name) AS ward FROM people", {}, False),
        ("SELECT patient, ward FROM people", {}, False),
        ("", {}, False),
    ],
)  # fmt: skip
def test_the_resource_may_write_the_words_of_a_cell(
    consolidate: str, labels: dict[str, str], words: bool
) -> None:
    upstream = {"consolidate": consolidate, "labels": labels}
    upstream["sources"] = {"people": VISITS}
    asked = terms(
        f"SELECT ward, {COUNT} FROM resource GROUP BY ward",
        classified={"resource": {"patient": "personal", "ward": "internal"}},
        upstream={"resource": upstream},
    )

    assert in_words(asked) == (frozenset({"ward"}) if words else frozenset())
