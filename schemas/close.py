"""Terms and frames of the close of a month: what it reads, proposes and finds."""

from datetime import date
from typing import Annotated, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.asset import Proposed
from schemas.entity import Role
from schemas.gates import Gates
from schemas.measurement import Charge, Finding, Indication, Total
from schemas.money import Yuan
from schemas.policy import CloseRules
from schemas.registers import PERIOD
from schemas.terms import Slug, Terms


class TrialBalance(pa.DataFrameModel):
    """What each account of an entity held and moved in a month 试算平衡表.

    Debit balances are positive: opening + debit − credit = closing, and each entity's
    closing balances sum to 0. Key: entity, account.
    """

    entity: str
    account: str
    opening_fen: int
    debit_fen: int = pa.Field(ge=0)
    credit_fen: int = pa.Field(ge=0)
    closing_fen: int

    class Config:
        strict = True
        unique = ["entity", "account"]


class CloseTerms(Terms):
    """Which month of whose books is closed, by which chart and rules."""

    factor: str = Field("", description="The entity again: its run is of no one factor")
    entity: Slug = Field(description="Whose books are closed")
    period: str = Field(pattern=PERIOD, description="Month, as in 2026-07")
    closed_on: date = Field(description="Day of the close")
    accounts: dict[Role, str] = Field(description="The entity's chart")
    thresholds: dict[str, Annotated[Yuan, Field(ge=0)]] = Field(
        default_factory=dict, description="Assets with a threshold of their own, yuan"
    )
    rules: CloseRules = Field(description="What the entity's policy fixes")

    @model_validator(mode="after")
    def _month_is_over(self) -> Self:
        if f"{self.closed_on:%Y-%m}" <= self.period:
            raise ValueError(f"{self.period} is not over yet; close it afterwards")
        return self

    @property
    def month(self) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{self.period}-01")


class Closing(NamedTuple):
    """What the close of a month proposes and finds; gates first.

    ``totals`` is what is carried before the month's decisions. ``indications`` ask for
    a test; they post nothing.
    """

    gates: Annotated[pl.LazyFrame, Gates]
    journal: Annotated[pl.LazyFrame, Proposed]
    charges: Annotated[pl.LazyFrame, Charge]
    totals: Annotated[pl.LazyFrame, Total]
    findings: Annotated[pl.LazyFrame, Finding]
    indications: Annotated[pl.LazyFrame, Indication]
