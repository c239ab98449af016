"""Terms and frames of the first stage: sources, consolidation, labels."""

import operator
import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pydantic import Field, model_validator

from schemas.contract import Column, Declared
from schemas.terms import Name, Slug, Terms, Text

Encoding = Literal[
    "utf-8", "gb18030", "big5", "cp950", "shift_jis", "latin-1", "utf-16"
]
Format = Literal["csv", "xlsx", "json", "jsonl", "parquet"]
GLOB = re.compile(r"[*?\[]")
BUCKETS, TABLES = "s3://", "sql:"  # how the place of what is fetched begins
OUTSIDE = (BUCKETS, TABLES)
Expectation = Literal["1:1", "n:1", "1:n"]
# What reading passes over or puts together; a run records how often.
BLANK, JOINED = "blank lines passed over", "gzip members joined"
NOTES = (BLANK, JOINED)
# Dimensions of GB/T 36344-2018.
Dimension = Literal[
    "normativity", "completeness", "accuracy", "consistency", "timeliness",
    "accessibility",
]  # fmt: skip


class Partition(Terms):
    """How a resource is divided: each part is an artifact of its own."""

    column: Name = Field(description="Column whose value decides the part")
    by: Literal["day", "month", "value"] = Field(
        "value", description="A part for each day, month or value of the column"
    )


class Source(Declared):
    """One raw table and the contract of its text.

    ``path`` is relative to the data folder (``DATAFACTOR_DATA``) or
    ``package:NAME/PATH`` for a data file of an installed package; ``!`` steps into an
    archive: ``a.tar.gz!data/flights.csv.zip!flights.csv``. ``*``, ``?`` and ``[…]``
    make a pattern: of files, or of a member's whole path inside its archive, where
    ``*`` also stands for ``/``: ``M05A_202405*.tar.gz!*.csv``.
    """

    name: Name = Field(description="Table name in the SQL")
    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    path: Text = Field(
        "",
        pattern=r"^[^\x00-\x1f]+$",
        description="File or pattern of files, '!'-separated members of archives;"
        " s3://BUCKET/KEY where DATAFACTOR_REACH names it; filled in for a table",
    )
    table: str = Field(
        "",
        pattern=r"^(?:[a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62})?)?$",
        description="Table or view of a database, in place of a path: SCHEMA.NAME",
        exclude_if=operator.not_,
    )
    database: Name | Literal[""] = Field(
        "",
        description="Name of the secret that holds the database's URL",
        exclude_if=operator.not_,
    )
    format: Format = Field("csv", description="csv is any delimited text")
    encoding: Encoding = Field("utf-8", description="Character encoding of the file")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Separator")
    header: int = Field(
        1,
        ge=0,
        le=100,
        description="Lines before the data; the last one names the columns. 0: none",
    )
    footer: int = Field(
        0, ge=0, le=100, description="Lines at the end that are no data"
    )
    sheet: str = Field("", max_length=64, description="Sheet of a workbook")
    formulas: Literal["refuse", "cached"] = Field(
        "refuse",
        description="Of a workbook: cached takes the results that were saved with it",
    )
    records: str = Field(
        "", max_length=256, description="Of JSON: dotted path to the records"
    )
    undeclared: Literal["refuse", "ignore"] = Field(
        "refuse", description="Columns of the file that the document does not declare"
    )
    null_tokens: tuple[str, ...] = Field(("",), description="Texts that mean missing")
    allow_empty: bool = Field(
        False, description="Whether the source may hold no record at all"
    )
    licence: Text = Field(description="Licence under which the source may be used")
    retain: Literal["copy", "reference"] = Field(
        "copy", description="Keep the bytes, or only their hash and place"
    )
    update_frequency: str = Field(
        "none",
        pattern=r"^(?:none|P[1-9][0-9]*[YMWD]|PT[1-9][0-9]*[HM])$",
        description="How often the source is renewed: none, or in ISO 8601 such as P1D",
    )
    partition: Partition | None = Field(None, description="Filled in from the document")
    max_rejected_rate: float = Field(
        0.05, ge=0, lt=1, description="Share of rows that may break the contract"
    )

    @model_validator(mode="before")
    @classmethod
    def _place_the_table(cls, given: Any) -> Any:  # Any: what the file holds
        if isinstance(given, dict) and given.get("table") and not given.get("path"):
            place = f"{TABLES}{given.get('database', '')}/{given['table']}"
            return {**given, "path": place}
        return given

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.path:
            raise ValueError("path is missing: say where the source lies, or its table")
        if bool(self.table) != bool(self.database):
            raise ValueError("table and database go together: write both, or a path")
        if not self.is_outside:
            return self
        if self.retain == "reference":
            raise ValueError("what is fetched is kept: write retain: copy")
        if self.table and self.path != f"{TABLES}{self.database}/{self.table}":
            raise ValueError("a table has no path: leave path out")
        if self.table and not self.key:
            raise ValueError("key is missing: rows of a table have no order but by it")
        said = (self.format, self.encoding, self.header, self.footer, self.sheet)
        if self.table and (*said, self.records) != ("csv", "utf-8", 1, 0, "", ""):
            raise ValueError(
                "a table is written as csv in utf-8 with one line of names: leave"
                " format, encoding, header, footer, sheet and records out"
            )
        if self.table and "" not in self.null_tokens:
            raise ValueError("null_tokens: a table's missing values are written as ''")
        return self

    @property
    def is_outside(self) -> bool:
        """Say whether it must be fetched: an object of a bucket, or a SQL table."""
        return bool(self.table) or self.path.startswith(BUCKETS)

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
    def refers(self) -> frozenset[str]:
        """The sources in whose columns its rules look values up."""
        rules = [*self.quality, *(r for c in self.columns for r in c.quality)]
        named = (r.reference.partition(".")[0] for r in rules)
        return frozenset(name for name in named if name)

    @property
    def is_glob(self) -> bool:
        """Say whether ``file`` is a pattern that several files may match."""
        return GLOB.search(self.file) is not None

    @property
    def inner(self) -> str:
        """All that follows the file: empty for a plain file."""
        return self.path.partition("!")[2]

    @property
    def member(self) -> str:
        """The exact path inside the file, up to its first pattern.

        ``a.zip!b.tar.gz!*.csv`` -> ``b.tar.gz``; the piece is the bytes of this member.
        """
        levels = self.inner.split("!")
        return "!".join(takewhile(lambda level: not GLOB.search(level), levels))

    @property
    def member_pattern(self) -> str:
        """The rest from the first pattern on, matched inside the piece; '' if none."""
        return self.inner[len(self.member) :].removeprefix("!")

    def at(self, file: str) -> Self:
        """Name one of the files that the pattern of ``file`` matches."""
        return self.model_copy(
            update={"path": "!".join([file, *self.path.split("!")[1:]])}
        )

    def identity(self) -> dict[str, Any]:
        """Leave out where the file lies: moving it changes no result."""
        said = {**super().identity(), "path": self.inner}
        return {n: v for n, v in said.items() if n not in ("table", "database")}


def in_order(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Put each source after those that its rules look values up in.

    Raises:
        ValueError: They look up in a circle.
    """
    waiting = {source.name: source for source in sources}
    ordered: list[Source] = []
    while waiting:
        ready = [s for s in waiting.values() if not s.refers & waiting.keys()]
        if not ready:
            raise ValueError(
                f"sources {', '.join(waiting)} refer to each other in a circle; move"
                " one of the rules to resource.columns"
            )
        ordered += ready
        for source in ready:
            del waiting[source.name]
    return tuple(ordered)


class ResourceTerms(Declared):
    """How raw tables become one resource."""

    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    columns: tuple[Column, ...] = Field(
        (),
        description="The contract; may be left out for a single source without SQL,"
        " and is then the source's",
    )
    sources: tuple[Source, ...] = Field((), description="Filled in from the document")
    consolidate: str = Field(
        "", description="SELECT over the sources; may be left out for a single source"
    )
    order: tuple[Name, ...] = Field((), description="Sort order of the resource")
    labels: dict[Name, str] = Field(
        default_factory=dict, description="Column name and the SQL expression it holds"
    )
    partition: Partition | None = Field(
        None, description="Make an artifact of each day, month or value"
    )
    expect: dict[Name, Expectation] = Field(
        default_factory=dict,
        description="By the right table of a join: n:1 may leave rows without partner,"
        " 1:n may multiply rows, 1:1 uses each right row at most once",
    )
    weights: dict[Dimension, Annotated[int, Field(ge=0, le=1_000)]] = Field(
        default_factory=dict, description="Weight of each quality dimension; else 1"
    )
    quality_step: Decimal = Field(
        Decimal("0.05"),
        gt=0,
        le=1,
        description="Drop of the quality score that asset and capital hear of",
    )

    @model_validator(mode="after")
    def _order_is_of_columns(self) -> Self:
        names = {c.name for c in self.columns}
        if not names:
            return self
        if missing := [n for n in (*self.order, *self.labels) if n not in names]:
            raise ValueError(f"{missing} in order or labels is not among the columns")
        if self.partition and self.partition.column not in self.key:
            raise ValueError(
                f"partition column {self.partition.column} must be part of the key"
            )
        return self

    def filled(self, sources: tuple[Source, ...]) -> "ResourceTerms":
        """Take the columns of the only source where the document writes none.

        Raises:
            ValueError: There are none to take, or they do not suit the other terms.
        """
        if self.columns:
            return self
        if len(sources) != 1 or self.consolidate:
            raise ValueError(
                "resource.columns is missing: write the columns that the SQL yields"
            )
        (only,) = sources
        taken = ("key", "keep", "drop_repeats", "quality", "max_rejected_rate")
        same = {n: getattr(only, n) for n in taken if n not in self.model_fields_set}
        return type(self).model_validate(
            {**dict(self), **same, "columns": only.columns}
        )

    @property
    def passes(self) -> bool:
        """Say whether the resource is its only source, unchanged."""
        made = self.consolidate or self.labels or self.order
        if len(self.sources) != 1 or made:
            return False
        (only,) = self.sources
        # Those are judged later, on the whole.
        later = ("freshness", "rowCount", "volume")
        rules = [r for r in self.quality if r.metric not in later]
        if rules and rules != [r for r in only.quality if r.metric not in later]:
            return False
        same = ("columns", "key", "keep", "drop_repeats")
        return all(getattr(self, name) == getattr(only, name) for name in same)

    def source(self, role: str) -> Source | None:
        """Find the terms of one source by the name it has in the SQL."""
        name = role.rpartition(".")[2]
        return next((s for s in self.sources if s.name == name), None)


UNDECLARED = "undeclared"


class JoinBalance(pa.DataFrameModel):
    """What one JOIN of the consolidation kept, lost and multiplied. Key: step.

    ``rows_out`` = ``left_rows`` - ``dropped`` + ``multiplied``; rows of the right side
    alone count as multiplied. ``part`` names the WITH table or the part of a UNION that
    the join stands in. ``right_repeated`` is null where the join has no equality to
    count by, ``right_reused`` unless the join is expected to be 1:1.
    """

    step: int = pa.Field(ge=1)
    part: str
    join: str
    expected: str = pa.Field(isin=["1:1", "n:1", "1:n", UNDECLARED])
    left_rows: int = pa.Field(ge=0)
    left_unmatched: int = pa.Field(ge=0)
    right_rows: int = pa.Field(ge=0)
    right_repeated: int = pa.Field(ge=0, nullable=True)
    right_reused: int = pa.Field(ge=0, nullable=True)
    rows_out: int = pa.Field(ge=0)
    dropped: int = pa.Field(ge=0)
    multiplied: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["step"]

    @pa.dataframe_check(error="rows out = left rows - dropped + multiplied")
    @classmethod
    def _is_balanced(cls, data: PolarsData) -> pl.LazyFrame:
        kept = pl.col("left_rows") - pl.col("dropped")
        return data.lazyframe.select(pl.col("rows_out") == kept + pl.col("multiplied"))

    @pa.dataframe_check(error="a join that drops rows is n:1 or 1:n in resource.expect")
    @classmethod
    def _drops_as_expected(cls, data: PolarsData) -> pl.LazyFrame:
        may = pl.col("expected").is_in(["n:1", "1:n"])
        return data.lazyframe.select((pl.col("dropped") == 0) | may)

    @pa.dataframe_check(error="a join that multiplies rows is 1:n in resource.expect")
    @classmethod
    def _multiplies_as_expected(cls, data: PolarsData) -> pl.LazyFrame:
        may = pl.col("expected") == "1:n"
        return data.lazyframe.select((pl.col("multiplied") == 0) | may)

    @pa.dataframe_check(error="a join that is 1:1 uses no right row twice")
    @classmethod
    def _uses_right_rows_once(cls, data: PolarsData) -> pl.LazyFrame:
        once = pl.col("right_reused").fill_null(0) == 0
        return data.lazyframe.select(once | (pl.col("expected") != "1:1"))

    @classmethod
    def refusal(cls, rejects: pl.DataFrame) -> str:
        """Say of rejected rows, as the pass wrote them, which join may not be so."""
        row = rejects.row(0, named=True)
        did = [
            f"{said} {row[name]}"
            for name, said in (
                ("dropped", "drops"),
                ("multiplied", "adds"),
                ("right_reused", "uses right rows again for"),
            )
            if row[name] not in ("0", None)
        ]
        expected = row["expected"]
        as_said = "undeclared" if expected == UNDECLARED else f"declared {expected}"
        return (
            f"{row['join']} is {as_said}, but {' and '.join(did)} of its"
            f" {row['left_rows']} rows; make the right key unique, or write in"
            " resource.expect by the right table's alias: n:1 where rows without"
            " partner may go, 1:n where rows may multiply"
        )


class ClauseBalance(pa.DataFrameModel):
    """What one other clause of the consolidation dropped or added. Key: step.

    ``step`` counts on from the joins in the order in which all are done; ``rows_out``
    = ``rows_in`` - ``dropped`` + ``multiplied``. ``reason`` is the clause as written.
    """

    step: int = pa.Field(ge=1)
    part: str
    what: str
    rows_in: int = pa.Field(ge=0)
    rows_out: int = pa.Field(ge=0)
    dropped: int = pa.Field(ge=0)
    multiplied: int = pa.Field(ge=0)
    reason: str

    class Config:
        strict = True
        unique = ["step"]

    @pa.dataframe_check(error="rows out = rows in - dropped + multiplied")
    @classmethod
    def _is_balanced(cls, data: PolarsData) -> pl.LazyFrame:
        kept = pl.col("rows_in") - pl.col("dropped")
        return data.lazyframe.select(pl.col("rows_out") == kept + pl.col("multiplied"))


class Resource(NamedTuple):
    """What the first stage hands over; a join that may not be keeps it all back."""

    joins: Annotated[pl.LazyFrame, JoinBalance]
    steps: Annotated[pl.LazyFrame, ClauseBalance]
    resource: Annotated[pl.LazyFrame, ResourceTerms.contract]
