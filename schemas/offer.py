"""What a product costs and how it is handed over."""

from datetime import date
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.money import Exact, exact_fen
from schemas.policy import Rules
from schemas.terms import Name, Terms, Text


class Tier(Terms):
    """A price up to a number of units."""

    up_to: int | None = Field(None, gt=0, description="Last unit of the tier; or none")
    amount: Exact = Field(ge=0, description="Price of one unit, CNY")


class Ceiling(Terms):
    """Government guide price 政府指导价: no unit may cost more."""

    amount: Exact = Field(ge=0, description="Highest price of one unit, CNY")
    source: Text = Field(description="Price order that sets it")


class CeilingRules(Rules):
    """What a policy says of the price of public data (发改价格〔2025〕65号)."""

    allowed_profit_rate: Exact = Field(ge=0, le=1, description="Share of the cost")
    vat_rate_services: Exact = Field(ge=0, lt=1, description="Output VAT on services")


Mode = Literal["free", "flat", "per_call", "per_row", "tiers", "quota"]
Unit = Literal["call", "row"]


class Price(Terms):
    """What a customer pays, CNY without tax.

    ``flat`` buys one term of at most ``months``; ``quota`` buys ``quota`` units for
    such a term; both are due on the day of the order, and again at each renewal. The
    others are paid by use, month by month.
    """

    mode: Mode = Field(
        description="flat: for the term; quota: for a number of calls or rows"
    )
    amount: Exact = Field(Decimal(0), ge=0, description="Of a unit, term or quota")
    unit: Unit = Field("call", description="Of tiers and quota")
    tiers: tuple[Tier, ...] = Field((), description="By number of units in a month")
    quota: int | None = Field(None, gt=0, description="Units that the amount buys")
    months: int = Field(
        12, gt=0, le=120, description="Longest term of one order or renewal, in months"
    )
    ceiling: Ceiling | None = Field(None, description="Guide price")

    @property
    def counted(self) -> Unit:
        """The unit that is counted: ``per_row`` counts rows, whatever ``unit`` says."""
        by_name: dict[str, Unit] = {"per_call": "call", "per_row": "row"}
        return by_name.get(self.mode, self.unit)

    @model_validator(mode="after")
    def _says_what_its_mode_asks(self) -> Self:
        asked = {"tiers": bool(self.tiers), "quota": self.quota is not None}
        for name, given in asked.items():
            if given != (self.mode == name):
                raise ValueError(f"price: mode {name} and {name} go together")
        if (self.amount > 0) != (self.mode not in ("free", "tiers")):
            raise ValueError(
                "price: write an amount above 0, or none with mode free or tiers"
            )
        if self.mode in ("flat", "quota"):
            exact_fen(self.amount)
        ends = [tier.up_to for tier in self.tiers]
        if self.tiers and (ends[-1] is not None or None in ends[:-1]):
            raise ValueError("price: the last tier, and no other, has no up_to")
        if ends[:-1] != sorted({n for n in ends if n}):
            raise ValueError("price: each tier ends above the one before")
        return self


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
