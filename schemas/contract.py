"""Write contracts: columns a person writes, or a ``DataFrameModel`` a developer writes.

Both become one Pandera ``DataFrameSchema``; nothing else in the house looks at either
form. Columns speak ODCS: ``logicalType``, ``required``, ``unique``, ``primaryKey``,
``logicalTypeOptions``, ``quality``, ``classification``. What Pandera has no words for
(warnings, references, SQL, sets, which copy stands) rides in the schema's metadata.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import pandera.polars as pa
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.grade import AffectedObject, Harm

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
LogicalType = Literal["string", "integer", "number", "date", "timestamp", "boolean"]

DTYPES: dict[LogicalType, Any] = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "boolean": pl.Boolean,
}


class Terms(BaseModel):
    """What a person chooses: frozen, closed, each field described."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    def identity(self) -> dict[str, Any]:
        """Return what of these terms may change a result; enters keys and ids."""
        return self.model_dump(mode="json")

    @property
    def part(self) -> str:
        """Say which part of a stage this is about (a source); shown in brackets."""
        return ""


def regex(pattern: str | None) -> str | None:
    """Let only what can be read as a regular expression pass."""
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


class TypeOptions(Terms):
    """ODCS ``logicalTypeOptions``."""

    minimum: float | int | None = Field(
        None, allow_inf_nan=False, description="Smallest value allowed"
    )
    maximum: float | int | None = Field(
        None, allow_inf_nan=False, description="Largest value allowed"
    )
    min_length: int | None = Field(
        None, alias="minLength", ge=0, description="Shortest text, in characters"
    )
    max_length: int | None = Field(
        None, alias="maxLength", ge=0, description="Longest text, in characters"
    )
    pattern: str | None = Field(
        None, description="Regular expression, with ^ and $ around it"
    )
    format: str | None = Field(
        None,
        description="How text is written: a date pattern such as yyyy-MM-dd, or yuan"
        " for an amount that is kept as integer fen",
    )

    @field_validator("minimum", "maximum")
    @classmethod
    def _a_limit_is_exact(cls, limit: float | None) -> float | None:
        if limit is not None and abs(limit) >= 2**53:
            raise ValueError("a limit must be smaller than 2 to the power of 53")
        return limit

    @field_validator("pattern")
    @classmethod
    def _pattern_is_a_regex(cls, pattern: str | None) -> str | None:
        return regex(pattern)


Bound = Annotated[float | int, Field(allow_inf_nan=False)]
Metric = Literal[
    "invalidValues",
    "nullValues",
    "duplicateValues",
    "rowCount",
    "freshness",
    "volume",
]
OF_VALUES = ("invalidValues", "nullValues", "duplicateValues")
UNITS = {"rowCount": ("rows",), "freshness": ("hours", "days"), "volume": ("percent",)}
# Field of a bound, its alias, and how it reads in a sentence.
BOUNDS = {
    "must_be": ("mustBe", "exactly"),
    "must_be_less_than": ("mustBeLessThan", "less than"),
    "must_be_less_or_equal_to": ("mustBeLessOrEqualTo", "at most"),
    "must_be_greater_than": ("mustBeGreaterThan", "more than"),
    "must_be_greater_or_equal_to": ("mustBeGreaterOrEqualTo", "at least"),
    "must_be_between": ("mustBeBetween", "between"),
}
RUNS = 7


class Quality(Terms):
    """One ODCS quality rule, on a column or on the whole table.

    Of values with ``mustBe: 0``, or with no bound, it judges each row: a bad row goes
    to quarantine or, as a warning, is counted. With any other bound it judges the set:
    as an error it fails the run, as a warning it is told.
    """

    metric: Metric = Field(description="What is counted")
    type: Literal["library", "sql"] = Field(
        "library", description="sql: the rule is an expression over the row"
    )
    name: str = Field("", max_length=120, description="What a person calls the rule")
    valid_values: tuple[str | int, ...] = Field(
        (), alias="validValues", description="The values allowed"
    )
    pattern: str | None = Field(None, description="Regular expression, with ^ and $")
    reference: str = Field(
        "",
        pattern=r"^(?:[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)?$",
        description="source.column whose values are the allowed ones",
    )
    expression: str = Field("", description="SQL that is true where a row is valid")
    column: Name | Literal[""] = Field(
        "", description="Column of a table rule; of a column's own rule it is implied"
    )
    must_be: Bound | None = Field(None, alias="mustBe", description="Exactly")
    must_be_less_than: Bound | None = Field(
        None, alias="mustBeLessThan", description="Less than"
    )
    must_be_less_or_equal_to: Bound | None = Field(
        None, alias="mustBeLessOrEqualTo", description="At most"
    )
    must_be_greater_than: Bound | None = Field(
        None, alias="mustBeGreaterThan", description="More than"
    )
    must_be_greater_or_equal_to: Bound | None = Field(
        None, alias="mustBeGreaterOrEqualTo", description="At least"
    )
    must_be_between: tuple[Bound, Bound] | None = Field(
        None, alias="mustBeBetween", description="From and to, both allowed"
    )
    unit: Literal["rows", "percent", "hours", "days"] = Field(
        "rows",
        description="Unit of the bound: rows or percent of values, rows of rowCount,"
        " hours or days of freshness, percent of volume",
    )
    severity: Literal["error", "warning"] = Field(
        "error", description="warning: counted only"
    )
    dimension: (
        Literal[
            "accuracy",
            "completeness",
            "conformity",
            "consistency",
            "coverage",
            "timeliness",
            "uniqueness",
        ]
        | None
    ) = Field(None, description="ODCS dimension")
    indicator: str = Field(
        "",
        pattern=r"^(?:0[1-6]0[1-6])?$",
        description="GB/T 36344 indicator it feeds; left out, the default of its kind",
    )
    runs: int | None = Field(
        None,
        ge=1,
        le=100,
        description=f"volume: how many earlier runs to compare with; else {RUNS}",
    )

    @field_validator("pattern")
    @classmethod
    def _pattern_is_a_regex(cls, pattern: str | None) -> str | None:
        return regex(pattern)

    @model_validator(mode="after")
    def _says_which_values(self) -> Self:
        ways = (self.valid_values, self.pattern, self.reference, self.expression)
        asked = sum(way not in ((), None, "") for way in ways)
        if asked != (self.metric == "invalidValues"):
            raise ValueError(
                f"{self.metric} takes"
                + (" one of " if self.metric == "invalidValues" else " no ")
                + "validValues, pattern, reference, expression"
            )
        if (self.type == "sql") != bool(self.expression):
            raise ValueError("type: sql and expression go together; write both or none")
        return self

    @model_validator(mode="after")
    def _bound_suits_the_metric(self) -> Self:
        given = [BOUNDS[n][0] for n in BOUNDS if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two bounds; keep one")
        if not given and self.metric not in OF_VALUES:
            raise ValueError(f"{self.metric} has no bound; write mustBe…")
        low, high = self.must_be_between or (0, 0)
        if low > high:
            raise ValueError("mustBeBetween is written from the smaller to the larger")
        units = UNITS.get(self.metric, ("rows", "percent"))
        if self.unit not in units:
            raise ValueError(f"{self.metric} is counted in {' or '.join(units)}")
        if self.runs is not None and self.metric != "volume":
            raise ValueError("runs is for volume; leave it out")
        if self.metric in ("rowCount", "volume") and self.column:
            raise ValueError(f"{self.metric} is of the table; leave column out")
        return self

    @property
    def bound(self) -> tuple[str, tuple[float | int, ...]]:
        """The field of its one bound, and its limits; of values 0 where none is."""
        for name in BOUNDS:
            limit = getattr(self, name)
            if limit is not None:
                return name, limit if isinstance(limit, tuple) else (limit,)
        return "must_be", (0,)

    @property
    def by_row(self) -> bool:
        """Say whether each row keeps or breaks it alone."""
        return self.metric in OF_VALUES and self.bound == ("must_be", (0,))

    @property
    def words(self) -> str:
        """Say in a few words what it asks."""
        field, limits = self.bound
        said = " and ".join(f"{limit:,}" for limit in limits)
        asked = f"{BOUNDS[field][1]} {said} {self.unit}"
        return self.name or (self.allowed if self.by_row else f"{self.kind} {asked}")

    @property
    def allowed(self) -> str:
        """Say which values or rows are good."""
        if self.metric == "nullValues":
            return "no value missing"
        if self.metric == "duplicateValues":
            return "no value twice"
        if self.valid_values:
            return "one of the valid values"
        if self.pattern is not None:
            return f"matches {self.pattern}"
        return f"found in {self.reference}" if self.reference else self.expression

    @property
    def kind(self) -> str:
        """Name the metric, and of invalid values what would be valid."""
        invalid = self.metric == "invalidValues"
        return f"{self.metric} ({self.allowed})" if invalid else self.metric

    @property
    def held(self) -> bool:
        """Say whether Pandera can hold it: it rejects rows, and Pandera has words."""
        if not self.by_row or self.severity == "warning":
            return False
        return bool(self.valid_values) or self.pattern is not None

    def check(self) -> pa.Check | None:
        """Give the rule as a Pandera check, where Pandera has words for it."""
        if self.valid_values:
            return pa.Check.isin(list(self.valid_values), error=self.words)
        if self.pattern is not None:
            return pa.Check.str_matches(self.pattern, error=self.words)
        return None


class Affects(Terms):
    """Whom a leak of the column would harm, and how much (GB/T 43697-2024)."""

    object: AffectedObject = Field(description="Affected object 影响对象")
    harm: Harm = Field(description="Degree of harm 影响程度")


class Column(Terms):
    """One column of a contract."""

    name: Name = Field(description="Column name")
    physical_name: str | None = Field(
        None,
        alias="physicalName",
        max_length=256,
        description="Its name in the file, where that differs; of JSON a dotted path",
    )
    logical_type: LogicalType = Field(alias="logicalType", description="ODCS type")
    required: bool = Field(False, description="Null is refused (and NaN)")
    unique: bool = Field(False, description="No value twice")
    options: TypeOptions = Field(
        TypeOptions(),
        alias="logicalTypeOptions",
        description="Limits of the type",
    )
    quality: tuple[Quality, ...] = Field((), description="Value rules")
    normalize: Literal["nfkc"] | None = Field(
        None, description="Read full-width signs as their plain form"
    )
    classification: Literal["public", "internal", "personal", "sensitive"] | None = (
        Field(
            None,
            description="A decision; personal and sensitive values are masked wherever"
            " rows are shown. Left out: nobody has decided",
        )
    )
    affects: Affects | None = Field(None, description="Whom a leak would harm")
    unit: str = Field("", description="Unit of measure")
    description: str = Field("", description="What the column says")

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> Self:
        numeric = self.logical_type in ("integer", "number")
        limits = (self.options.minimum, self.options.maximum)
        if not numeric and any(limit is not None for limit in limits):
            raise ValueError(f"{self.name}: minimum and maximum are for numbers")
        lengths = (self.options.min_length, self.options.max_length)
        texts = (*lengths, self.options.pattern)
        if self.logical_type != "string" and any(x is not None for x in texts):
            raise ValueError(f"{self.name}: length and pattern are for strings")
        return self

    @property
    def written(self) -> str:
        """Its name in the file."""
        return self.name if self.physical_name is None else self.physical_name

    def checks(self) -> list[pa.Check]:
        """List the value rules as Pandera checks, each with a name a person reads."""
        limit = self.options
        made = []
        if limit.minimum is not None:
            made.append(pa.Check.ge(limit.minimum, error=f"at least {limit.minimum}"))
        if limit.maximum is not None:
            made.append(pa.Check.le(limit.maximum, error=f"at most {limit.maximum}"))
        if limit.min_length is not None or limit.max_length is not None:
            span = f"{limit.min_length or 0} to {limit.max_length or 'any'} characters"
            made.append(
                pa.Check.str_length(limit.min_length, limit.max_length, error=span)
            )
        if limit.pattern is not None:
            made.append(
                pa.Check.str_matches(limit.pattern, error=f"matches {limit.pattern}")
            )
        return made

    @model_validator(mode="after")
    def _rules_are_of_the_column(self) -> Self:
        for rule in self.quality:
            if rule.column not in ("", self.name):
                raise ValueError(
                    f"{self.name}: its rule names column {rule.column}; leave it out"
                )
            if rule.metric in ("rowCount", "volume"):
                raise ValueError(
                    f"{self.name}: {rule.metric} is of the table; write it there"
                )
        return self


@dataclass(frozen=True)
class Beside:
    """What a document asks of a table that a Pandera schema has no place for.

    ``rules`` names the column of each rule, "*" for the whole row or table.
    """

    rules: tuple[tuple[str, Quality], ...] = ()
    keep: str = ""
    drop_repeats: bool = False

    def checks(self, column: str) -> list[pa.Check]:
        """List the rules of a column that Pandera holds."""
        made = [r.check() for name, r in self.rules if name == column and r.held]
        return [check for check in made if check is not None]


BESIDE = "beside"  # its key in the schema's metadata


class Declared(Terms):
    """Terms whose output contract is written in the document."""

    columns: tuple[Column, ...] = Field(
        min_length=1, description="The contract: every column of the result"
    )
    key: tuple[Name, ...] = Field((), description="Columns that identify a row")
    keep: str = Field(
        "",
        pattern=r"^(?:(?:first|last) by [a-z][a-z0-9_]{0,62})?$",
        description="Which copy of a repeated key stands: first or last by a column;"
        " left out, no copy does",
    )
    drop_repeats: bool = Field(
        False, description="Of rows equal in every column keep one, count the others"
    )
    quality: tuple[Quality, ...] = Field((), description="Rules about the whole table")
    max_rejected_rate: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of rows that may break the contract; 0: any fails the run",
    )

    @model_validator(mode="after")
    def _names_are_columns(self) -> Self:
        names = [c.name for c in self.columns]
        if not names:  # a resource that passes its only source through
            return self
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"columns {twice} are declared twice")
        if missing := [k for k in self.key if k not in names]:
            raise ValueError(f"key {missing} is not among the columns")
        return self

    @model_validator(mode="after")
    def _table_rules_name_columns(self) -> Self:
        names = [c.name for c in self.columns]
        for rule in self.quality if names else ():
            if rule.column and rule.column not in names:
                raise ValueError(
                    f"quality: {rule.column} is not a column; correct its spelling"
                )
            of_one = rule.valid_values or rule.pattern is not None or rule.reference
            if not rule.column and (
                of_one or rule.metric in ("nullValues", "freshness")
            ):
                raise ValueError(f"quality: {rule.metric} needs a column; name it")
        return self

    @model_validator(mode="after")
    def _keep_can_choose(self) -> Self:
        name = self.keep.rpartition(" ")[2]
        by = {c.name: c for c in self.columns}.get(name)
        if not self.keep or not self.columns:
            return self
        if by is None:
            raise ValueError(f"keep: {name} is not a column; correct its spelling")
        if not self.key:
            raise ValueError("keep chooses among copies of a key; declare the key")
        if by.name in self.key or by.logical_type == "boolean":
            raise ValueError(f"keep: {name} cannot put copies of a key in order")
        if not by.required:
            raise ValueError(f"keep: {name} may be missing; make it required")
        return self

    def contract(self) -> pa.DataFrameSchema:
        """Turn the declared terms into the schema that the pass compiles."""
        rules = tuple((rule.column or "*", rule) for rule in self.quality)
        beside = Beside(rules, self.keep, self.drop_repeats)
        return schema_of_columns(self.columns, self.key, beside)


def schema_of_columns(
    columns: tuple[Column, ...], key: tuple[str, ...], table: Beside = Beside()
) -> pa.DataFrameSchema:
    """Build the one inner form of a contract: columns, key, and what the table asks."""
    own = tuple((column.name, rule) for column in columns for rule in column.quality)
    beside = replace(table, rules=(*own, *table.rules))
    return pa.DataFrameSchema(
        {
            column.name: pa.Column(
                DTYPES[column.logical_type],
                checks=[*column.checks(), *beside.checks(column.name)],
                nullable=not column.required,
                unique=column.unique,
                description=column.description,
            )
            for column in columns
        },
        unique=list(key) or None,
        strict=True,
        metadata={BESIDE: beside},
    )


def frame_of(
    contract: type[pa.DataFrameModel], rows: Iterable[Sequence[object]]
) -> pl.DataFrame:
    """Make a frame of a contract from rows: its columns in order, its types."""
    columns = contract.to_schema().columns
    types = {name: column.dtype.type for name, column in columns.items()}
    return pl.DataFrame(list(rows), schema=types, orient="row")
