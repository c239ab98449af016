"""What a lender watches of its pledges: states, concentration, stress.

Shares are whole millionths (``_ppm``): 100,000 pledges are compared in integers.
"""

from decimal import Decimal
from typing import Annotated, NamedTuple, Self

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.gates import Gates
from schemas.money import LARGEST_FEN, Exact
from schemas.policy import Rules
from schemas.quality import WHOLE

# From sound to broken; a loan worsens to the right.
STATES = ("normal", "warning", "margin_call", "default")
UNRATED_PPM = 1_000_000 * WHOLE  # a ratio beyond it says no more than "far too much"

Share = Annotated[Exact, Field(ge=Decimal("0.01"), le=1, decimal_places=6)]
"""A fraction of 1 in whole millionths, not below one hundredth."""


class CoverageRules(Rules):
    """At which loan to value 质押率 a lender lends, warns, calls and enforces."""

    advance_ltv: Share = Field(description="Lent at most, and where a cure ends")
    warning_ltv: Share = Field(description="预警线: the pledgor is warned from here")
    margin_call_ltv: Share = Field(description="补充担保线: cover is called from here")
    default_ltv: Share = Field(description="处置线: the loan defaults from here")
    haircut: Exact = Field(
        ge=0, lt=1, decimal_places=6, description="Taken off the value for coverage"
    )

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        steps = [self.advance_ltv, self.warning_ltv]
        steps += [self.margin_call_ltv, self.default_ltv]
        if sorted(set(steps)) != steps:
            raise ValueError(
                "advance_ltv < warning_ltv < margin_call_ltv < default_ltv must hold"
            )
        return self


class ConcentrationRules(Rules):
    """How much of a portfolio may stand in one industry, and how evenly."""

    max_industry_share: Share = Field(description="Of all that is owed")
    max_hhi: Share = Field(description="Herfindahl–Hirschman index, 1 is one industry")


class Held(pa.DataFrameModel):
    """A pledge as a lender holds it on a day. Key: request (the agreement's number).

    ``value_fen`` is the appraised value, null where it cannot be shown on the day (no
    valid appraisal, evidence that cannot be read). ``before`` is the state recorded
    last; a waiver of the lender is recorded as a better one.
    """

    request: str
    industry: str
    outstanding_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    accrued_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    value_fen: int = pa.Field(ge=0, le=LARGEST_FEN, nullable=True)
    before: str = pa.Field(isin=STATES)

    class Config:
        strict = True
        unique = ["request"]


class Covered(pa.DataFrameModel):
    """How a pledge covers its loan, and what would cure it. Key: request.

    ``ltv_ppm`` is outstanding over value, ``coverage_ppm`` the value after the haircut
    over outstanding and accrued: half up, at most 10^12, null where undefined.
    ``repay_fen`` or ``top_up_fen`` brings the loan back to the advance rate, 0 where it
    stands there; ``releasable_fen`` of value may be let go. The three are null where
    the value is unknown.
    """

    request: str
    ltv_ppm: int = pa.Field(ge=0, le=UNRATED_PPM, nullable=True)
    coverage_ppm: int = pa.Field(ge=0, le=UNRATED_PPM, nullable=True)
    before: str = pa.Field(isin=STATES)
    state: str = pa.Field(isin=STATES)
    repay_fen: int = pa.Field(ge=0, nullable=True)
    top_up_fen: int = pa.Field(ge=0, nullable=True)
    releasable_fen: int = pa.Field(ge=0, nullable=True)

    class Config:
        strict = True
        unique = ["request"]


class Concentration(pa.DataFrameModel):
    """What is owed in each industry, and its share of all, half up. Key: industry."""

    industry: str
    pledges: int = pa.Field(ge=1)
    outstanding_fen: int = pa.Field(ge=0)
    share_ppm: int = pa.Field(ge=0, le=WHOLE, nullable=True)

    class Config:
        strict = True
        unique = ["industry"]


class Concentrated(NamedTuple):
    """Limits first, then the industries."""

    gates: Annotated[pl.LazyFrame, Gates]
    industries: Annotated[pl.LazyFrame, Concentration]


class Shock(pa.DataFrameModel):
    """How a scenario moves values: −200,000 ppm is a fifth down.

    Industry "" is every industry without a row of its own; each scenario has it. Key:
    scenario, industry.
    """

    scenario: str
    industry: str
    change_ppm: int = pa.Field(ge=-WHOLE, le=9 * WHOLE)

    class Config:
        strict = True
        unique = ["scenario", "industry"]


class Stressed(pa.DataFrameModel):
    """A portfolio under a scenario. Key: scenario.

    ``repay_fen`` is what all margin calls ask for, ``defaulted_fen`` what is owed in
    default, ``shortfall_fen`` what is owed beyond the value, ``unknown`` how many
    pledges have no value that can be shown: theirs counts as 0.
    """

    scenario: str
    pledges: int = pa.Field(ge=0)
    unknown: int = pa.Field(ge=0)
    outstanding_fen: int = pa.Field(ge=0)
    value_fen: int = pa.Field(ge=0)
    warning: int = pa.Field(ge=0)
    margin_call: int = pa.Field(ge=0)
    default: int = pa.Field(ge=0)
    repay_fen: int = pa.Field(ge=0)
    defaulted_fen: int = pa.Field(ge=0)
    shortfall_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["scenario"]
