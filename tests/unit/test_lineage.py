"""What a product takes of persons, and by which of its columns it may show one."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.factor import rejecting
from schemas.product import ProductTerms
from schemas.resource import Source
from tasks.product.case import Case
from tasks.product.compliance import untreated
from tasks.product.disclosure import direct
from tasks.product.lineage import showing, taken

PEOPLE = {"id": "personal", "pay": "personal", "town": "public", "hiv": "sensitive"}
CELLS = {"steps": [{"cells": "n", "by": ["town"]}]}


def terms(query: str, **more: Any) -> ProductTerms:
    """Terms of a product over a resource about persons."""
    given: dict[str, Any] = {
        "name": "pay",
        "version": "1.0.0",
        "query": query,
        "licence": {"name": "house", "permissions": ["use"]},
        "release": "enclave",
        "columns": [{"name": n, "logicalType": "string"} for n in ("town", "n", "x")],
        "classified": {"resource": PEOPLE},
        **more,
    }
    return ProductTerms.model_validate(given)


def shown(query: str, **more: Any) -> set[tuple[str, str]]:
    """Name the columns that may show one, each with what it shows."""
    asked = terms(query, **more)
    return {(one.output, one.held.name) for one in showing(asked, taken(asked))}


ONE_ROW = {
    "SELECT id AS town, SUM(pay) AS x FROM resource GROUP BY id": "pay",
    "SELECT id AS town, AVG(pay) AS x FROM resource GROUP BY id": "pay",
    "SELECT town, MEDIAN(pay) AS x FROM resource GROUP BY town": "pay",
    "SELECT town, SUM(pay) FILTER (WHERE id = 7) AS x FROM resource"
    " GROUP BY town": "id",
    "SELECT town, SUM(CASE WHEN id = 7 THEN pay END) AS x FROM resource"
    " GROUP BY town": "pay",
    "SELECT town, SUM(pay) OVER (PARTITION BY id) AS x FROM resource": "pay",
    "SELECT town, (SELECT COUNT(*) FROM resource WHERE hiv = 1 AND id = 7) AS x"
    " FROM resource": "hiv",
}


@pytest.mark.parametrize("query", ONE_ROW)
def test_a_figure_may_be_that_of_one_person(query: str) -> None:
    assert ("x", f"resource.{ONE_ROW[query]}") in shown(query)


def test_a_figure_in_no_role_may_name_a_person_and_belies_none_personal() -> None:
    asked = terms("SELECT town, SUM(pay) AS x FROM resource GROUP BY id, town")
    case = Case(asked, pl.DataFrame(), date(2026, 6, 30))

    assert direct(asked, case.taken, frozenset()) == ["x"]
    assert [one.output for one in untreated(case)] == ["x"]


@pytest.mark.parametrize(
    ("figure", "seen"),
    [
        ("SUM(pay)", set()),
        ("ROUND(AVG(pay), 2) / COUNT(*)", set()),
        ("MEDIAN(pay)", {"pay"}),
        ("SUM(pay) FILTER (WHERE id = 7)", {"pay", "id"}),
        ("(SELECT SUM(pay) FROM resource WHERE id = 7)", {"pay", "id"}),
    ],
)
def test_beside_its_own_count_a_figure_is_over_many(
    figure: str, seen: set[str]
) -> None:
    query = f"SELECT town, COUNT(*) AS n, {figure} AS x FROM resource GROUP BY town"

    found = shown(query, deidentification=CELLS)

    assert found == {("x", f"resource.{name}") for name in seen}


def test_a_cell_that_a_step_has_treated_is_not_told_again_by_a_figure() -> None:
    query = (
        "WITH c AS (SELECT hiv, COUNT(*) AS n, SUM(pay) AS pay FROM resource"
        " GROUP BY hiv) SELECT hiv AS town, n, CASE WHEN pay > 0 THEN hiv END AS x"
        " FROM c"
    )
    step = {"generalise": "town", "prefix": 1}
    treated = {"steps": [step, *CELLS["steps"]]}

    assert ("x", "resource.hiv") not in shown(query, deidentification=CELLS)
    assert ("x", "resource.hiv") in shown(query, deidentification=treated)


def resource(consolidate: str, **labels: str) -> dict[str, Any]:
    """Terms filled in of a resource whose own columns nobody calls personal."""
    sources = {"people": PEOPLE, "towns": {"town": "public", "id": "public"}}
    upstream = {"consolidate": consolidate, "labels": labels, "sources": sources}
    columns = dict.fromkeys(("town", "x", "n"), "internal")
    return {"upstream": {"resource": upstream}, "classified": {"resource": columns}}


@pytest.mark.parametrize(
    ("consolidate", "labels", "of"),
    [
        ("SELECT id, town, SUM(pay) AS x FROM people GROUP BY id, town", {}, "pay"),
        ("SELECT town, AVG(hiv) OVER (PARTITION BY id) AS x FROM people", {}, "hiv"),
        ("SELECT town, hiv FROM people", {"x": "SUM(hiv) OVER (ORDER BY town)"}, "hiv"),
    ],
)
def test_a_figure_of_the_resource_may_be_that_of_one_person_too(
    consolidate: str, labels: dict[str, str], of: str
) -> None:
    found = shown("SELECT town, x FROM resource", **resource(consolidate, **labels))

    assert ("x", f"people.{of}") in found


@pytest.mark.parametrize(
    ("consolidate", "chosen"),
    [
        ("SELECT town FROM people WHERE hiv = 1", {"people.hiv"}),
        ("SELECT town FROM people WHERE id = 7", {"people.id"}),
        ("SELECT town FROM people ORDER BY pay DESC LIMIT 1", {"people.pay"}),
        # an illness chooses whom it brings together; a name does not
        ("SELECT p.town FROM people p JOIN towns t ON p.id = t.id", set()),
        ("SELECT p.town FROM people p JOIN towns t ON p.hiv = t.id", {"people.hiv"}),
        ("SELECT town, COUNT(*) AS n FROM people GROUP BY town", set()),
        ("SELECT town FROM people WHERE town = 'A'", set()),
    ],
)
def test_what_chooses_the_rows_of_a_resource_is_known_of_its_members(
    consolidate: str, chosen: set[str]
) -> None:
    read = taken(terms("SELECT town FROM resource", **resource(consolidate)))

    assert {one.held.name for one in read} == chosen
    assert {one.output for one in read} <= {"*"}


TABLES = {
    "resource": PEOPLE | {"name": "personal", "age": "personal"},
    "book": {"who": "public", "page": "public"},
    "ages": {"years": "public", "mark": "public"},
    "health": {"id": "personal", "ward": "public", "hiv": "sensitive"},
}
DIGITS = "WITH d AS (SELECT 0 AS x UNION ALL SELECT 1 AS x UNION ALL SELECT 2 AS x)"
CARRIED = {
    # a word beside the row that a WHERE picked
    "SELECT town, 'Zhao' AS x FROM resource WHERE id = 7 UNION ALL"
    " SELECT town, 'other' AS x FROM resource WHERE id <> 7": "id",
    # what a lookup finds says what was looked up
    "SELECT r.town, b.who AS x FROM resource AS r JOIN book AS b"
    " ON b.who = r.name": "name",
    "SELECT b.page AS x FROM book AS b CROSS JOIN resource AS r"
    " WHERE r.name = b.who": "name",
    f"{DIGITS} SELECT r.town, d.x FROM resource AS r JOIN d ON d.x = MOD(r.id, 10)": (
        "id"
    ),
    "SELECT r.town, MAX(a.mark) AS x FROM resource AS r CROSS JOIN ages AS a"
    " WHERE a.years <= r.age GROUP BY r.id, r.town": "age",
    # handed on by a table between, whatever the order
    "SELECT c.page AS x FROM book AS c JOIN book AS b ON c.page = b.page"
    " JOIN resource AS r ON b.who = r.name": "name",
    "SELECT c.page AS x FROM (book AS c JOIN book AS b ON c.page = b.page)"
    " JOIN resource AS r ON b.who = r.name": "name",
    # who finds nothing has it not
    "SELECT r.town, COALESCE(h.g, 'b') AS x FROM resource AS r LEFT JOIN"
    " (SELECT id, 'a' AS g FROM resource WHERE hiv = 1) AS h ON h.id = r.id": "hiv",
    # how many rows there are
    f"{DIGITS} SELECT r.town, COUNT(*) AS x FROM resource AS r CROSS JOIN d"
    " WHERE d.x <= r.age GROUP BY r.id, r.town": "age",
    f"{DIGITS}, j AS (SELECT r.id, r.town FROM resource AS r JOIN d ON d.x <= r.age)"
    " SELECT town, SUM(1) AS x FROM j GROUP BY id, town": "age",
    "SELECT id, COUNT(*) AS x FROM (SELECT id FROM resource UNION ALL SELECT id"
    " FROM resource WHERE hiv = 1) AS u GROUP BY id": "hiv",
    # how they are ordered
    "SELECT town, ROW_NUMBER() OVER (ORDER BY town) AS x FROM"
    " (SELECT town FROM resource ORDER BY id) AS q": "id",
    "SELECT town, (SELECT COUNT(*) FROM ages WHERE years < age) AS x FROM resource": (
        "age"
    ),
}  # fmt: skip


@pytest.mark.parametrize("query", CARRIED)
def test_a_column_holds_what_chose_its_row_among_others(query: str) -> None:
    assert ("x", f"resource.{CARRIED[query]}") in shown(query, classified=TABLES)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT r.town, a.mark AS x FROM resource AS r JOIN ages AS a"
        " ON a.years = r.town",
        # of the same person both sides were classified with the id beside them
        "SELECT h.ward AS x FROM resource AS r JOIN health AS h ON h.id = r.id",
        "SELECT ward AS x FROM resource JOIN health USING (id)",
        "SELECT r.town AS x FROM resource AS r LEFT JOIN health AS h ON r.id = h.id",
        "SELECT a.mark AS x FROM resource AS r CROSS JOIN ages AS a"
        " WHERE r.age > 30 AND a.years > 5",
        "SELECT town AS x FROM resource WHERE age > 30 ORDER BY town",
    ],
)
def test_a_lookup_by_what_is_public_or_known_of_both_sides_writes_nothing(
    query: str,
) -> None:
    assert shown(query, classified=TABLES) == set()


@pytest.mark.parametrize(
    ("consolidate", "seen"),
    [
        ("SELECT p.id, b.who AS x FROM people AS p JOIN book AS b ON b.who = p.name",
         "people.name"),
        ("SELECT p.id, COALESCE(h.g, 'b') AS x FROM people AS p LEFT JOIN (SELECT id,"
         " 'a' AS g FROM people WHERE hiv = 1) AS h ON h.id = p.id", "people.hiv"),
        ("SELECT id, 'a' AS x FROM people WHERE hiv = 1 UNION ALL"
         " SELECT id, 'b' AS x FROM people WHERE hiv = 0", "people.hiv"),
    ],
)  # fmt: skip
def test_a_resource_hands_on_what_chose_its_rows(consolidate: str, seen: str) -> None:
    sources = {"people": TABLES["resource"], "book": TABLES["book"]}
    upstream = {"resource": {"consolidate": consolidate, "sources": sources}}
    made = {"resource": {"id": "personal", "x": "public"}}

    assert shown("SELECT x FROM resource", classified=made, upstream=upstream) == {
        ("x", seen)
    }


def test_beside_a_join_that_asks_of_persons_a_figure_is_of_those_it_repeats() -> None:
    query = (
        f"{DIGITS} SELECT r.town, COUNT(DISTINCT r.id) AS n, COUNT(*) AS x"
        " FROM resource AS r CROSS JOIN d"
        " WHERE d.x <= CASE WHEN r.id = 7 THEN r.age ELSE 1 END GROUP BY r.town"
    )

    told = shown(query, classified=TABLES, deidentification=CELLS)

    assert {("x", "resource.id"), ("x", "resource.age")} <= told


def columns_that_reject(rate: float, **more: Any) -> tuple[str, ...]:
    """Ask of a source about persons which of its columns may set rows aside."""
    hiv = {"name": "hiv", "logicalType": "integer", "classification": "sensitive"}
    given = {"name": "people", "path": "people.csv", "licence": "CC0-1.0"}
    pay = {"name": "pay", "logicalType": "integer", "required": True}
    columns = [hiv | more.pop("hiv", {}), pay]
    made = given | more | {"columns": columns, "max_rejected_rate": rate}
    return rejecting(Source.model_validate(made))


def test_a_bound_that_many_rows_may_break_chooses_whom_a_source_keeps() -> None:
    bound = {"logicalTypeOptions": {"minimum": 1}}
    listed = {"quality": [{"metric": "invalidValues", "validValues": [1]}]}

    assert columns_that_reject(0.99, hiv=bound) == ("hiv",)
    assert columns_that_reject(0.99, hiv=listed) == ("hiv",)
    assert columns_that_reject(0.99) == ()  # a missing value is not an illness
    assert columns_that_reject(0, hiv=bound) == ()  # any fails the run
    kept = {"key": ["hiv"], "keep": "last by pay"}
    assert columns_that_reject(0, **kept) == ("pay",)


@pytest.mark.parametrize("where", ["rejecting", "rejecting_itself"])
def test_whom_rejects_leave_is_read_by_all_products_of_a_resource(where: str) -> None:
    by = {"rejecting": {"people": ["hiv"]}, "rejecting_itself": ["hiv"]}[where]
    upstream = {"consolidate": "SELECT town FROM people", where: by}
    upstream["sources"] = {"people": PEOPLE}
    asked = terms("SELECT town FROM resource", upstream={"resource": upstream})

    read = {(one.output, one.held.name, one.held.label) for one in taken(asked)}

    of = "people" if where == "rejecting" else "resource"
    assert read == {("*", f"{of}.hiv", "sensitive")}
