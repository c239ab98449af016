"""What a join may do: nothing, unless the factor declares it."""

from pathlib import Path

import polars as pl
import pytest

from schemas.errors import FactorError
from schemas.resource import JoinBalance
from tasks.contract import compile_contract, contract_pass
from tasks.resource.joins import join_balance

SOURCES = {
    "flights": pl.LazyFrame(
        {"carrier": ["UA", "UA", "XX", None], "dest": ["ORD", "LAX", "ORD", "ORD"],
         "plane": ["N1", "N2", "N3", "N4"]}
    ),
    "airlines": pl.LazyFrame({"carrier": ["UA", "UA", "DL"], "name": list("abc")}),
    "airports": pl.LazyFrame({"faa": ["ORD", "LAX"], "city": ["Chicago", "LA"]}),
    "planes": pl.LazyFrame({"plane": ["N1", "N2", "N3", "N4"], "seats": [1, 2, 3, 4]}),
    "nothing": pl.LazyFrame(schema={"plane": pl.String}),
}  # fmt: skip
MULTIPLY = "LEFT JOIN airlines a ON f.carrier = a.carrier"
DROP = "JOIN airports p ON f.dest = p.faa AND p.city = 'LA'"
BOTH = "JOIN airlines a ON f.carrier = a.carrier"
LOOK_UP = "LEFT JOIN airports p ON f.dest = p.faa"
SAME = "JOIN planes p ON f.plane = p.plane"


def joined(clause: str, expect: dict[str, str] | None = None) -> pl.DataFrame:
    sql = f"SELECT f.dest FROM flights f {clause}"
    return join_balance(sql, SOURCES, expect or {}).collect()


# dropped, multiplied, by hand over 4 flights.
@pytest.mark.parametrize(
    ("clause", "dropped", "multiplied"),
    [
        (SAME, 0, 0),
        (LOOK_UP, 0, 0),
        (MULTIPLY, 0, 2),  # UA, UA meet two rows each
        (BOTH, 2, 2),  # XX and null go; 4 rows as before, and yet two losses
        (DROP, 3, 0),
        ("RIGHT JOIN airlines a ON f.carrier = a.carrier", 2, 3),  # DL alone is added
        ("FULL JOIN airlines a ON f.carrier = a.carrier", 0, 3),
        ("SEMI JOIN airlines a ON f.carrier = a.carrier", 2, 0),
        ("ANTI JOIN airlines a ON f.carrier = a.carrier", 2, 0),
        ("CROSS JOIN airports p", 0, 4),
        ("CROSS JOIN nothing n", 4, 0),
        ("LEFT JOIN airports p ON f.dest >= p.faa", 0, 3),  # ORD meets LAX too
        ("JOIN airports p ON f.dest > p.faa", 1, 0),  # LAX meets nothing
    ],
)
def test_what_a_join_drops_and_multiplies_is_told_apart(
    clause: str, dropped: int, multiplied: int
) -> None:
    (row,) = joined(clause).to_dicts()

    assert (row["dropped"], row["multiplied"]) == (dropped, multiplied)
    assert row["rows_out"] == row["left_rows"] - dropped + multiplied


DROPS = "a join that drops rows is n:1 or 1:n in resource.expect"
MULTIPLIES = "a join that multiplies rows is 1:n in resource.expect"
REUSES = "a join that is 1:1 uses no right row twice"


@pytest.mark.parametrize(
    ("clause", "expected", "broken"),
    [
        (SAME, "", set()),
        (LOOK_UP, "", set()),
        (MULTIPLY, "", {MULTIPLIES}),
        (DROP, "", {DROPS}),
        (BOTH, "", {DROPS, MULTIPLIES}),
        (SAME, "1:1", set()),
        (LOOK_UP, "1:1", {REUSES}),  # three flights to ORD
        (MULTIPLY, "1:1", {MULTIPLIES, REUSES}),
        (DROP, "1:1", {DROPS}),  # one flight to LA, but three are gone
        (SAME, "n:1", set()),
        (LOOK_UP, "n:1", set()),
        (DROP, "n:1", set()),
        (MULTIPLY, "n:1", {MULTIPLIES}),
        (BOTH, "n:1", {MULTIPLIES}),
        (MULTIPLY, "1:n", set()),
        (BOTH, "1:n", set()),
        (DROP, "1:n", set()),
    ],
)
def test_a_join_is_refused_unless_it_does_what_is_declared(
    clause: str, expected: str, broken: set[str], tmp_path: Path
) -> None:
    name = clause.partition("JOIN ")[2].split()[1]
    frame = joined(clause, {name: expected} if expected else {}).lazy()
    contract = compile_contract(JoinBalance.to_schema())

    verdict = contract_pass(
        frame, contract, tmp_path / "valid", tmp_path / "rejects", tmp_path
    )

    failed = {rule.split(":", 2)[2] for rule, n in verdict.failed.items() if n}
    assert failed == broken


def test_an_alias_is_heard_before_the_table_it_stands_for() -> None:
    clause = "LEFT JOIN airports p ON f.dest = p.faa LEFT JOIN airports q USING (faa)"

    told = joined(clause, {"airports": "n:1", "q": "1:n"})

    assert told["expected"].to_list() == ["n:1", "1:n"]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"airport": "n:1"}, r"expect: airport is the right table .*mean airports\?"),
        ({"f": "n:1"}, r"expect: f is .* no join in .*; there is airports, p"),
        ({"flights": "n:1"}, r"expect: flights is .* no join"),
    ],
)
def test_an_expectation_of_no_join_is_one_sentence(
    expect: dict[str, str], told: str
) -> None:
    with pytest.raises(FactorError, match=told):
        joined(LOOK_UP, expect)


def test_an_expectation_without_sql_is_refused() -> None:
    with pytest.raises(FactorError, match="there is no join"):
        join_balance("", SOURCES, {"airports": "n:1"})


def test_a_join_inside_with_or_parentheses_is_counted_too() -> None:
    sql = f"""WITH named AS (SELECT f.dest, a.name FROM flights f {MULTIPLY}),
      both AS (SELECT n.dest FROM named n)
    SELECT b.dest FROM both b
    LEFT JOIN (SELECT g.dest FROM flights g {DROP.replace("f.", "g.")}) AS q
      ON b.dest = q.dest"""

    told = join_balance(sql, SOURCES, {"q": "1:n"}).collect()

    assert told.select("part", "dropped", "multiplied", "expected").rows() == [
        ("named", 0, 2, "undeclared"),
        ("q", 3, 0, "undeclared"),
        ("", 0, 0, "1:n"),
    ]


def test_joins_in_parentheses_are_refused_with_the_remedy() -> None:
    with pytest.raises(FactorError, match="joins in parentheses cannot be counted"):
        join_balance(
            "SELECT x.dest FROM (flights f JOIN airports p ON f.dest = p.faa) AS x",
            *(SOURCES, {}),
        )


def test_a_refusal_names_the_join_what_it_did_and_the_remedy(tmp_path: Path) -> None:
    contract = compile_contract(JoinBalance.to_schema())
    rejects = tmp_path / "rejects"

    contract_pass(joined(BOTH).lazy(), contract, tmp_path / "valid", rejects, tmp_path)

    told = JoinBalance.refusal(pl.read_parquet(rejects))
    assert told == (
        "JOIN airlines a ON f.carrier = a.carrier is undeclared, but drops 2 and adds 2"
        " of its 4 rows; make the right key unique, or write in resource.expect by the"
        " right table's alias: n:1 where rows without partner may go, 1:n where rows"
        " may multiply"
    )
