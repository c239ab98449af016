"""How a product's rows are read to answer its decision: which, and drawn how."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.terms import Name, Terms, Text

Sorted = Annotated[str, Field(pattern=r"^-?[a-z][a-z0-9_]{0,62}$")]


class Plot(Terms):
    """A picture of the product's figures.

    ``bar``: one bar a ``label``. ``heat``: a table of ``label`` down and ``across``,
    shaded. ``map``: points at ``latitude`` and ``longitude``. Without ``value`` the
    rows of each place are counted.
    """

    kind: Literal["bar", "heat", "map"] = Field(description="Which picture")
    label: Name = Field(description="Column that names a bar, a line or a point")
    across: Name | Literal[""] = Field("", description="Heat: column of its columns")
    order: tuple[Text, ...] = Field(
        (), description="Heat: its columns from left to right; empty: sorted"
    )
    value: Name | Literal[""] = Field("", description="Figure; empty: count the rows")
    total: bool = Field(
        False, description="Add up the figures of rows that share a place"
    )
    latitude: Name | Literal[""] = Field("", description="Map: degrees north")
    longitude: Name | Literal[""] = Field("", description="Map: degrees east")
    limit: int = Field(40, gt=0, le=2_000, description="Bars, lines or points at most")

    @model_validator(mode="after")
    def _has_its_axes(self) -> Self:
        if (self.kind == "heat") != bool(self.across):
            raise ValueError("across names the columns of a heat table, and only of it")
        if (self.kind == "map") != bool(self.latitude and self.longitude):
            raise ValueError("latitude and longitude place the points of a map only")
        if self.total and not self.value:
            raise ValueError("total adds up a value: name it, or leave total out")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        named = (self.label, self.across, self.value, self.latitude, self.longitude)
        return tuple(name for name in named if name)


class Reading(Terms):
    """Which rows of the product answer the decision; none said: the first rows."""

    where: dict[Name, Text] = Field(
        default_factory=dict, description="Value, as text, that a column must have"
    )
    sort: tuple[Sorted, ...] = Field(
        (), description="Columns to sort by; -column begins with the largest"
    )
    limit: int = Field(10, gt=0, le=100, description="Rows shown")
    columns: tuple[Name, ...] = Field((), description="Columns shown; empty: all")
    plot: Plot | None = Field(None, description="The picture of it")

    @property
    def named(self) -> frozenset[str]:
        """Every column that it names."""
        sort = {name.removeprefix("-") for name in self.sort}
        drawn = self.plot.columns if self.plot else ()
        return frozenset({*self.where, *sort, *self.columns, *drawn})
