"""What a product costs and how it is handed over."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field

from schemas.terms import Name, Terms, Text


class Tier(Terms):
    """A price up to a number of units."""

    up_to: int | None = Field(None, gt=0, description="Last unit of the tier; or none")
    amount: Decimal = Field(ge=0, description="Price of one unit, CNY")


class Ceiling(Terms):
    """Government guide price 政府指导价: no unit may cost more."""

    amount: Decimal = Field(ge=0, description="Highest price of one unit, CNY")
    source: Text = Field(description="Price order that sets it")


class Price(Terms):
    """What a customer pays, CNY without tax."""

    mode: Literal["free", "flat", "per_call", "per_row", "tiers", "quota"] = Field(
        description="flat: for the term; quota: for a number of calls or rows"
    )
    amount: Decimal = Field(Decimal(0), ge=0, description="Of a unit, term or quota")
    unit: Literal["call", "row"] = Field("call", description="Of tiers and quota")
    tiers: tuple[Tier, ...] = Field((), description="By number of units in a month")
    quota: int | None = Field(None, gt=0, description="Units that the amount buys")
    ceiling: Ceiling | None = Field(None, description="Guide price")


class Delivery(Terms):
    """How the product is handed over, and how much of it at most."""

    forms: tuple[Literal["bundle", "service"], ...] = Field(
        ("bundle",), min_length=1, description="File bundle, service or both"
    )
    filters: tuple[Name, ...] = Field(
        (), description="Columns by whose values a service may be asked"
    )
    max_rows: int = Field(10_000, gt=0, description="Rows of one answer at most")
    calls_per_minute: int = Field(600, gt=0, description="Of one key")
    sample_rows: int = Field(
        0, ge=0, le=100, description="Rows shown in the catalogue; 0: none"
    )


class Deprecation(Terms):
    """When a version stops being offered."""

    on: date = Field(description="Last day on which it is offered")
    reason: Text = Field(description="Why")
    successor: str = Field("", description="Product and version that follow it")
