"""Terms and frames of the fourth stage: eligibility, pledge, repayment, position.

A loan is of one of three kinds. A pledge loan 质押贷款 rests on the right to operate an
asset. An unsecured line 信用贷款 pledges nothing and takes the data as evidence 增信.
A facility 银团贷款 is a pledge loan that several lenders pay out in tranches.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import (
    AfterValidator,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from schemas.compliance import PublicData
from schemas.entity import CreditCode, Role
from schemas.gates import Gates
from schemas.grade import Grade
from schemas.loan import (
    BankCalendar,
    Basis,
    FixedRate,
    LoanPart,
    LoanTerms,
    LprRate,
    LprTable,
    Method,
    rate_units,
)
from schemas.money import Exact, Rate, Yuan
from schemas.policy import CapitalRules
from schemas.portfolio import CoverageRules
from schemas.registers import CollateralRoot, Loan, Pledge
from schemas.terms import Slug, Terms, Text
from schemas.trust import ContributionTerms, TrustTerms

ONLY = "1"  # the tranche of a loan that has one lender


def _countable(rate: Decimal) -> Decimal:
    rate_units(rate)
    return rate


class CashFlow(Terms):
    """What the borrower has for its debts in a year, as somebody states it."""

    year: int = Field(ge=2000, le=2200, description="Calendar year")
    amount: Yuan = Field(description="Cash flow before debt service, yuan")
    evidence: Text = Field(pattern=r"\S", description="Statement or forecast")


class Borrower(Terms):
    """Who owes the money and pledges: the holder of the right to operate."""

    name: Text = Field(description="Registered name")
    credit_code: CreditCode = Field(
        description="Unified social credit code 统一社会信用代码"
    )
    industry: str = Field(
        "",
        pattern=r"^(?:[A-T](?:[0-9]{2,4})?(?: .+)?)?$",
        description="GB/T 4754 code of its industry, with its name: I65 software",
    )
    cash_flows: tuple[CashFlow, ...] = Field(
        (), description="Cash flows by year, from which debt is served 偿债现金流"
    )

    @field_validator("cash_flows")
    @classmethod
    def _a_year_stands_once(cls, flows: tuple[CashFlow, ...]) -> tuple[CashFlow, ...]:
        if len({one.year for one in flows}) < len(flows):
            raise ValueError("a year is stated twice: add its cash flows up")
        return flows


class Tranche(Terms):
    """What one lender pays out of a facility."""

    tranche: Slug | Literal["1"] = Field(description="Short name of the tranche")
    lender: Text = Field(description="Who lends it")
    amount: Yuan = Field(gt=0, description="Agreed amount, yuan")


class Condition(Terms):
    """What must be met before money is paid out 提款先决条件."""

    name: Slug = Field(description="Short name, which its record bears")
    text: Text = Field(description="What must be met, in words")


class Escrow(Terms):
    """The account on which the income is watched 监管账户.

    Written out it is masked: no run, page or pack holds its number, only a document.
    """

    bank: Text = Field(description="Bank that keeps it")
    account: str = Field(
        pattern=r"^(?:[0-9]{8,32}|····[0-9]{4})$",
        repr=False,
        description="Number of the account",
    )

    @property
    def masked(self) -> str:
        """Its last 4 signs, for people. 6222020200112233 -> ····2233."""
        return f"····{self.account[-4:]}"

    @field_serializer("account")
    def _told(self, _: str) -> str:
        return self.masked


class Covenants(Terms):
    """What the borrower promises for as long as it owes."""

    min_dscr: Exact | None = Field(
        None, gt=0, description="Least debt service coverage of a year"
    )
    min_quality: Exact | None = Field(
        None, ge=0, le=1, decimal_places=6, description="Least quality score"
    )


class CapitalTerms(Terms):
    """How an asset is financed by a loan."""

    factor: str = Field("", description="Filled in from the document")
    entity: str = Field("", description="Filled in from the document")
    asset: str = Field("", description="Filled in from the asset")
    version: str = Field("", description="Filled in from the asset")
    illustrative: bool = Field(False, description="Filled in from the document")
    kind: Literal["pledge_loan", "unsecured_line", "facility"] = Field(
        description="质押贷款, 信用贷款 with data as evidence, or 银团贷款 in tranches"
    )
    agreement: Text = Field(description="Number of the agreement")
    lender: Text | Literal[""] = Field("", description="Who lends; none of a facility")
    borrower: Borrower = Field(description="Who owes")
    principal: Yuan = Field(gt=0, description="Principal, yuan; a facility's sum")
    tranches: tuple[Tranche, ...] = Field((), description="Of a facility, by lender")
    annual_rate: Annotated[Rate, Field(ge=0), AfterValidator(_countable)] | None = (
        Field(None, description="Fraction per year: short for a fixed rate")
    )
    rate: Annotated[FixedRate | LprRate, Field(discriminator="kind")] | None = Field(
        None, description="Contract rate: fixed, or LPR ± basis points"
    )
    basis: Basis = Field("30/360", description="30/360: each month is 1/12 of a year")
    months: int = Field(gt=0, le=360, description="Months to maturity")
    method: Method = Field(description="等额本息, 等额本金, 利随本清, 按季付息到期还本")
    drawdown: date = Field(description="Day the money is paid out")
    grace_days: int = Field(0, ge=0, le=60, description="Calendar days 宽限期")
    penalty_multiple: Exact = Field(
        Decimal("1.5"), ge=1, le=3, description="Penalty rate over contract rate 罚息"
    )
    rank: int = Field(1, ge=1, description="Rank of the pledge: 1 is the senior 顺位")
    conditions: tuple[Condition, ...] = Field(
        (), description="Conditions precedent of a drawdown"
    )
    escrow: Escrow | None = Field(None, description="Account that is watched")
    covenants: Covenants = Field(
        Covenants(min_dscr=None, min_quality=None), description="Promises 约定事项"
    )
    graded: dict[str, Grade] = Field(
        default_factory=dict, description="Filled in from the product, by table"
    )
    public: tuple[PublicData, ...] = Field(
        (), description="Filled in from the product: supplies of public data"
    )
    renewed: dict[str, str] = Field(
        default_factory=dict, description="Filled in from the sources: how often"
    )
    accounts: dict[Role, str] = Field(
        default_factory=dict, description="Filled in from the entity"
    )
    lpr: LprTable = Field(LprTable(), description="Filled in from the house")
    calendar: BankCalendar = Field(
        BankCalendar(), description="Filled in from the house"
    )
    rules: CapitalRules | None = Field(None, description="Filled in from the policy")
    ladder: CoverageRules | None = Field(
        None, description="Filled in from the policy, if it warns, calls and enforces"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_facility_is_the_sum_of_its_tranches(cls, given: Any) -> Any:
        # Any: what the file holds
        if not isinstance(given, Mapping) or "principal" in given:
            return given
        try:
            parts = [
                one.amount if isinstance(one, Tranche) else Decimal(one["amount"])
                for one in given["tranches"]
            ]
        except (ArithmeticError, KeyError, TypeError, ValueError):
            return given  # its own fields will say what is wrong
        return {**given, "principal": sum(parts, Decimal(0))}

    @model_validator(mode="after")
    def _its_lenders_are_named(self) -> Self:
        if self.kind != "facility":
            if self.tranches or not self.lender:
                raise ValueError(f"a {self.kind} has one lender and no tranches")
            return self
        if self.lender or not self.tranches:
            raise ValueError("a facility names its lenders by tranche, and no lender")
        if len({one.tranche for one in self.tranches}) < len(self.tranches):
            raise ValueError("a tranche is named twice: give each its own name")
        if sum(one.amount for one in self.tranches) != self.principal:
            raise ValueError("principal is not the sum of the tranches: leave it out")
        return self

    @model_validator(mode="after")
    def _it_bears_one_rate(self) -> Self:
        if (self.annual_rate is None) == (self.rate is None):
            raise ValueError("write annual_rate (fixed) or rate, one of them")
        list(self.loans())  # a reset before the drawdown is refused there
        return self

    @model_validator(mode="after")
    def _each_condition_stands_once(self) -> Self:
        if len({one.name for one in self.conditions}) < len(self.conditions):
            raise ValueError("a condition is named twice: give each its own name")
        if self.kind == "unsecured_line" and self.rank > 1:
            raise ValueError("an unsecured line pledges nothing: leave rank out")
        return self

    @property
    def pledged(self) -> bool:
        """Whether the asset is pledged, or only speaks for the borrower."""
        return self.kind != "unsecured_line"

    @property
    def parts(self) -> tuple[Tranche, ...]:
        """Its tranches; a loan of one lender is one, called 1."""
        whole = Tranche(tranche=ONLY, lender=self.lender or "-", amount=self.principal)
        return self.tranches or (whole,)

    @property
    def lenders(self) -> str:
        """All who lend, each once, in the order of the tranches."""
        return ", ".join(dict.fromkeys(one.lender for one in self.parts))

    @property
    def contract_rate(self) -> FixedRate | LprRate:
        """The rate, also where it is written short."""
        return self.rate or FixedRate(annual_rate=self.annual_rate or Decimal(0))

    def kept(self) -> Iterator[LoanPart]:
        """Give each tranche as it is kept in the books, in the order of ``parts``."""
        for one, terms in zip(self.parts, self.loans(), strict=True):
            yield LoanPart(
                agreement=self.agreement,
                tranche=one.tranche,
                lender=one.lender,
                terms=terms,
            )

    def loans(self) -> Iterator[LoanTerms]:
        """Give each tranche its loan, in the order of ``parts``.

        LOAN-1 of one lender -> loan LOAN-1; of tranches a and b -> LOAN-1/a, LOAN-1/b.
        """
        for one in self.parts:
            yield LoanTerms(
                loan=f"{self.agreement}/{one.tranche}"
                if self.tranches
                else self.agreement,
                principal=one.amount,
                drawdown=self.drawdown,
                months=self.months,
                method=self.method,
                basis=self.basis,
                rate=self.contract_rate,
                grace_days=self.grace_days,
                penalty_multiple=self.penalty_multiple,
            )


Financing = Annotated[
    CapitalTerms | ContributionTerms | TrustTerms, Field(discriminator="kind")
]
"""Whatever the fourth stage may do with an asset."""


class Repayment(pa.DataFrameModel):
    """The repayment schedule as it was agreed, all tranches together. Key: month.

    ``projected``: a reset of the rate before the row's end is not fixed yet.
    """

    month: int = pa.Field(ge=1)
    due_on: pl.Date
    principal_fen: int = pa.Field(ge=0)
    interest_fen: int = pa.Field(ge=0)
    payment_fen: int = pa.Field(ge=0)
    balance_fen: int = pa.Field(ge=0)
    projected: bool

    class Config:
        strict = True
        unique = ["month"]


class Position(pa.DataFrameModel):
    """Where a loan stands on a day. Key: agreement.

    ``outstanding_fen`` is by what was drawn and paid (``owed_by`` facts); of a loan of
    which no drawdown is recorded, by the schedule. ``ltv`` is outstanding over
    appraised value, ``coverage`` its inverse: text with six decimals, rounded half up,
    empty where they are undefined or nothing is pledged. ``valid_to`` is the last day
    of the appraisal.
    """

    agreement: str
    asset: str
    version: str
    status: str = pa.Field(isin=["new", "live"])
    principal_fen: int = pa.Field(gt=0)
    outstanding_fen: int = pa.Field(ge=0)
    owed_by: str = pa.Field(isin=["facts", "schedule"])
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
    roots: Annotated[pl.LazyFrame, CollateralRoot]
    pledge: Annotated[pl.LazyFrame, Pledge]
    loan: Annotated[pl.LazyFrame, Loan]
    repayment: Annotated[pl.LazyFrame, Repayment]
    position: Annotated[pl.LazyFrame, Position]
