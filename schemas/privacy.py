"""Terms of de-identification 去标识化, and what a published file still discloses.

Source: GB/T 37964-2019; GB/T 42460-2023 (four levels of identifiability).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

import pandera.polars as pa
from pydantic import Discriminator, Field, Tag, model_validator

from schemas.terms import Name, Terms

Release = Literal["open", "controlled", "enclave"]
KeyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,30}$")]


class Drop(Terms):
    """Leave columns out."""

    drop: tuple[Name, ...] = Field(min_length=1, description="Columns to leave out")


class Mask(Terms):
    """Put * in place of every sign but the first and last. 138****5678."""

    mask: Name = Field(description="Column of text or whole numbers")
    first: int = Field(0, ge=0, description="Signs to keep at the start")
    last: int = Field(0, ge=0, description="Signs to keep at the end")


class Pseudonym(Terms):
    """Put HMAC-SHA256 under a key in place of each value: 64 hex signs.

    The same value under the same key is the same pseudonym, in every table.
    """

    pseudonym: Name = Field(description="Column of text, whole numbers or dates")
    key: KeyName = Field(
        description="Name of the key; the key itself stands in the environment as"
        " DATAFACTOR_SECRET_<NAME>"
    )


class Generalise(Terms):
    """Say less exactly: in exactly one of five ways."""

    generalise: Name = Field(description="Column")
    width: Decimal | None = Field(
        None, gt=0, description="Of a number: lower bound of its band of this width"
    )
    bands: tuple[Decimal, ...] | None = Field(
        None, min_length=1, description="Of a number: limits of bands, rising"
    )
    to: Literal["month", "year"] | None = Field(
        None, description="Of a date or moment: 2024-05, or 2024"
    )
    prefix: int | None = Field(None, ge=1, description="Of text: its first signs")
    hierarchy: dict[str, str] | None = Field(
        None,
        min_length=1,
        description="Of text or whole numbers: the group of each value; a value that"
        " is not here becomes null",
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = (self.width, self.bands, self.to, self.prefix, self.hierarchy)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "generalise in one way: write width, bands, to, prefix or hierarchy"
            )
        if self.bands and list(self.bands) != sorted(set(self.bands)):
            raise ValueError("bands must rise; write the lower limit first")
        return self


class Round(Terms):
    """Round to the nearest multiple; half goes up."""

    round: Name = Field(description="Column of numbers")
    to: Decimal = Field(gt=0, description="Multiples of this")


class TopCode(Terms):
    """Let no value be above a limit: it then says that much or more."""

    top_code: Name = Field(description="Column of numbers")
    at: Decimal = Field(description="Highest value that is told")


class BottomCode(Terms):
    """Let no value be below a limit: it then says that much or less."""

    bottom_code: Name = Field(description="Column of numbers")
    at: Decimal = Field(description="Lowest value that is told")


class Cells(Terms):
    """Withhold small counts of a table of counts, and what would give them away."""

    cells: Name = Field(description="Column that counts persons")
    by: tuple[Name, ...] = Field(
        min_length=1,
        max_length=6,
        description="Columns that name a cell; all others are withheld with its count."
        " A personal one is written out in words: CASE … THEN 'under 40' …",
    )
    threshold: int | None = Field(
        None, ge=2, description="Least count told; left out, k of the release"
    )


WORDS: dict[str, type[Terms]] = {
    "drop": Drop,
    "mask": Mask,
    "pseudonym": Pseudonym,
    "generalise": Generalise,
    "round": Round,
    "top_code": TopCode,
    "bottom_code": BottomCode,
    "cells": Cells,
}


def word_of(step: Any) -> str | None:  # Any: what a document holds, or a step
    """Find the word that says which step it is."""
    keys = step if isinstance(step, dict) else getattr(type(step), "model_fields", {})
    return next((word for word in WORDS if word in keys), None)


Step = Annotated[
    Annotated[Drop, Tag("drop")]
    | Annotated[Mask, Tag("mask")]
    | Annotated[Pseudonym, Tag("pseudonym")]
    | Annotated[Generalise, Tag("generalise")]
    | Annotated[Round, Tag("round")]
    | Annotated[TopCode, Tag("top_code")]
    | Annotated[BottomCode, Tag("bottom_code")]
    | Annotated[Cells, Tag("cells")],
    Discriminator(
        word_of,
        custom_error_type="step",
        custom_error_message="begin a step with one of " + ", ".join(WORDS),
    ),
]


class Deidentification(Terms):
    """How personal rows are treated, and by what they could be told apart."""

    steps: tuple[Step, ...] = Field(
        (), description="What is done to the rows, in this order"
    )
    quasi_identifiers: tuple[Name, ...] = Field(
        (), description="Columns of the product by which a person may be singled out"
    )
    sensitive: tuple[Name, ...] = Field(
        (), description="Columns whose values must stay diverse in each class"
    )
    diversity: int = Field(1, ge=1, description="l: distinct values in each class")
    subject: Name | None = Field(
        None,
        description="Column that names the person; k then counts persons, not rows."
        " Of a table of counts a column of what the query reads: its count is"
        " COUNT(DISTINCT subject), or COUNT(*) of rows that are one a subject",
    )
    suppress: bool = Field(
        False,
        description="Set rows of classes below k or l aside in quarantine, instead of"
        " refusing the release",
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.suppress and not self.quasi_identifiers:
            raise ValueError("suppress needs classes: write quasi_identifiers")
        if twice := sorted({*self.quasi_identifiers} & {*self.sensitive}):
            raise ValueError(
                f"{twice} cannot be quasi-identifier and sensitive at once"
            )
        rows = self.quasi_identifiers or self.sensitive
        if self.cells and (rows or len(self.tables) > 1):
            raise ValueError(
                "cells makes a table of counts, once and without quasi_identifiers and"
                " sensitive: persons are no longer in it"
            )
        return self

    @property
    def tables(self) -> tuple[Cells, ...]:
        """The steps that withhold small counts."""
        return tuple(step for step in self.steps if isinstance(step, Cells))

    @property
    def cells(self) -> Cells | None:
        """The step that makes it a table of counts."""
        return next(iter(self.tables), None)

    @property
    def treated(self) -> frozenset[str]:
        """The columns that a step names; whether it changes them, the rows tell.

        A table of counts treats its count, not what names a cell.
        """
        counts = frozenset(table.cells for table in self.tables)
        return frozenset(name for name, _ in self.by_column) | counts

    @property
    def by_column(self) -> tuple[tuple[str, Step], ...]:
        """The steps that make one column less telling, each with its column."""
        plain = (s for s in self.steps if not isinstance(s, Drop | Cells))
        return tuple((getattr(s, str(word_of(s))), s) for s in plain)

    @property
    def celled(self) -> frozenset[str]:
        """The columns of a table of counts that are measured: count and cell."""
        return frozenset(n for table in self.tables for n in (table.cells, *table.by))

    @property
    def pseudonyms(self) -> frozenset[str]:
        """The columns in which a pseudonym stands."""
        steps = self.by_column
        return frozenset(name for name, step in steps if isinstance(step, Pseudonym))

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the keys that its pseudonyms need.

        Not ``keys``: Prefect reads terms by dict(), which would call it.
        """
        named = {s.key for s in self.steps if isinstance(s, Pseudonym)}
        return tuple(sorted(named))


@dataclass(frozen=True)
class Keys:
    """Keys of pseudonyms by name; the seam fills them in, and they are never shown."""

    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)


NO_KEYS = Keys()


class Disclosure(pa.DataFrameModel):
    """What the published file still discloses; no row where no person is in it.

    A class is the persons (rows, or distinct subjects) who share their
    quasi-identifiers; of a table of counts a class is a cell that is told. ``k`` is the
    size of the smallest class, ``diversity`` (l) the least number of distinct values
    of a sensitive column in a class, null where the document names none; ``at_risk``
    are the persons in classes below the threshold. ``level`` is the identifiability
    可识别性 of GB/T 42460: 1 direct, 2 by quasi-identifiers, 3 acceptable, 4 aggregate.
    Key: release.
    """

    release: str = pa.Field(isin=list(get_args(Release)))
    rows: int = pa.Field(ge=0)
    persons: int = pa.Field(ge=0, nullable=True)
    classes: int = pa.Field(ge=0)
    k: int = pa.Field(ge=0, nullable=True)
    median_class: int = pa.Field(ge=0, nullable=True)
    largest_class: int = pa.Field(ge=0, nullable=True)
    diversity: int = pa.Field(ge=1, nullable=True)
    at_risk: int = pa.Field(ge=0)
    withheld: int = pa.Field(ge=0)
    threshold: int = pa.Field(ge=1)
    level: int = pa.Field(ge=1, le=4)

    class Config:
        strict = True
        unique = ["release"]
