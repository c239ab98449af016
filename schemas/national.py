"""Terms and frame of the statistical value of data: a third number, of its own type.

The 2025 SNA values data that a unit makes for its own use by the sum of its costs. That
is neither the book value (what accounting rules let in) nor an appraised value (what
somebody would pay): no frame of this house holds two of the three in one column.
"""

from typing import Annotated, NewType, Self

import pandera.polars as pa
from pydantic import Field, model_validator

from schemas.money import Exact, Yuan
from schemas.terms import Terms, Text

NationalFen = NewType("NationalFen", int)
"""Fen of the national accounts: mypy lets none of it into books or appraisals."""


class NationalTerms(Terms):
    """One year of data made for own use, as the statistics ask for it."""

    year: int = Field(ge=2020, le=2200, description="Calendar year")
    compensation: Annotated[Yuan, Field(ge=0)] = Field(
        description="Compensation of the employees who worked on it, yuan"
    )
    data_time_share: Annotated[Exact, Field(ge=0, le=1)] = Field(
        description="Share of their time that went into the data"
    )
    intermediate: Annotated[Yuan, Field(ge=0)] = Field(
        description="Intermediate consumption: services and goods used up, yuan"
    )
    fixed_capital_consumption: Annotated[Yuan, Field(ge=0)] = Field(
        description="Consumption of fixed capital: servers, software, yuan"
    )
    other_taxes_on_production: Annotated[Yuan, Field(ge=0)] = Field(
        description="Other taxes on production, yuan"
    )
    market_producer: bool = Field(
        description="Sells at economically significant prices; others have no return"
    )
    net_return: Annotated[Exact, Field(ge=0, le=1)] | None = Field(
        None, description="Net return to capital, a fraction of the sum of costs"
    )
    source: Text = Field(description="Where these figures come from")

    @model_validator(mode="after")
    def _a_market_producer_earns(self) -> Self:
        if self.market_producer and self.net_return is None:
            raise ValueError(
                "net_return is missing: state the rate that a market producer earns"
            )
        if not self.market_producer and self.net_return is not None:
            raise ValueError(
                "a non-market producer earns no return: leave net_return out"
            )
        return self


class NationalValue(pa.DataFrameModel):
    """Own-account data of a year by the sum of costs. Key: entity, asset, year.

    ``gross_output_fen`` is what the 2025 SNA counts; it enters no books.
    """

    entity: str
    asset: str
    year: int
    labour_fen: int = pa.Field(ge=0)
    intermediate_fen: int = pa.Field(ge=0)
    fixed_capital_consumption_fen: int = pa.Field(ge=0)
    other_taxes_fen: int = pa.Field(ge=0)
    return_fen: int = pa.Field(ge=0)
    gross_output_fen: int = pa.Field(ge=0)
    market_producer: bool
    source: str

    class Config:
        strict = True
        unique = ["entity", "asset", "year"]
