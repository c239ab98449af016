"""Terms of the acts by which a product is sold: order, renewal, end, invoice."""

from datetime import date
from typing import Annotated, NamedTuple, Self

import polars as pl
from pydantic import Field, model_validator

from schemas.entity import CreditCode
from schemas.gates import Gates
from schemas.product import ProductTerms
from schemas.registers import PERIOD, Entitlement, Order
from schemas.terms import Name, Slug, Terms, Text

Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class OrderTerms(Terms):
    """What a customer orders, and what was on offer that day."""

    factor: Slug = Field(description="Factor that makes the product")
    order: Number = Field(
        description="Number of the order, in letters, digits, dots, _ and -"
    )
    customer: Text = Field(description="Registered name of the customer")
    customer_code: CreditCode = Field(description="Its unified social credit code")
    use: Slug = Field(description="Use, by the short name of the scenario")
    fields: tuple[Name, ...] = Field((), description="Columns; empty: all")
    rows: int | None = Field(None, gt=0, description="Rows of one delivery at most")
    quota: int | None = Field(None, gt=0, description="Units in all; none: no limit")
    valid_from: date = Field(description="First day of the term")
    valid_to: date = Field(description="Last day of the term")
    ordered_on: date = Field(description="Day of the order")
    key_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the API key")
    namesakes: tuple[Slug, ...] = Field(
        (), description="Other factors whose entity offers a product of its name"
    )
    offer: ProductTerms = Field(description="The product as it is offered")

    @property
    def part(self) -> str:
        """Say which order this is about."""
        return self.order


class Ordered(NamedTuple):
    """What an order posts, where its gates are open."""

    gates: Annotated[pl.LazyFrame, Gates]
    order: Annotated[pl.LazyFrame, Order]
    entitlement: Annotated[pl.LazyFrame, Entitlement]


class RenewalTerms(Terms):
    """Another term of an order, at the order's price."""

    factor: Slug = Field(description="Factor that makes the product")
    order: Number = Field(description="Number of the order")
    number: int = Field(ge=1, description="How many renewals of it this makes")
    quota: int | None = Field(None, gt=0, description="Units that it adds")
    valid_from: date = Field(description="First day of the term")
    valid_to: date = Field(description="Last day of the term")
    renewed_on: date = Field(description="Day of the renewal")
    offer: ProductTerms = Field(description="The product as it is offered")

    @property
    def part(self) -> str:
        """Say which order this is about."""
        return self.order


class Renewed(NamedTuple):
    """What a renewal posts, where its gates are open."""

    gates: Annotated[pl.LazyFrame, Gates]
    entitlement: Annotated[pl.LazyFrame, Entitlement]


class KeyTerms(Terms):
    """Another API key of an order, in place of one that was lost or seen by others."""

    factor: Slug = Field(description="Factor that makes the product")
    order: Number = Field(description="Number of the order")
    number: int = Field(ge=1, description="How many renewals of it this makes")
    key_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the new key")
    replaced_on: date = Field(description="Day of the replacement")

    @property
    def part(self) -> str:
        """Say which order this is about."""
        return self.order


class EndTerms(Terms):
    """The end of an entitlement before its time."""

    factor: Slug = Field(description="Factor that makes the product")
    order: Number = Field(description="Number of the order")
    effective_on: date = Field(description="First day without")
    reason: Text = Field(description="Why")

    @property
    def part(self) -> str:
        """Say which order this is about."""
        return self.order


class WithdrawalTerms(Terms):
    """A product that is no longer offered, or again."""

    factor: Slug = Field(description="Factor that makes the product")
    entity: Slug = Field(description="Who offers it")
    product: Slug = Field(description="Name of the product")
    number: int = Field(ge=1, description="How many events of it this makes")
    lift: bool = Field(False, description="Offer it again")
    effective_on: date = Field(description="First day on which it is so")
    reason: Text = Field(description="Why")
    evidence: str = Field("", description="Document that shows it")


class InvoiceTerms(Terms):
    """One month of one product, to be invoiced."""

    factor: Slug = Field(description="Factor that makes the product")
    period: str = Field(pattern=PERIOD, description="Month, as in 2026-07")
    issued_on: date = Field(description="Day of the invoice")

    @model_validator(mode="after")
    def _month_is_over(self) -> Self:
        if f"{self.issued_on:%Y-%m}" <= self.period:
            raise ValueError(f"{self.period} is not over yet; invoice it afterwards")
        return self


class DeliveryTerms(Terms):
    """One bundle that was handed over: who got which rows of what."""

    factor: Slug = Field(description="Factor that makes the product")
    order: Number = Field(description="Number of the order")
    delivery: str = Field(description="Id of the delivery; usage repeats it")
    manifest: str = Field(description="DELIVERY.json, as the customer has it")
    sums: str = Field(description="SHA256SUMS, as the customer has it")

    @property
    def part(self) -> str:
        """Say which delivery this is about."""
        return self.delivery
