"""Terms and frames of the first stage: sources, consolidation, labels."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.contract import Declared, Name, Slug, Text

Encoding = Literal["utf-8", "gb18030", "big5", "shift_jis", "latin-1", "utf-16"]


class Source(Declared):
    """One raw table and the contract of its text.

    ``path`` is relative to the data folder (``DATAFACTOR_DATA``) or
    ``package:NAME/PATH`` for a data file of an installed package; ``!`` steps into an
    archive: ``a.tar.gz!data/flights.csv.zip!flights.csv``.
    """

    name: Name = Field(description="Table name in the SQL")
    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    path: Text = Field(description="File, '!'-separated members of archives")
    format: Literal["csv"] = Field("csv", description="Delimited text")
    encoding: Encoding = Field("utf-8", description="Character encoding of the file")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Separator")
    null_tokens: tuple[str, ...] = Field(("",), description="Texts that mean missing")
    licence: Text = Field(description="Licence under which the source may be used")
    max_rejected_rate: float = Field(
        0.05, ge=0, lt=1, description="Share of rows that may break the contract"
    )

    @property
    def part(self) -> str:
        """Name the source in brackets: ``collect[flights]``."""
        return self.name

    @property
    def file(self) -> str:
        """The outermost file."""
        return self.path.partition("!")[0]

    @property
    def place(self) -> Path:
        """The outermost file as an argument of ``collect``: the seam finds it."""
        return Path(self.file)

    @property
    def member(self) -> str:
        """The path inside the file, empty for a plain file."""
        return self.path.partition("!")[2]

    def identity(self) -> dict[str, Any]:
        """Leave out where the file lies: moving it changes no result."""
        return {**super().identity(), "path": self.member}


class ResourceTerms(Declared):
    """How raw tables become one resource."""

    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    sources: tuple[Source, ...] = Field((), description="Filled in from the document")
    consolidate: str = Field(
        "", description="SELECT over the sources; may be left out for a single source"
    )
    order: tuple[Name, ...] = Field((), description="Sort order of the resource")
    labels: dict[Name, str] = Field(
        default_factory=dict, description="Column name and the SQL expression it holds"
    )

    @model_validator(mode="after")
    def _order_is_of_columns(self) -> Self:
        names = {c.name for c in self.columns}
        if missing := [n for n in (*self.order, *self.labels) if n not in names]:
            raise ValueError(f"{missing} in order or labels is not among the columns")
        return self

    def source(self, role: str) -> Source | None:
        """Find the terms of one source by the name it has in the SQL."""
        name = role.rpartition(".")[2]
        return next((s for s in self.sources if s.name == name), None)


class JoinBalance(pa.DataFrameModel):
    """What one JOIN of the consolidation kept, lost and multiplied. Key: step.

    ``left_unmatched`` and ``right_repeated`` are null where the join has no equality to
    count by; ``rows_out - left_rows`` above 0 means that the join multiplied rows.
    """

    step: int = pa.Field(ge=1)
    join: str
    left_rows: int = pa.Field(ge=0)
    left_unmatched: int = pa.Field(ge=0, nullable=True)
    right_rows: int = pa.Field(ge=0)
    right_repeated: int = pa.Field(ge=0, nullable=True)
    rows_out: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["step"]


class Resource(NamedTuple):
    """What the first stage hands over."""

    resource: Annotated[pl.LazyFrame, ResourceTerms.contract]
    joins: Annotated[pl.LazyFrame, JoinBalance]
