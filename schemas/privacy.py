"""Terms of de-identification 去标识化, and what a published file still discloses.

Source: GB/T 37964-2019; GB/T 42460-2023 (four levels of identifiability).
"""

from typing import Literal

import pandera.polars as pa
from pydantic import Field

from schemas.terms import Name, Terms

Release = Literal["open", "controlled", "enclave"]


class Deidentification(Terms):
    """How personal rows are treated, and by what they could be told apart."""

    quasi_identifiers: tuple[Name, ...] = Field(
        (), description="Columns of the product by which a person may be singled out"
    )
    sensitive: tuple[Name, ...] = Field(
        (), description="Columns whose values must stay diverse in each class"
    )
    diversity: int = Field(1, ge=1, description="l: distinct values in each class")


class Disclosure(pa.DataFrameModel):
    """What the published file still discloses. Key: release.

    ``k`` is the size of its smallest class of equal quasi-identifiers, ``diversity``
    (l) the least number of distinct values of a sensitive column in a class; null where
    the document names none. ``level`` is the identifiability 可识别性 of GB/T 42460:
    1 direct to 4 aggregate.
    """

    release: str = pa.Field(isin=["open", "controlled", "enclave"])
    rows: int = pa.Field(ge=0)
    classes: int = pa.Field(ge=0)
    k: int = pa.Field(ge=1, nullable=True)
    diversity: int = pa.Field(ge=1, nullable=True)
    threshold: int = pa.Field(ge=1)
    level: int = pa.Field(ge=1, le=4)

    class Config:
        strict = True
        unique = ["release"]
