"""From which columns a query's columns come: each answer was worked out by hand."""

import polars as pl
import pytest

from schemas.errors import FactorError
from tasks.columns import (
    choosing,
    column_lineage,
    figures,
    label_lineage,
    output_columns,
    through,
)
from tasks.sql import plan_schema

TABLES = {
    "flights": ["id", "carrier", "delay", "day"],
    "airlines": ["carrier", "name", "day"],
}
GOLDEN = {
    # value: renamed, computed, decided by CASE
    "SELECT delay AS d FROM flights": ["d flights.delay value"],
    "SELECT id || day AS x FROM flights": [
        "x flights.day value",
        "x flights.id value",
    ],
    "SELECT CASE WHEN delay > 15 THEN carrier ELSE 'none' END AS x FROM flights": [
        "x flights.carrier value",
        "x flights.delay value",
    ],
    "SELECT 1 AS one FROM flights": [],
    # aggregate: a figure over rows; MIN and STRING_AGG hand on what a row holds
    "SELECT carrier, AVG(delay) AS d, COUNT(*) AS n FROM flights GROUP BY carrier": [
        "* flights.carrier filter",
        "carrier flights.carrier value",
        "d flights.delay aggregate",
    ],
    "SELECT MIN(id) AS i, STRING_AGG(carrier, ',') AS c FROM flights": [
        "c flights.carrier value",
        "i flights.id value",
    ],
    "SELECT QUANTILE_DISC(delay, 0.5) AS held, QUANTILE_CONT(delay, 0.5) AS between"
    " FROM flights": [
        "between flights.delay value",
        "held flights.delay value",
    ],
    "SELECT SUM(delay) FILTER (WHERE day = 1) AS s FROM flights": [
        "s flights.day value",
        "s flights.delay value",
    ],
    "SELECT LAG(delay) OVER (PARTITION BY carrier ORDER BY day) AS before,"
    " SUM(delay) OVER w AS s FROM flights WINDOW w AS (PARTITION BY day)": [
        "before flights.carrier value",
        "before flights.day value",
        "before flights.delay value",
        "s flights.day value",
        "s flights.delay value",
    ],
    # conditions: one column counted by itself is a figure; one that chooses is shown
    "SELECT COUNT(*) FILTER (WHERE delay > 0) AS late, SUM(day - delay) AS s, SUM(CASE"
    " WHEN id = '7' THEN delay END) AS seven, MEDIAN(day) AS m FROM flights": [
        "late flights.delay aggregate",
        "m flights.day value",
        "s flights.day aggregate",
        "s flights.delay aggregate",
        "seven flights.delay value",
        "seven flights.id value",
    ],
    "SELECT SUM(delay) FILTER (WHERE day = 1) OVER (PARTITION BY id) AS s"
    " FROM flights": [
        "s flights.day value",
        "s flights.delay value",
        "s flights.id value",
    ],
    # filter: WHERE, JOIN ON, USING, GROUP BY, HAVING, QUALIFY, LIMIT, DISTINCT ON
    "SELECT id FROM flights WHERE delay > 0": [
        "* flights.delay filter",
        "id flights.id value",
    ],
    "SELECT f.id, a.name FROM flights f LEFT JOIN airlines a ON f.carrier = a.carrier"
    " AND a.day > 1": [
        "* airlines.carrier filter",
        "* airlines.day filter",
        "* flights.carrier filter",
        "id flights.id value",
        "name airlines.name value",
    ],
    "SELECT id FROM flights JOIN airlines USING (carrier)": [
        "* airlines.carrier filter",
        "* flights.carrier filter",
        "id flights.id value",
    ],
    "SELECT id FROM flights f ANTI JOIN airlines a ON f.carrier = a.carrier": [
        "* airlines.carrier filter",
        "* flights.carrier filter",
        "id flights.id value",
    ],
    "SELECT day AS d FROM flights GROUP BY 1 HAVING MAX(delay) > 80": [
        "* flights.day filter",
        "* flights.delay filter",
        "d flights.day value",
    ],
    "SELECT id, ROW_NUMBER() OVER (ORDER BY delay) AS r FROM flights QUALIFY r = 1": [
        "* flights.delay filter",
        "id flights.id value",
        "r flights.delay value",
    ],
    "SELECT id FROM flights ORDER BY delay LIMIT 3": [
        "* flights.delay filter",
        "id flights.id value",
    ],
    "SELECT id FROM flights ORDER BY delay": ["id flights.id value"],
    "SELECT DISTINCT ON (carrier) carrier, id FROM flights": [
        "* flights.carrier filter",
        "carrier flights.carrier value",
        "id flights.id value",
    ],
    # through CTEs: an aggregate stays one, the rows chosen inside stay chosen
    "WITH c AS (SELECT carrier, SUM(delay) AS s FROM flights WHERE day = 1"
    " GROUP BY carrier), d AS (SELECT * FROM c) SELECT d.s + 1 AS t FROM d": [
        "* flights.carrier filter",
        "* flights.day filter",
        "t flights.delay aggregate",
    ],
    "WITH unused AS (SELECT name FROM airlines) SELECT id FROM flights": [
        "id flights.id value"
    ],
    # subqueries: as a figure, as a condition, as a yes or no that is shown
    "SELECT id, (SELECT COUNT(name) FROM airlines a WHERE a.carrier = f.carrier) AS n"
    " FROM flights f": [
        "id flights.id value",
        "n airlines.carrier filter",
        "n airlines.name aggregate",
        "n flights.carrier filter",
    ],
    "SELECT id FROM flights WHERE carrier IN (SELECT carrier FROM airlines WHERE"
    " day = 1)": [
        "* airlines.carrier filter",
        "* airlines.day filter",
        "* flights.carrier filter",
        "id flights.id value",
    ],
    "SELECT id, EXISTS (SELECT 1 FROM airlines a WHERE a.name = 'x' AND a.carrier ="
    " f.carrier) AS known FROM flights f": [
        "id flights.id value",
        "known airlines.carrier value",
        "known airlines.name value",
        "known flights.carrier value",
    ],
    "SELECT q.m FROM (SELECT MAX(delay) AS m FROM flights) q": [
        "m flights.delay value"
    ],
    # set operations, by place
    "SELECT id FROM flights UNION ALL SELECT name FROM airlines": [
        "id airlines.name value",
        "id flights.id value",
    ],
    "SELECT id FROM flights UNION ALL SELECT name FROM airlines ORDER BY id LIMIT 2": [
        "* airlines.name filter",
        "* flights.id filter",
        "id airlines.name value",
        "id flights.id value",
    ],
    "SELECT carrier FROM flights EXCEPT SELECT carrier FROM airlines": [
        "* airlines.carrier filter",
        "carrier flights.carrier value",
    ],
    # tables without case, and * as Polars names it
    "SELECT F.id AS id FROM FLIGHTS AS f": ["id flights.id value"],
    "SELECT * EXCLUDE (id, delay) FROM flights f JOIN airlines a USING (carrier)": [
        "* airlines.carrier filter",
        "* flights.carrier filter",
        "carrier flights.carrier value",
        "carrier:a airlines.carrier value",
        "day flights.day value",
        "day:a airlines.day value",
        "name airlines.name value",
    ],
    'SELECT "day:a" AS other FROM flights f JOIN airlines a USING (carrier)': [
        "* airlines.carrier filter",
        "* flights.carrier filter",
        "other airlines.day value",
    ],
    "SELECT * REPLACE (delay + 1 AS day) FROM flights": [
        "carrier flights.carrier value",
        "day flights.delay value",
        "delay flights.delay value",
        "id flights.id value",
    ],
}
STARS = [
    "SELECT * FROM flights a JOIN airlines b USING (carrier)",
    "SELECT b.*, a.* FROM flights a JOIN airlines b USING (carrier)",
    "SELECT b.* EXCLUDE (day) FROM flights a JOIN airlines b USING (carrier)",
    "SELECT a.day, b.* FROM flights a JOIN airlines b USING (carrier)",
    "SELECT q.* FROM (SELECT * FROM flights a JOIN airlines b USING (carrier)) q",
    "SELECT * FROM flights a SEMI JOIN airlines b USING (carrier)",
    "SELECT * FROM flights a JOIN flights b ON a.id = b.id CROSS JOIN airlines",
    "SELECT * RENAME (day AS date) FROM airlines",
    "SELECT name FROM (flights JOIN airlines USING (carrier))",
    "(SELECT id FROM flights) UNION BY NAME SELECT name AS id FROM airlines",
]


@pytest.mark.parametrize("sql", GOLDEN, ids=range(len(GOLDEN)))
def test_each_column_comes_from_where_the_query_takes_it(sql: str) -> None:
    found = [f"{e.output} {e.table}.{e.column} {e.how}" for e in lineage(sql)]

    assert found == GOLDEN[sql]


def lineage(sql: str):  # type: ignore[no-untyped-def]  # as column_lineage
    return column_lineage(sql, TABLES)


@pytest.mark.parametrize("sql", [*STARS, *GOLDEN])
def test_a_query_yields_the_columns_that_polars_yields(sql: str) -> None:
    numbers = {"id": pl.String(), "carrier": pl.String(), "name": pl.String()}
    schemas = {
        table: {n: numbers.get(n, pl.Int64()) for n in names}
        for table, names in TABLES.items()
    }

    assert list(output_columns(sql, TABLES)) == list(plan_schema(sql, schemas))


def test_a_label_comes_from_the_columns_of_its_expression() -> None:
    labels = {
        "late": "delay > 15 -- minutes",
        "rank": "RANK() OVER (PARTITION BY carrier ORDER BY delay)",
    }

    assert [tuple(e) for e in label_lineage(labels, TABLES["flights"], "rows")] == [
        ("late", "rows", "delay", "value"),
        ("rank", "rows", "carrier", "value"),
        ("rank", "rows", "delay", "value"),
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT dely FROM flights", "column dely does not exist; did you mean delay?"),
        ("SELECT f.name FROM flights f", "column f.name does not exist; known: id"),
        (
            "SELECT id FROM flights WHERE Day = 1",
            "Day does not exist; did you mean day",
        ),
        ("SELECT delay AS d, d AS e FROM flights", "column d does not exist"),
        ("SELECT id FROM flihgts", "table flihgts is not declared"),
        ("SELECT * FROM read_csv('x')", "not a function that a query may use"),
    ],
)
def test_a_column_that_is_not_there_is_told_by_name(sql: str, message: str) -> None:
    with pytest.raises(FactorError, match=message.replace("?", r"\?")):
        lineage(sql)


def test_edges_are_followed_through_the_tables_below_them() -> None:
    """A figure of a value is a figure; what chose the rows below chose these too."""
    above = column_lineage(
        "SELECT carrier, MAX(d) AS worst, AVG(d) AS mean FROM rows GROUP BY carrier",
        {"rows": ["carrier", "d"]},
    )
    below = column_lineage(
        "SELECT carrier, SUM(delay) AS d FROM flights WHERE day = 1 GROUP BY carrier",
        TABLES,
    )

    found = [" ".join(e) for e in through(above, {"rows": below})]

    assert found == [
        "* flights carrier filter",
        "* flights day filter",
        "carrier flights carrier value",
        "mean flights delay aggregate",
        "worst flights delay aggregate",
    ]


DATA = {
    "flights": pl.DataFrame(
        {
            "id": ["a1", "b2", "c3", "d4", "e5"],
            "carrier": ["UA", "AA", "UA", "DL", "AA"],
            "delay": [70, -5, 20, 5, 90],
            "day": [1, 1, 2, 1, 2],
        }
    ),
    "airlines": pl.DataFrame(
        {"carrier": ["UA", "AA"], "name": ["United", "x"], "day": [2, 5]}
    ),
}


@pytest.mark.parametrize("sql", [*STARS, *GOLDEN])
def test_a_column_without_an_edge_changes_nothing_when_all_its_values_change(
    sql: str,
) -> None:
    """The rows tell: where no edge is, every other value gives the same output."""
    edges, before = lineage(sql), answer(sql, DATA)
    every = {(e.table, e.column) for e in edges if e.output == "*"}
    for table, column in ((t, c) for t, names in TABLES.items() for c in names):
        after = answer(sql, DATA | {table: DATA[table].with_columns(other(column))})
        told = {e.output for e in edges if (e.table, e.column) == (table, column)}
        if (table, column) not in every:
            silent = [n for n in before.columns if n not in told]
            assert after.select(silent).equals(before.select(silent)), (table, column)


def answer(sql: str, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Run a query; a set operation and a group have no order of their own."""
    rows = pl.SQLContext(frames=dict(tables), eager=True).execute(sql)
    return pl.DataFrame([rows[n].sort() for n in rows.columns])


def other(column: str) -> pl.Expr:
    """Give every row another value, in another order."""
    found = pl.col(column)
    if column in ("delay", "day"):
        return found * -7 + 1000
    return found.reverse() + "z"


BY_DAY = "SELECT day, COUNT(*) AS n, {} AS x FROM flights GROUP BY day"
BY_JOIN = (
    "SELECT f.day, COUNT(DISTINCT f.id) AS n, SUM(o.delay) AS x FROM {} GROUP BY f.day"
)
FIGURES = {
    BY_DAY.format("SUM(delay)"): True,
    BY_DAY.format("AVG(delay) - COUNT(DISTINCT id)"): True,
    BY_DAY.format("SUM(delay) / CASE day WHEN 1 THEN 3 ELSE 2 END"): True,
    BY_DAY.format("MAX(delay)"): False,
    BY_DAY.format("MEDIAN(delay)"): False,
    BY_DAY.format("SUM(delay) FILTER (WHERE id = '7')"): False,
    BY_DAY.format("(SELECT SUM(delay) FROM flights WHERE id = '7')"): False,
    BY_DAY.format("EXISTS (SELECT 1 FROM flights WHERE id = '7')"): False,
    "SELECT day, COUNT(*) * 25 AS n, SUM(delay) AS x FROM flights GROUP BY day": False,
    # further up: of figures and of the cell as it is named, but not of what is hidden
    "WITH c AS (SELECT day, COUNT(*) AS n, SUM(delay) AS s FROM flights GROUP BY day)"
    " SELECT day, n, RANK() OVER (PARTITION BY day ORDER BY s / n) AS x FROM c": True,
    "SELECT * FROM (SELECT day, COUNT(*) AS n, SUM(delay) AS x FROM flights"
    " GROUP BY day) c": True,
    "WITH c AS (SELECT id, COUNT(*) AS n, SUM(delay) AS s FROM flights GROUP BY id)"
    " SELECT LENGTH(id) AS day, n, CASE WHEN s > 0 THEN id END AS x FROM c": False,
    # a figure of one person is no figure over the persons that are counted
    "WITH p AS (SELECT id, day, SUM(delay) AS s FROM flights GROUP BY id, day)"
    " SELECT day, COUNT(*) AS n, SUM(s) AS x FROM p GROUP BY day": True,
    "WITH p AS (SELECT id, day, SUM(delay) AS s FROM flights GROUP BY id, day)"
    " SELECT day, COUNT(*) AS n, MAX(s) AS x FROM p GROUP BY day": False,
    "WITH g AS (SELECT day, COUNT(*) AS n FROM flights GROUP BY day), h AS (SELECT day,"
    " SUM(delay) AS x FROM flights WHERE id = '7' GROUP BY day) SELECT g.day, g.n, h.x"
    " FROM g JOIN h ON g.day = h.day": False,
    # nulls beside one person's value are counted, but hide nobody
    BY_JOIN.format("flights f LEFT JOIN flights o ON f.id = o.id"): True,
    BY_JOIN.format(
        "flights f LEFT JOIN (SELECT id, delay FROM flights WHERE id = '7') o"
        " ON f.id = o.id"
    ): False,
    BY_JOIN.format(
        "flights o RIGHT JOIN flights f ON f.id = o.id AND o.id = '7'"
    ): False,
    "WITH u AS (SELECT id, day, delay FROM flights WHERE id = '7' UNION ALL SELECT id,"
    " day, NULL AS delay FROM flights) SELECT day, COUNT(DISTINCT id) AS n,"
    " SUM(delay) AS x FROM u GROUP BY day": False,
}


@pytest.mark.parametrize("sql", FIGURES)
def test_a_figure_is_made_of_the_rows_that_the_count_beside_it_counts(sql: str) -> None:
    assert ("x" in figures(sql, "n", ["day"], TABLES)) == FIGURES[sql]


def test_what_names_a_cell_is_no_figure() -> None:
    sql = (
        "WITH c AS (SELECT day, COUNT(*) AS n FROM flights GROUP BY day)"
        " SELECT day, n, day + 0 AS x FROM c"
    )

    assert figures(sql, "n", ["day"], TABLES) == {"n"}


CHOOSING = {
    "SELECT id FROM flights WHERE delay > 0": {"flights.delay"},
    "SELECT f.id FROM flights f JOIN flights g ON f.id = g.id": set(),
    "SELECT f.id FROM flights f JOIN flights g ON f.id = g.id AND g.day = 1": {
        "flights.day"
    },
    "SELECT f.id FROM flights f JOIN flights g USING (id)": set(),
    "SELECT carrier, COUNT(*) AS n FROM flights GROUP BY carrier HAVING MIN(day) > 1": {
        "flights.day"
    },
    "WITH one AS (SELECT id FROM flights WHERE day = 1) SELECT f.carrier FROM flights f"
    " JOIN one ON f.id = one.id": {"flights.day"},
    "SELECT carrier FROM flights ORDER BY delay LIMIT 1": {"flights.delay"},
}


@pytest.mark.parametrize("sql", CHOOSING)
def test_a_condition_chooses_rows_and_a_pair_only_brings_them_together(
    sql: str,
) -> None:
    found = choosing(sql, TABLES, "SQL")

    assert {f"{o.table}.{o.column}" for o in found} == CHOOSING[sql]
