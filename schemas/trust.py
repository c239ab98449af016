"""Terms and frames of the two other ways: an asset for equity, or in a trust."""

from datetime import date
from typing import Annotated, Literal, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.asset import Proposed
from schemas.entity import CreditCode, Role
from schemas.gates import Gates
from schemas.money import LARGEST_FEN, Exact, Yuan
from schemas.quality import WHOLE
from schemas.registers import AssetEvent, Right
from schemas.terms import Slug, Terms, Text


class ContributionTerms(Terms):
    """An asset given for equity 数据资产作价入股."""

    kind: Literal["contribution"] = Field("contribution", description="作价入股")
    factor: str = Field("", description="Filled in from the document")
    entity: str = Field("", description="Filled in from the document")
    asset: str = Field("", description="Filled in from the asset")
    decision: Text = Field(description="Number of the resolution")
    contributor: Text = Field(description="Who gives it: holds the right to operate")
    investee: Text = Field(description="Company that receives it")
    investee_code: CreditCode = Field(
        description="Unified social credit code 统一社会信用代码"
    )
    value: Yuan = Field(gt=0, description="Agreed value without tax, yuan")
    tax: Yuan = Field(ge=0, description="Output VAT of the deemed sale, yuan")
    evidence: Text = Field(pattern=r"\S", description="Resolution or agreement")
    accounts: dict[Role, str] = Field(
        default_factory=dict, description="Filled in from the entity"
    )


class Contributed(NamedTuple):
    """Gates first; then the decision, which the close of its month books."""

    gates: Annotated[pl.LazyFrame, Gates]
    decision: Annotated[pl.LazyFrame, AssetEvent]


class Beneficiary(Terms):
    """Who benefits of a trust, and by which share."""

    name: Text = Field(description="Registered name")
    share: Exact = Field(gt=0, le=1, decimal_places=6, description="Of 1")


class TrustTerms(Terms):
    """An asset settled in a trust 数据信托."""

    kind: Literal["trust"] = Field("trust", description="数据信托")
    factor: str = Field("", description="Filled in from the document")
    entity: str = Field("", description="Filled in from the document")
    asset: str = Field("", description="Filled in from the asset")
    version: str = Field("", description="Filled in from the asset")
    trust: Text = Field(description="Number of the trust deed")
    settlor: Text = Field(description="委托人: who settles the right to operate")
    trustee: Text = Field(description="受托人: who holds it for the beneficiaries")
    beneficiaries: tuple[Beneficiary, ...] = Field(
        min_length=1, description="受益人; their shares sum to 1"
    )
    books: Slug = Field(
        description="Books of the trust, kept apart from the trustee's (Trust Law 29):"
        " a file in deployments/entities"
    )
    evidence: Text = Field(pattern=r"\S", description="The deed 信托文件")
    settled_on: date = Field(description="First day of the trust")
    ends_on: date = Field(description="Last day of the trust")

    @model_validator(mode="after")
    def _is_a_trust(self) -> Self:
        names = [one.name for one in self.beneficiaries]
        if len(set(names)) < len(names):
            raise ValueError("a beneficiary is named twice: add the shares up")
        if sum(one.share for one in self.beneficiaries) != 1:
            raise ValueError("the beneficiaries' shares must sum to 1")
        if names == [self.trustee]:
            raise ValueError("a trustee cannot be the only beneficiary (Trust Law 43)")
        if self.ends_on <= self.settled_on:
            raise ValueError("ends_on must come after settled_on")
        return self


class Interest(pa.DataFrameModel):
    """A beneficiary's interest in a trust. Key: trust, beneficiary."""

    trust: str
    asset: str
    version: str
    beneficiary: str
    share_ppm: int = pa.Field(gt=0, le=WHOLE)

    class Config:
        strict = True
        unique = ["trust", "beneficiary"]


class Settled(NamedTuple):
    """Gates first; then who benefits, and the transfers to the trustee."""

    gates: Annotated[pl.LazyFrame, Gates]
    interests: Annotated[pl.LazyFrame, Interest]
    transfers: Annotated[pl.LazyFrame, Right]


class DistributionTerms(Terms):
    """One receipt of a trust that is passed on."""

    factor: Slug = Field(description="Factor whose asset is settled")
    deed: TrustTerms = Field(description="The trust")
    receipt: Text = Field(pattern=r"\S", description="Voucher of the receipt")
    amount: Yuan = Field(gt=0, description="To distribute, net of costs, yuan")
    accounts: dict[Role, str] = Field(description="Chart of the trust's books")


class Receipt(pa.DataFrameModel):
    """What a trust has to distribute, net of its costs. Key: receipt."""

    receipt: str
    received_on: pl.Date
    amount_fen: int = pa.Field(ge=0, le=LARGEST_FEN)

    class Config:
        strict = True
        unique = ["receipt"]


class TrustPayment(pa.DataFrameModel):
    """What a beneficiary is paid of a receipt. Key: receipt, beneficiary."""

    receipt: str
    received_on: pl.Date
    beneficiary: str
    amount_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["receipt", "beneficiary"]


class PassedOn(NamedTuple):
    """Gates first; then who is paid what, and the entries of the trust's books."""

    gates: Annotated[pl.LazyFrame, Gates]
    payments: Annotated[pl.LazyFrame, TrustPayment]
    journal: Annotated[pl.LazyFrame, Proposed]
