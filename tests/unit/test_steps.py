"""What WHERE, GROUP BY and the rest leave out, counted by hand over four flights."""

import polars as pl
import pytest

from schemas.errors import FactorError
from schemas.resource import ClauseBalance
from tasks.resource.label import with_labels
from tasks.resource.steps import step_balance

SOURCES = {
    "flights": pl.LazyFrame(
        {"carrier": ["UA", "UA", "XX", None], "dest": ["ORD", "LAX", "ORD", "ORD"],
         "delay": [3, 20, None, 40], "offset": [1, 2, 3, 4]}
    ),
    "airports": pl.LazyFrame({"faa": ["ORD", "LAX"], "city": ["Chicago", "LA"]}),
}  # fmt: skip
Row = tuple[str, int, int, int, int]


def steps(sql: str) -> list[Row]:
    frame = step_balance(sql, SOURCES).collect()
    ClauseBalance.validate(frame)
    columns = ("what", "rows_in", "rows_out", "dropped", "multiplied")
    return frame.select(columns).rows()


ALL = ("WHERE", 4, 3, 1, 0)


@pytest.mark.parametrize(
    ("clauses", "told"),
    [
        ("", []),
        ("ORDER BY f.delay", []),
        ("WHERE f.dest = 'ORD'", [ALL]),
        ("WHERE f.dest IS NOT DISTINCT FROM 'ORD'", [ALL]),
        ("WHERE f.dest = 'ORD' AND EXTRACT(year FROM CAST('2013-01-01' AS DATE)) > 1",
         [ALL]),
        ("WHERE f.carrier IN (SELECT carrier FROM flights WHERE delay = 20)",
         [("WHERE", 4, 2, 2, 0)]),
        ("WHERE f.dest = 'ORD' ORDER BY f.offset LIMIT 2",
         [ALL, ("LIMIT", 3, 2, 1, 0)]),
        ("ORDER BY offset LIMIT 3 OFFSET 2", [("LIMIT", 4, 2, 2, 0)]),
        ("ORDER BY f.dest OFFSET 1", [("LIMIT", 4, 3, 1, 0)]),
        # a join is no step of this frame, but the next clause begins after it
        ("JOIN airports p ON f.dest <> p.faa OR f.dest = p.faa WHERE f.delay > 3",
         [("WHERE", 8, 4, 4, 0)]),
        ("QUALIFY ROW_NUMBER() OVER (PARTITION BY f.dest ORDER BY f.delay) = 1",
         [("QUALIFY", 4, 2, 2, 0)]),
    ],
)  # fmt: skip
def test_each_clause_is_counted(clauses: str, told: list[Row]) -> None:
    assert steps(f"SELECT f.dest, f.offset FROM flights f {clauses}") == told


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT DISTINCT f.dest FROM flights f", [("DISTINCT", 4, 2, 2, 0)]),
        ("SELECT DISTINCT ON (dest) f.dest, f.delay FROM flights f ORDER BY dest",
         [("DISTINCT", 4, 2, 2, 0)]),
        ("SELECT f.dest, COUNT(*) AS n FROM flights f WHERE f.delay > 3 GROUP BY f.dest"
         " HAVING COUNT(*) > 9",
         [("WHERE", 4, 2, 2, 0), ("GROUP BY", 2, 2, 0, 0), ("HAVING", 2, 0, 2, 0)]),
        # the total of no row is one row: it was added
        ("SELECT SUM(f.delay) AS s FROM flights f", [("GROUP BY", 4, 1, 3, 0)]),
        ("SELECT SUM(f.delay) AS s FROM flights f WHERE f.delay > 99",
         [("WHERE", 4, 0, 4, 0), ("GROUP BY", 0, 1, 0, 1)]),
        ("SELECT SUM(f.delay) OVER (PARTITION BY f.dest) AS s FROM flights f", []),
        ("SELECT (SELECT MAX(delay) FROM flights) AS m, f.dest FROM flights f", []),
        ("SELECT f.dest, COUNT(*) AS n FROM flights f GROUP BY ROLLUP(f.dest)",
         [("GROUP BY", 4, 3, 1, 0)]),
        ("SELECT SUM(f.delay) OVER w AS s FROM flights f WINDOW w AS"
         " (PARTITION BY f.dest) QUALIFY ROW_NUMBER() OVER (ORDER BY f.delay) < 3",
         [("QUALIFY", 4, 2, 2, 0)]),
        ("SELECT f.dest FROM flights f UNION ALL SELECT p.faa AS dest FROM airports p",
         [("UNION ALL", 4, 6, 0, 2)]),
        # two are added, four repeats go: ORD and LAX remain
        ("SELECT f.dest FROM flights f UNION SELECT p.faa AS dest FROM airports p",
         [("UNION", 4, 2, 4, 2)]),
        ("SELECT f.dest FROM flights f UNION BY NAME SELECT faa AS dest FROM airports",
         [("UNION BY NAME", 4, 2, 4, 2)]),
        ("SELECT f.dest FROM flights f EXCEPT SELECT 'LAX' AS dest FROM airports",
         [("EXCEPT", 4, 1, 3, 0)]),
        ("SELECT f.dest FROM flights f INTERSECT SELECT 'LAX' AS dest FROM airports",
         [("INTERSECT", 4, 1, 3, 0)]),
        ("(SELECT f.dest FROM flights f WHERE f.delay > 3) UNION ALL"
         " (SELECT p.faa AS dest FROM airports p WHERE p.city = 'LA')"
         " ORDER BY dest LIMIT 1",
         [("WHERE", 4, 2, 2, 0), ("WHERE", 2, 1, 1, 0), ("UNION ALL", 2, 3, 0, 1),
          ("LIMIT", 3, 1, 2, 0)]),
        ("WITH late AS (SELECT f.dest FROM flights f WHERE f.delay > 3)"
         " SELECT l.dest FROM late l WHERE l.dest = 'LAX'",
         [("WHERE", 4, 2, 2, 0), ("WHERE", 2, 1, 1, 0)]),
        ("SELECT q.dest FROM (SELECT f.dest FROM flights f WHERE f.delay > 3) AS q",
         [("WHERE", 4, 2, 2, 0)]),
        ("SELECT 1 AS one", []),
    ],
)  # fmt: skip
def test_each_form_of_a_query_is_counted(sql: str, told: list[Row]) -> None:
    assert steps(sql) == told


def test_steps_name_the_part_they_stand_in_and_are_numbered_with_the_joins() -> None:
    sql = """WITH late AS (SELECT f.dest FROM flights f WHERE f.delay > 3)
    SELECT l.dest FROM late l JOIN airports p ON l.dest = p.faa WHERE p.city = 'LA'
    UNION ALL SELECT f.dest FROM flights f WHERE -- the early ones
      f.delay < 9"""

    told = step_balance(sql, SOURCES).collect()

    assert told.select("step", "part", "what", "reason").rows() == [
        (1, "late", "WHERE", "WHERE f.delay > 3"),
        (3, "[1]", "WHERE", "WHERE p.city = 'LA'"),
        (4, "[2]", "WHERE", "WHERE -- the early ones f.delay < 9"),
        (5, "", "UNION ALL", "UNION ALL"),
    ]


def test_a_query_that_begins_with_from_is_refused_with_the_remedy() -> None:
    with pytest.raises(FactorError, match="write SELECT first"):
        steps("SELECT f.dest FROM flights f UNION ALL FROM airports SELECT faa AS dest")


def test_labels_and_sorting_neither_drop_nor_add_a_row() -> None:
    labels = {
        "late": "delay > 15",
        "rank": "ROW_NUMBER() OVER (PARTITION BY dest ORDER BY delay)",
        "total": "SUM(delay) OVER (PARTITION BY carrier)",
    }

    labelled = with_labels(SOURCES["flights"], labels).sort("dest", "delay").collect()

    assert labelled.height == 4
    assert sorted(labelled["offset"]) == [1, 2, 3, 4]
