"""Terms and frames of a securitisation 资产支持专项计划: pool, label, waterfall."""

from datetime import date
from typing import Annotated, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.gates import Gates
from schemas.money import LARGEST_FEN, Exact, Rate, Yuan
from schemas.policy import Rules
from schemas.portfolio import STATES, Share
from schemas.terms import Terms, Text


class PoolRules(Rules):
    """What makes a pool one of data assets."""

    label_share: Share = Field(
        description="More than this share of the pool rests on pledged data"
    )


class PoolTerms(Terms):
    """A pool of loans and the two classes of notes on it."""

    pool: Text = Field(description="Name or number of the plan")
    cut_off: date = Field(
        description="封包日: what is collected after it is the pool's"
    )
    matures_on: date = Field(description="Last day of the notes")
    senior: Yuan = Field(
        gt=0, description="优先级: principal of the senior notes, yuan"
    )
    subordinated: Yuan = Field(ge=0, description="次级: the rest of the pool, yuan")
    coupon_rate: Rate = Field(ge=0, description="Senior, fraction per year, ACT/365")
    tax_rate: Exact = Field(ge=0, lt=1, description="Of interest that is collected")
    fee_rate: Rate = Field(
        ge=0, description="Servicer, custodian and manager; of the pool, ACT/365"
    )
    turbo_above: Exact = Field(
        ge=0, le=1, decimal_places=6, description="Defaulted share that accelerates"
    )
    rules: PoolRules | None = Field(None, description="Filled in from the policy")

    @model_validator(mode="after")
    def _days_follow(self) -> Self:
        if self.matures_on <= self.cut_off:
            raise ValueError("matures_on must come after cut_off")
        return self


class Pooled(pa.DataFrameModel):
    """A loan as it is offered to a pool. Key: request (the agreement's number).

    ``data_pledged`` is true where a registered pledge of data secures it.
    """

    request: str
    borrower: str
    balance_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    data_pledged: bool
    overdue_days: int = pa.Field(ge=0)
    state: str = pa.Field(isin=STATES)
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["request"]


class Screened(pa.DataFrameModel):
    """Whether a loan is eligible; else every ground. Key: request."""

    request: str
    balance_fen: int = pa.Field(ge=0)
    data_pledged: bool
    eligible: bool
    ground: str

    class Config:
        strict = True
        unique = ["request"]


class Pool(NamedTuple):
    """Gates first, then every loan that was offered."""

    gates: Annotated[pl.LazyFrame, Gates]
    loans: Annotated[pl.LazyFrame, Screened]


class Collected(pa.DataFrameModel):
    """What the pool's loans brought in up to a payment day. Key: period.

    ``defaulted_fen`` is principal of loans that defaulted in the period, no cash;
    ``recovered_fen`` is cash of loans that defaulted before.
    """

    period: int = pa.Field(ge=1, unique=True)
    paid_on: pl.Date
    interest_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    principal_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    recovered_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    defaulted_fen: int = pa.Field(ge=0, le=LARGEST_FEN)

    class Config:
        strict = True
        unique = ["period"]


class Distributed(pa.DataFrameModel):
    """What a payment day pays to whom. Key: period.

    ``cash_fen`` is the sum of the five that follow it. ``arrears_fen`` of taxes, fees
    and senior interest stand unpaid and come first the next time, without interest.
    """

    period: int = pa.Field(ge=1)
    paid_on: pl.Date
    days: int = pa.Field(ge=1)
    turbo: bool
    cash_fen: int = pa.Field(ge=0)
    taxes_fen: int = pa.Field(ge=0)
    fees_fen: int = pa.Field(ge=0)
    senior_interest_fen: int = pa.Field(ge=0)
    senior_principal_fen: int = pa.Field(ge=0)
    subordinated_fen: int = pa.Field(ge=0)
    arrears_fen: int = pa.Field(ge=0)
    senior_balance_fen: int = pa.Field(ge=0)
    pool_balance_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["period"]
