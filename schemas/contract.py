"""Write contracts: columns a person writes, or a ``DataFrameModel`` a developer writes.

Both become one Pandera ``DataFrameSchema``; nothing else in the house looks at either
form. Columns speak ODCS: ``logicalType``, ``required``, ``unique``, ``primaryKey``,
``logicalTypeOptions``, ``quality``, ``classification``. What Pandera has no words for
(warnings, references, SQL, sets, which copy stands) rides in the schema's metadata.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import pandera.polars as pa
import polars as pl
from pandera.backends.polars.register import register_polars_backends
from pydantic import Field, model_validator

from schemas.grade import AffectedObject, Harm
from schemas.rule import Quality, TypeOptions
from schemas.terms import Name, Terms

# Built-in checks are unknown before the first validation, and a model that is read
# before (at import, for its columns) would keep them unknown.
register_polars_backends()

LogicalType = Literal["string", "integer", "number", "date", "timestamp", "boolean"]

DTYPES: dict[LogicalType, Any] = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "boolean": pl.Boolean,
}


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
