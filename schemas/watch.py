"""What a lender's watch reads, by which rules, and what it finds.

A *sign* is something that worsens a pledge whatever the ratio says; the policy names
the state that it means at least.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

import pandera.polars as pa
import polars as pl
from pydantic import Field

from schemas.gates import Gates
from schemas.policy import Rules
from schemas.portfolio import STATES, UNRATED_PPM, CoverageRules
from schemas.registers import CoverState
from schemas.terms import Terms

State = Literal["normal", "warning", "margin_call", "default"]
IN_BOTH = {
    "normal": "正常 normal",
    "warning": "预警 warning",
    "margin_call": "补充担保 margin call",
    "default": "违约 default",
}
SIGNS = {
    "unreadable": "evidence that cannot be read",
    "unvalued": "no appraisal that stands on the day",
    "unperfected": "not registered, or cancelled at the external register",
    "lapsed": "its registration ended",
    "lapsing": "its registration ends soon",
    "right_lost": "the pledgor's right to operate was revoked, moved or ended",
    "right_short": "the right to operate ends before the loan",
    "dispute": "an open dispute",
    "stale": "data older than its declared update frequency allows",
    "quality": "quality below the floor, or fallen by more than its step",
    "revenue": "what is invoiced fell by more than the policy lets it",
    "overdue": "a payment is overdue",
    "substandard": "overdue for so long that the loan is substandard",
}


class WatchRules(Rules):
    """Which sign means which state at least, and from when a thing is a sign."""

    alarm_unreadable: State = Field(description=SIGNS["unreadable"])
    alarm_unvalued: State = Field(description=SIGNS["unvalued"])
    alarm_unperfected: State = Field(description=SIGNS["unperfected"])
    alarm_lapsed: State = Field(description=SIGNS["lapsed"])
    alarm_lapsing: State = Field(description=SIGNS["lapsing"])
    alarm_right_lost: State = Field(description=SIGNS["right_lost"])
    alarm_right_short: State = Field(description=SIGNS["right_short"])
    alarm_dispute: State = Field(description=SIGNS["dispute"])
    alarm_stale: State = Field(description=SIGNS["stale"])
    alarm_quality: State = Field(description=SIGNS["quality"])
    alarm_revenue: State = Field(description=SIGNS["revenue"])
    alarm_overdue: State = Field(description=SIGNS["overdue"])
    alarm_substandard: State = Field(description=SIGNS["substandard"])
    substandard_above_days: int = Field(ge=0, description="Days past due: 次级")
    lapse_notice_days: int = Field(
        ge=0, description="Days before the registration ends"
    )
    min_quality: Decimal = Field(
        ge=0, le=1, decimal_places=6, description="Least quality score of the resource"
    )
    revenue_fall: Decimal = Field(
        gt=0, le=1, decimal_places=6, description="Share that revenue may fall by"
    )
    revenue_months: int = Field(gt=0, le=12, description="Months that are compared")

    def rank(self, sign: str) -> int:
        """Give the state that a sign means, as its place in STATES."""
        return STATES.index(getattr(self, f"alarm_{sign}"))


class Looked(Terms):
    """What was found of an asset before the watch; the empty text is no finding."""

    entity: str = Field(description="Pledgor")
    asset: str = Field(description="Its name")
    factor: str = Field("", description="What it is made of")
    names: tuple[str, ...] = Field((), description="What a dispute may be over")
    stale: str = Field("", description="Why its data is older than declared")
    unvalued: str = Field("", description="Why its last run published no value")
    unreadable: str = Field("", description="Which evidence cannot be read")


class Debt(Terms):
    """What is owed under an agreement on the day, and who pledged."""

    request: str = Field(description="Number of the agreement")
    outstanding_fen: int = Field(ge=0, description="Principal owed, fen")
    accrued_fen: int = Field(0, ge=0, description="Interest accrued, fen")
    pledgor: str = Field("", description="Borrower; whoever held the right if unknown")
    days_past_due: int = Field(0, ge=0, description="Days past due 逾期天数")


class WatchTerms(Terms):
    """Whose pledges are watched, by which rules, on which evidence."""

    factor: str = Field(description="The entity, or the policy of several")
    entities: tuple[str, ...] = Field(description="Pledgors")
    coverage: CoverageRules = Field(description="The ladder")
    rules: WatchRules = Field(description="What a sign means")
    assets: tuple[Looked, ...] = Field((), description="Evidence by asset")
    debts: tuple[Debt, ...] = Field((), description="By agreement")
    ahead: date | None = Field(
        None, description="A day after this one that was watched already"
    )
    recorded: int = Field(0, ge=0, description="Changes that are recorded so far")


class Watched(pa.DataFrameModel):
    """How a pledge was found on the day, changed or not. Key: request.

    The figures are those of ``Covered``; ``state`` is the worse of what the ratio and
    the signs say, ``before`` the one recorded last.
    """

    request: str
    entity: str
    before: str = pa.Field(isin=STATES)
    state: str = pa.Field(isin=STATES)
    outstanding_fen: int = pa.Field(ge=0)
    accrued_fen: int = pa.Field(ge=0)
    value_fen: int = pa.Field(ge=0, nullable=True)
    ltv_ppm: int = pa.Field(ge=0, le=UNRATED_PPM, nullable=True)
    coverage_ppm: int = pa.Field(ge=0, le=UNRATED_PPM, nullable=True)
    repay_fen: int = pa.Field(ge=0, nullable=True)
    top_up_fen: int = pa.Field(ge=0, nullable=True)
    releasable_fen: int = pa.Field(ge=0, nullable=True)
    ground: str
    evidence: str

    class Config:
        strict = True
        unique = ["request"]


class Watch(NamedTuple):
    """What a watch hands over; gates first."""

    gates: Annotated[pl.LazyFrame, Gates]
    watched: Annotated[pl.LazyFrame, Watched]
    changes: Annotated[pl.LazyFrame, CoverState]
