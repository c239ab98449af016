"""Terms and frames of the fourth stage: eligibility, pledge, repayment, position."""

from datetime import date
from typing import Annotated, Literal, NamedTuple

import pandera.polars as pa
import polars as pl
from pydantic import Field

from schemas.entity import CreditCode, Role
from schemas.gates import Gates
from schemas.money import Rate, Yuan
from schemas.policy import CapitalRules
from schemas.registers import Pledge
from schemas.terms import Terms, Text


class Borrower(Terms):
    """Who owes the money and pledges: the holder of the right to operate."""

    name: Text = Field(description="Registered name")
    credit_code: CreditCode = Field(
        description="Unified social credit code 统一社会信用代码"
    )


class CapitalTerms(Terms):
    """How an asset is financed."""

    factor: str = Field("", description="Filled in from the document")
    entity: str = Field("", description="Filled in from the document")
    asset: str = Field("", description="Filled in from the asset")
    version: str = Field("", description="Filled in from the asset")
    kind: Literal["pledge_loan"] = Field(description="Pledge loan 质押贷款")
    agreement: Text = Field(description="Number of the agreement")
    lender: Text = Field(description="Who lends")
    borrower: Borrower = Field(description="Who owes")
    principal: Yuan = Field(gt=0, description="Principal, yuan")
    annual_rate: Rate = Field(ge=0, description="Fraction per year; monthly is 1/12")
    months: int = Field(gt=0, le=360, description="Number of monthly instalments")
    method: Literal["equal_principal", "equal_instalments"] = Field(
        description="等额本金 or 等额本息"
    )
    drawdown: date = Field(description="Day the money is paid out")
    accounts: dict[Role, str] = Field(
        default_factory=dict, description="Filled in from the entity"
    )
    rules: CapitalRules | None = Field(None, description="Filled in from the policy")


class Repayment(pa.DataFrameModel):
    """The repayment schedule. Key: month."""

    month: int = pa.Field(ge=1)
    due_on: pl.Date
    principal_fen: int = pa.Field(ge=0)
    interest_fen: int = pa.Field(ge=0)
    payment_fen: int = pa.Field(ge=0)
    balance_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["month"]


class Position(pa.DataFrameModel):
    """Where a loan stands on a day. Key: agreement.

    ``outstanding_fen`` is by schedule. ``ltv`` is outstanding over appraised value,
    ``coverage`` its inverse: text with six decimals, rounded half up, empty where they
    are undefined. ``valid_to`` is the last day of the appraisal.
    """

    agreement: str
    asset: str
    version: str
    status: str = pa.Field(isin=["new", "live"])
    principal_fen: int = pa.Field(gt=0)
    outstanding_fen: int = pa.Field(ge=0)
    appraised_fen: int = pa.Field(ge=0)
    ltv: str
    coverage: str
    valid_to: pl.Date = pa.Field(nullable=True)
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["agreement"]


class Capital(NamedTuple):
    """What the fourth stage hands over; gates first."""

    gates: Annotated[pl.LazyFrame, Gates]
    pledge: Annotated[pl.LazyFrame, Pledge]
    repayment: Annotated[pl.LazyFrame, Repayment]
    position: Annotated[pl.LazyFrame, Position]
