"""Rules of a document: what rejects, what only counts, what judges the set."""

import tempfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.contract import DTYPES, Declared
from schemas.errors import ContractError
from schemas.rule import Quality
from tasks.contract import Contract, Verdict, compile_contract, contract_pass, judge_set

Row = tuple[Any, ...]  # Any: values of any column


def column(name: str, kind: str = "integer", **terms: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **terms}


def declared(*columns: dict[str, Any], **terms: Any) -> Declared:
    return Declared.model_validate({"columns": columns, **terms})


def rule(metric: str = "invalidValues", **terms: Any) -> dict[str, Any]:
    return {"metric": metric, **terms}


def sql(expression: str, **terms: Any) -> dict[str, Any]:
    return rule(type="sql", expression=expression, mustBe=0, **terms)


def frame(terms: Declared, rows: list[Row]) -> pl.DataFrame:
    types = {c.name: DTYPES[c.logical_type] for c in terms.columns}
    return pl.DataFrame(rows, schema=types, orient="row")


def passed(
    terms: Declared, rows: list[Row], **tables: pl.LazyFrame
) -> tuple[list[Row], Verdict, Contract]:
    contract = compile_contract(terms.contract())
    with tempfile.TemporaryDirectory() as made:
        out = Path(made, "valid"), Path(made, "rejects"), Path(made)
        given_rows = frame(terms, rows).lazy()
        said = contract_pass(given_rows, contract, *out, tables=tables)
        return pl.read_parquet(out[0]).rows(), said, contract


def test_a_warning_counts_what_an_error_would_reject_and_rejects_nothing() -> None:
    speeds = rule(validValues=[30, 50])
    strict = declared(column("speed", quality=[speeds]))
    mild = declared(column("speed", quality=[{**speeds, "severity": "warning"}]))
    rows: list[Row] = [(30,), (31,), (None,), (50,), (99,)]

    _, refused, _ = passed(strict, rows)
    kept, warned, _ = passed(mild, rows)

    assert refused.failed == {"speed:0:one of the valid values": 2}
    assert warned.warned == {"speed:0:one of the valid values": 2}
    assert (warned.rows_out, warned.rejected, warned.failed) == (5, 0, {})
    assert len(kept) == 5


def test_rules_of_a_column_are_numbered_in_the_order_in_which_they_are_kept() -> None:
    terms = declared(
        column(
            "kind",
            "string",
            logicalTypeOptions={"maxLength": 3},
            quality=[
                rule("nullValues", mustBe=0),
                rule(pattern="^[a-z]+$", name="small letters"),
                rule("duplicateValues", severity="warning"),
            ],
        ),
        quality=[sql("kind <> 'no'", name="not no"), rule("rowCount", mustBe=1)],
    )

    contract = compile_contract(terms.contract())

    assert contract.reasons == (
        "kind:0:0 to 3 characters",
        "kind:1:small letters",
        "kind:2:no value missing",
        "*:0:not no",
    )
    assert list(contract.repeats) == ["kind:3:no value twice"]
    assert list(contract.sets) == ["*:1:rowCount exactly 1 rows"]
    assert contract.rules["kind:1:small letters"].pattern == "^[a-z]+$"


def test_sql_over_the_row_compares_columns_and_lets_the_unknown_pass() -> None:
    terms = declared(
        column("start", "date"),
        column("end", "date"),
        quality=[sql('start <= "end"', name="starts before it ends")],
    )
    one, two = date(2024, 5, 1), date(2024, 5, 2)

    kept, said, _ = passed(terms, [(one, two), (two, one), (one, None), (two, two)])

    assert kept == [(one, None), (one, two), (two, two)]
    assert said.failed == {"*:0:starts before it ends": 1}


def test_a_reference_keeps_what_stands_in_the_other_table() -> None:
    known = rule(reference="airlines.carrier")
    terms = declared(
        column("carrier", "string", quality=[known]),
        column("second", "string", quality=[{**known, "severity": "warning"}]),
    )
    airlines = pl.LazyFrame(
        {"carrier": ["UA", "AA", "UA", None], "name": ["a", "b", "c", "d"]}
    )
    rows: list[Row] = [("UA", "AA"), ("XX", "UA"), (None, None), ("AA", "YY")]

    kept, said, contract = passed(terms, rows, airlines=airlines)

    assert kept == [(None, None), ("AA", "YY"), ("UA", "AA")]
    assert said.failed == {"carrier:0:found in airlines.carrier": 1}
    assert said.warned == {"second:0:found in airlines.carrier": 1}
    assert sorted(contract.references.values()) == [
        ("carrier", "airlines.carrier"),
        ("second", "airlines.carrier"),
    ]


def test_a_reference_to_nothing_is_refused_at_load_and_at_the_pass() -> None:
    terms = declared(column("n", quality=[rule(reference="list.n")]))

    with pytest.raises(ContractError, match=r"did you mean lists\.n\?"):
        compile_contract(terms.contract(), tables={"lists": {"n": pl.Int64()}})
    with pytest.raises(ContractError, match="is String, not Int64"):
        compile_contract(terms.contract(), tables={"list": {"n": pl.String()}})
    with pytest.raises(ContractError, match="not at hand"):
        passed(terms, [(1,)])
    with pytest.raises(ContractError, match="not at hand"):
        passed(terms, [(1,)], list=pl.LazyFrame({"n": ["1"]}))


UNSUITED = {
    "aggregate": ("SUM(n) > 1", "other rows decide"),
    "window": ("LAG(n) OVER (ORDER BY n) < n", "other rows decide"),
    "subquery": ("n IN (SELECT n FROM row)", "other rows decide"),
    "file": ("READ_CSV('x') > 1", "not a function"),
    "unknown column": ("m > 1", "column m does not exist"),
    "text and number": ("t = 1", "write the number in quotes"),
    "two": ("n = 1 AS kept FROM row WHERE n = 1 --", "keep one"),
    "no answer": ("n + 1", "true or false"),
    "date as text": ("d > '2024-01-01'", "DATE '2024-01-31'"),
}


@pytest.mark.parametrize("case", UNSUITED)
def test_sql_that_is_not_of_one_row_is_refused_with_its_remedy(case: str) -> None:
    expression, said = UNSUITED[case]
    terms = declared(
        *(column("n"), column("t", "string"), column("d", "date")),
        quality=[sql(expression, name="own")],
    )

    with pytest.raises(ContractError, match=said) as refused:
        compile_contract(terms.contract())

    assert "\n" not in str(refused.value)
    assert "own" in str(refused.value)


def test_sets_are_judged_by_exact_shares_of_the_rows_that_came_in() -> None:
    terms = declared(
        column("n", quality=[rule("nullValues", mustBeLessThan=25, unit="percent")]),
        column("t", "string", quality=[rule(pattern="^a$", mustBeBetween=[0, 2])]),
        quality=[
            rule("rowCount", mustBeGreaterOrEqualTo=4),
            rule("duplicateValues", column="t", mustBe=3, severity="warning"),
            rule("duplicateValues", mustBeLessOrEqualTo=30, unit="percent"),
            rule("volume", mustBeBetween=[50, 200], unit="percent", runs=3),
        ],
    )
    rows: list[Row] = [(1, "a"), (1, "a"), (None, "b"), (2, "c")]

    _, said, contract = passed(terms, rows)
    found = judge_set(contract, said, history=[1_000, 1_000, 1_000, 2, 3, 3])

    assert [(v.value, v.kept, v.fails) for v in found] == [
        (Decimal(25), False, True),
        (Decimal(2), True, False),
        (Decimal(2), False, False),
        (Decimal(4), True, False),
        (Decimal(50), False, True),
        (Decimal("133.333333"), True, False),
    ]
    assert found[0].sentence == (
        "n:0:nullValues less than 25 percent: 25 percent; the document asks for less"
        " than 25 percent"
    )


# What a bound of 4 says of 3, 4 and 5 rows.
LIMITS = {
    "mustBe": (False, True, False),
    "mustBeLessThan": (True, False, False),
    "mustBeLessOrEqualTo": (True, True, False),
    "mustBeGreaterThan": (False, False, True),
    "mustBeGreaterOrEqualTo": (False, True, True),
}


@pytest.mark.parametrize("bound", LIMITS)
def test_a_bound_is_met_as_its_name_says(bound: str) -> None:
    terms = declared(column("n"), quality=[rule("rowCount", **{bound: 4})])
    contract = compile_contract(terms.contract())

    found = [judge_set(contract, Verdict(9, rows, 0, {}))[0].kept for rows in (3, 4, 5)]

    assert tuple(found) == LIMITS[bound]


def test_a_share_is_of_the_rows_that_came_in_rejected_ones_too() -> None:
    half = rule(column="n", validValues=[1], mustBeLessOrEqualTo=50, unit="percent")
    terms = declared(column("n"), column("m", required=True), quality=[half])

    _, said, contract = passed(terms, [(1, 1), (2, None), (3, 3), (1, None)])

    assert said.rows_out == 2
    assert judge_set(contract, said)[0].value == Decimal(50)


def test_what_cannot_be_measured_yet_is_kept_and_said() -> None:
    terms = declared(
        column("n", quality=[rule("nullValues", mustBeLessThan=1, unit="percent")]),
        column(
            "at", "date", quality=[rule("freshness", mustBeLessThan=2, unit="days")]
        ),
        quality=[rule("volume", mustBeGreaterThan=90, unit="percent")],
    )

    _, said, contract = passed(terms, [])
    found = judge_set(contract, said)

    assert [(v.value, v.kept) for v in found] == [(None, True), (None, True)]
    assert "nothing to judge" in found[0].sentence
    assert [name for name in contract.sets if "freshness" in name] == [
        "at:0:freshness less than 2 days"
    ]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two bounds": (rule("rowCount", mustBe=1, mustBeLessThan=2), "keep one"),
    "no bound": (rule("rowCount"), "has no bound"),
    "bound turned round": (rule("rowCount", mustBeBetween=[2, 1]), "smaller"),
    "no way to be valid": (rule(), "takes one of"),
    "two ways to be valid": (rule(pattern="^a$", reference="a.b"), "takes one of"),
    "values where none are": (rule("rowCount", mustBe=1, pattern="^a$"), "takes no"),
    "sql without expression": (rule(pattern="^a$", type="sql"), "go together"),
    "expression without sql": (rule(expression="n > 1"), "go together"),
    "unit of another metric": (rule("rowCount", mustBe=1, unit="days"), "in rows"),
    "freshness in rows": (rule("freshness", mustBe=1), "hours or days"),
    "volume in rows": (rule("volume", mustBe=1), "in percent"),
    "runs of another metric": (rule("rowCount", mustBe=1, runs=3), "for volume"),
    "column of a row count": (rule("rowCount", mustBe=1, column="n"), "of the table"),
    "unknown column": (rule("nullValues", column="m"), "not a column"),
    "no column": (rule("nullValues"), "needs a column"),
    "values of no column": (rule(validValues=[1]), "needs a column"),
    "no pattern": (rule(pattern="(", column="n"), "regular expression"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_says_too_little_or_too_much_is_refused(case: str) -> None:
    asked, said = REFUSED[case]

    with pytest.raises(ValidationError, match=said):
        declared(column("n"), quality=[asked])


def test_a_column_does_not_judge_the_table_or_another_column() -> None:
    with pytest.raises(ValidationError, match="of the table"):
        declared(column("n", quality=[rule("rowCount", mustBe=1)]))
    with pytest.raises(ValidationError, match="leave it out"):
        declared(column("n", quality=[rule("nullValues", column="m")]), column("m"))


def test_freshness_is_of_dates() -> None:
    fresh = rule("freshness", mustBeLessThan=1, unit="days")

    with pytest.raises(ContractError, match="name a date or timestamp"):
        compile_contract(declared(column("n", quality=[fresh])).contract())


# A rule for each field, and what else the field may say.
CHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "metric": (rule("nullValues", column="n"), "duplicateValues"),
    "type": (sql("n > 1"), "library"),
    "name": (rule("rowCount", mustBe=1), "ours"),
    "valid_values": (rule(column="n", validValues=[1]), [1, 2]),
    "pattern": (rule(column="t", pattern="^a$"), "^b$"),
    "reference": (rule(column="n", reference="list.n"), "list.m"),
    "expression": (sql("n > 1"), "n > 2"),
    "column": (rule("nullValues", column="n"), "t"),
    "must_be": (rule("rowCount", mustBe=1), 2),
    "must_be_less_than": (rule("rowCount", mustBeLessThan=1), 2),
    "must_be_less_or_equal_to": (rule("rowCount", mustBeLessOrEqualTo=1), 2),
    "must_be_greater_than": (rule("rowCount", mustBeGreaterThan=1), 2),
    "must_be_greater_or_equal_to": (rule("rowCount", mustBeGreaterOrEqualTo=1), 2),
    "must_be_between": (rule("rowCount", mustBeBetween=[1, 2]), [1, 3]),
    "unit": (rule("nullValues", column="n", mustBeLessThan=3), "percent"),
    "severity": (rule("nullValues", column="n"), "warning"),
    "dimension": (rule("nullValues", column="n"), "accuracy"),
    "indicator": (rule("nullValues", column="n"), "0201"),
    "runs": (rule("volume", mustBe=1, unit="percent"), 9),
}


def compiled(asked: dict[str, Any]) -> Contract:
    columns = column("n"), column("t", "string")
    return compile_contract(declared(*columns, quality=[asked]).contract())


@pytest.mark.parametrize("field", Quality.model_fields)
def test_no_field_of_a_rule_is_skipped(field: str) -> None:
    asked, other = CHANGES[field]
    alias = Quality.model_fields[field].alias or field
    before = compiled(asked)

    try:
        after = compiled({**asked, alias: other})
    except ValidationError:
        return

    assert after.digest != before.digest
    assert after.rules != before.rules


def test_what_is_said_of_copies_enters_the_digest() -> None:
    columns = column("t", "string"), column("n", required=True)
    ways: list[dict[str, Any]] = [
        *({}, {"keep": "last by n"}, {"keep": "first by n"}, {"drop_repeats": True}),
        {"keep": "last by n", "drop_repeats": True},
    ]

    digests = {
        compile_contract(declared(*columns, key=["t"], **way).contract()).digest
        for way in ways
    }

    assert len(digests) == len(ways)


# Each rule beside the same rule in plain Python: true where a row of (n, t, m) is good.
Judge = Callable[[Any, Any, Any], bool | None]
LISTED = {1, 3}
ORACLE: list[tuple[dict[str, Any], Judge]] = [
    (rule(column="n", validValues=[1, 2]), lambda n, t, m: n in (1, 2)),
    (rule(column="t", pattern="^(?:a|b)$"), lambda n, t, m: t in ("a", "b")),
    (rule(column="n", reference="list.n"), lambda n, t, m: n in LISTED),
    (rule("nullValues", column="m"), lambda n, t, m: m is not None),
    (sql("n <= m"), lambda n, t, m: None if None in (n, m) else n <= m),
    (
        sql("t = 'a' OR n BETWEEN 2 AND 3"),
        lambda n, t, m: t == "a" or (None if None in (n, t) else 2 <= n <= 3),
    ),
    (sql("m IS NULL OR m NOT IN (0, 2)"), lambda n, t, m: m not in (0, 2)),
]
OF_COLUMN = {"n": 0, "t": 1, "m": 2}


def breaks(asked: dict[str, Any], judge: Judge, row: Row) -> bool:
    """Say whether a row breaks a rule: an unknown value breaks only nullValues."""
    named = asked.get("column")
    if named and asked["metric"] == "invalidValues" and row[OF_COLUMN[named]] is None:
        return False
    if (
        "t = 'a'" in asked.get("expression", "")
        and row[1] is None
        and row[0] is not None
    ):
        return False
    return judge(*row) is False


ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 4)),
        st.sampled_from([None, "", "a", "b", "ab"]),
        st.one_of(st.none(), st.integers(0, 4)),
    ),
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, severe=st.lists(st.booleans(), min_size=7, max_size=7))
def test_rules_count_and_reject_what_plain_python_says(
    rows: list[Row], severe: list[bool]
) -> None:
    quality = [
        {**asked, "name": f"r{i}", "severity": "error" if hard else "warning"}
        for i, ((asked, _), hard) in enumerate(zip(ORACLE, severe, strict=True))
    ]
    terms = declared(column("n"), column("t", "string"), column("m"), quality=quality)
    broken = [[breaks(asked, judge, row) for row in rows] for asked, judge in ORACLE]

    kept, said, _ = passed(terms, rows, list=pl.LazyFrame({"n": [*LISTED, 1]}))

    counts = {name.rpartition(":")[2]: n for name, n in said.failed.items()}
    warned = {name.rpartition(":")[2]: n for name, n in said.warned.items()}
    assert counts == {f"r{i}": sum(broken[i]) for i in range(7) if severe[i]}
    assert warned == {f"r{i}": sum(broken[i]) for i in range(7) if not severe[i]}
    expected = [
        row
        for at, row in enumerate(rows)
        if not any(broken[i][at] for i in range(7) if severe[i])
    ]
    assert sorted(map(repr, kept)) == sorted(map(repr, expected))
