"""Contracts at load: what compiles, and what is refused by name with its remedy."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from schemas.contract import Column, schema_of_columns
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.registers import REGISTERS, JournalLine
from schemas.resource import JoinBalance
from tasks.contract import compile_contract

Schema = pa.DataFrameSchema


def one(*checks: pa.Check, dtype: object = int, **options: object) -> Schema:
    return Schema({"a": pa.Column(dtype, list(checks), **options)})  # type: ignore[arg-type]  # any option


def selecting(make: Callable[[], pl.Expr]) -> pa.Check:
    return pa.Check(lambda data: data.lazyframe.select(make()), error="own")


def a() -> pl.Expr:
    return pl.col("a")


def matching(pattern: object) -> Schema:
    return one(pa.Check.str_matches(pattern), dtype=str)  # type: ignore[arg-type]  # as a user writes it


def is_prime(number: int) -> bool:
    return number > 1 and all(number % n for n in range(2, number))


def raising(data: PolarsData) -> pl.LazyFrame:
    raise KeyError(data.key)


REFUSED: dict[str, tuple[Schema, str, str]] = {
    # name: schema, what the sentence names, the remedy it gives
    "coerce of the schema": (
        Schema({"a": pa.Column(int)}, coerce=True),
        "coerce",
        "leave",
    ),
    "coerce of a column": (one(coerce=True), "coerce", "leave it out"),
    "default": (one(default=1), "default", "leave it out"),
    "regex column": (Schema({"^a.*$": pa.Column(int, regex=True)}), "regex", "leave"),
    "optional column": (one(required=False), "required=False", "leave it out"),
    "missing columns added": (
        Schema({"a": pa.Column(int)}, add_missing_columns=True),
        *("add_missing_columns", "leave it out"),
    ),
    "invalid rows dropped": (
        Schema({"a": pa.Column(int)}, drop_invalid_rows=True),
        *("drop_invalid_rows", "leave it out"),
    ),
    "type of the whole frame": (
        Schema({"a": pa.Column(int)}, dtype=int),
        "dtype",
        "leave",
    ),
    "no type": (Schema({"a": pa.Column()}), "no type", "give it one"),
    "nested type": (one(dtype=pl.List(pl.Int64)), "lists", "give each part a column"),
    "first duplicate kept": (
        one(unique=True, report_duplicates="exclude_first"),
        *("report_duplicates", "leave it out"),
    ),
    "misspelt unique column": (
        Schema({"a": pa.Column(int)}, unique=["a", "aa"]),
        *("'aa'", "correct its spelling"),
    ),
    "several unique keys": (
        Schema({"a": pa.Column(int)}, unique=[["a"], ["a"]]),  # type: ignore[list-item]  # the wrong form
        *("several keys", "name one key"),
    ),
    "element_wise": (
        one(pa.Check(lambda value: value > 0, element_wise=True)),
        *("element_wise", "leave it out"),
    ),
    "groupby": (
        one(pa.Check(lambda groups: True, groupby="a")),
        *("groupby", "leave it out"),
    ),
    "raise_warning": (
        one(pa.Check.ge(0, raise_warning=True)),
        "raise_warning",
        "leave",
    ),
    "n_failure_cases": (
        one(pa.Check.ge(0, n_failure_cases=3)),
        "n_failure_cases",
        "leave",
    ),
    "built-in's name on a lambda": (
        one(pa.Check(lambda d: d.lazyframe.select(pl.lit(True)), name="isin")),
        *("borrows the name 'isin'", "rename it"),
    ),
    "built-in's alias on a lambda": (
        one(pa.Check(lambda d: d.lazyframe.select(a() > 5), name="ge")),
        *("borrows the name 'ge'", "rename it"),
    ),
    "built-in of the frame": (
        Schema({"a": pa.Column(int)}, checks=pa.Check.ge(0)),
        *("greater_than_or_equal_to", "put it on each column"),
    ),
    "unique_values_eq": (
        one(pa.Check.unique_values_eq([1])),
        *("unique_values_eq", "use isin"),
    ),
    "no anchor": (matching("a|b"), "str_matches", "^(?:a|b)$"),
    "start only": (matching("^a"), "both anchors", "^(?:^a)$"),
    "end only": (matching("a$"), "both anchors", "^(?:a$)$"),
    "escaped end": (matching(r"^a\$"), "both anchors", r"^(?:^a\$)$"),
    "alternative outside": (matching("^a|b$"), "alternative escapes", "^(?:a|b)$"),
    "alternative after a class": (matching("^[|]a|b$"), "alternative", "^(?:[|]a|b)$"),
    "multi-line flag": (matching("^(?m:a)$"), "flags m and x", "leave them out"),
    "verbose flag": (matching("^(?ix: a )$"), "flags m and x", "leave them out"),
    "flags of a compiled pattern": (matching(re.compile("^a$", re.I)), "flags", "(?i)"),
    "look-ahead": (matching("^(?=a)a$"), "look-around", "cannot run it"),
    "back-reference": (matching(r"^(a)\1$"), "str_matches", "cannot run it"),
    "look-around elsewhere": (
        one(pa.Check.str_contains("(?<!a)b"), dtype=str),
        *("str_contains", "cannot run it"),
    ),
    "wrong type": (one(pa.Check.isin(["x"])), "isin", "cannot run it"),
    "unknown column": (one(selecting(lambda: pl.col("b") > 0)), "own", "cannot run it"),
    "sum": (one(selecting(lambda: a().sum() > 0)), "row by row", "compare columns"),
    "length": (one(selecting(lambda: pl.len() > 5)), "row by row", "compare columns"),
    "neighbour": (one(selecting(lambda: a() > a().shift(1))), "row by row", "compare"),
    "group": (
        one(selecting(lambda: a() == a().max().over("a"))),
        "row by row",
        "compare",
    ),
    "rank": (one(selecting(lambda: a().rank() < 5)), "row by row", "compare columns"),
    "running sum": (one(selecting(lambda: a().cum_sum() < 5)), "row by row", "compare"),
    "duplicates": (
        one(selecting(lambda: ~a().is_duplicated())),
        "row by row",
        "compare",
    ),
    "python for each": (
        one(selecting(lambda: a().map_elements(is_prime, return_dtype=pl.Boolean))),
        *("row by row", "compare columns"),
    ),
    "python for all": (
        one(
            selecting(lambda: a().map_batches(lambda s: s > 0, return_dtype=pl.Boolean))
        ),
        *("row by row", "compare columns"),
    ),
    "all columns": (
        one(selecting(lambda: pl.all() > 0)),
        "several columns",
        "name each",
    ),
    "not true or false": (one(selecting(lambda: a() + 1)), "true or false", "compare"),
    "another method": (
        one(pa.Check(lambda d: d.lazyframe.with_columns(a() > 0), error="own")),
        *("LazyFrame.with_columns", "only select"),
    ),
    "collected": (
        one(pa.Check(lambda d: d.lazyframe.select(a() > 0).collect(), error="own")),
        *("calls collect after select", "return the selection"),
    ),
    "plain bool": (
        one(pa.Check(lambda d: True, error="own")),
        "returns bool",
        "select(",
    ),
    "nothing": (
        one(pa.Check(lambda d: d.lazyframe.select(), error="own")),
        *("own", "select(expression)"),
    ),
    "a function that raises": (
        one(pa.Check(raising, error="own")),
        "KeyError",
        "select(",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_by_name_with_a_remedy(case: str) -> None:
    schema, named, remedy = REFUSED[case]

    with pytest.raises(ContractError) as refused:
        compile_contract(schema)

    assert named in str(refused.value)
    assert remedy in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sort_order_of_unknown_columns_is_refused() -> None:
    with pytest.raises(ContractError, match="'b'"):
        compile_contract(one(), order=("b",))


@pytest.mark.parametrize("model", [*REGISTERS, Gates, JoinBalance])
def test_every_contract_of_the_house_compiles(model: type[pa.DataFrameModel]) -> None:
    contract = compile_contract(model.to_schema())

    assert len(contract.uniques) == 1
    assert contract.order[: len(contract.uniques[0])] == contract.uniques[0]


def test_a_pattern_in_a_register_is_kept() -> None:
    contract = compile_contract(JournalLine.to_schema())
    rule = next(e for name, e in contract.bad.items() if name.startswith("period:0:"))

    periods = pl.DataFrame({"period": ["2026-01", "2026-13", "x2026-01", "2026-01\n"]})

    assert periods.select(rule)["period"].to_list() == [False, True, True, True]


PATTERNS = ["^(?:a|b)$", r"^a\|b$", "^[|]$", r"^\\$", "^(a|(b|c))$", "^(?i:a)$", "^$"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_with_both_anchors_compiles(pattern: str) -> None:
    assert len(compile_contract(matching(pattern)).bad) == 2


def test_checks_on_dates_and_several_columns_compile() -> None:
    schema = Schema(
        {
            "start": pa.Column(pl.Date, pa.Check.ge(date(2020, 1, 1))),
            "end": pa.Column(pl.Date, nullable=True),
        },
        checks=pa.Check(
            lambda d: d.lazyframe.select(pl.col("start") <= pl.col("end")), error="span"
        ),
    )
    days = pl.DataFrame(
        {
            "start": [date(2020, 1, 1), date(2019, 1, 1), date(2021, 1, 1)],
            "end": [date(2020, 1, 1), None, date(2020, 1, 1)],
        }
    )

    bad = compile_contract(schema).bad

    assert list(bad) == [
        "start:required",
        "start:0:greater_than_or_equal_to(2020-01-01)",
        "*:0:span",
    ]
    found = [days.select(rule.alias("x"))["x"].to_list() for rule in bad.values()]
    assert found == [[False] * 3, [False, True, False], [False, False, True]]


def test_reasons_stand_in_bit_order_and_keys_come_last() -> None:
    columns = (
        Column.model_validate({"name": "id", "logicalType": "integer", "unique": True}),
        Column.model_validate(
            {
                **{"name": "kind", "logicalType": "string", "required": True},
                **{"logicalTypeOptions": {"maxLength": 3}},
                **{"quality": [{"metric": "invalidValues", "validValues": ["x"]}]},
            }
        ),
    )

    contract = compile_contract(schema_of_columns(columns, ("kind", "id")), parsed=True)

    assert contract.reasons == (
        "*:ragged line",
        "*:unreadable line",
        "id:parse",
        "kind:required",
        "kind:0:0 to 3 characters",
        "kind:1:one of the valid values",
        "unique:kind,id",
        "unique:id",
    )
    assert contract.order == ("kind", "id")


LISTED = [pa.Check.isin(list(range(40)))]


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": pl.Int32},
        {"nullable": True},
        {"checks": []},
        {"checks": [pa.Check.isin([*range(20), 99, *range(21, 40)])]},
        {"checks": [pa.Check.isin(list(range(40)), ignore_na=False)]},
        {"checks": [selecting(lambda: a() > 0)]},
        {"unique": True},
    ],
)
def test_the_digest_changes_with_what_is_asked(change: dict[str, object]) -> None:
    options = {"dtype": int, "checks": LISTED, **change}
    checks = options.pop("checks")

    base = compile_contract(one(*LISTED)).digest
    changed = compile_contract(one(*checks, **options)).digest  # type: ignore[misc]  # options of any type

    assert changed != base


def test_the_digest_tells_own_checks_apart() -> None:
    digests = {
        compile_contract(one(selecting(lambda n=n: a() > n))).digest  # type: ignore[misc]  # n is bound on purpose
        for n in range(3)
    }

    assert len(digests) == 3


def test_the_digest_is_the_same_in_every_process() -> None:
    code = (
        "import pandera.polars as pa, polars as pl\n"
        "from tasks.contract import compile_contract\n"
        "own = pa.Check(lambda d: d.lazyframe.select(pl.col('a') != 'x'))\n"
        "checks = [pa.Check.isin({'x', 'y', 'z', 'w'}), own]\n"
        "schema = pa.DataFrameSchema({'a': pa.Column(str, checks)})\n"
        "print(compile_contract(schema).digest)"
    )

    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(digests) == 1
