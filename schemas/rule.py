"""Write the rules that values keep: ODCS ``logicalTypeOptions`` and ``quality``.

Which of them Pandera has words for is said here; the others ride in the metadata of the
schema that ``schemas.contract`` makes.
"""

import re
from typing import Annotated, Literal, Self

import pandera.polars as pa
from pydantic import Field, field_validator, model_validator

from schemas.terms import Name, Terms


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
