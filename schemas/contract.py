"""Write contracts: columns a person writes, or a ``DataFrameModel`` a developer writes.

Both become one Pandera ``DataFrameSchema``; nothing else in the house looks at either
form. Columns speak ODCS: ``logicalType``, ``required``, ``unique``, ``primaryKey``,
``logicalTypeOptions``, ``quality``, ``classification``.
"""

import re
from collections.abc import Iterable, Sequence
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
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


Bound = Annotated[float | int, Field(allow_inf_nan=False)]


class Quality(Terms):
    """One ODCS quality rule, on a column or on the whole table.

    With ``mustBe: 0`` it judges each row: a bad row goes to quarantine or, as a
    warning, is counted. With any other bound it judges the set, and fails the run.
    """

    metric: Literal[
        "invalidValues",
        "nullValues",
        "duplicateValues",
        "rowCount",
        "freshness",
        "volume",
    ] = Field(description="What is counted")
    type: Literal["library", "sql"] = Field(
        "library", description="sql: the rule is an expression over the row"
    )
    name: str = Field("", max_length=120, description="What a person calls the rule")
    valid_values: tuple[str | int, ...] = Field(
        (), alias="validValues", description="The values allowed"
    )
    pattern: str | None = Field(None, description="Regular expression, with ^ and $")
    reference: str = Field(
        "", description="source.column whose values are the allowed ones"
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
        "rows", description="Unit of the bound"
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
    runs: int = Field(
        7, ge=1, le=100, description="volume: how many earlier runs to compare with"
    )


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
        made += [
            pa.Check.isin(list(rule.valid_values), error="one of the valid values")
            for rule in self.quality
            if rule.valid_values
        ]
        return made


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

    def contract(self) -> pa.DataFrameSchema:
        """Turn ``columns`` and ``key`` into the schema that the pass compiles."""
        return schema_of_columns(self.columns, self.key)


def schema_of_columns(
    columns: tuple[Column, ...], key: tuple[str, ...]
) -> pa.DataFrameSchema:
    """Build the one inner form of a contract."""
    return pa.DataFrameSchema(
        {
            column.name: pa.Column(
                DTYPES[column.logical_type],
                checks=column.checks(),
                nullable=not column.required,
                unique=column.unique,
                description=column.description,
            )
            for column in columns
        },
        unique=list(key) or None,
        strict=True,
    )


def frame_of(
    contract: type[pa.DataFrameModel], rows: Iterable[Sequence[object]]
) -> pl.DataFrame:
    """Make a frame of a contract from rows: its columns in order, its types."""
    columns = contract.to_schema().columns
    types = {name: column.dtype.type for name, column in columns.items()}
    return pl.DataFrame(list(rows), schema=types, orient="row")
