"""Terms and frames of loan accounting: calendar, rate, schedule, accrual, arrears.

Amounts are integer fen. A rate is a fraction per year outside and an integer of
hundred-millionths inside (``rate_units``), so that interest is a quotient of integers,
rounded half up once. An entry is lines of (role, fen) whose sum is 0, debit above 0.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

import pandera.polars as pa
import polars as pl
from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.contract import frame_of
from schemas.entity import Role
from schemas.money import Exact, Rate, Yuan
from schemas.policy import Rules
from schemas.terms import Slug, Terms, Text

Basis = Literal["ACT/360", "ACT/365", "30/360"]
Method = Literal["equal_instalments", "equal_principal", "bullet", "interest_only"]
Tenor = Literal["1Y", "5Y"]
Keep = Literal["term", "instalment"]
"""What of a plan stays when something is repaid early: 期限不变 or 月供不变."""
Tier = Literal["normal", "special_mention", "substandard", "doubtful", "loss"]
"""五级分类: 正常, 关注, 次级, 可疑, 损失."""

LoanRole = Literal[
    "bank", "short_term_loan", "long_term_loan", "interest_payable", "interest_expense"
]
"""Roles of the chart 会计科目: 银行存款, 短期借款, 长期借款, 应付利息, 财务费用."""
BASES: tuple[str, ...] = get_args(Basis)
TIERS: tuple[Tier, ...] = get_args(Tier)
KEEPS: tuple[Keep, ...] = get_args(Keep)
RATE_UNIT = 10**8


def rate_units(rate: Decimal) -> int:
    """Count a rate in hundred-millionths. 0.036 -> 3,600,000.

    Raises:
        ValueError: More than eight decimals.
    """
    units = rate * RATE_UNIT
    if units != units.to_integral_value():
        raise ValueError("a rate has at most eight decimals")
    return int(units)


def _countable(rate: Decimal) -> Decimal:
    rate_units(rate)
    return rate


class HolidayYear(Terms):
    """The rest days of one year 放假安排, as the State Council's notice has them."""

    year: int = Field(ge=2000, le=2200, description="Calendar year that is covered")
    source: Text = Field(description="Number of the notice")
    rest: tuple[date, ...] = Field(description="Days off, weekends among them or not")
    work: tuple[date, ...] = Field((), description="Weekend days worked 调休上班")

    @model_validator(mode="after")
    def _days_are_of_the_year_and_clear(self) -> Self:
        if any(day.year != self.year for day in (*self.rest, *self.work)):
            raise ValueError("holds a day of another year: move it to its own year")
        if set(self.rest) & set(self.work):
            raise ValueError("holds a day as rest and as work: keep one")
        if any(day.weekday() < 5 for day in self.work):
            raise ValueError("a day worked instead is a Saturday or a Sunday")
        return self


class BankCalendar(Terms):
    """Business days 营业日: declared years exactly, any other by its weekends."""

    years: tuple[HolidayYear, ...] = Field((), description="Declared years")

    @field_validator("years")
    @classmethod
    def _a_year_stands_once(
        cls, years: tuple[HolidayYear, ...]
    ) -> tuple[HolidayYear, ...]:
        if len({y.year for y in years}) < len(years):
            raise ValueError("declares a year twice: keep one")
        return years


class FixedRate(Terms):
    """A rate that never changes 固定利率."""

    kind: Literal["fixed"] = Field("fixed", description="固定利率")
    annual_rate: Annotated[Rate, Field(ge=0), AfterValidator(_countable)] = Field(
        description="Fraction per year"
    )


class LprRate(Terms):
    """The loan prime rate 贷款市场报价利率 plus or minus basis points."""

    kind: Literal["lpr"] = Field("lpr", description="LPR 浮动利率")
    tenor: Tenor = Field(description="1Y, or 5Y for five years and above")
    basis_points: int = Field(ge=-1000, le=3000, description="Added: 1 is 0.0001")
    reset_months: Literal[1, 3, 6, 12] = Field(description="Months between resets")
    first_reset: date | None = Field(
        None, description="First reset 重定价日; left out: that long after drawdown"
    )


class PublishedLpr(Terms):
    """The values of one publication of the LPR, and who reports them."""

    published_on: date = Field(description="Day of publication")
    one_year: Annotated[Rate, Field(ge=0), AfterValidator(_countable)] = Field(
        description="1Y, fraction per year"
    )
    five_years: Annotated[Rate, Field(ge=0), AfterValidator(_countable)] = Field(
        description="5Y and above, fraction per year"
    )
    source: Text = Field(description="Where it is stated")


class LprTable(Terms):
    """Published values of the LPR, as a house keeps them."""

    values: tuple[PublishedLpr, ...] = Field((), description="By day of publication")

    @field_validator("values")
    @classmethod
    def _a_day_stands_once(
        cls, values: tuple[PublishedLpr, ...]
    ) -> tuple[PublishedLpr, ...]:
        if len({v.published_on for v in values}) < len(values):
            raise ValueError("holds a day of publication twice: keep one")
        return values

    @property
    def fixings(self) -> Annotated[pl.DataFrame, "LprFixing"]:
        """The values by tenor and day."""
        rows = [
            (tenor, value.published_on, rate_units(rate))
            for value in self.values
            for tenor, rate in (("1Y", value.one_year), ("5Y", value.five_years))
        ]
        return frame_of(LprFixing, rows)


class LoanTerms(Terms):
    """What a loan is accounted by."""

    loan: Text = Field(description="Number of the agreement")
    principal: Yuan = Field(gt=0, description="Principal, yuan")
    drawdown: date = Field(description="Day the money is to be paid out")
    paid_out: date | None = Field(
        None, description="Day it was paid out, if another; what is due stays as agreed"
    )
    months: int = Field(gt=0, le=360, description="Months to maturity")
    method: Method = Field(description="等额本息, 等额本金, 利随本清, 按季付息到期还本")
    basis: Basis = Field(description="Days of a period over days of a year")
    rate: Annotated[FixedRate | LprRate, Field(discriminator="kind")] = Field(
        description="Contract rate"
    )
    grace_days: int = Field(0, ge=0, le=60, description="Calendar days 宽限期")
    penalty_multiple: Exact = Field(
        Decimal("1.5"),
        ge=1,
        le=3,
        description="Penalty rate over contract rate: 1.3 to 1.5 (银发〔2003〕251号)",
    )

    @model_validator(mode="after")
    def _resets_follow_the_drawdown(self) -> Self:
        first = self.rate.first_reset if isinstance(self.rate, LprRate) else None
        if first is not None and first <= self.drawdown:
            raise ValueError("first_reset must be after the drawdown")
        return self

    @property
    def begins(self) -> date:
        """The day from which it bears interest."""
        return self.paid_out or self.drawdown

    @property
    def anchor(self) -> int:
        """The day of the month on which it is due, where the month has it."""
        return self.drawdown.day


class LoanPart(Terms):
    """One tranche of an agreement, by the terms it was drawn under."""

    agreement: Text = Field(description="Number of the agreement")
    tranche: Text = Field(description="Name of the tranche; 1 where there is one")
    lender: Text = Field(description="Who lends it")
    terms: LoanTerms = Field(description="What it is accounted by")


class BookTerms(Terms):
    """By what the loans of an entity are kept in its books."""

    factor: str = Field(description="The entity again: they are of no one factor")
    entity: Slug = Field(description="Whose books they enter")
    parts: tuple[LoanPart, ...] = Field((), description="Its loans, by tranche")
    accounts: dict[Role, str] = Field(description="The entity's chart")
    lpr: LprTable = Field(LprTable(), description="Published values")
    calendar: BankCalendar = Field(BankCalendar(), description="Business days")
    closes: str = Field("", description="Month that is over with the day; or none")


class TierRules(Rules):
    """From how many days past due a loan is of a tier (金融资产风险分类办法, 2023)."""

    special_mention_above_days: int = Field(ge=0, description="关注: 0")
    substandard_above_days: int = Field(ge=0, description="次级: 90")
    doubtful_above_days: int = Field(ge=0, description="可疑: 270")
    loss_above_days: int = Field(ge=0, description="损失: 360")

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """List the limits, mildest first."""
        return (
            self.special_mention_above_days,
            self.substandard_above_days,
            self.doubtful_above_days,
            self.loss_above_days,
        )

    @model_validator(mode="after")
    def _limits_rise(self) -> Self:
        if list(self.limits) != sorted(set(self.limits)):
            raise ValueError("days past due must rise from tier to tier")
        return self


class LprFixing(pa.DataFrameModel):
    """Published values of the LPR. Key: tenor, published_on."""

    tenor: str = pa.Field(isin=get_args(Tenor))
    published_on: pl.Date
    rate_units: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["tenor", "published_on"]


class LoanSchedule(pa.DataFrameModel):
    """What falls due when. Key: loan, number.

    Interest runs from ``from_on`` to ``due_on``, which stay where they are when the
    bank is closed; ``payable_on`` is the business day to pay on. ``day_provisional``:
    no declared holidays cover that day; ``rate_provisional``: a reset before
    ``due_on`` was not yet fixed. ``early`` is a prepayment, payable on its own day.
    ``balance_fen`` is left after the row.
    """

    loan: str
    number: int = pa.Field(ge=1)
    from_on: pl.Date
    due_on: pl.Date
    payable_on: pl.Date
    days: int = pa.Field(ge=0)
    principal_fen: int = pa.Field(ge=0)
    interest_fen: int = pa.Field(ge=0)
    payment_fen: int = pa.Field(ge=0)
    balance_fen: int = pa.Field(ge=0)
    early: bool
    day_provisional: bool
    rate_provisional: bool

    class Config:
        strict = True
        unique = ["loan", "number"]


class Stretch(pa.DataFrameModel):
    """Days over which an amount bears one rate. Key: loan, number, from_on.

    Stretches of one (loan, number) are summed up before they are rounded. ``anchor`` is
    the day of the month on which the loan is due, for 30/360. Where
    ``rate_fixed`` is false the rate is projected beyond a reset: nothing accrues on it.
    """

    loan: str
    number: int = pa.Field(ge=1)
    from_on: pl.Date
    to_on: pl.Date
    amount_fen: int = pa.Field(ge=0)
    rate_units: int = pa.Field(ge=0)
    basis: str = pa.Field(isin=BASES)
    anchor: int = pa.Field(ge=1, le=31)
    rate_fixed: bool

    class Config:
        strict = True
        unique = ["loan", "number", "from_on"]


class Accrual(pa.DataFrameModel):
    """Interest of a loan over some days. Key: loan."""

    loan: str
    interest_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["loan"]


class LoanDue(pa.DataFrameModel):
    """What is still unpaid of a row of a schedule. Key: loan, number."""

    loan: str
    number: int = pa.Field(ge=1)
    payable_on: pl.Date
    grace_days: int = pa.Field(ge=0)
    principal_fen: int = pa.Field(ge=0)
    interest_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["loan", "number"]


class Arrears(pa.DataFrameModel):
    """What of a loan is overdue, and for how long; 0 where nothing is. Key: loan."""

    loan: str
    days_past_due: int = pa.Field(ge=0)
    principal_fen: int = pa.Field(ge=0)
    interest_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["loan"]


class LoanTier(pa.DataFrameModel):
    """The class of a loan 五级分类. Key: loan."""

    loan: str
    days_past_due: int = pa.Field(ge=0)
    tier: str = pa.Field(isin=TIERS)

    class Config:
        strict = True
        unique = ["loan"]
