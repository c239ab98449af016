"""Frames of what stands beside a loan: who rests on its data, and what is lent."""

from typing import Annotated, NamedTuple

import pandera.polars as pa
import polars as pl


class Met(pa.DataFrameModel):
    """What rests on the same data as an asset. Key: request, asset.

    The agreement that asks has a row of its own, which secures nothing: so it is seen
    that somebody looked. Of the others, ``secured_fen`` is what ``request`` secures by
    ``asset`` now, under ``cap_fen``; ``consent_fen`` is what its lender lets the
    agreement secure behind it. ``shared`` names the roots that join them, empty where
    it is the very asset.
    """

    request: str
    entity: str
    asset: str
    rank: int = pa.Field(ge=1)
    exclusive: bool
    secured_fen: int = pa.Field(ge=0)
    cap_fen: int = pa.Field(ge=0)
    consent_fen: int = pa.Field(ge=0)
    shared: str

    class Config:
        strict = True
        unique = ["request", "asset"]


class Lent(pa.DataFrameModel):
    """What is lent under other agreements. Key: measure, name.

    ``name`` is a credit code, a section of GB/T 4754 or a lender. A row without loans
    says that somebody looked.
    """

    measure: str = pa.Field(isin=["borrower", "industry", "lender"])
    name: str
    lent_fen: int = pa.Field(ge=0)
    loans: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["measure", "name"]


class Surveyed(NamedTuple):
    """What was found around a loan."""

    met: Annotated[pl.LazyFrame, Met]
    lent: Annotated[pl.LazyFrame, Lent]
